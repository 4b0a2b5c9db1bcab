"""How long work tells how far it is, and what people should know of it: callables, passed in, that may be ignored."""

from typing import Protocol

from sepmodels.marks import words_only


@words_only
class Progress(Protocol):
    """Called now and then by long work."""

    def __call__(self, done: int, total: int, unit: str, **figures: float) -> None:
        """Say that ``done`` of ``total`` are made; ``unit`` is one ("step"); figures (loss=0.3) stand beside."""


@words_only
class Say(Protocol):
    """Called with what a person should know."""

    def __call__(self, sentence: str, /) -> None:
        """Say one sentence."""


@words_only
def silent(done: int, total: int, unit: str, **figures: float) -> None:
    """Show nothing."""
