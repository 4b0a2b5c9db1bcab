"""How long work tells how far it is: one callable, passed in, that may be ignored."""

from typing import Protocol


class Progress(Protocol):
    """Called now and then by long work."""

    def __call__(self, done: int, total: int, unit: str, **figures: float) -> None:
        """Say that ``done`` of ``total`` are made; ``unit`` is one ("step"); figures (loss=0.3) stand beside."""


def silent(done: int, total: int, unit: str, **figures: float) -> None:
    """Show nothing."""
