"""A small project on disk, whose code versions are computed while it is edited."""

import textwrap
from pathlib import Path

from assets.staleness.code.version import code_version, explain

FILES = {
    "sepmodels/__init__.py": "",
    "sepmodels/losses.py": """
        import torch
        SCALE = 2.0
        def mse(estimate, target):
            return (SCALE * (estimate - target) ** 2).mean()
        def l1(estimate, target):
            return torch.abs(estimate - target).mean()
        def build_loss(variant):
            return globals()[variant.loss]
    """,
    "sepmodels/models/__init__.py": """
        import importlib
        from .shared import Norm
        def build_model(variant):
            return importlib.import_module(f"sepmodels.models.{variant.architecture}").Model()
    """,
    "sepmodels/models/shared.py": """
        class Norm:
            def forward(self, x):
                return x
    """,
    "sepmodels/models/lstm.py": """
        from sepmodels.models import Norm
        class Model(Norm):
            width: int = 3
            def forward(self, x):
                return self.helper(x)
            def helper(self, x):
                return x + 1
    """,
    "sepmodels/models/conv.py": """
        class Model:
            def forward(self, x):
                return x
    """,
    "sepmodels/augment.py": """
        def gain(x):
            return x
        def swap(x):
            return x
    """,
    "sepmodels/systems/__init__.py": "",
    "sepmodels/systems/variants.py": """
        _ALL = ("a", "b")
        VARIANTS = {name: name for name in _ALL}
        def find_variant(name):
            return VARIANTS[name]
    """,
    "sepmodels/training.py": '''
        """Training."""
        import numpy as np
        from sepmodels import augment
        from sepmodels.systems.variants import find_variant
        STEPS = 3
        UNUSED = 4
        def train(variant):
            """Train."""
            import sepmodels.models as architectures
            from .losses import build_loss
            variant = find_variant(variant)
            model, loss = architectures.build_model(variant), build_loss(variant)
            for step in range(STEPS):
                _step(model, loss, augment.gain(np.zeros(3)))
        def _step(model, loss, batch):
            # one step
            return loss(model(batch), batch)
        def unrelated():
            return UNUSED
    ''',
}
TRAINING = "sepmodels.training:train"
RUN_TIME = ("sepmodels.models.lstm:Model", "sepmodels.losses:mse")


class Tree:
    """A small project on disk that can be edited."""

    files = FILES

    def __init__(self, root: Path) -> None:
        self.root = root
        for path, source in self.files.items():
            self.write(path, source)

    def write(self, path: str, source: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(self.dedented(source))

    @staticmethod
    def dedented(source: str) -> str:
        return textwrap.dedent(source).lstrip()

    def edit(self, path: str, old: str, new: str) -> None:
        source = (self.root / path).read_text()
        assert old in source
        (self.root / path).write_text(source.replace(old, new))

    def version(self, *roots, extra_roots=RUN_TIME, **options):
        return code_version(*(roots or (TRAINING,)), extra_roots=extra_roots, root=self.root, **options)

    def changes(self, path: str, old: str, new: str, **options) -> list[str]:
        """What an edit of a file is told to have changed, after checking that the digest agrees."""
        before = self.version(**options)
        self.edit(path, old, new)
        return self.difference(before, **options)

    def difference(self, before, *roots, **options) -> list[str]:
        after = self.version(*roots, **options)
        said = explain(before.parts, after.parts)
        assert (before.digest == after.digest) == (said == [])
        return said
