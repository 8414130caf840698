"""Do conformal sets cover as often as asked, in each group too, and does novelty flag as rarely as asked?

    python benchmarks/trust.py [--seeds 50]

Each seed draws a synthetic cohort of three sites, where the first has almost no cases and the last almost none but
cases, so that sites differ in how hard they are. 600 patients fit the model; 600 new ones, attached to it, are
counted. Sets are asked to hold the true class of 90 % of them, novelty to flag at most 1 %. Printed are means over
seeds with their standard error. "held out" is split conformal: half of the 600 train, half make the thresholds;
"five folds" is what `graphmml fit` does, without a guarantee.
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
    sets = model.predict_sets(new)
    codes = np.array([list(model.classes_).index(value) for value in new.outcome.values])
    hit = sets[np.arange(len(new)), codes]
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


def main() -> None:
    """Print the table."""
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
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
