"""Do patients who share a concept share the outcome, and which concepts say nothing or too much?"""

from collections.abc import Iterator
from math import isnan
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.stats import hypergeom

from graphmml.data.checks_words import some
from graphmml.data.few import masked
from graphmml.data.findings import Finding
from graphmml.report.homophily import adjusted_homophily, chance_homophily, edge_homophily, label_informativeness
from graphmml.report.measures import MOST_VALUES, SMALLEST_CELL, Target
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.paths import Paths, mixing_of_paths, path_homophily_p, paths_of
from graphmml.report.words import short

CODES = ("GM512", "GM513", "GM615")
NO_CONCEPTS = "the graph has no concepts that patients share"
ENTRIES = 3_000_000
"""So many entries are gone through to exchange labels; fewer exchanges above 15,000 entries a round."""
MOST_ROUNDS = 199
FEWEST_ROUNDS = 19
P = 0.01
"""A concept is called label-bearing only where chance, over all concepts and classes, would rarely make one."""
SIGNATURE = 3
"""Patients with fewer concepts than this are alike by chance."""


def measure(subject: Subject) -> dict[str, Any]:
    """Return for each kind of concept how its paths mix outcome and groups, and which concepts stand out."""
    found = {}
    for paths in paths_of(subject.graph):
        ordered = Paths(paths.kind, paths.names, paths.listen[subject.order], paths.speak[:, subject.order])
        found[paths.kind] = concept_measures(ordered, subject)
    return {"metapaths": found}


def concept_measures(paths: Paths, subject: Subject) -> dict[str, Any]:
    """Measure the paths through one kind of concept."""
    holders = paths.holders
    size = np.asarray(holders.sum(axis=0)).astype(np.int64)
    common = hubs(paths, size, subject.limit("GM512", "share"))
    total = carried(paths)
    return {
        "concepts": len(paths.names),
        "heard": bool(paths.listen.nnz),
        "hearing": bool(paths.speak.nnz),
        "holders": {"min": int(size.min()), "median": float(np.median(size)), "max": int(size.max())},
        "hubs": [paths.names[at] for at in common],
        "hub_share": float(total[common].sum() / total.sum()) if total.sum() > 0 else float("nan"),
        "concepts_alike": alike(csr_array(holders.T), least=2),
        "patients_alike": masked(alike(holders, least=SIGNATURE), min_cell=SMALLEST_CELL),
        "only_through_test": only_through_test(paths, subject),
        "mixing": {target.key: mixing_measures(paths, target, subject.seed) for target in asked(subject)},
        "telling": telling(holders, paths.names, subject.outcome),
    }


def asked(subject: Subject) -> list[Target]:
    """Return the labellings of few enough values."""
    return [target for target in subject.targets if 2 <= len(target.values) <= MOST_VALUES]


def mixing_measures(paths: Paths, target: Target, seed: int) -> dict[str, float | str]:
    """Return homophily of the projected graph, chance beside it, and p."""
    shares = mixing_of_paths(paths, target.labels)
    effort = max(1, (paths.listen.nnz + paths.speak.nnz) * len(target.values))
    rounds = int(np.clip(100 * ENTRIES // effort, FEWEST_ROUNDS, MOST_ROUNDS))
    return {
        "name": target.name,
        "kind": target.kind,
        "edge": edge_homophily(shares),
        "chance": chance_homophily(shares),
        "adjusted": adjusted_homophily(shares) if shares.nnz else float("nan"),
        "informativeness": label_informativeness(shares) if shares.nnz else float("nan"),
        "p": path_homophily_p(paths, target.labels, rounds=rounds, seed=seed),
    }


def hubs(paths: Paths, size: np.ndarray, share: float) -> np.ndarray:
    """Return the concepts that more than a share of patients hold, all alike: int [hub]."""
    weights = paths.listen.tocsc() if paths.listen.nnz else paths.speak.T.tocsc()
    many = np.flatnonzero(size > share * paths.listen.shape[0])
    plain = [at for at in many if np.ptp(weights.data[weights.indptr[at] : weights.indptr[at + 1]]) < 1e-6]
    return np.array(plain, dtype=np.int64)


def carried(paths: Paths) -> np.ndarray:
    """Return the weight of the paths over each concept, from a patient to another: float [concept]."""
    through = np.asarray(paths.listen.sum(axis=0)) * np.asarray(paths.speak.sum(axis=1))
    return np.asarray(through - np.asarray(paths.listen.multiply(paths.speak.T).sum(axis=0)), dtype=np.float64)


def alike(rows: csr_array, *, least: int) -> int:
    """Return how many rows, of those with at least so many entries, have the same entries as another row."""
    drawn = np.random.default_rng(0).integers(2**62, size=rows.shape[1], dtype=np.int64)
    entries = np.diff(rows.indptr)
    row = np.repeat(np.arange(rows.shape[0]), entries)
    sums = np.zeros(rows.shape[0], dtype=np.int64)
    np.add.at(sums, row, drawn[rows.indices])  # wraps around: as good as any hash of a set
    _, again, count = np.unique(sums[entries >= least], return_inverse=True, return_counts=True)
    return int((count[again] > 1).sum())


def only_through_test(paths: Paths, subject: Subject) -> int:
    """Return how many concepts hear patients, and of those with a side in the official split test patients alone."""
    if subject.cohort.split is None:
        return 0
    test = (subject.cohort.split == "test").to_numpy(dtype=bool)
    heard = csr_array(paths.speak != 0).astype(np.float64)
    of_test, of_others = heard @ test.astype(np.float64), heard @ (~test).astype(np.float64)
    return int(((of_test > 0) & (of_others == 0)).sum())


def telling(holders: csr_array, names: tuple[str, ...], outcome: Target | None) -> list[dict[str, Any]]:
    """Return the concepts whose presence alone tells a class best, as AUROC, with chance over all of them."""
    if outcome is None or len(outcome.values) < 2:
        return []
    known = outcome.labels >= 0
    of_class = np.eye(len(outcome.values))[outcome.labels[known]]
    of_class = of_class[:, 1:] if len(outcome.values) == 2 else of_class
    cases, patients = of_class.sum(axis=0), len(of_class)
    held, having = holders[known].T @ of_class, np.asarray(holders[known].sum(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        auroc = 0.5 + 0.5 * np.abs(held / cases - (having[:, None] - held) / (patients - cases))
    found = []
    for concept, at in zip(
        *np.unravel_index(np.argsort(-np.nan_to_num(auroc), axis=None)[:8], auroc.shape), strict=True
    ):
        case, hold, both = int(cases[at]), int(having[concept]), int(held[concept, at])
        drawn = hypergeom(patients, case, hold)
        p = min(float(drawn.sf(both - 1)), float(drawn.cdf(both))) * 2 * auroc.size
        name = names[concept] if min(hold, patients - hold) >= SMALLEST_CELL else "a concept that few have, or few lack"
        value = outcome.values[at + (len(outcome.values) == 2)]
        found.append({"concept": name, "class": value, "auroc": float(auroc[concept, at]), "p": min(1.0, p)})
    return found


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM512: concepts that everybody has. GM513: concepts that nobody hears. GM615: concepts that are the outcome."""
    found = measures["metapaths"]
    if not found:
        yield from (Finding(code, "n.a.", NO_CONCEPTS) for code in CODES)
        return
    for kind, row in found.items():
        yield everybodys(kind, row, subject)
        yield mute(kind, row)
        yield bearing(kind, row, subject)


def everybodys(kind: str, row: Measures, subject: Subject) -> Finding:
    """GM512: whether concepts join more than half of the patients."""
    share = subject.limit("GM512", "share")
    if not row["hubs"]:
        return Finding("GM512", "pass", f"none of {row['concepts']} concepts of {kind} is held by over {share:.0%}")
    said = (
        f"{len(row['hubs'])} of {row['concepts']} concepts of {kind} are held by over {share:.0%} of patients "
        f"({some(row['hubs'][:3])}): {row['hub_share']:.0%} of what patients hear of each other comes over them"
    )
    return Finding("GM512", "warn", said, f"leave them out: concepts:modality={kind},most={share:g}")


def mute(kind: str, row: Measures) -> Finding:
    """GM513: whether concepts both hear patients and are heard."""
    if row["heard"] and row["hearing"]:
        return Finding("GM513", "pass", f"patients speak to concepts of {kind} and listen to them")
    lacking = "speaks" if row["heard"] else "listens"
    said = f"no patient {lacking} to a concept of {kind}: nothing passes from patient to patient over them"
    return Finding("GM513", "warn", said, "draw the reverse relation too, as graphmml build --links concepts does")


def bearing(kind: str, row: Measures, subject: Subject) -> Finding:
    """GM615: whether a concept alone gives the outcome away."""
    if not row["telling"]:
        return Finding("GM615", "n.a.", f"no outcome of classes to hold the concepts of {kind} against")
    best = next((item for item in row["telling"] if item["p"] < P), row["telling"][0])
    name = short(best["concept"], 40)
    said = f"of the concepts of {kind}, {name!r} tells {best['class']} best: AUROC {best['auroc']:.2f}"
    if best["p"] >= P or best["auroc"] <= subject.limit("GM615", "warn"):
        return Finding("GM615", "pass", f"{said}; no concept of {kind} gives the outcome away")
    fix = f"if it is recorded with or after the outcome, list it under drop = [...] of [modality.{kind}] in cohort.toml"
    said += " by its presence alone: is it the outcome under another name?"
    return Finding("GM615", "fail" if best["auroc"] > subject.limit("GM615", "fail") else "warn", said, fix)


def lines(measures: Measures) -> Iterator[str]:
    """Say for the first kind of concept how far who shares them shares the outcome."""
    for kind, row in list(measures.get("metapaths", {}).items())[:1]:
        told = [f"  {row['concepts']:,} concepts of {short(kind, 24)}"]
        for mixed in row["mixing"].values():
            if mixed["kind"] == "outcome" and not isnan(mixed["p"]):
                told.append(f"paths over them: adjusted homophily {mixed['adjusted']:.3f}, p {mixed['p']:.3f}")
        yield " · ".join(told)


METAPATHS = Part("metapaths", CODES, measure, judge, lines, laid=False)
