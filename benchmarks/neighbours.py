"""Exact neighbours against their floor: the matrix product that any exact search has to do.

python benchmarks/neighbours.py [PATIENTS] prints seconds, the ratio to the bare product in the same run, and peak
memory beside that of a dense patients x patients matrix, which is never made.
"""

import resource
import sys
import time

import numpy as np
import pandas as pd

import graphmml as gm

COLUMNS, K, BLOCK = 100, 10, 4096


def cohort_of(patients: int) -> gm.EncodedCohort:
    """Draw patients from 50 clusters in one modality, encoded."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(50, COLUMNS))
    values = centres[random.integers(0, 50, patients)] + random.normal(size=(patients, COLUMNS))
    frame = pd.DataFrame(values, index=[f"p{at}" for at in range(patients)]).rename(columns=str)
    cohort = gm.Cohort.from_frames({"labs": frame})
    return gm.CohortEncoder(components=None).fit(cohort).transform(cohort)


def floor(matrix: np.ndarray) -> float:
    """Time the product of all rows with all rows, a block at a time, keeping nothing."""
    began = time.perf_counter()
    for start in range(0, len(matrix), BLOCK):
        matrix[start : start + BLOCK] @ matrix.T
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    patients = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    encoded = cohort_of(patients)
    bare = floor(encoded.features["labs"])
    began = time.perf_counter()
    graph = gm.build_graph(gm.Neighbours("labs", k=K), encoded)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{patients:,} patients x {COLUMNS} columns, k = {K}: {graph.edges:,} edges")
    print(f"exact neighbours {seconds:.1f} s, bare matrix product {bare:.1f} s, ratio {seconds / bare:.2f}")
    print(f"peak memory {peak:.2f} GiB, a dense float32 matrix alone {patients**2 * 4 / 2**30:.1f} GiB")


if __name__ == "__main__":
    main()
