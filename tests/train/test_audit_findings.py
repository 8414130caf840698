"""Findings and verdict from scores that are given, so that every side of every limit is seen."""

from dataclasses import dataclass, field
from typing import get_args

import pytest

from graphmml.data.thresholds import thresholds
from graphmml.report.rules_audit import AUDIT_RULES
from graphmml.train import audit_controls as controls
from graphmml.train.audit_findings import findings_of
from graphmml.train.audit_groups import GroupScores
from graphmml.train.audit_verdict import HOLDS, SENTENCES, Word, verdict_of
from graphmml.train.intervals import Interval, span

NAN = float("nan")


def around(mean, half=0.02):
    return Interval(mean, mean - half, mean + half)


def in_groups(pooled=0.80, within=0.79, left_out=0.78, half=0.02):
    left = None if left_out is None else around(left_out, 0.04)
    return (GroupScores(controls.MODEL, around(pooled), around(within), around(pooled - within, half), left),)


@dataclass(frozen=True)
class Given:
    """An audit whose AUROCs are given; differences have the interval `half` unless one is named."""

    scores: dict = field(default_factory=dict)
    spans: dict = field(default_factory=dict)
    groups: tuple = in_groups()
    group: str | None = "site"
    half: float = 0.02

    def auroc(self, name):
        return self.scores.get(name)

    def difference(self, one, other):
        if (one, other) in self.spans:
            return self.spans[one, other]
        if one not in self.scores or other not in self.scores:
            return None
        return around(self.scores[one].mean - self.scores[other].mean, self.half)

    def why_not(self, name):
        return "" if name in self.scores else "it was refused"

    @property
    def findings(self):
        return findings_of(self, thresholds())


GOOD = {
    controls.MODEL: around(0.80),
    controls.NO_GRAPH: around(0.74),
    controls.SHUFFLED: around(0.74),
    controls.RANDOM: around(0.73),
    controls.FEATURES: around(0.50),
    controls.DETACHED: around(0.74),
    controls.ACROSS: around(0.79),
    controls.PERMUTED: around(0.51, 0.05),
    controls.TRANSDUCTIVE: around(0.805),
}


def given(changes=None, **settings):
    scores = {**GOOD, **(changes or {})}
    return Given({name: score for name, score in scores.items() if score is not None}, **settings)


def statuses(audit):
    return {finding.code: finding.status for finding in audit.findings}


def test_a_sound_gain_passes_everything_and_the_graph_helps():
    assert set(statuses(given()).values()) == {"pass"}
    assert verdict_of(given()).word == "helps"
    assert "+0.060 (+.040 to +.080)" in verdict_of(given()).sentence


def test_every_code_has_a_rule_and_limits():
    codes = {finding.code for finding in given().findings}
    assert codes == set(AUDIT_RULES)
    assert codes <= set(thresholds().limits)


CASES = [
    ("GM701", {controls.PERMUTED: around(0.63)}, {}, "fail", "leak"),
    ("GM701", {controls.PERMUTED: around(0.37)}, {}, "fail", "leak"),
    ("GM701", {controls.PERMUTED: around(0.53)}, {}, "pass", "helps"),  # beyond its interval, but by nothing
    ("GM701", {controls.PERMUTED: around(0.58, 0.09)}, {}, "pass", "helps"),  # off, but within its interval
    ("GM701", {controls.PERMUTED: None}, {}, "n.a.", "helps"),
    ("GM702", {controls.NO_GRAPH: around(0.79)}, {}, "warn", "no gain"),
    ("GM702", {controls.NO_GRAPH: around(0.85)}, {}, "warn", "harm"),
    ("GM703", {controls.SHUFFLED: around(0.79)}, {}, "warn", "any edges"),
    ("GM703", {controls.RANDOM: around(0.81)}, {}, "warn", "any edges"),
    ("GM703", {controls.RANDOM: None}, {}, "pass", "helps"),
    ("GM703", {controls.NO_GRAPH: around(0.80)}, {}, "n.a.", "no gain"),
    ("GM704", {controls.FEATURES: around(0.80)}, {}, "fail", "group"),
    ("GM704", {controls.FEATURES: around(0.70)}, {}, "warn", "partly group"),
    ("GM704", {controls.FEATURES: around(0.60)}, {}, "pass", "helps"),
    ("GM704", {controls.FEATURES: around(0.80, 0.31)}, {}, "pass", "helps"),
    ("GM704", {controls.FEATURES: None}, {}, "n.a.", "helps"),
    ("GM705", {}, {"groups": in_groups(within=0.50)}, "fail", "group"),
    ("GM705", {}, {"groups": in_groups(within=0.70)}, "warn", "partly group"),
    ("GM705", {}, {"groups": in_groups(within=0.70, left_out=0.69, half=0.2)}, "pass", "helps"),
    ("GM705", {}, {"groups": in_groups(within=0.79, left_out=0.60)}, "warn", "partly group"),
    ("GM705", {}, {"groups": in_groups(within=0.79, left_out=0.76)}, "pass", "helps"),
    ("GM705", {}, {"groups": in_groups(left_out=None)}, "pass", "helps"),
    ("GM705", {}, {"groups": ()}, "n.a.", "helps"),
    ("GM706", {controls.TRANSDUCTIVE: around(0.85)}, {}, "warn", "helps"),
    ("GM706", {controls.TRANSDUCTIVE: None}, {}, "n.a.", "helps"),
    ("GM707", {controls.ACROSS: around(0.75)}, {}, "warn", "edges within group"),
    ("GM707", {controls.ACROSS: around(0.79)}, {}, "pass", "helps"),
    ("GM707", {controls.ACROSS: None}, {}, "n.a.", "helps"),
]


@pytest.mark.parametrize(("code", "changes", "settings", "status", "word"), CASES)
def test_each_limit_from_both_sides(code, changes, settings, status, word):
    audit = given(changes, **settings)
    assert statuses(audit)[code] == status
    assert verdict_of(audit).word == word


def test_a_model_at_chance_has_nothing_to_explain():
    chance = {name: around(0.51) for name in GOOD}
    audit = given(chance, groups=in_groups(0.51, 0.5, 0.5))
    assert statuses(audit) == {
        "GM701": "pass",
        "GM702": "warn",
        "GM703": "n.a.",
        "GM704": "n.a.",
        "GM705": "n.a.",
        "GM706": "pass",
        "GM707": "n.a.",
    }
    assert verdict_of(audit).word == "nothing learned"


def test_without_intervals_nothing_is_judged():
    alone = {name: Interval(score.mean, NAN, NAN) for name, score in GOOD.items()}
    audit = given(alone, half=NAN, groups=())
    assert set(statuses(audit).values()) == {"n.a."}
    assert verdict_of(audit).word == "unjudged"


def test_numbers_are_written_without_a_minus_before_nothing():
    assert span(Interval(-0.0004, -0.008, 0.0071), "+") == "+0.000 (-.008 to +.007)"
    assert span(Interval(0.9, 0.85, 1.0)) == "0.900 (.850 to 1.000)"
    assert span(Interval(0.9, NAN, NAN)) == "0.900"
    assert span(Interval(0.9, 0.85, 0.951), digits=2) == "0.90 (.85 to .95)"


def test_the_gravest_thing_is_said_first():
    assert tuple(HOLDS) == tuple(SENTENCES) == get_args(Word)
    everything = {controls.PERMUTED: around(0.63), controls.FEATURES: around(0.8), controls.NO_GRAPH: around(0.85)}
    assert verdict_of(given(everything)).word == "leak"
    del everything[controls.PERMUTED]
    assert verdict_of(given(everything)).word == "group"
    del everything[controls.FEATURES]
    assert verdict_of(given(everything)).word == "harm"


def test_every_sentence_is_whole_and_names_the_group():
    for code, changes, settings, _, _ in CASES:
        audit = given(changes, **settings)
        said = [
            verdict_of(audit).sentence,
            *(item.message for item in audit.findings),
            *(item.fix for item in audit.findings),
        ]
        for words in said:
            assert "{" not in words, code
            assert "None" not in words, code
    assert "the ward's" in verdict_of(given({controls.FEATURES: around(0.8)}, group="ward")).sentence
