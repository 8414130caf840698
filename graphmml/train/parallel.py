"""Work in several processes of one thread each, or wherever the caller's joblib backend does it."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import Any

import joblib
from joblib.parallel import get_active_backend

from graphmml.data.kinds import whole
from graphmml.errors import GraphmmlError


def side_by_side(work: Iterable[Any], jobs: int, *, as_done: bool = False) -> Iterator[Any]:
    """Yield what `joblib.delayed` calls return, in their order, or with `as_done` whichever is done first.

    Inside `joblib.parallel_config(backend="dask")` or another choice of the caller's, that backend does it all.
    """
    refuse_jobs(jobs)
    own = ours()
    order = "generator_unordered" if as_done else "generator"
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1) if own else nullcontext():
        yield from joblib.Parallel(n_jobs=jobs if own else -1, return_as=order)(work)


def ours() -> bool:
    """Whether work is done by processes on this machine, and not where the caller said."""
    return type(get_active_backend()[0]).__name__ == "LokyBackend"


def refuse_jobs(jobs: int) -> None:
    """Raise GraphmmlError for a number of processes that does no work."""
    whole("jobs", jobs, 4)
    if jobs == 0:
        raise GraphmmlError("jobs is 0; give a number of processes, or -1 for one a core")
