"""Local chance and local threads: what happens inside leaves the global generators and settings untouched."""

from collections.abc import Iterator
from contextlib import contextmanager

import joblib
import torch
from threadpoolctl import threadpool_limits

from graphmml.data.kinds import whole
from graphmml.errors import GraphmmlError


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch inside the block and put its generators back after it."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread inside the block, so that sums come out the same on whatever machine and cluster."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1), joblib.parallel_config(backend="sequential"):
            yield
    finally:
        torch.set_num_threads(before)


def chosen_device(name: str) -> torch.device:
    """Return the device: "auto" takes a GPU where there is one."""
    refuse_device(name)
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if str(name).startswith("cuda") and not torch.cuda.is_available():
        raise GraphmmlError(f'device is \'{name}\' but torch sees no GPU; choose device="auto" or "cpu"')
    return torch.device(name)


def refuse_seed(seed: int, more: int = 0) -> None:
    """Raise GraphmmlError for a seed that no generator takes, also where so many more are made of it."""
    whole("seed", seed, 0)
    most = 2**32 - 1 - more
    if not 0 <= seed <= most:
        raise GraphmmlError(f"seed is {seed}; choose a whole number from 0 to {most}")


def refuse_device(name: str) -> None:
    """Raise GraphmmlError for a device that torch has no word for."""
    try:
        torch.device("cpu" if name == "auto" else str(name))
    except RuntimeError:
        raise GraphmmlError(f'device is {name!r}; choose "auto", "cpu", "cuda" or one GPU, "cuda:1"') from None
