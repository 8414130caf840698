"""GM701 to GM707: what an audit's scores say, one question a code, limits from thresholds.toml."""

from collections.abc import Callable
from typing import Protocol

from graphmml.data.findings import Finding, Status
from graphmml.data.thresholds import Thresholds
from graphmml.train import audit_controls as controls
from graphmml.train.audit_groups import GroupScores
from graphmml.train.audit_words import CHANCE, kept
from graphmml.train.intervals import Interval, span


class Scored(Protocol):
    """What findings need of an audit."""

    @property
    def group(self) -> str | None:
        """The group that is held apart."""

    @property
    def groups(self) -> tuple[GroupScores, ...]:
        """The model first: pooled, within the group, left out."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """One finding a question."""

    def auroc(self, name: str) -> Interval | None:
        """Return a control's AUROC, None where it could not be made."""

    def difference(self, one: str, other: str) -> Interval | None:
        """Return one control's AUROC less another's."""

    def why_not(self, name: str) -> str:
        """Say why a control could not be made."""


def findings_of(audit: Scored, limit: Thresholds) -> tuple[Finding, ...]:
    """Return one finding a question, in order of code."""
    asked: tuple[Callable[[Scored, Thresholds], Finding], ...] = (
        permuted_at_chance,
        graph_gains,
        edges_matter,
        features_matter,
        group_explains,
        transductive_flatters,
        other_groups_help,
    )
    return tuple(question(audit, limit) for question in asked)


def known(interval: Interval | None) -> bool:
    """Whether there is an interval to judge by."""
    return interval is not None and interval.low == interval.low


def not_applicable(code: str, why: str) -> Finding:
    """Return the finding of a question that cannot be asked."""
    return Finding(code, "n.a.", why or "too few folds for an interval; use --folds 5 or more")


def above_chance(audit: Scored) -> bool:
    """Whether there is a score to explain."""
    score = audit.auroc(controls.MODEL)
    return score is not None and score.low > CHANCE


def permuted_at_chance(audit: Scored, limit: Thresholds) -> Finding:
    """GM701: with training outcomes permuted, nobody can score but who knows the answers."""
    score = audit.auroc(controls.PERMUTED)
    if score is None or not known(score):
        return not_applicable("GM701", audit.why_not(controls.PERMUTED))
    said = f"with training outcomes permuted the model scores AUROC {span(score)}, and .500 is chance"
    if abs(score.mean - CHANCE) <= limit("GM701", "away") or score.low <= CHANCE <= score.high:
        return Finding("GM701", "pass", said)
    return Finding(
        "GM701", "fail", f"{said}: something that it sees holds the answers of the test patients",
        "a constructor, encoder or model of your own reads outcomes or test rows; give it what fit is given, no more",
    )  # fmt: skip


def gain(audit: Scored) -> Interval | None:
    """Return the model's AUROC less its twin's without edges."""
    return audit.difference(controls.MODEL, controls.NO_GRAPH)


def gains(audit: Scored, limit: Thresholds) -> bool:
    """Whether the graph's gain is above its limit with its whole interval."""
    found = gain(audit)
    return found is not None and found.low > limit("GM702", "gain")


def graph_gains(audit: Scored, limit: Thresholds) -> Finding:
    """GM702: the model against the same network without edges."""
    found = gain(audit)
    if found is None or not known(found):
        return not_applicable("GM702", audit.why_not(controls.NO_GRAPH))
    said = f"the graph's gain over the same network without edges is {span(found, '+')} AUROC"
    if gains(audit, limit):
        return Finding("GM702", "pass", said)
    word = "it does harm" if found.high < 0 else "a gain cannot be shown"
    fix = "try other links: graphmml compare COHORT; over folds, --repeats 5 narrows the interval"
    return Finding("GM702", "warn", f"{said}: {word}", fix)


def edges_matter(audit: Scored, limit: Thresholds) -> Finding:
    """GM703: the model against shuffled and random edges."""
    if not gains(audit, limit):
        return not_applicable("GM703", "the graph has no gain that its edges could explain")
    leads = {name: audit.difference(controls.MODEL, name) for name in (controls.SHUFFLED, controls.RANDOM)}
    found = {name: lead for name, lead in leads.items() if lead is not None}
    if not found:
        return not_applicable("GM703", audit.why_not(controls.SHUFFLED))
    words = {controls.SHUFFLED: "shuffled edges", controls.RANDOM: "as many random edges"}
    said = ", ".join(f"{span(lead, '+')} over {words[name]}" for name, lead in found.items())
    if all(lead.low > limit("GM703", "lead") for lead in found.values()):
        return Finding("GM703", "pass", f"the model leads by {said}")
    return Finding(
        "GM703", "warn", f"the model leads by {said}: edges to anybody may do as well",
        "the gain is then from averaging or from more weights; compare with --links random:k=10",
    )  # fmt: skip


def features_matter(audit: Scored, limit: Thresholds) -> Finding:
    """GM704: features shuffled within the group."""
    score, change = audit.auroc(controls.FEATURES), audit.difference(controls.FEATURES, controls.MODEL)
    if score is None or change is None or not known(change):
        return not_applicable("GM704", audit.why_not(controls.FEATURES))
    if not above_chance(audit):
        return not_applicable("GM704", "the model is at chance: there is no score to explain")
    share = kept(score, change)
    said = f"features shuffled within {audit.group} score {span(score)}"
    if score.low <= CHANCE or share < limit("GM704", "kept_some"):
        return Finding("GM704", "pass", f"{said}: the {audit.group} alone does not make the score")
    status: Status = "fail" if share >= limit("GM704", "kept") else "warn"
    said = f"{said}, {share:.0%} of the model's lead over chance: that much is told by the {audit.group} alone"
    return Finding("GM704", status, said, judge_outside(audit))


def judge_outside(audit: Scored) -> str:
    """Return the command that scores a model on group values that it never saw."""
    return f"judge the model by graphmml cv COHORT --leave-out {audit.group}, and within one {audit.group}"


def group_explains(audit: Scored, limit: Thresholds) -> Finding:
    """GM705: pooled, within the group, and left out, side by side."""
    if not audit.groups:
        return not_applicable("GM705", "needs a group of a usable size")
    scores = audit.groups[0]
    if not above_chance(audit) or not known(scores.within):
        return not_applicable("GM705", "the model is at chance, or the group too small: there is nothing to compare")
    said = f"pooled {span(scores.pooled)}, within {audit.group} {span(scores.within)}"
    said += f", {audit.group} left out {span(scores.left_out)}" if scores.left_out else ""
    lost = scores.lost.low > 0 and scores.lost.mean > limit("GM705", "lost")
    if lost and scores.within.low <= CHANCE:
        said = f"{said}: between patients of one {audit.group} the model tells nothing"
        return Finding("GM705", "fail", said, judge_outside(audit))
    if lost or drops(scores, limit):
        where = f"within one {audit.group}" if lost else f"at a {audit.group} it has not seen"
        return Finding("GM705", "warn", f"{said}: the model is worse {where} than pooled", judge_outside(audit))
    return Finding("GM705", "pass", said)


def drops(scores: GroupScores, limit: Thresholds) -> bool:
    """Whether the score left out is below that within the group, beyond both intervals; they share no folds."""
    if scores.left_out is None or not known(scores.left_out):
        return False
    fall = scores.within.mean - scores.left_out.mean
    halves = [(span.high - span.low) / 2 for span in (scores.within, scores.left_out)]
    return bool(fall > limit("GM705", "fall") and fall**2 > halves[0] ** 2 + halves[1] ** 2)


def transductive_flatters(audit: Scored, limit: Thresholds) -> Finding:
    """GM706: what having the test patients in the training graph adds."""
    found = audit.difference(controls.TRANSDUCTIVE, controls.MODEL)
    if found is None or not known(found):
        return not_applicable("GM706", audit.why_not(controls.TRANSDUCTIVE))
    said = f"test patients in the training graph change AUROC by {span(found, '+')}"
    if found.low <= limit("GM706", "excess"):
        return Finding("GM706", "pass", said)
    return Finding(
        "GM706", "warn", f"{said}: a transductive score promises more than a new patient gets",
        "report the inductive score: graphmml cv COHORT --setting inductive",
    )  # fmt: skip


def other_groups_help(audit: Scored, limit: Thresholds) -> Finding:
    """GM707: is the gain still there without edges within the group?"""
    if not gains(audit, limit):
        return not_applicable("GM707", "the graph has no gain that its edges could explain")
    left, lost = (audit.difference(*pair) for pair in ((controls.ACROSS, controls.NO_GRAPH), within_pair()))
    if left is None or lost is None:
        return not_applicable("GM707", audit.why_not(controls.ACROSS))
    said = f"with edges between different {audit.group} alone the gain is {span(left, '+')} AUROC"
    if left.low > limit("GM707", "gain") or lost.low <= 0:
        return Finding("GM707", "pass", said)
    return Finding(
        "GM707", "warn", f"{said}: edges within one {audit.group} carry it",
        f'link across it: --links "restricted(neighbours:each=true):across={audit.group}"',
    )  # fmt: skip


def within_pair() -> tuple[str, str]:
    """Name the rows whose difference edges within the group make."""
    return controls.MODEL, controls.ACROSS
