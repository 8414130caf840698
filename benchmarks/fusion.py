"""Similarity network fusion against snfpy on the same arrays, and the sparse mode at size.

python benchmarks/fusion.py [--peer PYTHON] [--only dense,peer,sparse,diabetes] prints wall and processor seconds
and peak memory, each part in a process of its own. PYTHON is one that has snfpy, which is LGPL, needs
scikit-learn<1.8 and so stays out of ours: python -m venv snf; snf/bin/pip install snfpy "scikit-learn<1.8".
Wall seconds on a busy machine say little; the ratio of processor seconds is printed beside.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

K, ITERATIONS, MU = 20, 20, 0.5
WIDTHS = {"rna": 60, "labs": 40, "imaging": 30}
DATA = Path(__file__).parents[2] / "shared" / "data"
PEER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, snf
with np.load(sys.argv[1]) as held:
    views = [held[name] for name in held.files]
wall, cpu = time.perf_counter(), time.process_time()
fused = snf.snf(*snf.make_affinity(*views, metric="euclidean", K={K}, mu={MU}), K={K}, t={ITERATIONS})
print(json.dumps({{"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}}))
"""


def views_of(patients: int, groups: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Draw patients of some groups, measured in three modalities."""
    random = np.random.default_rng(0)
    group = random.integers(0, groups, patients)
    return {
        name: random.normal(size=(groups, width))[group] + 2 * random.normal(size=(patients, width))
        for name, width in WIDTHS.items()
    }, group


def fuse(kind: str) -> None:
    """Fuse one cohort in this process and print what it took."""
    import graphmml as gm  # noqa: PLC0415 -- only the process that measures loads it

    if kind == "diabetes":
        cohort = gm.read_cohort(DATA / "diabetes130" / "cohort.toml")
        encoded = gm.CohortEncoder().fit(cohort).transform(cohort)
        links = gm.FusedSimilarity(k=10, candidates=10, iterations=5)
    else:
        views, _ = views_of(*{"dense": (2_000, 5), "sparse": (20_000, 50)}[kind])
        ids = [f"p{at}" for at in range(len(views["rna"]))]
        frames = {name: pd.DataFrame(matrix, index=ids).rename(columns=str) for name, matrix in views.items()}
        encoded = (
            gm.CohortEncoder(components=None)
            .fit(gm.Cohort.from_frames(frames))
            .transform(gm.Cohort.from_frames(frames))
        )
        links = gm.FusedSimilarity(k=K, mu=MU, iterations=ITERATIONS)
    wall, cpu = time.perf_counter(), time.process_time()
    edges = links.link(encoded, encoded).edges
    took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    new = encoded[:1]
    new = gm.EncodedCohort(
        pd.Index(["new"], dtype="str"), new.features, new.present, new.columns, new.tables, new.groups
    )
    links.link(encoded, new)
    began = time.perf_counter()
    links.link(encoded, new)
    took["attach"] = time.perf_counter() - began
    took["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({**took, "links": repr(links), "patients": len(encoded), "edges": edges}))


def measured(command: list[str]) -> dict[str, float]:
    """Run one part in a fresh process."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", help="a python that has snfpy")
    parser.add_argument("--only", default="dense,peer,sparse,diabetes")
    parser.add_argument("--fuse", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.fuse:
        fuse(chosen.fuse)
        return
    ours: dict[str, dict[str, float]] = {}
    for kind in [word for word in chosen.only.split(",") if word != "peer"]:
        if kind == "diabetes" and not (DATA / "diabetes130").is_dir():
            print("diabetes130 is not here: not measured")
            continue
        took = ours[kind] = measured([sys.executable, __file__, "--fuse", kind])
        print(f"{kind}: {took['patients']:,} patients, {took['links']}: {took['edges']:,} edges")
        print(f"  {took['wall']:.1f} s wall, {took['cpu']:.1f} s processor, peak memory {took['memory']:.2f} GiB")
        print(f"  one more patient attached in {1000 * took['attach']:.0f} ms")
    if "peer" in chosen.only and chosen.peer is None:
        print("snfpy: not measured (give --peer)")
    elif "peer" in chosen.only:
        with tempfile.TemporaryDirectory() as folder:
            np.savez(Path(folder) / "views.npz", **views_of(2_000, 5)[0])
            script = PEER.format(K=K, MU=MU, ITERATIONS=ITERATIONS)
            took = measured([chosen.peer, "-c", script, str(Path(folder) / "views.npz")])
        print(f"snfpy: 2,000 patients: {took['wall']:.1f} s wall, {took['cpu']:.1f} s processor")
        if "dense" in ours:
            ratio = {key: took[key] / ours["dense"][key] for key in ("wall", "cpu")}
            print(f"  ratio to ours: {ratio['wall']:.1f} in wall, {ratio['cpu']:.1f} in processor seconds")


if __name__ == "__main__":
    main()
