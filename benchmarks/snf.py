"""Similarity network fusion against snfpy on the same arrays, and the sparse mode at size: ratio lines.

python benchmarks/snf.py [--peer PYTHON] [--only dense,peer,sparse,diabetes]; also the line `fusion` of graph.py.

Each part runs in a process of its own, so that its peak memory is its own. PYTHON is one that has snfpy, which is
LGPL, needs scikit-learn<1.8 and so stays out of ours: python -m venv snf; snf/bin/pip install snfpy
"scikit-learn<1.8". Wall seconds on a busy machine say little; processor seconds are printed beside.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import graphmml as gm

K, ITERATIONS, MU = 20, 20, 0.5
SIZES = {"dense": (2_000, 5), "sparse": (20_000, 50)}
"""Patients and groups."""
WIDTHS = {"rna": 60, "labs": 40, "imaging": 30}
DATA = Path(__file__).parents[2] / "shared" / "data"
PEER = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, snf
with np.load(sys.argv[1]) as held:
    views = [held[name] for name in held.files]
wall, cpu = time.perf_counter(), time.process_time()
fused = snf.snf(*snf.make_affinity(*views, metric="euclidean", K={K}, mu={MU}), K={K}, t={ITERATIONS})
took = {{"snfpy": time.perf_counter() - wall, "snfpy, processor": time.process_time() - cpu}}
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps({{**took, "snfpy, memory": memory}}))
"""


def views_of(patients: int, groups: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Draw patients of some groups, measured in three modalities."""
    random = np.random.default_rng(0)
    group = random.integers(0, groups, patients)
    return {
        name: random.normal(size=(groups, width))[group] + 2 * random.normal(size=(patients, width))
        for name, width in WIDTHS.items()
    }, group


def encoded_of(views: dict[str, np.ndarray]) -> gm.EncodedCohort:
    """Encode these arrays as a cohort."""
    ids = [f"p{at}" for at in range(len(views["rna"]))]
    cohort = gm.Cohort.from_frames(
        {name: pd.DataFrame(matrix, index=ids).rename(columns=str) for name, matrix in views.items()}
    )
    return gm.CohortEncoder(components=None).fit(cohort).transform(cohort)


def newcomer(encoded: gm.EncodedCohort) -> gm.EncodedCohort:
    """Return the first patient under another id."""
    return replace(encoded[:1], ids=pd.Index(["new"], dtype="str"))


def fuse(kind: str) -> dict[str, float]:
    """Fuse one cohort in this process and say what it took."""
    if kind == "diabetes":
        cohort = gm.read_cohort(DATA / "diabetes130")
        encoded = gm.CohortEncoder().fit(cohort).transform(cohort)
        links = gm.FusedSimilarity(k=10, candidates=10, iterations=5)
    else:
        encoded = encoded_of(views_of(*SIZES[kind])[0])
        links = gm.FusedSimilarity(k=K, mu=MU, iterations=ITERATIONS)
    wall, cpu = time.perf_counter(), time.process_time()
    edges = links.link(encoded, encoded).edges
    took = {"ours": time.perf_counter() - wall, "ours, processor": time.process_time() - cpu}
    new = newcomer(encoded)
    links.link(encoded, new)
    began = time.perf_counter()
    links.link(encoded, new)
    took["one attached, ms"] = 1e3 * (time.perf_counter() - began)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"patients": len(encoded), "edges": edges, **took, "memory": memory}


def snfpy(python: str) -> dict[str, float]:
    """Fuse the same arrays with snfpy: the same k, mu and iterations, of which it always does all."""
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "views.npz", **views_of(*SIZES["dense"])[0])
        return measured([python, "-c", PEER.format(K=K, MU=MU, ITERATIONS=ITERATIONS), f"{folder}/views.npz"])


def measured(command: list[str]) -> dict[str, float]:
    """Run one part in a fresh process."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def told(took: dict[str, float]) -> str:
    """Say what was measured, ratios last."""
    said = [f"{name} {value:,.2f}{' GiB' if name.endswith('memory') else ''}" for name, value in took.items()]
    if {"ours", "snfpy"} <= took.keys():
        less = took["snfpy, processor"] / took["ours, processor"]
        said += [
            f"{less:.2f} times fewer processor seconds",
            f"{took['snfpy'] / took['ours']:.2f} times faster than snfpy",
        ]
    return "; ".join(said)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="a python that has snfpy")
    parser.add_argument("--only", default="dense,peer,sparse,diabetes")
    parser.add_argument("--child", choices=["dense", "sparse", "diabetes"], help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        print(json.dumps(fuse(chosen.child)))
        return
    only = chosen.only.split(",")
    for kind in [word for word in ("dense", "sparse", "diabetes") if word in only]:
        if kind == "diabetes" and not (DATA / "diabetes130").is_dir():
            print("fusion diabetes: ../shared/data is not here, not measured")
            continue
        took = measured([sys.executable, __file__, "--child", kind])
        if kind == "dense" and "peer" in only and chosen.peer:
            took |= snfpy(chosen.peer)
        print(f"fusion {kind}: {told(took)}", flush=True)
    if "peer" in only and not chosen.peer:
        print("snfpy: not measured, give a python that has it")


if __name__ == "__main__":
    main()
