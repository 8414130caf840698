"""Tuned: a model whose settings are searched on inner folds of whatever it is fitted on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from graphmml.data.cohort import Cohort
from graphmml.data.encode import Preparation
from graphmml.data.folds import inner_folds
from graphmml.data.kinds import refuse_numbers, refuse_plain, wanted
from graphmml.errors import GraphError, GraphmmlError, NotFittedError
from graphmml.train.chance import refuse_seed
from graphmml.train.classifier import Predicts, refuse_outcome
from graphmml.train.scores import log_loss
from graphmml.train.several import fit_each
from graphmml.train.spaces import Space, alike, given_of, refuse_space, space_of, untuned
from graphmml.train.tasks import ClassTask


@dataclass(frozen=True)
class Search:
    """How settings are searched: `trials` of them, the given ones first, each scored on `folds` inner folds.

    The same budget for every model: a graph network is not tuned harder than what it is compared with. Trials are
    drawn at random without repetition (Bergstra and Bengio 2012), or by the tree-structured Parzen estimator of
    optuna (the extra `tune`) with `by="optuna"`. No settings are scored twice, those given among them; where a space
    has fewer than `trials`, all of it is tried.
    """

    trials: int = 10
    folds: int = 3
    by: Literal["random", "optuna"] = "random"
    seed: int = 0

    def __post_init__(self) -> None:
        refuse_numbers(self)
        if self.trials < 1 or self.folds < 2:
            raise GraphmmlError(f"{self.trials} trials on {self.folds} folds were asked for; 1 on 2 are the fewest")
        refuse_seed(self.seed)
        if self.by not in ("random", "optuna"):
            raise GraphmmlError(f"settings are searched by '{self.by}'; choose random or optuna")


ASKED = 20
"""Optuna is asked at most so many times for each trial, for it may propose what it knows."""


class Trial(NamedTuple):
    """Settings in words, how they were scored, and where the loss is infinite what their error was."""

    settings: dict[str, str]
    loss: float
    failed: str = ""


Folds = Sequence[tuple[Cohort, Cohort]]
"""Patients to learn from and patients to be scored on."""


class Tuned(Predicts, ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Fit a model with the settings of the lowest log-loss on inner folds of its training patients.

    `space` holds values by the name of a setting (default: `space_of` the model, a dozen or so). The model with those
    settings is then fitted on all training patients. `chosen_` says in words which settings won, `trials_` how each
    was scored, infinitely where they cannot be had of these patients, and then why. Where that is so of all that were
    drawn from a `space` of yours, the error is raised. Nothing of a test fold is seen, so that nested inside
    `cross_validate` scores stay honest (Varma and Simon 2006).
    """

    def __init__(self, model: Any, search: Search | None = None, *, space: Space | None = None) -> None:
        self.model = model
        self.search = search
        self.space = space

    def fit(self, cohort: Cohort, y: None = None) -> Self:
        """Search, then fit on every patient given; the outcome is the cohort's: `y` stays None."""
        wanted(cohort, Cohort)
        refuse_outcome(y)
        refuse_search(self)
        search, model = self.search or Search(), untuned(self.model)
        space = space_of(model) if self.space is None else self.space
        labelled = cohort[np.flatnonzero(cohort.labelled)]
        folds = [
            (labelled[fold.train], labelled[fold.test])
            for fold in inner_folds(labelled, search.folds, seed=search.seed, n=search.folds)
        ]
        failed: list[GraphError | None] = []

        def loss(settings: Mapping[str, Any]) -> float:
            value, error = scored(model, settings, folds)
            failed.append(error)
            return value

        trials = list(searched(space, search, loss, given_of(model, space)))
        if self.space is not None:
            refuse_failed(failed[1:])
        best, self.loss_ = min(trials, key=lambda trial: trial[1])
        self.trials_ = tuple(
            Trial(said(settings), value, "" if error is None else str(error))
            for (settings, value), error in zip(trials, failed, strict=True)
        )
        self.chosen_ = said(best)
        self.model_ = clone(model).set_params(**best).fit(cohort)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, cohort: Cohort) -> np.ndarray:
        """Return the probability of each class in `classes_`: float64 [patient, class]."""
        self.check_fitted()
        return np.asarray(self.model_.predict_proba(cohort))

    @property
    def encoder_(self) -> Preparation:
        """What the model with the chosen settings has learned of columns."""
        return self.model_.encoder_  # type: ignore[no-any-return]

    def check_fitted(self) -> None:
        """Raise NotFittedError before `fit`."""
        if not hasattr(self, "model_"):
            raise NotFittedError("this model has seen no patients yet; call fit(cohort[train]) first")


def refuse_search(tuned: Tuned) -> None:
    """Raise GraphmmlError for a model, a search or a space that there is no tuning with."""
    refuse_plain(tuned.model)
    if tuned.search is not None:
        wanted(tuned.search, Search)
    if tuned.space is not None:
        refuse_space(tuned.space, untuned(tuned.model))


def scored(model: Any, settings: Mapping[str, Any], folds: Folds) -> tuple[float, GraphError | None]:
    """Return the mean loss of settings; infinite, with the error, where they cannot be had of these patients."""
    try:
        copies = [clone(model).set_params(**settings) for _ in folds]
        fitted = fit_each(copies, (train for train, _ in folds))
        losses = [held_out_loss(one, test) for one, (_, test) in zip(fitted, folds, strict=True)]
        return float(np.mean(losses)), None
    except GraphError as error:
        if not settings:
            raise
        return float("inf"), error  # as for more neighbours than there are patients


def refuse_failed(failed: Sequence[GraphError | None]) -> None:
    """Raise GraphError where there is an error of every trial."""
    errors = [error for error in failed if error is not None]
    if errors and len(errors) == len(failed):
        raise GraphError(f"of {len(failed)} settings drawn from the space none can be fitted; the last: {errors[-1]}")


def held_out_loss(fitted: Any, test: Cohort) -> float:
    """Return the log-loss of a fitted model for patients it has not seen; a class it has not seen costs in full."""
    task = ClassTask(tuple(fitted.classes_))
    codes, p = task.codes(test), fitted.predict_proba(test)
    p = np.column_stack([p, np.zeros(len(p))])  # the last column is what training did not have
    return log_loss(np.where(codes < 0, p.shape[1] - 1, codes), p)


def said(settings: Mapping[str, Any]) -> dict[str, str]:
    """Write settings in words."""
    return {name: repr(value) for name, value in settings.items()}


def searched(
    space: Space, search: Search, loss: Any, given: Mapping[str, Any] | None = None
) -> Iterator[tuple[dict[str, Any], float]]:
    """Yield settings and their loss: those given first, then as many others as the budget and the space allow."""
    given, first = given or {}, loss({})
    yield {}, first
    others = list(islice(drawn(space, search.seed, given), search.trials))
    if search.by == "optuna" and len(others) == search.trials:  # else all of the space is tried, whoever proposes it
        yield from islice(by_optuna(space, search, loss, [(given, first)]), search.trials - 1)
    else:
        yield from ((settings, loss(settings)) for settings in others[: search.trials - 1])


def drawn(space: Space, seed: int, given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all settings of a space in random order, each once, but for those given."""
    sizes = [len(values) for values in space.values()]
    known = [given]
    for place in np.random.default_rng(seed).permutation(int(np.prod(sizes))):
        at = np.unravel_index(place, sizes)
        settings = {name: values[int(i)] for (name, values), i in zip(space.items(), at, strict=True)}
        if not any(alike(settings, one) for one in known):
            known.append(settings)
            yield settings


def by_optuna(
    space: Space, search: Search, loss: Any, known: list[tuple[Mapping[str, Any], float]]
) -> Iterator[tuple[dict[str, Any], float]]:
    """Yield settings that optuna proposes, each told of the losses before it; of those known it is told again."""
    try:
        optuna = import_module("optuna")
    except ImportError:
        raise GraphmmlError("searching by optuna needs it: pip install 'graphmml[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=search.seed))
    for _ in range(ASKED * search.trials):
        trial = study.ask()
        settings = {name: values[trial.suggest_int(name, 0, len(values) - 1)] for name, values in space.items()}
        before = [value for one, value in known if alike(settings, one)]
        study.tell(trial, value := before[0] if before else loss(settings))
        if not before:
            known.append((settings, value))
            yield settings, value
