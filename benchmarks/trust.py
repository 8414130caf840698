"""Do conformal sets cover as often as asked, in each group too, and does novelty flag as rarely as asked?

    python benchmarks/trust.py [--seeds 50]

Each seed draws a synthetic cohort of three sites, of whose patients 18, 50 and 82 % are cases, so that sites differ in
how hard they are. 600 patients fit the model; 600 new ones, attached to it, are
counted. Sets are asked to hold the true class of 90 % of them, novelty to flag at most 1 %. Printed are means over
seeds with their standard error. "held out" is split conformal: half of the 600 train, half make the thresholds;
"five folds" is what `graphmml fit` does, without a guarantee.

Then the same on the bundled heart cohort (four hospitals), split in halves at random once a seed; and with one
hospital left out, whose patients are not exchangeable with the others': there sets promise nothing, and novelty should
flag more than 1 %.
"""

import argparse
import time

import numpy as np
from sklearn.linear_model import LogisticRegression

import graphmml as gm
from graphmml.train.conformal import values_of

PATIENTS = 600
SITES = ("site 1", "site 2", "site 3")
MODELS = {
    "logistic regression": gm.Baseline(LogisticRegression(max_iter=1000)),
    "graph, one member": gm.GraphClassifier(
        gm.Neighbours("labs", k=10), members=1, width=16, training=gm.Training(epochs=30), device="cpu"
    ),
}
PLANS = (
    ("logistic regression", "held out", None),
    ("logistic regression", "held out", "site"),
    ("graph, one member", "held out", None),
    ("graph, one member", "held out", "site"),
    ("logistic regression", "five folds", "site"),
)


def counted(model: gm.CalibratedClassifier, new: gm.Cohort) -> list[float]:
    """Return coverage of all and of each site, mean size of sets, share of single classes and share flagged."""
    sets, hit = model.predict_sets(new), covered(model, new)
    size = sets.sum(axis=1)
    sites = values_of(new, "site")
    flagged = (model.predict_novelty(new) < model.unlike).mean()
    return [hit.mean(), *(hit[sites == site].mean() for site in SITES), size.mean(), (size == 1).mean(), flagged]


def one_seed(seed: int) -> list[list[float]]:
    """Return what every plan comes to on one cohort."""
    cohort = gm.make_cohort(2 * PATIENTS, sites=3, site_effect=1.5, seed=seed)
    rows = []
    for name, splits, group in PLANS:
        chosen = gm.HeldOut(0.5, seed=seed) if splits == "held out" else None
        model = gm.CalibratedClassifier(MODELS[name], chosen, group=group).fit(cohort[:PATIENTS])
        rows.append(counted(model, cohort[PATIENTS:]))
    return rows


def halves(seed: int, heart: gm.Cohort, sites: list[str]) -> np.ndarray:
    """Return coverage of all and of each site by one threshold and by one a site: [2, 1 + site]."""
    order = np.random.default_rng(seed).permutation(len(heart))
    old, new = heart[order[: len(heart) // 2]], heart[order[len(heart) // 2 :]]
    rows = []
    for group in (None, "site"):
        model = gm.CalibratedClassifier(MODELS["logistic regression"], gm.HeldOut(0.5, seed=seed), group=group)
        hit = covered(model.fit(old), new)
        rows.append([hit.mean(), *(hit[values_of(new, "site") == site].mean() for site in sites)])
    return np.array(rows)


def covered(model: gm.CalibratedClassifier, new: gm.Cohort) -> np.ndarray:
    """Return whose true class is in their set: bool [patient]."""
    codes = np.array([list(model.classes_).index(value) for value in new.outcome.values])
    return model.predict_sets(new)[np.arange(len(new)), codes]


def real(seeds: int) -> None:
    """Print coverage on the heart cohort, and what becomes of a hospital that training did not have."""
    heart = gm.load_heart()
    sites = sorted(set(values_of(heart, "site")))
    values = np.array([halves(seed, heart, sites) for seed in range(seeds)])
    mean, error = 100 * values.mean(axis=0), 100 * values.std(axis=0, ddof=1) / np.sqrt(seeds)
    print(f"\nheart, {seeds} random halves, logistic regression, held out")
    print(f"{'':<46}" + "".join(f"{head:>15}" for head in ("coverage", *sites)))
    for name, row, wrong in zip(("one threshold", "one a site"), mean, error, strict=True):
        print(
            f"{name:<46}" + "".join(f"{f'{value:.1f} ({off:.1f})':>15}" for value, off in zip(row, wrong, strict=True))
        )
    for site in sites:
        here = values_of(heart, "site") == site
        model = gm.CalibratedClassifier(MODELS["logistic regression"], gm.HeldOut(0.5)).fit(heart[~here])
        flagged = (model.predict_novelty(heart[here]) < model.unlike).mean()
        name = f"{site} left out, {here.sum()} patients"
        print(f"{name:<46}{100 * covered(model, heart[here]).mean():>15.1f}   flagged {100 * flagged:.1f} %")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=50)
    seeds = parser.parse_args().seeds
    began = time.perf_counter()
    values = np.array([one_seed(seed) for seed in range(seeds)])  # [seed, plan, number]
    mean, error = values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(seeds)
    heads = ("coverage", *SITES, "classes a set", "one class", "flagged")
    print(f"{seeds} seeds, {PATIENTS} patients to fit, {PATIENTS} new; in %, with standard errors over seeds")
    print(f"{'':<46}" + "".join(f"{head:>15}" for head in heads))
    for (name, splits, group), row, wrong in zip(PLANS, mean, error, strict=True):
        cells = [
            f"{value:.2f} ({off:.2f})" if head == "classes a set" else f"{100 * value:.1f} ({100 * off:.1f})"
            for head, value, off in zip(heads, row, wrong, strict=True)
        ]
        threshold = "one threshold" if group is None else f"one a {group}"
        print(f"{name + ', ' + splits + ', ' + threshold:<46}" + "".join(f"{cell:>15}" for cell in cells))
    real(seeds)
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
