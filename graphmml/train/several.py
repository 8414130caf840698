"""fit_each: copies of one model fitted, each on patients of its own, on a GPU several at a time."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from graphmml.data.cohort import Cohort
from graphmml.train.estimator import GraphClassifier
from graphmml.train.members import bundles, train_members


def fit_each(models: Sequence[Any], cohorts: Iterable[Cohort]) -> Iterator[Any]:
    """Fit models that are alike but for their seeds, each on its cohort, and yield them in their order.

    Where steps of one would leave a GPU idle, the networks of several are trained as one program.
    """
    pairs = zip(models, cohorts, strict=True)
    if not all(type(model) is GraphClassifier for model in models):
        yield from (model.fit(cohort) for model, cohort in pairs)
        return
    for some in bundles(model.meet(cohort) for model, cohort in pairs):
        train_members(some)
        yield from (model.combine() for model in some)
