"""How a fairness result reads: a line a value, and sentences on the gaps."""

from collections.abc import Iterator, Mapping, Sequence

from graphmml.train.fairness.gaps import LEVEL, Contrast, Gap
from graphmml.train.intervals import Interval, span

MEASURES: Mapping[str, str] = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "prevalence": "prevalence",
    "brier": "Brier",
    "calibration_intercept": "calibration intercept",
    "calibration_slope": "calibration slope",
    "observed_expected": "observed/expected",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "selection_rate": "selection rate",
    "ppv": "PPV",
}
GAP_WORDS: Mapping[str, str] = {
    "auroc": "AUROC",
    "calibration_intercept": "calibration intercept",
    "calibration_slope": "calibration slope",
    "demographic_parity": "demographic parity (selection rate)",
    "equal_opportunity": "equal opportunity (sensitivity)",
    "equalised_odds": "equalised odds (sensitivity, specificity)",
    "predictive_parity": "predictive parity (PPV)",
}


def sentences(group: str, gaps: Sequence[Gap], prevalence: Mapping[str, Interval]) -> Iterator[str]:
    """Yield a sentence a gap that is demonstrable, and one on all that are within chance.

    `prevalence` of the values, where it may be shown: a gap in who is called positive is to be read beside it.
    """
    if not gaps:
        yield f"{group}: no two values have enough patients of both classes to compare."
        return
    for gap in gaps:
        if gap.demonstrable:
            told = f"{contrast_words(gap.clearest)} (Holm {p_words(gap.p_holm)})"
            outcome = outcome_words(gap.clearest, prevalence) if gap.name == "demographic_parity" else ""
            yield f"{group}: {GAP_WORDS[gap.name]} differs demonstrably, {told}{outcome}."
    alone = [gap for gap in gaps if not gap.demonstrable and gap.p < LEVEL]
    if alone:
        yield f"{group}: not demonstrable among all gaps that are asked for, though it were alone: {listed(alone)}."
    within = [gap for gap in gaps if gap.p >= LEVEL]
    if within:
        yield f"{group}: within chance, which is not to say that there is none: {listed(within)}."


def headline(group: str, gaps: Sequence[Gap]) -> str:
    """Name the gaps that are demonstrable, of how many."""
    named = [GAP_WORDS[gap.name].split(" (")[0] for gap in gaps if gap.demonstrable]
    if not gaps:
        return f"By {group} nothing can be compared."
    return f"By {group}: {', '.join(named) or 'nothing'} demonstrably apart, of {len(gaps)} gaps that were asked for."


def listed(gaps: Sequence[Gap]) -> str:
    """Write several gaps with their largest differences."""
    return "; ".join(f"{GAP_WORDS[gap.name]} {span(gap.largest.difference, digits=2)}" for gap in gaps)


def outcome_words(contrast: Contrast, prevalence: Mapping[str, Interval]) -> str:
    """Say how frequent the outcome itself is in two values, where that may be shown."""
    if not {contrast.above, contrast.below} <= set(prevalence):
        return ""
    high, low = (prevalence[value].mean for value in (contrast.above, contrast.below))
    return f"; of the outcome itself there is {high:.0%} and {low:.0%}"


def contrast_words(contrast: Contrast) -> str:
    """Say whose measure is above whose, by how much."""
    name = MEASURES[contrast.measure]
    return f"{name} of {contrast.above} {span(contrast.difference, '+', 2)} above {contrast.below}"


def p_words(p: float) -> str:
    """Write a p."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def value_line(value: str, patients: int | None, scores: Mapping[str, Interval]) -> str:
    """Write the first few scores of a value on one line."""
    if patients is None:
        return f"{value}: masked"
    told = [f"{MEASURES[name]} {span(scores[name], digits=2)}" for name in ("auroc", "sensitivity") if name in scores]
    return ", ".join([f"{value}: n {patients}", *told])
