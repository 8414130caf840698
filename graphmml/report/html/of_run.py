"""The section on a run of cross-validation: models side by side, discrimination, calibration, use, and groups."""

from collections.abc import Iterator

import numpy as np
from markupsafe import Markup

from graphmml.report.evidence import GRID, THRESHOLDS, Evidence
from graphmml.report.html.charts import Curve, Range, curves, forest
from graphmml.report.html.section import Section, Table
from graphmml.train.intervals import Interval, span
from graphmml.train.row import Row

HOW = (
    "ROC: the mean over folds at equal specificity, the band is the middle 95 % of folds where there are five or more. "
    "What follows puts a repeat's folds together and is averaged over repeats or seeds; probabilities are not, for "
    "models averaged into one are another, better model. "
    "Calibration: patients in bins of equal size by predicted probability, each once a repeat (Van Calster et al. "
    "2019). Net benefit: true positives less false ones at the odds of the threshold, a patient (Vickers and Elkin "
    "2006); a model is of use where it lies above treating all and treating none. AUROC within groups: its interval "
    "is a bootstrap over patients, or over blocks of them. "
    "Slope: of the outcome on the logit of its probability, over all test patients, 1 if right, below 1 if too extreme "
    "(Cox 1958). p: of no difference to the same network without edges, corrected resampled t-test (Nadeau and Bengio "
    "2003) over folds or a bootstrap on one test set, after Holm (1979) over the graphs tried."
)

COLUMNS = ["model", "AUROC (95 %)", "AUPRC", "bal. acc.", "MCC", "Brier", "log-loss", "slope", "vs no graph", "p"]


def run_section(evidence: Evidence) -> Section:
    """Fill the section."""
    result = evidence.run.result
    return Section(
        "evidence",
        "Did the graph help?",
        " ".join([f"{result.plan}, {result.setting}, {result.patients:,} patients.", *result.verdict]),
        [models(evidence), roc(evidence), calibration(evidence), benefit(evidence), *groups(evidence)],
        [table(evidence), *three_scores(evidence)],
        how=HOW,
    )


def models(evidence: Evidence) -> Markup:
    """Draw AUROC of every model with its interval."""
    rows = [ranged(row.name, row.metrics["auroc"]) for row in evidence.run.result.rows]
    return forest("AUROC of each model.", "With 95 % intervals.", rows, "AUROC", reference=0.5)


def ranged(name: str, interval: Interval, more: str = "") -> Range:
    """Write an interval as a row."""
    return Range(name, interval.mean, interval.low, interval.high, f"{span(interval)}{more}")


def roc(evidence: Evidence) -> Markup:
    """Draw ROC curves."""
    shown = [
        Curve(model.model, GRID, model.roc, *((None, None) if np.isnan(model.low).any() else (model.low, model.high)))
        for model in evidence.models
    ]
    says = f"Of '{evidence.positive}' against the rest; the dashed line is chance."
    return curves("ROC.", says, shown, x="1 - specificity", y="sensitivity", diagonal=True)


def calibration(evidence: Evidence) -> Markup:
    """Draw predicted against observed shares."""
    shown = [
        Curve(model.model, model.calibration.predicted, model.calibration.observed, dots=True)
        for model in evidence.models
    ]
    says = "On the dashed line what is predicted is what happens; below it, risks are overstated."
    return curves(
        "Calibration.", says, shown, x=f"predicted probability of '{evidence.positive}'", y="observed", diagonal=True
    )


def benefit(evidence: Evidence) -> Markup:
    """Draw net benefit beside treating all and none."""
    shown = [Curve(model.model, THRESHOLDS, model.net_benefit) for model in evidence.models]
    shown += [Curve("treat all", THRESHOLDS, evidence.treat_all), Curve("treat none", THRESHOLDS, 0 * THRESHOLDS)]
    top = max(float(evidence.treat_all[0]), *(float(model.net_benefit.max()) for model in evidence.models), 0.05)
    says = "A model is of use at thresholds where it lies above both treating all and treating none."
    return curves(
        "Net benefit.", says, shown, x="threshold probability", y="net benefit", low=-0.25 * top, high=1.05 * top
    )


def groups(evidence: Evidence) -> Iterator[Markup]:
    """Draw the first model's AUROC within the values of each group that has no section of its own."""
    told = {group for result in evidence.fairness for group in result.groups}
    for group, rows in evidence.within.items():
        if group in told:
            continue
        yield forest(
            f"AUROC within {group}.",
            f"'{evidence.models[0].model}', with 95 % intervals; values of too few patients are left out.",
            [ranged(value, interval, f", n {size}") for value, interval, size in rows],
            "AUROC",
            reference=0.5,
        )


def table(evidence: Evidence) -> Table:
    """List the scores of every model."""
    p = {one.model: one.p_holm for one in evidence.run.result.comparisons()}
    rows = [line_of(row, p.get(row.name)) for row in evidence.run.result.rows]
    return Table("All models on the same folds", COLUMNS, rows)


def line_of(row: Row, p: float | None) -> list[str]:
    """Write one model's scores."""
    difference = (row.vs_no_graph or {}).get("auroc")
    scores = [f"{row.metrics[name].mean:.3f}" for name in ("auprc", "balanced_accuracy", "mcc", "brier", "log_loss")]
    slope = f"{row.metrics['calibration_slope'].mean:.2f}"
    told = "" if difference is None else span(difference, sign="+")
    return [row.name, span(row.metrics["auroc"]), *scores, slope, told, "" if p is None else f"{p:.3f}"]


def three_scores(evidence: Evidence) -> list[Table]:
    """List AUROC pooled, within the group and with its values left out, where that was scored."""
    known = evidence.groups
    if known is None:
        return []
    columns = ["model", "pooled", f"within {known.group}", f"{known.group} left out"]
    rows = [
        [row.model, *("n.a." if one is None else span(one) for one in (row.pooled, row.within, row.left_out))]
        for row in known.rows
    ]
    return [Table(f"AUROC by {known.group}: where the three differ, {known.group} is part of the score", columns, rows)]
