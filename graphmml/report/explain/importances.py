"""Importances: what counts over held-out patients of every fold, and whether folds agree on it."""

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace

import joblib
import numpy as np
import pandas as pd
from sklearn.base import clone

from graphmml.data.cohort import Cohort
from graphmml.data.encode import EncodedCohort
from graphmml.data.folds import Fold, Folds, Splitter, folds_of
from graphmml.errors import CohortError
from graphmml.graph.patient_graph import GraphConstructor, source_links
from graphmml.graph.relations import PATIENT
from graphmml.report.explain.exchanged import Exchanged, Without
from graphmml.report.explain.importance_result import Importance, Importances
from graphmml.report.explain.part import KINDS, Part
from graphmml.report.explain.typical import Instead, refuse_instead, typical
from graphmml.train.baselines import Baseline
from graphmml.train.calibrated import CalibratedClassifier
from graphmml.train.chance import one_thread
from graphmml.train.cross_validate import seeds_of
from graphmml.train.estimator import GraphClassifier
from graphmml.train.growing import new_codes
from graphmml.train.layers import Inner, innermost
from graphmml.train.parallel import side_by_side
from graphmml.train.planned import Model, inside, network_of
from graphmml.train.scores import auroc
from graphmml.train.tuned import Tuned
from graphmml.train.worth import lacking

WIDE = 64
"""Columns of a modality beyond which it is told as a whole alone."""


def importances(
    model: Model,
    cohort: Cohort,
    folds: Splitter | None = None,
    *,
    instead: Instead = "typical",
    shuffles: int = 3,
    top: int = 5,
    jobs: int = -1,
    seed: int = 0,
) -> Importances:
    """Say which modalities, features and relations count for held-out patients, and whether folds agree on it.

    In every fold (default: 5) a copy of the model learns from the training patients, and of the others is told, for
    each part: `change`, by how much the probability of the predicted class changes without it (the mean absolute
    difference over the patients who have it, as `Occlusion` has it), and `drop`, by how much AUROC falls when the
    part is exchanged between patients at random (permutation importance, Breiman 2001), `shuffles` times; a relation
    is exchanged by giving patients each other's links. `change` is never below zero, whatever the part says; `drop` is
    about zero for what says nothing. Intervals over folds are Nadeau and Bengio's. Columns of a modality with more
    than 64 are not told one by one. A `Tuned` model is tuned in every fold; of a `CalibratedClassifier` the model
    inside is told of, before calibration; a plain model (`Baseline`) has no relations. `modality_worth` shares the
    score of one fitted model out between modalities.
    """
    model = inside(model, CalibratedClassifier)
    if not isinstance(inside(model, Tuned), Baseline):
        network_of(model)
    refuse_instead(instead)
    if shuffles < 1 or top < 1:
        raise CohortError(f"shuffles is {shuffles} and top {top}; both must be 1 or more")
    folds = Folds(5, seed=seed) if folds is None else folds
    made = folds_of(folds, cohort)
    work = [joblib.delayed(of_fold)(model, cohort, fold, instead, shuffles, seed) for fold in made]
    found = list(side_by_side(work, jobs))
    parts = list(dict.fromkeys(part for each in found for part in each))
    nothing = (float("nan"), float("nan"))
    rows = [
        Importance(part, *(np.array([each.get(part, nothing)[at] for each in found]) for at in (0, 1)))
        for part in parts
    ]
    rows.sort(key=lambda row: (KINDS.index(row.part.kind), -np.nan_to_num(np.nanmean(row.change)), row.part.label))

    train, test = (float(np.mean([len(getattr(fold, side)) for fold in made])) for side in ("train", "test"))
    return Importances(tuple(rows), len(made), train, test, top, len({fold.repeat for fold in made}))


Score = tuple[float, float]
"""Change and drop."""


def of_fold(model: Model, cohort: Cohort, fold: Fold, instead: Instead, shuffles: int, seed: int) -> dict[Part, Score]:
    """Fit a copy on a fold's training patients and score every part on the others."""
    with one_thread():
        fitted = innermost(clone(model).set_params(**seeds_of(model, fold.seed)).fit(cohort[fold.train]))
        asked = Asked.of(fitted, cohort[fold.test], instead, shuffles, seed + fold.seed)
        return dict(asked.scores())


@dataclass(frozen=True, eq=False)
class Asked:
    """A fitted model, held-out patients as it encodes them, their classes, and what it says to them."""

    model: Inner
    target: EncodedCohort
    codes: np.ndarray
    p: np.ndarray
    instead: Instead
    shuffles: int
    seed: int

    @classmethod
    def of(cls, model: Inner, cohort: Cohort, instead: Instead, shuffles: int, seed: int) -> "Asked":
        """Encode and predict the patients."""
        target = model.encoder_.transform(cohort)
        p = model.predict_encoded(target).mean(axis=0)
        return cls(model, target, new_codes(model, cohort), p, instead, shuffles, seed)

    def scores(self) -> Iterator[tuple[Part, Score]]:
        """Yield every part with its change and its drop."""
        for name in self.target.modalities:
            has = self.target.has(name)
            if has.any():
                yield Part("modality", name), self.modality(name, has)
                columns = self.target.tables[name].columns
                for column in columns if len(columns) <= WIDE else ():
                    known = has & self.target.tables[name][column].notna().to_numpy()
                    if known.any():
                        yield Part("feature", str(column), name), self.feature(name, str(column), has, known)
        if isinstance(self.model, Baseline):
            return
        drawn = source_links(self.model.constructor, self.model.source_)
        ends = {PATIENT, *drawn.parts}
        for relation in drawn:
            if relation.target in ends and not relation.own:
                yield Part("relation", relation.name), self.relation(relation.name, relation.target == PATIENT)

    def modality(self, name: str, has: np.ndarray) -> Score:
        """Take a modality away, and exchange it between all patients."""
        hidden = np.array([other == name for other in self.target.modalities])
        gone = self.predicted(lacking(self.target, hidden))
        orders = self.orders(np.arange(len(self.target)))
        return self.change(gone, has), self.drop(self.exchanged(name, order) for order in orders)

    def feature(self, name: str, column: str, has: np.ndarray, known: np.ndarray) -> Score:
        """Take a column away, and exchange it between the patients who have the modality."""
        values = self.target.tables[name][column]
        stand_in = typical(self.model, name, column, self.instead)
        gone = self.predicted(self.rewritten(name, {column: values.where(~known, stand_in)}))
        orders = self.orders(np.flatnonzero(has))
        moved = (self.rewritten(name, {column: reordered(values, order)}) for order in orders)
        return self.change(gone, known), self.drop(self.predicted(each) for each in moved)

    def relation(self, name: str, between_patients: bool) -> Score:
        """Take a relation's links away, and give them to each other; of parts they cannot be exchanged."""
        links = self.model.constructor
        everybody = np.ones(len(self.target), dtype=bool)
        change = self.change(self.predicted(self.target, Without(links, name)), everybody)
        if not between_patients:
            return change, float("nan")
        orders = self.orders(np.arange(len(self.target)))
        return change, self.drop(self.predicted(self.target, Exchanged(links, name, order)) for order in orders)

    def orders(self, rows: np.ndarray) -> list[np.ndarray]:
        """Return shuffles of all patients in which only these rows change places."""
        rng, found = np.random.default_rng(self.seed), []
        for _ in range(self.shuffles):
            order = np.arange(len(self.target))
            order[rows] = rng.permutation(rows)
            found.append(order)
        return found

    def exchanged(self, name: str, order: np.ndarray) -> np.ndarray:
        """Return the answers to patients who have each other's table."""
        table = self.target.tables[name]
        return self.predicted(self.rewritten(name, {column: reordered(table[column], order) for column in table}))

    def rewritten(self, name: str, columns: Mapping[str, pd.Series]) -> EncodedCohort:
        """Return the patients with other values in some columns of a modality, encoded anew."""
        tables = {**self.target.tables, name: self.target.tables[name].assign(**columns)}
        made = self.model.encoder_.transform(Cohort(self.target.ids, tables, groups=self.target.groups))
        return replace(made, groups=self.target.groups, timeline=self.target.timeline)

    def predicted(self, target: EncodedCohort, links: GraphConstructor | None = None) -> np.ndarray:
        """Return the ensemble's probabilities, of other links where they are given: [patient, class]."""
        if links is None:
            return np.asarray(self.model.predict_encoded(target).mean(axis=0))
        return np.asarray(relinked(self.model, links).predict_encoded(target).mean(axis=0))

    def change(self, gone: np.ndarray, who: np.ndarray) -> float:
        """Return the mean absolute change of the probability of the predicted class."""
        rows, best = np.flatnonzero(who), self.p.argmax(axis=1)[who]
        return float(np.abs(self.p[rows, best] - gone[rows, best]).mean())

    def drop(self, exchanged: Iterator[np.ndarray]) -> float:
        """Return by how much AUROC falls, a mean over shuffles."""
        return auroc(self.codes, self.p) - float(np.mean([auroc(self.codes, p) for p in exchanged]))


def relinked(model: GraphClassifier, links: GraphConstructor) -> GraphClassifier:
    """Return the fitted model with other links; the model itself stays as it is."""
    made = copy(model)
    made.links = links
    return made


def reordered(values: pd.Series, order: np.ndarray) -> pd.Series:
    """Return values in another order under the same index."""
    return values.iloc[order].set_axis(values.index)
