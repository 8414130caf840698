import os
import pickle
from functools import cache
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # several processes of several threads each get in each other's way

import numpy as np
import pandas as pd
import pytest

import graphmml as gm

COHORTS = Path(__file__).parents[1] / ".." / "shared" / "data"


def frames_of(patients=60, seed=0):
    """Three modalities; a quarter of the patients lack `codes`; ids are not in the order of rows."""
    random = np.random.default_rng(seed)
    ids = pd.Index([f"id{number:03d}" for number in random.permutation(patients)])
    y = random.integers(0, 2, patients)
    clinical = pd.DataFrame(
        {
            "age": random.integers(30, 80, patients).astype(float),
            "sex": random.choice(["f", "m"], patients),
            "grade": random.choice(["1", "2", "3"], patients),
        },
        index=ids,
    )
    clinical.loc[random.random(patients) < 0.1, "sex"] = None
    labs = pd.DataFrame(random.normal(size=(patients, 5)), index=ids, columns=list("abcde"))
    labs["a"] += 2 * y
    labs = labs.mask(random.random(labs.shape) < 0.05)
    codes = pd.DataFrame(random.integers(0, 2, (patients, 7)), index=ids).rename(columns=lambda n: f"icd{n}")
    tables = {"clinical": clinical, "labs": labs, "codes": codes[random.random(patients) > 0.25]}
    groups = pd.DataFrame({"site": random.choice(["north", "south", "west"], patients)}, index=ids)
    return tables, pd.Series(np.where(y, "case", "control"), index=ids, name="dx"), groups


@pytest.fixture
def frames():
    """Fresh tables, outcome and groups, for tests that change them."""
    return frames_of()


def visits_of(ids, seed=0):
    """Nought to four visits a patient, numbered within it, some at one time, some at none; codes of each."""
    random = np.random.default_rng(seed)
    rows = [(name, f"v{at}", random.integers(0, 4) * 30.0) for name in ids for at in range(random.integers(0, 5))]
    visits = pd.DataFrame(rows, columns=["id", "visit", "time"]).sample(frac=1, random_state=seed)
    visits["time"] = visits["time"].mask(random.random(len(visits)) < 0.15)
    codes = [(name, visit, f"c{code}") for name, visit, _ in rows for code in random.integers(0, 9, 3)]
    return visits, {"codes": pd.DataFrame(codes, columns=["id", "visit", "code"])}


@pytest.fixture
def visits():
    """Make visits and their codes for given ids, for Cohort.with_visits."""
    return visits_of


@cache
def frozen(name):
    """A cohort of `frames_of`, or it encoded, as bytes: every test thaws its own, which is quicker than making it."""
    if name == "encoded":
        people = pickle.loads(frozen("cohort"))
        return pickle.dumps(gm.CohortEncoder().fit(people[:45]).transform(people))
    tables, outcome, groups = frames_of()
    made = gm.Cohort.from_frames(tables, outcome, groups=groups, positive="case")
    return pickle.dumps(made.with_visits(*visits_of(made.ids)))


@pytest.fixture
def cohort():
    return pickle.loads(frozen("cohort"))


@pytest.fixture
def encoded():
    return pickle.loads(frozen("encoded"))


@pytest.fixture
def numbers():
    """Make an EncodedCohort of given matrices: {modality: [patient, column]} and present [patient, modality]."""

    def make(features, present=None, ids=None):
        count = len(next(iter(features.values())))
        ids = pd.Index([f"n{at}" for at in range(count)] if ids is None else ids, dtype="str")
        present = np.ones((count, len(features)), dtype=bool) if present is None else present
        columns = {name: tuple(f"c{at}" for at in range(matrix.shape[1])) for name, matrix in features.items()}
        return gm.EncodedCohort(
            ids=ids,
            features={name: np.asarray(matrix, dtype=np.float32) for name, matrix in features.items()},
            present=present,
            columns=columns,
            tables={name: pd.DataFrame(features[name], index=ids, columns=list(columns[name])) for name in features},
            groups=pd.DataFrame(index=ids),
        )

    return make


@pytest.fixture
def cohorts():
    """The folder of real cohorts, where there is one."""
    if not COHORTS.is_dir():
        pytest.skip("../shared/data is not here")
    return COHORTS
