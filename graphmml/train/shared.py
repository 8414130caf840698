"""What the models of a fold share: patients are prepared once a process, and each part of them is cut out once.

Only inside `sharing()`, as cross-validation fits models that nobody is given; elsewhere everything is made anew, so
that no two models of a user's hold the same arrays.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pickle import PicklingError
from weakref import WeakKeyDictionary

import joblib
import numpy as np
from sklearn.base import clone

from graphmml.data.cohort import Cohort
from graphmml.data.encode import CohortEncoder, EncodedCohort, Preparation
from graphmml.data.kinds import wanted
from graphmml.train.own_code import behind

KEPT = 6
"""So many preparations are remembered, those used last: the folds in work and the inner ones of calibration."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A fitted preparation and the patients whom it has encoded, by a hash of all that is known of them."""

    encoder: Preparation
    encoded: dict[str, EncodedCohort] = field(default_factory=dict)


_ON: ContextVar[bool] = ContextVar("sharing", default=False)
_PREPARED: OrderedDict[tuple[str, str], Prepared] = OrderedDict()
_CUT: WeakKeyDictionary[EncodedCohort, dict[bytes, EncodedCohort]] = WeakKeyDictionary()


@contextmanager
def sharing() -> Iterator[None]:
    """Let models that are fitted inside the block share what they make of the same patients."""
    token = _ON.set(True)
    try:
        yield
    finally:
        _ON.reset(token)


def fitted(prepare: Preparation | None, cohort: Cohort) -> Preparation:
    """Return a copy of the preparation (default: CohortEncoder) that has learned from these patients."""
    fresh: Preparation = CohortEncoder() if prepare is None else clone(prepare)
    name = written(fresh) if _ON.get() else None
    if name is None:
        return fresh.fit(cohort)
    key = (name + behind(fresh), content(cohort))
    if key not in _PREPARED:
        _PREPARED[key] = Prepared(fresh.fit(cohort))
        while len(_PREPARED) > KEPT:
            _PREPARED.popitem(last=False)
    _PREPARED.move_to_end(key)
    return _PREPARED[key].encoder


def encoded(encoder: Preparation, cohort: Cohort) -> EncodedCohort:
    """Return the patients encoded."""
    wanted(cohort, Cohort)
    known = [prepared.encoded for prepared in _PREPARED.values() if prepared.encoder is encoder]
    if not known or not _ON.get():
        return encoder.transform(cohort)
    key = content(cohort)
    if key not in known[0]:
        known[0][key] = encoder.transform(cohort)
    return known[0][key]


def part_of(source: EncodedCohort, rows: np.ndarray) -> EncodedCohort:
    """Return some of the patients: the same object for the same rows, so that links within it are drawn once."""
    if not _ON.get():
        return source[rows]
    known = _CUT.setdefault(source, {})
    key = rows.tobytes()
    if key not in known:
        known[key] = source[rows]
    return known[key]


def written(prepare: Preparation) -> str | None:
    """Hash all settings of a preparation; None where one of them cannot be written, as a lambda cannot."""
    try:
        return str(joblib.hash(prepare))
    except (PicklingError, AttributeError, TypeError):
        return None


def content(cohort: Cohort) -> str:
    """Hash what a preparation can see, in its order: faster than the fingerprint, which no order changes."""
    return str(joblib.hash((cohort.tables, cohort.groups, cohort.outcome, cohort.timeline, sorted(cohort.counted))))
