"""The sections on the graph: what its links follow, how many there are, and what it looks like."""

from collections.abc import Iterator
from math import isfinite
from typing import Any

import numpy as np
from markupsafe import Markup

from graphmml.report.diagnosis import Diagnosis
from graphmml.report.evidence import Evidence
from graphmml.report.html.charts import Bar, bars, histogram, network
from graphmml.report.html.section import Section, Table
from graphmml.report.picture import Drawing, Picture

MOST_BINS = 20
FOLLOW = (
    "Bars are the share of links that join patients who are alike; the mark is the share by chance, from how many "
    "links each value has. A bar means nothing without its mark. Every labelled patient takes part: this describes the "
    "graph, and is not for choosing it."
)
HOW_FOLLOW = (
    "Adjusted: the share with chance at 0 and perfection at 1 (Newman's assortativity; Platonov et al. 2023). p: how "
    "often labels exchanged among patients, or those of one group, agree as much along links (Phipson and Smyth 2010)."
)
WRONG = ("as predicted", "wrongly predicted")


def links_section(diagnosis: Diagnosis) -> Section:
    """Show homophily by outcome and group, chance beside it."""
    rows = [row for row in diagnosis.measures["homophily"].values() if isfinite(row.get("edge", float("nan")))]
    charts = (
        [bars("Links between patients who are alike.", "", [bar_of(row) for row in rows], "share of links")]
        if rows
        else []
    )
    return Section("follows", "What the links follow", FOLLOW, charts, how=HOW_FOLLOW)


def bar_of(row: dict[str, Any]) -> Bar:
    """Write one target's homophily as a bar with its p."""
    within = [p for p in row.get("p_within", {}).values() if isfinite(p)]
    said = f"adjusted {row['adjusted']:+.2f}, p {row['p']:.3f}"
    return Bar(row["name"], row["edge"], row["chance"], said + (f", {max(within):.3f} within" if within else ""))


def graph_section(diagnosis: Diagnosis, picture: Picture, evidence: Evidence | None) -> Section:
    """Draw the graph, coloured one way after another, and how many links patients have."""
    charts = [*drawings(picture, evidence), *degrees(picture)]
    return Section(
        "graph",
        "What the graph looks like",
        said_of(picture.drawing),
        charts,
        [relations(diagnosis)],
        diagnosis.summary(),
        "Places are found by forces along links (Fruchterman and Reingold 1991): near dots are linked, distances "
        "beyond that mean little. An arrow is drawn as a line.",
    )


def said_of(drawing: Drawing) -> str:
    """Say whether all patients are drawn."""
    if len(drawing.rows) == drawing.patients:
        return f"All {drawing.patients:,} patients, in the same places in each drawing."
    return (
        f"{len(drawing.rows):,} of {drawing.patients:,} patients, a connected part drawn by chance, in the same places "
        "in each drawing."
    )


def drawings(picture: Picture, evidence: Evidence | None) -> Iterator[Markup]:
    """Draw the graph by class, by each of the first groups, and by error."""
    drawing = picture.drawing
    for name, (labels, values) in list(picture.labels.items())[:3]:
        says = f"Graph coloured by {name}."
        yield network(f"By {name}.", says, drawing.places, drawing.edges, labels[drawing.rows], values)
    if evidence is not None:
        wrong = evidence.wrong[drawing.rows]
        labels = np.where(np.isnan(wrong), -1, (wrong > 0.5).astype(np.int64))
        says = f"Predictions of '{evidence.models[0].model}' for patients it was not trained on."
        yield network("By error.", says, drawing.places, drawing.edges, labels, WRONG)


def degrees(picture: Picture) -> Iterator[Markup]:
    """Draw how many patients each listens to, and by how many it is listened to."""
    for title, says, degree in (
        ("Listens to.", "How many others a patient hears.", picture.listens),
        ("Is listened to by.", "A long tail to the right are hubs: few patients whom many hear.", picture.heard),
    ):
        if len(degree):
            step = -(-(int(degree.max()) + 1) // MOST_BINS)
            edges = np.arange(0, int(degree.max()) + 1 + step, step)
            yield histogram(title, says, np.histogram(degree, edges)[0], edges, "other patients")


def relations(diagnosis: Diagnosis) -> Table:
    """List the relations and whom they reach."""
    rows = [
        [name, f"{row['source']} to {row['target']}", f"{row['edges']:,}", f"{100 * row['patients_linked']:.0f} %"]
        for name, row in diagnosis.measures["relations"].items()
    ]
    return Table("Relations", ["relation", "from", "edges", "patients reached"], rows)
