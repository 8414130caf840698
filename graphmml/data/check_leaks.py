"""Checks against the outcome: too few of a class, gaps that give it away, columns that give it away."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.model_selection import KFold

from graphmml.data.check_tables import drop_line, few
from graphmml.data.cohort import Cohort
from graphmml.data.columns import is_number
from graphmml.data.findings import Finding, Status

NEARLY, SURELY = 0.95, 0.99
GAPS = 0.6


def targets(cohort: Cohort) -> np.ndarray | None:
    """Return one 0/1 column a class (one column for two) of the labelled patients: float [patient, target]."""
    outcome = cohort.outcome
    if outcome is None or outcome.kind != "class" or len(outcome.classes) < 2:
        return None
    names = outcome.classes[1:] if len(outcome.classes) == 2 else outcome.classes
    values = outcome.values[outcome.known].to_numpy()
    return np.stack([(values == name).astype(float) for name in names], axis=1)


def area(hit: np.ndarray, score: np.ndarray) -> float:
    """AUROC either way round: how well a number tells a class, high or low."""
    positives = hit.sum()
    if positives == 0 or positives == len(hit):
        return 0.5
    ranks = rankdata(score)
    value = (ranks[hit > 0].sum() - positives * (positives + 1) / 2) / (positives * (len(hit) - positives))
    return float(max(value, 1 - value))


def best_area(y: np.ndarray, column: pd.Series) -> float:
    """Return the largest AUROC of one column over the targets, over the patients who have the column."""
    known = column.notna().to_numpy()
    if known.sum() < 20:
        return 0.5
    if is_number(column):
        score = column[known].to_numpy()
        return max(area(y[known, at], score) for at in range(y.shape[1]))
    return max(area(y[known, at], unseen_prevalence(y[known, at], column[known])) for at in range(y.shape[1]))


def unseen_prevalence(y: np.ndarray, column: pd.Series) -> np.ndarray:
    """Score names by the class's share among other patients of the same name, so that ids score nothing."""
    codes = column.factorize()[0]
    score = np.full(len(y), float(y.mean()))
    for train, test in KFold(5, shuffle=True, random_state=0).split(y):
        count = np.bincount(codes[train], minlength=codes.max() + 1)
        hits = np.bincount(codes[train], weights=y[train], minlength=codes.max() + 1)
        score[test] = ((hits + y.mean()) / (count + 1))[codes[test]]
    return score


def constant_outcome(cohort: Cohort) -> Iterator[Finding]:
    """GM120: nothing to tell apart."""
    if cohort.outcome is None:
        yield Finding("GM120", "n.a.", "no outcome is named", "outcome = { path = ..., column = ... } under [cohort]")
    elif cohort.outcome.kind == "class" and len(cohort.outcome.classes) < 2:
        yield Finding(
            "GM120",
            "fail",
            f"the outcome has {len(cohort.outcome.classes)} class(es); two are wanted",
            "check the outcome's column and its ids",
        )
    else:
        yield Finding("GM120", "pass", "the outcome varies")


def small_classes(cohort: Cohort) -> Iterator[Finding]:
    """GM121: too few of a class, or of an event, to learn or to test."""
    outcome = cohort.outcome
    if outcome is None or outcome.kind == "number":
        yield Finding("GM121", "n.a.", "the outcome has no classes and no events")
        return
    if outcome.event is None:
        counts = outcome.values.value_counts().to_dict()
    else:
        counts = {"event": int(outcome.event.fillna(0).sum())}
    for name, count in counts.items():
        if count < 10:
            yield Finding(
                "GM121",
                "fail" if count < 5 else "warn",
                f"'{name}' has {few(int(count))} patients",
                "merge it with another class, leave it out, or use fewer folds than it has patients",
            )
    yield Finding("GM121", "pass", "every class or event has ten patients or more")


def unlabelled(cohort: Cohort) -> Iterator[Finding]:
    """GM122: patients without an outcome."""
    unknown = 0 if cohort.outcome is None else int((~cohort.labelled).sum())
    yield Finding("GM122", "pass", f"{few(unknown)} patients have no outcome and are neither trained nor tested on")


def missingness(cohort: Cohort) -> Iterator[Finding]:
    """GM502: whether something was measured tells the outcome."""
    y = targets(cohort)
    if y is None:
        yield Finding("GM502", "n.a.", "there is no class outcome to compare gaps with")
        return
    for at, modality in enumerate(cohort.modalities):
        here = cohort.present[cohort.labelled, at].astype(float)
        value = max(area(y[:, one], here) for one in range(y.shape[1]))
        if value > GAPS and here.mean() < 1:
            yield Finding(
                "GM502",
                "warn",
                f"having {modality} at all tells the outcome (AUROC {value:.2f})",
                "ask why; a model that learns who was examined does not carry over to another clinic",
            )
        gaps = cohort.tables[modality][cohort.labelled][here > 0].isna()
        worst = {
            column: max(area(y[here > 0][:, one], gaps[column].to_numpy(dtype=float)) for one in range(y.shape[1]))
            for column in gaps.columns[(gaps.mean() > 0.02).to_numpy()]
        }
        told = sorted((column for column in worst if worst[column] > GAPS), key=lambda column: -worst[column])
        if told:
            yield Finding(
                "GM502",
                "warn",
                f"{modality}: gaps in {len(told)} column(s) tell the outcome, most in '{told[0]}' "
                f"(AUROC {worst[told[0]]:.2f})",
                "ask why they are empty; leave the columns out if they are filled after the outcome",
            )
    yield Finding("GM502", "pass", f"no gap tells the outcome (AUROC above {GAPS})")


def one_column(cohort: Cohort) -> Iterator[Finding]:
    """GM602: one column alone gives the outcome away."""
    y = targets(cohort)
    if y is None:
        yield Finding("GM602", "n.a.", "there is no class outcome that a column could give away")
        return
    highest = 0.5
    for modality, table in cohort.tables.items():
        labelled = table[cohort.labelled]
        for column in labelled:
            value = best_area(y, labelled[column])
            highest = max(highest, value)
            if value > NEARLY:
                yield Finding(
                    "GM602",
                    "fail" if value > SURELY else "warn",
                    f"{modality}: column '{column}' alone predicts the outcome (AUROC {value:.3f})",
                    f"{drop_line(modality, [str(column)])}  unless it is known before the outcome",
                )
    yield Finding("GM602", "pass", f"no single column predicts the outcome above AUROC {NEARLY} (best {highest:.2f})")


def row_order(cohort: Cohort) -> Iterator[Finding]:
    """GM603: the order of rows, or of ids, gives the outcome away."""
    y = targets(cohort)
    if y is None:
        yield Finding("GM603", "n.a.", "there is no class outcome that the order of rows could give away")
        return
    rows = np.flatnonzero(cohort.labelled)
    ranks = np.argsort(cohort.sorted_rows)[rows]
    value = max(area(y[:, at], order) for at in range(y.shape[1]) for order in (rows, ranks))
    status: Status = "warn" if value > 0.7 else "pass"
    yield Finding(
        "GM603",
        status,
        f"the order of rows or ids tells the outcome with AUROC {value:.2f}",
        "harmless here, since order is never used; ask whether cases and controls came from two sources"
        if status == "warn"
        else "",
    )
