"""What linking patients costs, each line a ratio to a floor or a peer measured in the same run, with peak memory.

python benchmarks/graph.py [exact approximate attach fusion diabetes] [--peer PYTHON] [--snf PYTHON] [--patients N]

Each line runs in a process of its own, so that its peak memory is its own. PYTHON is an interpreter that has
pynndescent; without it that peer is not measured, and the line says so. The lines of fusion are those of snf.py,
where --snf names an interpreter that has snfpy.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.neighbors import kneighbors_graph

import graphmml as gm

BLOCK, K, RECALL = 1024, 10, 0.95
COHORT = Path(__file__).parents[1] / ".." / "shared" / "data" / "diabetes130"
PEER = """
import json, sys, time
import numpy as np
from pynndescent import NNDescent
rows = np.load(sys.argv[1])
exact = np.load(sys.argv[2])
NNDescent(rows[:2000], metric="euclidean", n_neighbors=11).neighbor_graph
for wide in map(int, sys.argv[3].split(",")):
    began = time.perf_counter()
    found = NNDescent(rows, metric="euclidean", n_neighbors=wide, n_jobs=-1, random_state=0).neighbor_graph[0]
    seconds = time.perf_counter() - began
    place = exact[:, 0]
    hits = [len(set(found[p][found[p] != p][:10]) & set(true)) / 10 for p, true in zip(place, exact[:, 1:])]
    if np.mean(hits) >= 0.95:
        break
print(json.dumps({"seconds": seconds, "recall": float(np.mean(hits)), "wide": wide}))
"""
DIABETES = {
    repr(links): links
    for links in (
        gm.Neighbours(),
        gm.Neighbours(each=True),
        gm.Neighbours(metric="gower"),
        gm.Neighbours("medications", metric="hamming"),
        gm.Neighbours("diagnoses", metric="jaccard"),
        gm.Neighbours(edges="scaled", weight="rbf"),
        gm.Neighbours(recall=0.95),
        gm.Neighbours(each=True, recall=0.95),
        gm.Within(0.02),
        gm.Densest(10),
        gm.SharedPhenotype(("gender", "race", "time_in_hospital"), tolerance=(0, 0, 1)),
        gm.PhenotypeGate("medications", ("gender", "race")),
        gm.FusedSimilarity(k=10, candidates=10, iterations=5),
        gm.Concepts("diagnoses", hierarchy="icd9", shared=True),
        gm.Concepts("admission", numbers=4),
        gm.ModalityNodes(),
        gm.Restricted(gm.Neighbours(), across="gender"),
        gm.Layers((gm.Neighbours("admission"), gm.Concepts("diagnoses"))),
        gm.Union((gm.Neighbours("medications"), gm.SharedPhenotype("race"))),
        gm.Intersection((gm.Neighbours(k=30), gm.Neighbours("admission", k=100))),
        gm.Reweighted(gm.SharedPhenotype("race"), modality="admission"),
    )
}


@contextmanager
def timed(into: dict[str, float], name: str) -> Iterator[None]:
    """Note how many seconds a block takes."""
    began = time.perf_counter()
    yield
    into[name] = time.perf_counter() - began


def floor(matrix: np.ndarray) -> None:
    """Multiply all rows with all rows, a block at a time, keeping nothing: what no exact search can do without."""
    for start in range(0, len(matrix), BLOCK):
        matrix[start : start + BLOCK] @ matrix.T


def patients_of(features: dict[str, np.ndarray]) -> gm.EncodedCohort:
    """Wrap matrices as an encoded cohort."""
    count = len(next(iter(features.values())))
    ids = pd.Index([f"p{at}" for at in range(count)], dtype="str")
    empty = pd.DataFrame(index=ids)
    return gm.EncodedCohort(
        ids=ids,
        features=features,
        present=np.ones((count, len(features)), dtype=bool),
        columns={name: tuple(map(str, range(matrix.shape[1]))) for name, matrix in features.items()},
        tables=dict.fromkeys(features, empty),
        groups=empty,
    )


def clustered(patients: int, columns: int, *, clusters: int, hidden: int, seed: int = 0) -> np.ndarray:
    """Draw patients like patients: clusters of unequal size in a few hidden directions, mixed into columns, noise."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(clusters, hidden)).astype(np.float32)
    share = random.dirichlet(np.ones(clusters))
    inner = centres[random.choice(clusters, patients, p=share)]
    inner += 0.5 * random.standard_normal((patients, hidden), dtype=np.float32)
    mixing = random.normal(size=(hidden, columns)).astype(np.float32)
    return np.asarray(inner @ mixing + 0.5 * random.standard_normal((patients, columns), dtype=np.float32))


def exact(patients: int) -> dict[str, float]:
    """Exact neighbours of 100 columns, beside the bare products and scikit-learn."""
    took: dict[str, float] = {}
    matrix = clustered(patients, 100, clusters=200, hidden=20)
    encoded = patients_of({"labs": matrix})
    with timed(took, "floor"):
        floor(matrix)
    with timed(took, "ours"):
        edges = gm.Neighbours("labs", k=K).link(encoded, encoded).edges
    took["memory"], took["edges"] = peak(), edges
    with timed(took, "floor again"):
        floor(matrix)
    with timed(took, "scikit-learn"):
        kneighbors_graph(matrix, K, metric="cosine")
    return took


def approximate(patients: int, peer: str | None) -> dict[str, float]:
    """Approximate neighbours of 64 columns at a recall of .95, beside pynndescent; then a fifth more are attached."""
    took: dict[str, float] = {}
    matrix = clustered(patients + patients // 5, 64, clusters=1000, hidden=16)
    everybody = patients_of({"labs": matrix})
    encoded, matrix = everybody[np.arange(patients)], matrix[:patients]
    links = gm.Neighbours("labs", k=K, recall=RECALL)
    with timed(took, "ours"):
        near = links.link(encoded, encoded)["labs"].edges
    took["memory"], took["recall on its sample"] = peak(), links.measured_recall(encoded)
    with timed(took, "attaching a fifth more"):
        links.link(encoded, everybody[np.arange(patients, len(everybody))])
    sample = np.sort(np.random.default_rng(1).choice(patients, 1000, replace=False))
    true = np.stack([np.sort(others(matrix, at)) for at in sample])
    start = np.searchsorted(near[1], sample)
    took["recall"] = float(
        np.mean([len(set(near[0, s : s + K]) & set(t)) / K for s, t in zip(start, true, strict=True)])
    )
    if peer:
        length = np.linalg.norm(matrix, axis=1, keepdims=True)
        with tempfile.TemporaryDirectory() as folder:
            np.save(f"{folder}/rows.npy", matrix / length)
            np.save(f"{folder}/exact.npy", np.column_stack([sample, true]))
            said = output([peer, "-c", PEER, f"{folder}/rows.npy", f"{folder}/exact.npy", "11,15,20,30"])
        took |= {f"pynndescent {name}": value for name, value in said.items()}
    return took


def others(matrix: np.ndarray, at: int) -> np.ndarray:
    """Return the K patients of the highest cosine with one, by computing them all."""
    row = matrix[at] / np.linalg.norm(matrix[at])
    similar = matrix @ row / np.linalg.norm(matrix, axis=1)
    similar[at] = -np.inf
    return np.argpartition(-similar, K)[:K]


def attach(patients: int) -> dict[str, float]:
    """One patient after another attached to a built graph, relations alone and as a new graph."""
    matrix = clustered(patients + 21, 100, clusters=200, hidden=20)
    everybody = patients_of({"labs": matrix})
    encoded, links = everybody[:patients], gm.Neighbours("labs", k=K)
    gm.build_graph(links, encoded, everybody[patients : patients + 1])
    took: dict[str, float] = {}
    for name, work in (("link", links.link), ("graph", lambda *pair: gm.build_graph(links, *pair))):
        seconds = []
        for at in range(patients + 1, patients + 21):
            began = time.perf_counter()
            work(encoded, everybody[at : at + 1])
            seconds.append(time.perf_counter() - began)
        took[f"{name}, median ms"], took[f"{name}, worst ms"] = 1e3 * np.median(seconds), 1e3 * max(seconds)
    return took | {"memory": peak()}


def diabetes(links: str) -> dict[str, float]:
    """One constructor on 69,973 real patients."""
    cohort = gm.read_cohort(COHORT)
    encoded = gm.CohortEncoder().fit(cohort).transform(cohort)
    took: dict[str, float] = {}
    with timed(took, "ours"):
        took["edges"] = gm.build_graph(DIABETES[links], encoded).edges
    return took | {"memory": peak()}


def peak() -> float:
    """Return the highest memory of this process: GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def output(command: list[str]) -> dict[str, float]:
    """Run a command and read its last line."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", nargs="*", default=["exact", "approximate", "attach", "fusion", "diabetes"])
    parser.add_argument("--peer", help="a python that has pynndescent")
    parser.add_argument("--snf", help="a python that has snfpy")
    parser.add_argument("--patients", type=int)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        line, _, links = chosen.child.partition(" ")
        size = {} if line == "diabetes" else {"patients": chosen.patients or SIZES[line]}
        more = {"approximate": {"peer": chosen.peer}, "diabetes": {"links": links}}.get(line, {})
        print(json.dumps(globals()[line](**size, **more)))
        return
    for line in chosen.lines:
        if line == "fusion":
            script = Path(__file__).with_name("snf.py")
            subprocess.run([sys.executable, script, *(["--peer", chosen.snf] if chosen.snf else [])], check=True)
            continue
        if line == "diabetes" and not COHORT.is_dir():
            print("diabetes130: ../shared/data is not here, not measured")
            continue
        for child in [f"diabetes {links}" for links in DIABETES] if line == "diabetes" else [line]:
            words = [sys.executable, __file__, "--child", child]
            words += ["--peer", chosen.peer] if chosen.peer else []
            words += ["--patients", str(chosen.patients)] if chosen.patients else []
            print(f"{child}: {told(output(words))}", flush=True)


SIZES = {"exact": 50_000, "approximate": 1_000_000, "attach": 100_000}


def told(took: dict[str, float]) -> str:
    """Say what was measured, ratios last."""
    ratios = {}
    if "floor" in took:
        ratios["times the bare matrix products"] = 2 * took["ours"] / (took["floor"] + took["floor again"])
        ratios["times faster than scikit-learn"] = took["scikit-learn"] / took["ours"]
    if "pynndescent seconds" in took:
        ratios["times faster than pynndescent"] = took["pynndescent seconds"] / took["ours"]
    units = {"memory": " GiB"}
    said = [f"{name} {value:,.2f}{units.get(name, '')}" for name, value in took.items()]
    return "; ".join([*said, *(f"{value:.2f} {name}" for name, value in ratios.items())])


if __name__ == "__main__":
    main()
