"""Explanations where the answer is known, fidelity and cost. Run: python benchmarks/explain.py [PART ...] (or all).

planted: shares of rightly classified held-out patients in whom what carries the signal ranks first among its kind, by
each method, and how many counterfactuals turn the model's answer when they are asked by the public way.
fidelity: on heart disease, over held-out patients, beside as many parts drawn at random; seconds a patient.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

import graphmml as gm
from graphmml.train.chance import one_thread

DATA = Path(__file__).parents[2] / "shared" / "data"
METHODS = {"occlusion": gm.Occlusion(), "gradients": gm.IntegratedGradients(), "explainer": gm.GNNExplainer()}
LINKS = {
    "modality": gm.Neighbours(each=True),
    "feature": gm.Neighbours(each=True),
    "relation": gm.Layers((gm.SharedPhenotype("family", k=20), gm.SharedPhenotype("ward", k=20))),
}
CARRIES = {"modality": ("imaging", ""), "feature": ("marker", "labs"), "relation": ("same_family", "")}
TRAIN = 600


def fitted(carrier: str, members: int, patients: int) -> tuple[gm.GraphClassifier, gm.Cohort, np.ndarray]:
    """Return a model, patients held out, and which of them it classifies rightly."""
    cohort = gm.make_explained_cohort(carrier, TRAIN + patients, seed=0)
    rows = np.random.default_rng(0).permutation(len(cohort))
    model = gm.GraphClassifier(LINKS[carrier], members=members).fit(cohort[rows[:TRAIN]])
    held_out = cohort[rows[TRAIN:]]
    assert held_out.outcome is not None  # noqa: S101 -- drawn here
    return model, held_out, model.predict(held_out) == held_out.outcome.values.to_numpy(dtype=object)


def first(told: gm.Explanation, carrier: str) -> bool:
    """Return whether what carries the signal is named first among its kind."""
    part = told.of_kind(carrier)[0].attribution.part
    return (part.name, part.through) == CARRIES[carrier]


def flips(model: gm.GraphClassifier, cohort: gm.Cohort, row: int, told: gm.Explanation) -> bool | None:
    """Return whether changing the feature in the cohort's table turns `predict`; None without counterfactual."""
    found = told.feature.found
    if found is None:
        return None
    part = found.parts[0]
    person = cohort[[row]]
    tables = {name: table.copy() for name, table in person.tables.items()}
    tables[part.through].loc[:, part.name] = found.after
    return str(model.predict(replace(person, tables=tables))[0]) == found.prediction != told.prediction


@dataclass
class Dropped:
    """Links of newcomers without those to the source patients named, by relation: a second way to drop them."""

    links: gm.GraphConstructor
    gone: frozenset[tuple[str, str]]

    def link(self, source: gm.EncodedCohort, target: gm.EncodedCohort) -> gm.Relations:
        """Return what is left."""
        drawn = self.links.link(source, target)
        if target is source:
            return drawn
        kept = {each.name: [(each.name, source.ids[at]) not in self.gone for at in each.edges[0]] for each in drawn}
        masks = {name: np.array(mask, dtype=bool) for name, mask in kept.items()}
        left = {
            each.name: replace(each, edges=each.edges[:, masks[each.name]], weight=each.weight[masks[each.name]])
            for each in drawn
        }
        return drawn.map(left)


def cut(model: gm.GraphClassifier, cohort: gm.Cohort, row: int, told: gm.Explanation) -> bool | None:
    """Return whether dropping the links in the constructor turns `predict`; None without counterfactual."""
    found = told.links.found
    if found is None:
        return None
    other = copy(model)
    other.links = Dropped(model.constructor, frozenset((part.through, part.name) for part in found.parts))
    return str(other.predict(cohort[[row]])[0]) == found.prediction != told.prediction


def counted(turned: Sequence[bool | None]) -> str:
    """Write how many of those that there are turn the answer."""
    some = [each for each in turned if each is not None]
    return f"{sum(some)}/{len(some)}"


def planted(members: int, patients: int, methods: Sequence[str]) -> Iterator[str]:
    """Yield lines on cohorts whose answer is known."""
    yield f"{'planted':<12}{'method':<12}{'right':>8}{'first':>8}{'s each':>8}{'feature':>12}{'links':>12}"
    for carrier in CARRIES:
        model, cohort, right = fitted(carrier, members, patients)
        rows = np.flatnonzero(right)
        for name in methods:
            began = time.perf_counter()
            told = [gm.explain(model, cohort, int(row), method=METHODS[name], show_ids=True) for row in rows]
            seconds = (time.perf_counter() - began) / len(rows)
            hits = np.mean([first(each, carrier) for each in told])
            pairs = list(zip(map(int, rows), told, strict=True))
            features, links = (counted([turn(model, cohort, *pair) for pair in pairs]) for turn in (flips, cut))
            yield f"{carrier:<12}{name:<12}{len(rows):>8}{hits:8.2f}{seconds:8.2f}{features:>12}{links:>12}"


def measured(members: int, patients: int, methods: Sequence[str]) -> Iterator[str]:
    """Yield lines on fidelity."""
    cohort = gm.read_cohort(DATA / "heart_disease" / "cohort.toml")
    rows = np.random.default_rng(0).permutation(np.flatnonzero(cohort.labelled))
    model = gm.GraphClassifier(members=members).fit(cohort[rows[patients:]])
    yield f"{'fidelity':<12}{'plus':>8}{'random':>8}{'minus':>8}{'random':>8}{'s each':>8}"
    for name in methods:
        began = time.perf_counter()
        told = [gm.explain(model, cohort, int(row), method=METHODS[name]).fidelity for row in rows[:patients]]
        seconds = (time.perf_counter() - began) / patients
        mean = pd.DataFrame([each.to_json() for each in told if each is not None]).mean()
        numbers = "".join(f"{mean[key]:8.3f}" for key in ("plus", "plus_random", "minus", "minus_random"))
        yield f"{name:<12}{numbers}{seconds:8.2f}"


def main(arguments: Sequence[str]) -> None:
    """Print the parts asked for."""
    parts = {"planted": planted, "fidelity": measured}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*parts, []], default=[])
    parser.add_argument("--members", type=int, default=5)
    parser.add_argument("--patients", type=int, default=30, help="held-out patients of each cohort")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    options = parser.parse_args(arguments)
    with one_thread():
        for name in options.parts or parts:
            for line in parts[name](options.members, options.patients, options.methods):
                print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
