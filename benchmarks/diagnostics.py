"""Planted faults found, and clean cohorts left alone: how far the verdicts of check and diagnose can be relied on.

python benchmarks/diagnostics.py [--seeds N] [--first N] [--patients N]

Each fault is planted into cohorts drawn with other seeds; the table says in how many of them its code warns or fails,
and how often the same code does so in the same cohort without the fault.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import joblib
import numpy as np
import pandas as pd

import graphmml as gm
from graphmml.data import faults
from graphmml.data.findings import Finding
from graphmml.report.diagnose import diagnose_graph

Findings = Sequence[Finding]


def split_of(cohort: gm.Cohort, seed: int) -> gm.Cohort:
    """Give a cohort an official split: every fifth patient by chance is tested."""
    side = np.where(np.random.default_rng(seed).random(len(cohort)) < 0.2, "test", "train")
    return replace(cohort, split=pd.Series(side, index=cohort.ids, dtype="str"))


def tables(cohort: gm.Cohort) -> Findings:
    """Check the tables."""
    return gm.check(cohort)


def linked(cohort: gm.Cohort) -> Findings:
    """Diagnose the default graph."""
    return gm.diagnose(cohort).findings


def given(cohort: gm.Cohort, source: gm.Cohort) -> Findings:
    """Diagnose a graph that was built from the patients of `source`, the others attached."""
    encoder = gm.CohortEncoder().fit(source)
    rest = cohort[~cohort.ids.isin(source.ids)]
    known, new = encoder.transform(source), encoder.transform(rest) if len(rest) else None
    return diagnose_graph(cohort, gm.build_graph(gm.Neighbours(each=True), known, new)).findings


def from_all(cohort: gm.Cohort, seed: int) -> Findings:
    """Build the graph from all patients, those of the test side too."""
    return given(split_of(cohort, seed), split_of(cohort, seed))


def from_training(cohort: gm.Cohort, seed: int) -> Findings:
    """Build the graph from training patients and attach the others."""
    whole = split_of(cohort, seed)
    return given(whole, whole[(whole.split == "train").to_numpy()])


def planted(
    plant: Callable[..., gm.Cohort], look: Callable[[gm.Cohort], Findings], **options: object
) -> tuple[Callable[[gm.Cohort, int], Findings], Callable[[gm.Cohort, int], Findings]]:
    """Return what is found with the fault and without it."""
    return lambda cohort, seed: look(plant(cohort, seed, **options)), lambda cohort, seed: look(cohort)


FAULTS = {
    "a  site is the only signal": ("GM401", *planted(faults.site_only, linked)),
    "b  a column that gives the outcome away": ("GM602", *planted(faults.leaking_column, tables)),
    "c  patients entered twice": ("GM601", *planted(faults.duplicated, tables)),
    "d  ... with contradictory outcomes": ("GM106", *planted(faults.duplicated, tables, contradictory=True)),
    "e  hubs made by imputation": ("GM204", *planted(faults.hardly_measured, linked)),
    "f  what is missing follows the outcome": ("GM502", *planted(faults.gaps_by_outcome, tables)),
    "g  a graph built with test patients": ("GM612", from_all, from_training),
    "h  another unit at one site": ("GM115", *planted(faults.shifted_units, tables)),
    "i  ids that lost their zeros": ("GM103", *planted(faults.lost_zeros, tables)),
}


def told(findings: Findings) -> set[str]:
    """Return the codes that warn or fail."""
    return {item.code for item in findings if item.status in ("warn", "fail")}


def one_fault(name: str, seed: int, patients: int) -> tuple[str, bool, bool]:
    """Plant one fault with one seed: whether it is found, and whether its code speaks without it."""
    code, with_it, without = FAULTS[name]
    cohort = gm.make_cohort(patients, seed=seed)
    return name, code in told(with_it(cohort, seed)), code in told(without(cohort, seed))


def one_clean(seed: int, patients: int) -> list[tuple[str, str]]:
    """Return code and status of what is said of a clean cohort."""
    cohort = gm.make_cohort(patients, seed=seed)
    found = [*gm.check(cohort), *gm.diagnose(cohort).findings]
    return [(item.code, item.status) for item in found if item.status in ("warn", "fail")]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed; limits were set on those from 0 on")
    parser.add_argument("--patients", type=int, default=400)
    chosen = parser.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        asked = [joblib.delayed(one_fault)(name, seed, chosen.patients) for name in FAULTS for seed in seeds]
        answers = joblib.Parallel(n_jobs=-1)(asked)
        clean = joblib.Parallel(n_jobs=-1)(joblib.delayed(one_clean)(seed, chosen.patients) for seed in seeds)
    print(f"{chosen.seeds} cohorts of {chosen.patients} patients\n")
    print(f"{'planted fault':<44} {'code':<6} {'found':>7} {'without it':>11}")
    for name, (code, *_) in FAULTS.items():
        mine = [(found, alarm) for other, found, alarm in answers if other == name]
        print(f"{name:<44} {code:<6} {sum(found for found, _ in mine):>7} {sum(alarm for _, alarm in mine):>11}")
    said = Counter(item for found in clean for item in found)
    fails = sum(number for (_, status), number in said.items() if status == "fail")
    warns = sum(number for (_, status), number in said.items() if status == "warn")
    print(f"\nclean cohorts: {fails} fail and {warns} warn in {chosen.seeds}, {warns / chosen.seeds:.2f} warn a cohort")
    print("  " + (", ".join(f"{code} {status} x {number}" for (code, status), number in said.most_common()) or "none"))


if __name__ == "__main__":
    main()
