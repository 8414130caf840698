"""Growing: a fitted model meets patients it has not seen, and takes them in without learning its encoders anew."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.base import clone

from graphmml.data.cohort import Cohort
from graphmml.data.encode import EncodedCohort
from graphmml.data.ids import among
from graphmml.data.kinds import wanted
from graphmml.data.outcome import Outcome
from graphmml.data.timeline import Timeline
from graphmml.errors import CohortError, GraphError
from graphmml.graph.patient_graph import GraphConstructor, PatientGraph, build_graph, source_links

if TYPE_CHECKING:  # the estimator's methods call these functions
    from graphmml.train.estimator import GraphClassifier
    from graphmml.train.loop import Watch
    from graphmml.train.member import Member


def attach(model: "GraphClassifier", cohort: Cohort) -> PatientGraph:
    """Return the graph of all training patients with new ones attached; linking the former is done once."""
    model.check_fitted()
    return build_graph(model.constructor, model.source_, newcomers(model, cohort))


def extend(model: "GraphClassifier", cohort: Cohort, watch: "Watch | None", *, retrain: bool) -> "GraphClassifier":
    """Return a model whose source has the new patients too; `model` stays as it is."""
    model.check_fitted()
    new = newcomers(model, cohort)
    people, place = side_by_side(model.source_, new)
    codes = np.empty(len(people), dtype=np.int64)
    codes[place] = np.concatenate([model.codes_, new_codes(model, cohort)])
    larger: GraphClassifier = clone(model)
    larger.encoder_, larger.classes_, larger.blocks_ = model.encoder_, model.classes_, model.blocks_
    if retrain:
        if not (codes[place[len(model.source_) :]] >= 0).any():
            raise CohortError(
                f"none of the {len(new)} new patients has a known outcome to learn from; give one, or let them be "
                "listened to alone: retrain=False"
            )
        kept = np.flatnonzero((codes >= 0) | (model.setting == "transductive"))
        larger.source_, larger.codes_ = people[kept], codes[kept]
        return larger.learn(watch)
    larger.source_, larger.codes_, larger.combined_ = people, codes, model.combined_
    joined = place[len(model.source_) :]
    larger.members_ = [
        grown(member, np.sort(np.concatenate([place[member.rows], joined])), people, model.constructor)
        for member in model.members_
    ]
    return larger


def newcomers(model: "GraphClassifier", cohort: Cohort) -> EncodedCohort:
    """Encode patients as training did, or raise CohortError for those who are in training already."""
    wanted(cohort, Cohort)
    known = int(among(cohort.ids, model.source_.ids).sum())
    if known or not len(cohort):
        raise CohortError(f"{known} of {len(cohort)} patients are in training already; give new patients, one or more")
    return model.encoder_.transform(cohort)


def new_codes(model: "GraphClassifier", cohort: Cohort) -> np.ndarray:
    """Return the new patients' classes by number, -1 where unknown, and refuse a class training did not have."""
    if cohort.outcome is None:
        return np.full(len(cohort), -1, dtype=np.int64)
    if cohort.outcome.kind != "class":
        raise CohortError(f"the outcome is a {cohort.outcome.kind}; the model was fitted to classes")
    unheard = sorted(set(cohort.outcome.classes) - set(model.classes_))
    if unheard:
        raise CohortError(
            f"the new patients have outcome {', '.join(unheard[:5])}, which training did not ("
            f"{', '.join(model.classes_)}); correct the labels, or fit a new model"
        )
    number = {name: at for at, name in enumerate(model.classes_)}
    return np.array([number.get(value, -1) for value in cohort.outcome.values], dtype=np.int64)


def as_cohort(source: EncodedCohort, codes: np.ndarray, classes: np.ndarray, blocks: tuple[str, ...]) -> Cohort:
    """Return encoded patients as a cohort with their classes, which are given by number, to be laid out in folds."""
    names = [classes[code] if code >= 0 else None for code in codes]
    values = pd.Series(names, index=source.ids, dtype="str", name="outcome")
    return Cohort(source.ids, source.tables, Outcome("class", values), source.groups, blocks)


def side_by_side(one: EncodedCohort, other: EncodedCohort) -> tuple[EncodedCohort, np.ndarray]:
    """Return the patients of both in order of id, and where each of the first and then of the second stands."""
    ids = one.ids.append(other.ids)
    order = np.argsort(ids.to_numpy(dtype=str), kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    both = replace(
        one,
        ids=ids,
        features={name: np.concatenate([one.features[name], other.features[name]]) for name in one.modalities},
        present=np.concatenate([one.present, other.present]),
        tables={name: stacked(table, other.tables[name]) for name, table in one.tables.items()},
        groups=stacked(one.groups, other.groups),
        timeline=one_after_another(one.timeline, other.timeline),
    )
    return both[order], place


def stacked(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of both tables, which have the same columns."""
    columns = {name: joined_column(one[name], other[name]) for name in one.columns}
    return pd.DataFrame(columns, index=one.index.append(other.index))


def joined_column(one: pd.Series, other: pd.Series) -> pd.Series:
    """Return one column behind another; a column in which nobody has anything takes the other's type."""
    if one.isna().all() or other.isna().all():
        kind = other.dtype if one.isna().all() else one.dtype
        one, other = one.astype(kind), other.astype(kind)
    return pd.concat([one, other])


def one_after_another(one: Timeline, other: Timeline) -> Timeline:
    """Return the visits and events of both; a table of nobody's is left out, for it knows no types."""
    parts = [part for part in (one, other) if len(part)]
    if len(parts) < 2:
        return parts[0] if parts else one
    names = sorted({*one.events, *other.events})
    events = {name: pd.concat([part.events[name] for part in parts if name in part.events]) for name in names}
    return Timeline.from_frames(pd.concat([part.visits for part in parts]), events)


def grown(member: "Member", rows: np.ndarray, people: EncodedCohort, links: GraphConstructor) -> "Member":
    """Return a member with its weights and another source, or raise GraphError where these do not go together.

    A concept starts as a vector that was learned for it, so the concepts must be those of training.
    """
    source = people[rows]
    drawn = source_links(links, source)
    kinds = tuple(relation.kind for relation in drawn)
    before = source_links(links, member.source).concepts if member.schema.concepts else {}
    changed = sum(len(set(names) ^ set(drawn.concepts.get(kind, ()))) for kind, names in before.items())
    if before != dict(drawn.concepts) or kinds != member.schema.relations:
        raise GraphError(
            f"with the new patients the graph has {changed} concept(s) more or fewer than the network has learned, "
            f"and {len(kinds)} relation(s) where it knows {len(member.schema.relations)}; let it learn: retrain=True"
        )
    return replace(member, rows=rows, source=source)
