"""What a calibrated model knows of how far it can be trusted, by item of its card."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from graphmml.report.card_making import Fact
from graphmml.report.html.section import Table
from graphmml.report.measures import SMALLEST_CELL
from graphmml.report.words import bounded
from graphmml.train.calibrated import CalibratedClassifier
from graphmml.train.curves import Calibration, calibration
from graphmml.train.intervals import over_patients, span
from graphmml.train.layers import innermost
from graphmml.train.scores import METRICS

SCORES = {"auroc": "AUROC", "auprc": "AUPRC", "brier": "Brier score", "accuracy": "accuracy"}


def trust_facts(model: CalibratedClassifier) -> Iterator[Fact]:
    """Yield what was learned from patients whom a model had not seen."""
    held = model.held_out_
    folds = "five folds, or as many as classes allow" if model.splits is None else repr(model.splits)
    learned = f"learned from {len(held.codes):,} held-out patients ({folds})"
    if model.method is not None:
        found = getattr(model.calibrator_, "value", None)
        number = "" if found is None else f" {found:.2f}"
        yield "15", f"Probabilities are calibrated by {model.method}{number}, {learned}."
    within = "" if model.group is None else f", with a threshold for each {model.group}"
    yield "15", f"Conformal sets are to hold the true class of {model.coverage:.0%} of patients{within}, {learned}."
    alone = model.sets_.sets(held.p, held.groups).sum(axis=1) == 1
    single = bounded(int(alone.sum()), len(alone), smallest=SMALLEST_CELL)[1]
    yield (
        "15",
        f"Where a set is not a single class the model abstains: of held-out patients {single} get a single class.",
    )
    yield "12c", f"Calibration and sets: every patient is {HELD[model.refitted_]}."
    endless = sum(np.isinf(limit) for limit in model.sets_.thresholds.values())
    if endless:
        yield (
            "14",
            f"{endless} value(s) of {model.group} have too few held-out patients for a threshold and get every class.",
        )
    elif model.group is not None:
        yield "14", f"Sets are to cover as often in each {model.group}."
    if model.refitted_:
        yield (
            "26",
            "The coverage of sets is not guaranteed: their thresholds come from models of folds, not from this one.",
        )
    yield "27a", f"A patient unlike those of training (p below {model.unlike:g} among held-out patients) is flagged."
    yield "23a", HELD_OUT
    blocks = innermost(model).blocks_
    if blocks:
        yield (
            "23a",
            f"Who of them shares {' or '.join(blocks)} is not kept: those intervals draw each patient alone, and are "
            "narrower than they should be.",
        )


HELD = {
    True: "predicted once by a model that has not seen it, and the model in use is then fitted on all",
    False: "either learned from, or held out to learn calibration and thresholds",
}
HELD_OUT = (
    "Held-out patients of calibration: the scores below are of the model's own probabilities for them, before "
    "calibration, pooled over folds, with a bootstrap interval over patients. Controls come with a run."
)


def held_out_tables(model: CalibratedClassifier) -> Iterator[Table]:
    """Yield scores of held-out patients, and how predicted and observed shares of the last class compare."""
    held = model.held_out_
    known = held.codes >= 0
    codes, p = held.codes[known], held.p[known]
    rows = [
        [said, span(over_patients(partial(scored, name, codes, p), len(codes), draws=200))]
        for name, said in SCORES.items()
    ]
    yield Table(f"{len(codes):,} held-out patients", ["score", "value (95 %)"], rows)
    last = str(model.classes_[-1])
    before, after = (calibration(codes == p.shape[1] - 1, q[:, -1], bins=5) for q in (p, model.calibrated(p)))
    yield Table(
        f"share of '{last}', before calibration, bins of {SMALLEST_CELL} or more",
        ["predicted", "observed"],
        binned(before),
    )
    if model.calibrator_ is not None:
        title = f"share of '{last}', calibrated; learned from the same patients, so that it looks better than it is"
        yield Table(title, ["predicted", "observed"], binned(after))


def binned(found: Calibration) -> list[list[str]]:
    """Write the bins of a calibration curve; an observed share that rests on few patients as a bound."""
    hits = np.rint(found.observed * found.patients).astype(int)
    return [
        [f"{predicted:.0%}", bounded(hit, size, smallest=SMALLEST_CELL)[1]]
        for predicted, hit, size in zip(found.predicted, hits.tolist(), found.patients.tolist(), strict=True)
    ]


def scored(metric: str, codes: np.ndarray, p: np.ndarray, rows: np.ndarray) -> float:
    """Return one score of some patients."""
    return METRICS[metric](codes[rows], p[rows])
