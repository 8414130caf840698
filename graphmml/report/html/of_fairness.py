"""The section on the values of a group: how well the first model serves each, and which gaps are demonstrable."""

from collections.abc import Iterator, Sequence
from textwrap import fill

from markupsafe import Markup

from graphmml.report.html.charts import Curve, Range, curves, forest
from graphmml.report.html.section import Section, Table
from graphmml.report.words import WIDTH
from graphmml.train.fairness.curve import GroupCurve
from graphmml.train.fairness.gaps import Gap
from graphmml.train.fairness.result import FairnessResult, ValueScores, counts_of
from graphmml.train.fairness.words import GAP_WORDS, MEASURES, p_words
from graphmml.train.intervals import Interval, span

FORESTS = ("auroc", "sensitivity", "specificity", "selection_rate")
HOW = (
    "Scores by value go through fairlearn's MetricFrame, pooled over a repeat's folds and averaged over repeats; "
    "intervals are a percentile bootstrap over patients. Gaps: the interval is of all pairs of values at once (max t), "
    "p is Holm's over the gaps of the model. Calibration by value: local linear regression of what happened on the "
    "predicted risk, with a bootstrap band. Values of fewer patients than the smallest cell are masked, with what "
    "would let their counts be worked out. A gap in who is called positive is no fault where the outcome differs too."
)


def fairness_section(results: Sequence[FairnessResult]) -> Section:
    """Fill the section from one result a group."""
    said = [f"'{results[0].models[0]}', called positive from a risk of {results[0].threshold:g} on."]
    said += [line for result in results for line in result.headlines]
    return Section(
        "groups",
        "Does it serve all groups alike?",
        " ".join(said),
        [chart for result in results for chart in charts(result)],
        [table for result in results for table in tables(result)],
        text="\n".join(fill(line, WIDTH, subsequent_indent="  ") for result in results for line in result.verdict),
        how=HOW,
    )


def charts(result: FairnessResult) -> Iterator[Markup]:
    """Draw the scores of each value, and calibration by value."""
    model = result.models[0]
    for group in result.groups:
        rows = result.of(model, group)
        for name in FORESTS:
            known = [row for row in rows if name in row.scores]
            if known:
                shown = [ranged(row, row.scores[name]) for row in known]
                yield forest(f"{MEASURES[name]} by {group}.", "With 95 % intervals.", shown, MEASURES[name])
        drawn = [curve for curve in result.curves if (curve.model, curve.group) == (model, group)]
        if drawn:
            yield curves(
                f"Calibration by {group}.",
                "On the dashed line what is predicted is what happens.",
                [
                    Curve(counted(curve, rows), curve.predicted, curve.observed, curve.low, curve.high)
                    for curve in drawn
                ],
                x=f"predicted risk of '{result.positive}'",
                y="observed",
                diagonal=True,
            )


def counted(curve: GroupCurve, rows: Sequence[ValueScores]) -> str:
    """Name a curve by its value and how many patients it rests on."""
    return next(f"{row.value}, n {row.patients}" for row in rows if row.value == curve.value)


def ranged(row: ValueScores, interval: Interval) -> Range:
    """Write one value's score as a row."""
    return Range(row.value, interval.mean, interval.low, interval.high, f"{span(interval, digits=2)}, n {row.patients}")


def tables(result: FairnessResult) -> Iterator[Table]:
    """List every score of each value, and the gaps."""
    model = result.models[0]
    for group in result.groups:
        rows = result.of(model, group)
        counts = counts_of(rows)
        names = ["by value", *counts, *(MEASURES[name] for name in result.measures)]
        yield Table(f"Scores by {group}", names, [line(row, len(counts), result.measures) for row in rows])
        titles = ["gap", "largest difference", "between", "ratio", "p (Holm)"]
        yield Table(f"Gaps by {group}", titles, [gap_line(gap) for gap in result.gaps_of(model, group)])


def line(row: ValueScores, counts: int, measures: Sequence[str]) -> list[str]:
    """Write one value's scores, with the first of its counts or both."""
    told = ["masked" if count is None else f"{count:,}" for count in (row.patients, row.positives)]
    return [
        row.value,
        *told[:counts],
        *(span(row.scores[name], digits=2) if name in row.scores else "masked" for name in measures),
    ]


def gap_line(gap: Gap) -> list[str]:
    """Write one gap."""
    far = gap.largest
    ratio = "" if far.ratio.mean != far.ratio.mean else span(far.ratio, digits=2)
    between = f"{far.above} over {far.below}"
    return [
        GAP_WORDS[gap.name],
        span(far.difference, digits=2),
        between,
        ratio,
        p_words(gap.p_holm).removeprefix("p = "),
    ]
