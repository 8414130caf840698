"""What a model or a run was made with."""

import platform
from importlib.metadata import version


def versions() -> dict[str, str]:
    """Return what the model was made with."""
    names = ("graphmml", "torch", "torch-geometric", "scikit-learn", "numpy", "pandas", "skops")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
