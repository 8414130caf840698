"""A fairness result as rich text: scores by value, gaps, other models, a mitigation's price; the verdict last."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from graphmml.train.fairness.gaps import Gap
from graphmml.train.fairness.price_result import WORDS, Change, FairnessPrice
from graphmml.train.fairness.result import FairnessResult, ValueScores, counts_of
from graphmml.train.fairness.words import GAP_WORDS, MEASURES, p_words
from graphmml.train.intervals import Interval, span

BLOCKS = (
    ("auroc", "prevalence"),
    ("sensitivity", "specificity", "selection_rate"),
    ("ppv", "auprc", "brier"),
    ("calibration_intercept", "calibration_slope", "observed_expected"),
)
"""Scores that stand side by side; 80 columns hold no more than these."""
SHORT = {
    **MEASURES,
    "calibration_intercept": "intercept",
    "calibration_slope": "slope",
    "observed_expected": "obs/exp",
    "selection_rate": "called",
}
MOST_NAME = 18


def fairness_parts(result: FairnessResult) -> Iterator[RenderableType]:
    """Yield what `graphmml fairness` prints."""
    model = result.models[0]
    yield Text(model, "bold")
    yield Text(f"{result.plan}, {result.setting}, {result.cohort}", "bold")
    for group in result.groups:
        rows = result.of(model, group)
        for at, block in enumerate(BLOCKS):
            names = [name for name in block if name in result.measures]
            if names:
                yield Text()
                yield scores_table(group, rows, names, counts=at == 0)
        yield from notes(rows)
        yield Text()
        yield gaps_table(group, result.gaps_of(model, group))
    if len(result.models) > 1:
        yield Text()
        yield models_table(result)
    yield Text(how(result), "dim")
    yield Text()
    yield from verdict_lines(result.verdict)


def verdict_lines(lines: Sequence[str]) -> Iterator[Text]:
    """Yield each sentence."""
    for line in lines:
        yield Text(line)


def scores_table(group: str, rows: Sequence[ValueScores], names: Sequence[str], *, counts: bool) -> Table:
    """Show a few scores of each value with their intervals."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column(f"by {group}", max_width=MOST_NAME, overflow="fold")
    titles = counts_of(rows) if counts else ()
    for title in titles:
        table.add_column({"patients": "n"}.get(title, title), justify="right", no_wrap=True)
    for name in names:
        table.add_column(SHORT[name], justify="right", no_wrap=True)
    for row in (row for row in rows if row.patients is not None):
        told = [counted(row.patients), counted(row.positives)][: len(titles)]
        table.add_row(Text(row.value), *told, *(written(row.scores.get(name)) for name in names))
    return table


def counted(number: int | None) -> str:
    """Write a count."""
    return "masked" if number is None else str(number)


def written(interval: Interval | None) -> str:
    """Write a score, or that it is masked, or that it has no meaning."""
    if interval is None:
        return "masked"
    return "n.a." if interval.mean != interval.mean else span(interval, digits=2)


def notes(rows: Sequence[ValueScores]) -> Iterator[Text]:
    """Say once who is masked, and why something of the others is."""
    hidden = [row.value for row in rows if row.patients is None]
    if hidden:
        yield Text(f"masked: {'; '.join(hidden)}", "dim")
    for note in dict.fromkeys(row.note for row in rows if row.note and row.note != "masked"):
        mine = ", ".join(row.value for row in rows if row.note == note)
        yield Text(f"{mine}: {note}", "dim")


def gaps_table(group: str, gaps: Sequence[Gap]) -> Table:
    """Show the gaps of one model in one group: the largest difference, between whom, its ratio, and p over all gaps."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column(f"gap by {group}", overflow="fold")
    table.add_column("largest difference", justify="right", no_wrap=True)
    table.add_column("between", overflow="fold")
    table.add_column("ratio", justify="right", no_wrap=True)
    table.add_column("p", justify="right", no_wrap=True)
    for gap in gaps:
        name = GAP_WORDS[gap.name].split(" (")[0]
        ratio = "" if gap.largest.ratio.mean != gap.largest.ratio.mean else f"{gap.largest.ratio.mean:.2f}"
        table.add_row(
            Text(name, "bold" if gap.demonstrable else ""),
            span(gap.largest.difference, digits=2),
            Text(f"{gap.largest.above} over {gap.largest.below}"),
            ratio,
            p_words(gap.p_holm).removeprefix("p = ").removeprefix("p "),
        )
    return table


def models_table(result: FairnessResult) -> Table:
    """Show the largest differences of every model, marked where they are demonstrable."""
    names = [name for name in BRIEF if any(gap.name == name for gap in result.found)]
    several = len(result.groups) > 1
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("every model", overflow="fold", min_width=20)
    for title in ("by",) if several else ():
        table.add_column(title, overflow="fold")
    for name in names:
        table.add_column(BRIEF[name], justify="right", no_wrap=True)
    for group in result.groups:
        for model in result.models:
            mine = {gap.name: gap for gap in result.gaps_of(model, group)}
            named = [Text(model), Text(group)] if several else [Text(model)]
            table.add_row(*named, *(starred(mine.get(name)) for name in names))
    return table


BRIEF = {
    "auroc": "AUROC",
    "calibration_intercept": "intercept",
    "demographic_parity": "parity",
    "equalised_odds": "odds",
}


def starred(gap: Gap | None) -> str:
    """Write a difference, with a star where it is demonstrable."""
    return "" if gap is None else f"{gap.largest.difference.mean:.2f}{'*' if gap.demonstrable else ' '}"


def how(result: FairnessResult) -> str:
    """Say how the numbers were made."""
    called = f"called: risk of '{result.positive}' from {result.threshold:g} on; " if len(result.measures) > 3 else ""
    return (
        f"{called}95 % intervals: bootstrap over patients, of gaps over all pairs of values at once; p: Holm over all "
        f"gaps of a model; * below 0.05; masked: fewer than {result.min_cell} patients, or telling of them"
    )


def price_parts(price: FairnessPrice) -> Iterator[RenderableType]:
    """Yield a mitigation's gaps and price."""
    yield Text(f"{price.mitigation}, beside the model as it is", "bold")
    yield Text(f"{price.fairness.plan}, {price.fairness.setting}, {price.fairness.cohort}", "bold")
    yield Text()
    groups = dict.fromkeys(change.group for change in price.narrowed)
    yield changes_table("gap" if len(groups) > 1 else f"gap by {next(iter(groups), '')}", price.narrowed)
    yield Text()
    yield changes_table("everybody's", price.costs)
    yield Text()
    yield from verdict_lines(price.verdict)


def changes_table(title: str, changes: Sequence[Change]) -> Table:
    """Show numbers before and after, and the change with its interval."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column(title, overflow="fold")
    for name in ("as it is", "mitigated", "change"):
        table.add_column(name, justify="right", no_wrap=True)
    for change in changes:
        suffix = f", {change.group}" if title == "gap" else ""
        name = f"{GAP_WORDS[change.name].split(' (')[0]}{suffix}" if change.group else WORDS[change.name]
        table.add_row(
            Text(name),
            span(change.before, digits=2) if change.group else f"{change.before.mean:.3f}",
            span(change.after, digits=2) if change.group else f"{change.after.mean:.3f}",
            span(change.change, "+", 2 if change.group else 3),
        )
    return table
