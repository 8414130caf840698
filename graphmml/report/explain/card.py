"""The card of one explanation: a single HTML file without script or network."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from math import isfinite

from markupsafe import Markup

from graphmml.report.explain.counterfactual import shown
from graphmml.report.explain.explanation import Explanation, Told
from graphmml.report.explain.part import PartKind
from graphmml.report.html.charts import Range, effects
from graphmml.report.html.page import filled
from graphmml.report.html.section import Section, Table

MOST = 12
"""Parts of a kind that are drawn, of those that move anything."""
LEAST = 5e-5
TITLES: dict[PartKind, str] = {
    "modality": "Modalities.",
    "feature": "Features.",
    "relation": "Relations.",
    "second hand": "Second hand: what neighbours heard.",
    "link": "Neighbours and concepts, one link each.",
}
HOW = (
    "Occlusion is the difference of two predictions. Integrated gradients (Sundararajan et al. 2017) share the rise of "
    "the probability from a patient of whom nothing is known. GNNExplainer (Ying et al. 2019) learns the smallest mask "
    "that keeps the prediction. Whiskers are one standard deviation over the members of the ensemble. Attention is not "
    "used. Fidelity is of Yuan et al. (2022) and Amara et al. (2022), on probabilities, with links held."
)


TURNING = (
    "A counterfactual is the smallest change after which the model names another class; each that is given was "
    "predicted, and does. Of numbers every twentieth quantile of the training patients is tried, of names every level, "
    "links drawn anew. Links are dropped by effect and put back as far as possible; then all sets of one, of two and "
    "so on are tried, as many as there is time for."
)


def card(told: Explanation) -> str:
    """Return the HTML of an explanation."""
    p = told.probabilities[told.explained]
    others = ", ".join(f"'{name}' {value:.2f}" for name, value in told.probabilities.items() if name != told.explained)
    words = {
        "title": f"Why '{told.explained}' for {told.patient}?",
        "subtitle": f"probability {p:.2f} ({others}), mean of {told.members} members · {told.method} · "
        f"graphmml {version('graphmml')}",
        "lead": f"{lead(told)} {told.counterfactual.words}",
        "sections": [
            part_section(told, "own", "What the patient's own data did", ("modality", "feature")),
            part_section(told, "graph", "What the graph did", ("relation", "second hand", "link")),
            turning_section(told),
            belief_section(told),
        ],
        "notes": told.notes,
    }
    return filled("card.html.j2", words)


def lead(told: Explanation) -> str:
    """Name what moved most."""
    kinds: tuple[PartKind, ...] = ("modality", "feature", "relation")
    first = [words for words in map(told.first, kinds) if words]
    return f"Most is moved by {', '.join(first)}." if first else "Nothing moved the prediction."


def part_section(told: Explanation, anchor: str, title: str, kinds: Sequence[PartKind]) -> Section:
    """Draw the parts of some kinds."""
    charts = [chart(told, kind) for kind in kinds if told.of_kind(kind)]
    intro = f"Bars are the {told.unit}, of '{told.explained}'."
    if told.sign:
        intro += " To the right speaks for it, to the left against."
    return Section(anchor, title, intro if charts else "The patient has nothing of the kind.", charts)


def chart(told: Explanation, kind: PartKind) -> Markup:
    """Draw one kind of part, the largest first."""
    rows = told.of_kind(kind)
    some = [item for item in rows[:MOST] if abs(item.attribution.effect) >= LEAST] or rows[:1]
    drawn = [ranged(item, told.sign, told.members) for item in some]
    says = f"The {len(some)} of {len(rows)} that move most." if len(some) < len(rows) else ""
    return effects(TITLES[kind], says, drawn, told.unit)


def ranged(item: Told, sign: str, members: int) -> Range:
    """Write a part as a row."""
    effect, spread = item.attribution.effect, item.attribution.spread
    part, digits = item.attribution.part, 4 if item.attribution.part.kind == "link" else 3
    note = f"{effect:{sign}.{digits}f}"
    if part.kind == "feature":
        note += f"   has {shown(item.value)}"
    if item.label:
        note += f"   is '{item.label}'"
    if part.kind == "link" and item.members:
        note += f", {item.members}/{members} members"
    low, high = (effect - spread, effect + spread) if isfinite(spread) else (float("nan"), float("nan"))
    label = f"{part.name}, {part.through}" if part.kind == "link" else part.label
    return Range(label, effect, low, high, note)


def turning_section(told: Explanation) -> Section:
    """Say what would turn the prediction."""
    said = [f"{told.feature.words} ({told.feature.tried:,} changes tried.)"]
    said.append(f"{told.links.words} ({told.links.tried:,} sets tried, one size after the other.)")
    return Section("turn", "What would turn the prediction", " ".join(said), how=TURNING)


def belief_section(told: Explanation) -> Section:
    """Say how faithful the explanation is, beside chance."""
    return Section(
        "fidelity",
        "Is this explanation to be believed?",
        told.fidelity.sentence if told.fidelity else "The patient has too few features and links to measure it.",
        tables=list(fidelity_table(told)),
        how=HOW,
    )


def fidelity_table(told: Explanation) -> Iterator[Table]:
    """List both fidelities with their controls."""
    if told.fidelity is None:
        return
    value = told.fidelity
    rows = [
        ["without them (should fall)", f"{value.plus:+.3f}", f"{value.plus_random:+.3f}"],
        ["with them alone (should stay)", f"{value.minus:+.3f}", f"{value.minus_random:+.3f}"],
    ]
    yield Table(
        f"Fall of the probability; {value.parts} features and links named first, and as many by chance",
        ["", "named first", "by chance"],
        rows,
    )
