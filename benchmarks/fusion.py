"""What each fusion can do, and what it costs: on cohorts whose answer is known, on real ones, and by the clock.

python benchmarks/fusion.py [known breast holes sweep overhead] [--members N] [--run FOLDER]

known: outcomes that are an exclusive or, a sum, or in one modality of five; beside each the best that can be done.
breast: breast_tcga on its official split, whose test patients all lack protein. holes: hancock with modalities taken
from its test patients at random. sweep: every fusion on hancock in 5 folds, kept in FOLDER and taken up again from it.
overhead: one training step with each fusion over the step with concatenation, eight modalities, 5,000 patients.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import torch
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

import graphmml as gm
from graphmml.data.holes import hide_modalities
from graphmml.model.strategy import strategy_of
from graphmml.model.tensors import GraphTensors
from graphmml.model.towers import network_for
from graphmml.train.batches import Part
from graphmml.train.chance import one_thread
from graphmml.train.fusions import VECTOR_FUSIONS
from graphmml.train.loop import step
from graphmml.train.tasks import ClassTask

DATA = Path(__file__).parents[2] / "shared" / "data"
SHARES = (0.0, 0.2, 0.4, 0.6, 0.8)
TRAIN, TEST = 600, 2_000
CPU = torch.device("cpu")


def auroc(model: gm.GraphClassifier, cohort: gm.Cohort) -> float:
    """Score a fitted model on patients with outcome."""
    assert cohort.outcome is not None  # noqa: S101 -- drawn here
    truth = (cohort.outcome.values == cohort.outcome.positive).to_numpy()
    p = model.predict_proba(cohort)[:, list(model.classes_).index(cohort.outcome.positive)]
    return float(roc_auc_score(truth, p))


def ceiling(kind: str, cohort: gm.Cohort) -> float:
    """Return the AUROC of who knows how the cohort was drawn."""
    assert cohort.outcome is not None  # noqa: S101
    known = [name for name in cohort.tables if not name.startswith("noise")]
    # each of two columns is (3 z + e) / sqrt(10): given both, z is normal about 3 s / 19 with variance 1 / 19
    mean = np.stack([3 * cohort.tables[name][["x1", "x2"]].sum(axis=1) * 10**0.5 / 19 for name in known])
    if kind == "exclusive":
        up = norm.cdf(mean * 19**0.5)
        score = up[0] * up[1] + (1 - up[0]) * (1 - up[1])
    else:
        score = mean.sum(axis=0)
    return float(roc_auc_score((cohort.outcome.values == cohort.outcome.positive).to_numpy(), score))


def known(members: int) -> Iterator[str]:
    """Yield lines on cohorts whose answer is known."""
    kinds = ("exclusive", "additive", "single")
    pairs = {kind: [gm.make_fusion_cohort(kind, n, seed=seed) for seed, n in ((0, TRAIN), (1, TEST))] for kind in kinds}
    work = [(kind, name) for kind in kinds for name in gm.all_fusions()]
    scores = joblib.Parallel(n_jobs=-1)(joblib.delayed(told)(*pairs[kind], name, members) for kind, name in work)
    table = pd.Series(scores, index=pd.MultiIndex.from_tuples(work)).unstack(0)[list(kinds)].loc[list(gm.all_fusions())]
    yield f"{'known':<42}" + "".join(f"{kind:>12}" for kind in kinds)
    best = [ceiling(kind, pairs[kind][1]) for kind in kinds]
    yield f"{'(who knows how it was drawn)':<42}" + "".join(f"{value:12.3f}" for value in best)
    for name, row in table.iterrows():
        yield f"{name:<42}" + "".join(f"{value:12.3f}" for value in row)
    train, test = pairs["single"]
    alone = [replace(cohort, tables={"signal": cohort.tables["signal"]}) for cohort in (train, test)]
    yield f"{'the one modality by itself':<42}{'':24}{told(*alone, 'gated', members):12.3f}"
    for name in ("gated", "attention", "hierarchical", "cross"):
        model = gm.GraphClassifier(gm.NoEdges(), fusion=gm.all_fusions()[name], members=members).fit(train)
        weight = gm.modality_weights(model, test).mean()
        yield f"{f'weight of signal, {name}':<42}{'':24}{weight['signal']:12.3f}"


def told(train: gm.Cohort, test: gm.Cohort, name: str, members: int) -> float:
    """Fit one fusion without a graph and score it."""
    with one_thread():
        fusion = gm.all_fusions()[name]
        return auroc(gm.GraphClassifier(gm.NoEdges(), fusion=fusion, members=members).fit(train), test)


def breast(members: int) -> Iterator[str]:
    """Yield accuracies on the official split of breast_tcga."""
    cohort = gm.read_cohort(DATA / "breast_tcga" / "cohort.toml")
    sweep = gm.compare_fusions(gm.GraphClassifier(members=members), cohort, gm.OfficialSplit(1))
    yield f"{'breast_tcga, official split':<42}{'accuracy':>12}{'no graph':>12}{'AUROC':>12}"
    for row in sorted(sweep.rows, key=lambda row: -row.metrics["accuracy"].mean):
        twin = sweep.result.named(f"{row.name}, no graph").metrics["accuracy"].mean
        yield f"{row.name:<42}{row.metrics['accuracy'].mean:12.3f}{twin:12.3f}{row.metrics['auroc'].mean:12.3f}"
    for row in sweep.controls:
        yield f"{row.name:<42}{row.metrics['accuracy'].mean:12.3f}{'':12}{row.metrics['auroc'].mean:12.3f}"
    for name, why in sweep.refused.items():
        yield f"{name:<42} {why}"


def holes(members: int) -> Iterator[str]:
    """Yield AUROC on hancock by how much of the test patients' modalities was taken away."""
    cohort = gm.read_cohort(DATA / "hancock" / "cohort.toml")
    cohort = cohort[cohort.labelled]
    folds = list(gm.Folds(5).split(cohort))
    sides: dict[str, gm.GraphConstructor | None] = {"": None, ", no graph": gm.NoEdges()}
    work = [(name, side, fold) for fold in folds for name in gm.all_fusions() for side in sides]
    curves = joblib.Parallel(n_jobs=-1)(
        joblib.delayed(curve)(cohort, fold, name, sides[side], members) for name, side, fold in work
    )
    table = pd.DataFrame(curves, index=pd.MultiIndex.from_tuples([(name + side, at) for name, side, at in named(work)]))
    mean = table.groupby(level=0, sort=False).mean()
    yield f"{'hancock, share of modalities taken away':<50}" + "".join(f"{share:8.0%}" for share in SHARES)
    for name, row in mean.iterrows():
        yield f"{name:<50}" + "".join(f"{value:8.3f}" for value in row)


def named(work: list[tuple[str, str, gm.data.folds.Fold]]) -> list[tuple[str, str, int]]:
    """Write folds as numbers."""
    return [(name, side, fold.number) for name, side, fold in work]


def curve(cohort: gm.Cohort, fold, name: str, links: gm.GraphConstructor | None, members: int) -> list[float]:
    """Fit once and score with more and more taken away."""
    with one_thread():
        model = gm.GraphClassifier(links, fusion=gm.all_fusions()[name], members=members).fit(cohort[fold.train])
        return [auroc(model, hide_modalities(cohort[fold.test], share)) for share in SHARES]


def sweep(members: int, run: Path) -> Iterator[str]:
    """Yield the table of all fusions on hancock and what it took."""
    cohort = gm.read_cohort(DATA / "hancock" / "cohort.toml")
    began = time.perf_counter()
    done = gm.compare_fusions(
        gm.GraphClassifier(members=members), cohort, gm.Folds(5), run=run, resume=(run / "run.json").exists()
    )
    yield repr(done)
    yield f"{(time.perf_counter() - began) / 60:.1f} minutes of the clock in this call"


def overhead() -> Iterator[str]:
    """Yield the seconds of one training step over those with concatenation, five rounds each, in turn."""
    patients, width, count = 5_000, 64, 8
    random = np.random.default_rng(0)
    ids = pd.Index([f"p{at}" for at in range(patients)], dtype="str")
    frames = {
        f"m{at}": pd.DataFrame(random.standard_normal((patients, 30)), index=ids).rename(columns=str)
        for at in range(count)
    }
    cohort = gm.Cohort.from_frames(frames, pd.Series(random.choice(["a", "b"], patients), index=ids, name="y"))
    encoded = gm.CohortEncoder().fit(cohort).transform(cohort)
    graph = gm.build_graph(gm.Neighbours(each=True), encoded)
    task = ClassTask.of(cohort)
    part = Part(GraphTensors.of(graph, encoded, device=CPU), torch.from_numpy(task.codes(cohort)))
    steps = {}
    for name, fusion in VECTOR_FUSIONS.items():
        network = network_for(
            {modality: len(columns) for modality, columns in encoded.columns.items()},
            graph.schema,
            outputs=2,
            width=width,
            encoder=gm.LinearEncoder,
            fusion=strategy_of(fusion),
            conv=gm.SAGEStack,
        )
        optimizer = torch.optim.AdamW(network.parameters(), foreach=True)
        steps[name] = (network, optimizer)
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(6):
        for name, (network, optimizer) in steps.items():
            began = time.perf_counter()
            step(network, optimizer, task, part, None, pretraining=False)
            if turn:
                times[name].append(time.perf_counter() - began)
    base = np.median(times["concat"])
    yield f"{'one step, 5,000 patients, 8 x 64':<42}{'ms':>8}{'over concat':>14}"
    for name, each in times.items():
        yield f"{name:<42}{1000 * np.median(each):8.0f}{np.median(each) / base:14.2f}"


def main() -> None:
    """Print the lines asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", nargs="*", default=["known", "breast", "holes", "sweep", "overhead"])
    parser.add_argument("--members", type=int, default=5)
    parser.add_argument("--run", type=Path)
    asked = parser.parse_args()
    run = asked.run or Path(tempfile.mkdtemp()) / "sweep"
    parts = {
        "known": lambda: known(asked.members),
        "breast": lambda: breast(asked.members),
        "holes": lambda: holes(asked.members),
        "sweep": lambda: sweep(asked.members, run),
        "overhead": overhead,
    }
    for name in asked.lines:
        cohort = {"breast": "breast_tcga", "holes": "hancock", "sweep": "hancock"}.get(name)
        if cohort and not (DATA / cohort).exists():
            sys.stdout.write(f"{name}: skipped, there is no {cohort} beside the project\n")
            continue
        for line in parts[name]():
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
