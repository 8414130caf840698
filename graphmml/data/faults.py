"""Plant a fault in a cohort, to see whether a check finds it.

Each function takes a cohort and a seed and returns another cohort with one thing wrong; the first stays as it was.
They work on any cohort with an outcome (and, where a site is concerned, a group), synthetic or real.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort, number_columns
from graphmml.data.outcome import Outcome, class_outcome
from graphmml.errors import CohortError

TRIES = 50


def leaking_column(cohort: Cohort, seed: int = 0, *, pending: float = 0.02) -> Cohort:
    """Add a column to the first modality that was written after the outcome and gives it away; few are pending."""
    rng = np.random.default_rng(seed)
    case = cases(cohort)
    said = pd.Series(np.where(case, "confirmed", "excluded"), index=cohort.ids, dtype="str")
    unknown = ~cohort.labelled | (rng.random(len(cohort)) < pending)
    first, table = next(iter(cohort.tables.items()))
    return replace(cohort, tables={**cohort.tables, first: table.assign(followup=said.mask(unknown, "pending"))})


def duplicated(
    cohort: Cohort, seed: int = 0, *, share: float = 0.1, contradictory: bool = False, changed: int = 0
) -> Cohort:
    """Enter a share of the patients a second time under new ids, `changed` cells of each modality being others.

    With `contradictory` the copies have another outcome. Where the cohort has an official split, a copy stands on
    the other side.
    """
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(cohort))[: max(1, int(share * len(cohort)))])
    again = cohort[chosen]
    ids = cohort.ids.append(fresh_ids(cohort.ids, len(chosen), rng)).rename(cohort.ids.name)
    tables = {name: with_other_cells(table, changed, rng) for name, table in again.tables.items()}
    outcome = again.outcome if again.outcome is None or not contradictory else turned(again.outcome)
    split = None if again.split is None else again.split.map({"train": "test", "test": "train"})
    return replace(
        cohort,
        ids=ids,
        tables={name: stacked(table, tables[name], ids) for name, table in cohort.tables.items()},
        outcome=joined(cohort.outcome, outcome, ids),
        groups=stacked(cohort.groups, again.groups, ids),
        split=None if cohort.split is None or split is None else stacked(cohort.split, split, ids),
    )


def gaps_by_outcome(
    cohort: Cohort, seed: int = 0, *, modality: str | None = None, cases_lack: float = 0.6, others_lack: float = 0.1
) -> Cohort:
    """Empty a whole modality, or one column drawn by chance, more often in cases than in others."""
    rng = np.random.default_rng(seed)
    lacking = rng.random(len(cohort)) < np.where(cases(cohort), cases_lack, others_lack)
    name = modality if modality is not None else drawn(list(cohort.tables), rng)
    table = cohort.tables[name]
    columns = list(table.columns) if modality is not None else [drawn(list(table.columns), rng)]
    emptied = table.copy()
    emptied.loc[lacking, columns] = np.nan
    return replace(cohort, tables={**cohort.tables, name: emptied})


def shifted_units(
    cohort: Cohort, seed: int = 0, *, factor: float = 88.4, group: str = "site", modality: str | None = None
) -> Cohort:
    """Write one column of positive numbers in another unit at one site; site, column and modality by chance."""
    rng = np.random.default_rng(seed)
    if group not in cohort.groups:
        raise CohortError(f"the cohort has no group '{group}'; it has {', '.join(cohort.groups) or 'none'}")
    columns = list(positive_columns(cohort, modality))
    if not columns:
        raise CohortError("no column of positive numbers is there whose unit could be another")
    name, column = columns[rng.integers(len(columns))]
    site = drawn(sorted(cohort.groups[group].dropna().unique()), rng)
    here = (cohort.groups[group] == site).to_numpy(dtype=bool)
    table = cohort.tables[name]
    changed = table.assign(**{column: table[column].where(~here, table[column] * factor)})
    return replace(cohort, tables={**cohort.tables, name: changed})


def lost_zeros(cohort: Cohort, seed: int = 0, *, modality: str | None = None) -> Cohort:
    """Take the leading zeros off the ids of one modality, as a spreadsheet does: 0050002 there is 50002 here.

    Patients get ids of seven digits first. Nobody of that modality is joined to the rest any more, which is what
    `read_cohort` refuses and `graphmml check` reports.
    """
    rng = np.random.default_rng(seed)
    ids = pd.Index([f"{number:07d}" for number in 50_000 + rng.permutation(len(cohort))], dtype="str")
    name = modality if modality is not None else drawn(list(cohort.tables), rng)
    has = cohort.present[:, cohort.modalities.index(name)]
    lost = ids[has].str.lstrip("0").astype("str")
    others = np.delete(cohort.present, cohort.modalities.index(name), axis=1).any(axis=1)
    union = ids[others].append(lost).astype("str").rename(cohort.ids.name)
    spread = {other: table.set_axis(ids).reindex(union) for other, table in cohort.tables.items()}
    spread[name] = cohort.tables[name][has].set_axis(lost).reindex(union)
    outcome = cohort.outcome
    if outcome is not None:
        event = None if outcome.event is None else outcome.event.set_axis(ids).reindex(union)
        outcome = replace(outcome, values=outcome.values.set_axis(ids).reindex(union), event=event)
    return replace(
        cohort,
        ids=union,
        tables=spread,
        outcome=outcome,
        groups=cohort.groups.set_axis(ids).reindex(union),
        split=None if cohort.split is None else cohort.split.set_axis(ids).reindex(union),
    )


def site_only(cohort: Cohort, seed: int = 0, *, group: str = "site", effect: float = 1.5) -> Cohort:
    """Leave no signal but the site's: features of another patient of the site, moved by site; outcome drawn by site.

    Numbers of a site move by `effect` standard deviations times a normal number, and sites have from a tenth to
    nine tenths of cases. Within a site nothing tells the outcome.
    """
    rng = np.random.default_rng(seed)
    if group not in cohort.groups:
        raise CohortError(f"the cohort has no group '{group}'; it has {', '.join(cohort.groups) or 'none'}")
    codes, names = cohort.groups[group].factorize(sort=True)
    order = np.arange(len(cohort))
    for code in np.unique(codes):
        here = np.flatnonzero(codes == code)
        order[here] = rng.permutation(here)
    tables = {}
    for name, table in cohort.tables.items():
        moved = table.iloc[order].set_axis(cohort.ids)
        numbers = number_columns(moved)
        shift = rng.normal(0.0, effect, (len(names) + 1, len(numbers)))[codes] * moved[numbers].std().to_numpy()
        moved[numbers] = moved[numbers] + shift
        tables[name] = moved
    share = np.append(np.linspace(0.1, 0.9, len(names)), 0.5)[codes]
    drawn_case = np.where(rng.random(len(cohort)) < share, "case", "control")
    values = pd.Series(drawn_case, index=cohort.ids, dtype="str")
    name = "outcome" if cohort.outcome is None else cohort.outcome.name
    return replace(cohort, tables=tables, outcome=class_outcome(values, positive="case", name=name))


def hardly_measured(cohort: Cohort, seed: int = 0, *, share: float = 0.2, cells: float = 0.9) -> Cohort:
    """Empty most cells of a share of the patients: once imputed they stand in the middle and become hubs."""
    rng = np.random.default_rng(seed)
    chosen = rng.random(len(cohort)) < share
    tables = {
        name: table.mask(chosen[:, None] & (rng.random(table.shape) < cells)) for name, table in cohort.tables.items()
    }
    return replace(cohort, tables=tables)


def cases(cohort: Cohort) -> np.ndarray:
    """Return who is a case: the positive class, above the median, or an event that was seen: bool [patient]."""
    outcome = cohort.outcome
    if outcome is None:
        raise CohortError("the cohort has no outcome; this fault is about one")
    if outcome.kind == "class":
        return np.asarray(outcome.values == outcome.classes[-1])
    if outcome.event is not None:
        return np.asarray(outcome.event == 1)
    return np.asarray(outcome.values > outcome.values.median())


def turned(outcome: Outcome) -> Outcome:
    """Return another outcome for everybody whose outcome is known."""
    if outcome.kind == "class":
        after = dict(zip(outcome.classes, (*outcome.classes[1:], outcome.classes[0]), strict=True))
        return replace(outcome, values=outcome.values.map(after).astype("str").where(outcome.values.notna()))
    if outcome.event is not None:
        return replace(outcome, event=1.0 - outcome.event)
    return replace(outcome, values=outcome.values + outcome.values.std())


def joined(outcome: Outcome | None, again: Outcome | None, ids: pd.Index) -> Outcome | None:
    """Put the outcomes of the copies below the others."""
    if outcome is None or again is None:
        return outcome
    event = None if outcome.event is None or again.event is None else stacked(outcome.event, again.event, ids)
    return replace(outcome, values=stacked(outcome.values, again.values, ids), event=event)


def stacked(above: Any, below: Any, ids: pd.Index) -> Any:
    """Put rows below rows under these ids."""
    return pd.concat([above, below]).set_axis(ids)


def with_other_cells(table: pd.DataFrame, changed: int, rng: np.random.Generator) -> pd.DataFrame:
    """Replace some known cells of each row by those of another row, so that they stay plausible."""
    other = table.copy()
    for row, known in enumerate(table.notna().to_numpy() if changed else ()):
        for at in rng.permutation(np.flatnonzero(known))[:changed]:
            there = table.iloc[:, at].dropna()
            other.iat[row, at] = there.iat[int(rng.integers(len(there)))]
    return other


def fresh_ids(ids: pd.Index, wanted: int, rng: np.random.Generator) -> pd.Index:
    """Return ids that nobody has and that look like the others: their letters, other digits."""
    taken = set(ids)
    fresh: list[str] = []
    for pattern in ids[rng.integers(len(ids), size=wanted)]:
        tries = (redrawn(pattern, rng) for _ in range(TRIES))
        new = next((name for name in tries if name not in taken), f"{pattern}b{len(fresh)}")
        taken.add(new)
        fresh.append(new)
    return pd.Index(fresh, dtype="str")


def redrawn(pattern: str, rng: np.random.Generator) -> str:
    """Draw every digit anew."""
    return "".join(str(rng.integers(10)) if sign.isdigit() else sign for sign in pattern)


def positive_columns(cohort: Cohort, modality: str | None) -> Iterator[tuple[str, str]]:
    """Yield modality and name of every column of positive numbers with many values."""
    for name, table in cohort.tables.items():
        for column in number_columns(table) if modality in (None, name) else []:
            if table[column].min() > 0 and table[column].nunique() > 20:
                yield name, column


def drawn(values: list[str], rng: np.random.Generator) -> str:
    """Draw one of these."""
    return values[int(rng.integers(len(values)))]
