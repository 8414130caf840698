"""The one sentence of an audit: the gravest thing there is to say, from a fixed set."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from graphmml.train import audit_controls as controls
from graphmml.train.audit_findings import Scored, above_chance, gain, known
from graphmml.train.intervals import span

Word = Literal[
    "leak",
    "group",
    "unjudged",
    "nothing learned",
    "harm",
    "no gain",
    "any edges",
    "edges within group",
    "partly group",
    "helps",
]
"""In order of gravity; the first that holds is the verdict."""


@dataclass(frozen=True)
class Verdict:
    """A word of the fixed set, and the sentence with its numbers."""

    word: Word
    sentence: str


def verdict_of(audit: Scored) -> Verdict:
    """Return the gravest word that holds, as a sentence."""
    word = next(word for word in get_args(Word) if HOLDS[word](audit))
    return Verdict(word, SENTENCES[word].format(**figures(audit)))


def is_now(audit: Scored, code: str, *statuses: str) -> bool:
    """Whether a finding has one of these statuses."""
    return any(finding.code == code and finding.status in statuses for finding in audit.findings)


def harmed(audit: Scored) -> bool:
    """Whether the graph's gain is below zero with its whole interval."""
    found = gain(audit)
    return found is not None and found.high < 0


HOLDS: dict[Word, Callable[[Scored], bool]] = {
    "leak": lambda audit: is_now(audit, "GM701", "fail"),
    "group": lambda audit: is_now(audit, "GM704", "fail") or is_now(audit, "GM705", "fail"),
    "unjudged": lambda audit: not known(gain(audit)),
    "nothing learned": lambda audit: not above_chance(audit),
    "harm": harmed,
    "no gain": lambda audit: is_now(audit, "GM702", "warn"),
    "any edges": lambda audit: is_now(audit, "GM703", "warn"),
    "edges within group": lambda audit: is_now(audit, "GM707", "warn"),
    "partly group": lambda audit: is_now(audit, "GM704", "warn") or is_now(audit, "GM705", "warn"),
    "helps": lambda audit: True,
}

SENTENCES: dict[Word, str] = {
    "leak": "Leak: with outcomes permuted the model still scores {permuted}; no other number here means anything.",
    "group": "The score is the {group}'s: pooled {model}, features shuffled within {group} {features}, "
    "between patients of one {group} {within}.",
    "unjudged": "Too few folds to judge the graph; give it --folds 5 or more.",
    "nothing learned": "The model is not above chance, {model}: there is no score for the graph to explain.",
    "harm": "The graph does harm: {gain} AUROC against the same network without edges.",
    "no gain": "The graph adds nothing that can be shown: {gain} AUROC against the same network without edges.",
    "any edges": "The graph helps, {gain} AUROC, but edges drawn by chance may do as well: it is not whom they join.",
    "edges within group": "The graph helps, {gain} AUROC, but only through edges within one {group}.",
    "partly group": "The graph helps, {gain} AUROC, but a part of the score is the {group}'s: pooled {model}, "
    "within one {group} {within}, {group} left out {left_out}.",
    "helps": "The graph helps, and it is its edges that do: {gain} AUROC against the same network without edges, "
    "{lead} against shuffled edges.",
}


def figures(audit: Scored) -> dict[str, str]:
    """Write every number that a sentence may want, n.a. where there is none."""
    scores = audit.groups[0] if audit.groups else None
    wanted = {
        "permuted": (audit.auroc(controls.PERMUTED), ""),
        "model": (audit.auroc(controls.MODEL), ""),
        "features": (audit.auroc(controls.FEATURES), ""),
        "within": (scores.within if scores else None, ""),
        "left_out": (scores.left_out if scores else None, ""),
        "gain": (gain(audit), "+"),
        "lead": (audit.difference(controls.MODEL, controls.SHUFFLED), "+"),
    }
    said = {name: "n.a." if interval is None else span(interval, sign) for name, (interval, sign) in wanted.items()}
    return {**said, "group": audit.group or "group"}
