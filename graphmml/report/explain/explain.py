"""explain: which neighbours, modalities and features moved one prediction, and what would turn it."""

from collections.abc import Iterator
from dataclasses import replace
from numbers import Integral

import numpy as np

from graphmml.data.cohort import Cohort
from graphmml.data.ids import among
from graphmml.data.kinds import kind_of, wanted
from graphmml.data.kinds import shown as shown_kind
from graphmml.errors import CohortError, GraphmmlError
from graphmml.graph.relations import PATIENT
from graphmml.report.explain.attribution import Attribution, Method
from graphmml.report.explain.counterfactual import Search, renamed
from graphmml.report.explain.explanation import NO_CAUSE, PATIENT_LEVEL, Explanation, Told
from graphmml.report.explain.fidelity import fidelity
from graphmml.report.explain.occlusion import Occlusion
from graphmml.report.explain.part import Part
from graphmml.report.explain.subject import Subject, refuse_unknown
from graphmml.report.explain.turn_feature import turn_feature
from graphmml.report.explain.turn_links import turn_links
from graphmml.train.baselines import Baseline
from graphmml.train.calibrated import CalibratedClassifier
from graphmml.train.layers import Inner, Layer, known_in, layers_of
from graphmml.train.tuned import Tuned


def explain(
    model: Inner | Layer | Tuned,
    cohort: Cohort,
    patient: int | str,
    *,
    method: Method | None = None,
    target: str | None = None,
    parts: int = 5,
    show_ids: bool = False,
    seed: int = 0,
) -> Explanation:
    """Say what moved the model's prediction for one patient, a row's number or an id, and what would turn it.

    Explained is the ensemble's probability of the predicted class, or of `target`. `method` is `Occlusion()` (the
    reference), `IntegratedGradients()` or `GNNExplainer()`. Fidelity is measured on the `parts` features and links
    named first, against as many drawn by `seed`. Attention is no importance and is not asked (Jain and Wallace, NAACL
    2019). Neighbours are called by number, the most heard first, and by id only with `show_ids`: they are training
    patients. Of a CalibratedClassifier the probability before calibration is explained, and a note
    says what it is after. For what counts over many
    patients see `importances`, for modalities also `modality_worth`. Of a plain model (`Baseline`) features and
    modalities are explained, by `Occlusion` alone.
    """
    if parts < 1:
        raise GraphmmlError(f"parts is {parts}; choose one or more")
    outer, model, method = model, known_in(model, "an explanation is"), usable(method)
    wanted(cohort, Cohort)
    row = row_of(cohort, patient)
    predicted = Subject.of(model, cohort[[row]])
    subject = aimed(predicted, target)
    told = method.attribute(subject)
    measured = fidelity(subject, told, parts=parts, draws=100, seed=seed, instead=method.instead)
    p = subject.held(subject.person)[:, 0].mean(axis=0)
    edges = called(subject, show_ids=show_ids)
    ranked = tuple(item.part for item in told.of_kind("feature"))
    classes = [str(name) for name in model.classes_]
    return Explanation(
        patient=str(cohort.ids[row]) if show_ids else f"row {row}",
        method=repr(method),
        unit=told.unit,
        explained=classes[subject.target],
        prediction=classes[predicted.target],
        probabilities=dict(zip(classes, map(float, p), strict=True)),
        members=max(len(subject.members), 1),
        told=tuple(shown(subject, item, edges) for item in told.attributions),
        baseline=told.baseline,
        gap=told.gap,
        fidelity=measured,
        links=renamed(turned(predicted, turn_links(predicted)), edges),
        feature=turned(predicted, turn_feature(predicted, ranked)),
        notes=(PATIENT_LEVEL, NO_CAUSE, *uncalibrated(outer, p, subject), *cautions(subject, cohort[[row]])),
    )


def usable(method: Method | None) -> Method:
    """Return the method that is given, or the usual one; raise for what attributes nothing."""
    if method is None:
        return Occlusion()
    if isinstance(method, type) or not hasattr(method, "attribute"):
        raise GraphmmlError(
            f"method is {shown_kind(method)}; give gm.Occlusion(), gm.IntegratedGradients() or gm.GNNExplainer()"
        )
    return method


def uncalibrated(model: Inner | Layer | Tuned, p: np.ndarray, subject: Subject) -> Iterator[str]:
    """Say what `predict` gives instead of the network's own probabilities [class], where it calibrates."""
    for layer in layers_of(model):
        if isinstance(layer, CalibratedClassifier) and layer.calibrator_ is not None:
            risk = float(layer.calibrated(np.asarray(p)[None])[0, subject.target])
            named = f"'{subject.model.classes_[subject.target]}'"
            yield f"Probabilities here are the model's own; calibrated, as predict gives it, {named} is {risk:.2f}."


def row_of(cohort: Cohort, patient: int | str) -> int:
    """Return the position of a patient given by row or by id; no error repeats an id."""
    if isinstance(patient, str):
        return int(cohort.rows_of([patient])[0])
    if isinstance(patient, bool) or not isinstance(patient, Integral):
        raise CohortError(f"the patient is given by {kind_of(patient)}; give one row's number, or an id as text")
    if not 0 <= patient < len(cohort):
        raise CohortError(f"row {patient} is asked for and the cohort has rows 0 to {len(cohort) - 1}")
    return int(patient)


def aimed(subject: Subject, target: str | None) -> Subject:
    """Return the subject with another class to explain."""
    if target is None:
        return subject
    classes = [str(name) for name in subject.model.classes_]
    refuse_unknown(target, classes, "class")
    return replace(subject, target=classes.index(target))


def turned(subject: Subject, search: Search) -> Search:
    """Return the search as it is, or raise where a counterfactual names the class that was predicted anyway."""
    if search.found is not None and search.found.prediction == str(subject.model.classes_[subject.target]):
        raise RuntimeError("a counterfactual does not turn the prediction")  # a bug of ours
    return search


def called(subject: Subject, *, show_ids: bool) -> tuple[Part, ...]:
    """Return the links as parts, named by number or by the neighbour's id."""
    if not show_ids:
        return subject.edges
    ids = subject.model.source_.ids
    return tuple(
        replace(part, name=str(ids[link.source])) if link.kind == PATIENT else part
        for part, link in zip(subject.edges, subject.links, strict=True)
    )


def shown(subject: Subject, item: Attribution, edges: tuple[Part, ...]) -> Told:
    """Return a part with what the patient has there, or with the class of whom they hear."""
    if item.part.kind == "feature":
        value = subject.value(item.part)
        return Told(item, float(value) if isinstance(value, float | np.floating) else value)
    if item.part.kind != "link":
        return Told(item)
    link = subject.links[item.part.number]
    code = subject.model.codes_[link.source] if isinstance(link.source, int) else -1
    label = str(subject.model.classes_[code]) if code >= 0 else ""
    return Told(replace(item, part=edges[item.part.number]), None, label, link.weight, link.members)


def cautions(subject: Subject, cohort: Cohort) -> list[str]:
    """Say what else the reader must know of this patient."""
    said = []
    if among(cohort.ids, subject.model.source_.ids).any():
        said.append("The model was fitted on this patient: it may know the answer by heart.")
    if not subject.person.present.any():
        said.append("Nothing that the model knows was measured in this patient.")
    if isinstance(subject.model, Baseline):
        said.append("The model has no graph: nobody else moved the prediction.")
    elif not subject.links:
        said.append("The patient has no link: nobody else moved the prediction.")
    return said
