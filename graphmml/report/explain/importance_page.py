"""The page of importances: a single HTML file without script or network, and without any patient."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from math import isfinite

from markupsafe import Markup

from graphmml.report.explain.importance_result import Importance, Importances, Stability
from graphmml.report.explain.plots import UNITS, Measure
from graphmml.report.html.charts import Range, forest
from graphmml.report.html.page import filled
from graphmml.report.html.section import Section
from graphmml.report.words import count
from graphmml.train.intervals import span

MOST = 20
"""Parts of a kind that are drawn."""
TITLES = {"modality": "Modalities", "feature": "Features", "relation": "Relations"}
HOW = (
    "In every fold a copy of the model learned from the training patients; the others were asked. Change: the mean "
    "absolute difference of the predicted class's probability when a part is taken away; it is never below zero, "
    "whatever the part says. Drop: by how much AUROC falls when the part is exchanged between patients at random "
    "(permutation importance, Breiman 2001); about zero for what says nothing. Intervals are of 95 % over folds, "
    "corrected for their common training patients (Nadeau and Bengio 2003). What counts for a model need not cause "
    "anything, and of two parts that say the same, either may look idle."
)
FOOTER = (
    "This page names no patient and shows no row of a table. It needs no network and runs no script.",
    "Attention is not used.",
)


def importance_page(found: Importances) -> str:
    """Return the HTML of importances."""
    return filled(
        "card.html.j2",
        {
            "title": "What counts for held-out patients?",
            "subtitle": f"{count(found.folds, 'fold')} of {found.train:,.0f} training and {found.test:,.0f} held-out "
            f"patients · graphmml {version('graphmml')}",
            "lead": " ".join(lead(found)),
            "sections": [
                *(section(found, stable) for stable in found.stability),
                Section("how", "How these numbers were made", HOW),
            ],
            "notes": FOOTER,
        },
    )


def lead(found: Importances) -> Iterator[str]:
    """Name the first of each kind, and what exchanging it costs."""
    for kind in found.kinds:
        first = found.ranked(kind)[0][0]
        words = f"The {kind} that moves most is {first.part.label} (by {found.told(first, 'change').mean:.3f}"
        drop = found.told(first, "drop")
        words += f"; AUROC falls by {span(drop)} when it is exchanged" if isfinite(drop.mean) else ""
        yield f"{words})."


def section(found: Importances, stable: Stability) -> Section:
    """Draw the parts of a kind by change, and by drop."""
    rows, _ = found.ranked(stable.kind)
    says = f"The {MOST} of {len(rows)} that move most." if len(rows) > MOST else ""
    charts = [chart(found, rows[:MOST], "change", "Change without it.", says)]
    exchanged = [row for row in rows[:MOST] if isfinite(found.told(row, "drop").mean)]
    charts += [chart(found, exchanged, "drop", "Drop if exchanged.", says)] if exchanged else []
    return Section(stable.kind, TITLES[stable.kind], agreement(stable), charts)


def agreement(stable: Stability) -> str:
    """Say how far folds agree on the order of a kind."""
    if not isfinite(stable.kendall):
        return f"There is {count(stable.parts, 'part')} of the kind: no order for folds to agree on."
    share = f"{stable.jaccard:.2f} (by chance {stable.jaccard_chance:.2f})"
    first = (
        f"the first is the same in a share of {share} of pairs of folds"
        if stable.top == 1
        else f"two folds have {share} of their first {stable.top} in common"
    )
    return f"Folds agree on the order by Kendall {stable.kendall:+.2f} (by chance 0); {first}."


def chart(found: Importances, rows: Sequence[Importance], by: Measure, title: str, says: str) -> Markup:
    """Draw what is told of each part, with its interval."""
    drawn = []
    for row in rows:
        value = found.told(row, by)
        drawn.append(Range(row.part.label, value.mean, value.low, value.high, found.said(row, by)))
    return forest(title, says, drawn, UNITS[by], reference=0.0)
