"""The section on the cohort: which modalities are had together and by whom, and how the outcome differs by group."""

from collections.abc import Iterator, Mapping
from math import isfinite

from markupsafe import Markup

from graphmml.report.html.charts import Bar, Range, bars, forest, shades
from graphmml.report.html.section import Section, Table
from graphmml.report.picture import Picture, Share

HOW = (
    "Presence counts a patient as having a modality with at least one cell in it. Intervals of prevalence are Wilson's "
    "(1927). A share that rests on fewer than eleven patients, or on all but so few, is given as a bound or in words."
)


def cohort_section(picture: Picture) -> Section:
    """Fill the section."""
    return Section(
        "cohort",
        "Who is in the cohort, and what is missing",
        "Patients without a modality are kept: what is absent weighs nothing. Read whether absence follows the outcome "
        "or a group, because a model can then learn from the gap.",
        [pattern_chart(picture), *gap_tables(picture), *prevalence_charts(picture)],
        tables=list(absence_tables(picture)),
        how=HOW,
    )


def pattern_chart(picture: Picture) -> Markup:
    """Draw how many patients have which modalities together."""
    rows = [
        Bar(" + ".join(names) or "none of them", share, float("nan"), f"{said} patients")
        for names, said, share in picture.patterns
    ]
    return bars("Modalities had together.", "Share of patients by the set of modalities they have.", rows, "share")


def gap_tables(picture: Picture) -> Iterator[Markup]:
    """Shade the share that has each modality and the share of its cells that are filled, by class and group."""
    yield table_of("Who has which modality.", "Share of patients.", picture.presence)
    yield table_of("How full they are.", "Share of cells, of those who have the modality.", picture.filled)


def absence_tables(picture: Picture) -> Iterator[Table]:
    """List how many patients lack each modality, by class and value of a group together, where any do."""
    for counts in picture.absence.values():
        modalities = [name for name in counts if name != "patients" and (counts[name] != "0").any()]
        if modalities:
            rows = [
                [" · ".join(map(str, key if isinstance(key, tuple) else (key,))), *map(str, row)]
                for key, row in zip(counts.index, counts[["patients", *modalities]].to_numpy(), strict=True)
            ]
            by = " · ".join(map(str, counts.index.names))
            yield Table(f"Patients without a modality, by {by}", [by, "patients", *modalities], rows)


def table_of(title: str, says: str, shares: Mapping[str, tuple[Share, ...]]) -> Markup:
    """Lay out shares: a column a modality, a row a class or a group."""
    names = [share.name for share in next(iter(shares.values()), ())]
    rows = [
        (name, [column[at].share for column in shares.values()], [column[at].said for column in shares.values()])
        for at, name in enumerate(names)
    ]
    return shades(title, says, list(shares), rows)


def prevalence_charts(picture: Picture) -> list[Markup]:
    """Draw the outcome's share in each value of a group."""
    return [
        forest(
            f"The outcome by {group}.",
            "Share of the last class, with its 95 % interval: where they differ, knowing the group tells the outcome. "
            "Without a point, where few have or lack it: what it may be.",
            [Range(row.value, row.share, row.low, row.high, row.said) for row in rows],
            "share",
        )
        for group, rows in picture.prevalence.items()
        if len(rows) > 1 and any(isfinite(row.share) for row in rows)
    ]
