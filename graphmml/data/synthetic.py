"""Cohorts whose truth is known: class signal, site effect, missing modality and leak are planted."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.errors import CohortError

RNA_COLUMNS = 48
SUBTYPES = 6


def make_cohort(
    patients: int = 300,
    *,
    sites: int = 4,
    signal: float = 1.0,
    site_effect: float = 0.0,
    missing: float = 0.25,
    leak: bool = False,
    seed: int = 0,
) -> Cohort:
    """Draw a cohort of three modalities and one group, `site`; the outcome `dx` is "case" or "control".

    Each patient belongs to one of six hidden subtypes, half of them cases with probability .5 + .4 tanh(signal),
    the others with the rest; `signal` 0 leaves nothing to learn. A subtype shifts `rna` and `labs` by a vector of
    its own (so that patients of one subtype are neighbours), a case shifts two of the labs and the chance of
    smoking, each in proportion to `signal`. A site shifts every number by `site_effect` and moves the log-odds
    of being a case by up to as much. A share `missing` has no rna, one cell in twenty of the labs is empty.
    `leak=True` adds a clinical column that was filled in after the diagnosis.
    """
    if patients < 20 or sites < 1 or not 0 <= missing < 1:
        raise CohortError(
            f"{patients} patients, {sites} sites, missing {missing}: wanted 20 or more, 1 or more, 0 to 1"
        )
    random = np.random.default_rng(seed)
    site = random.integers(0, sites, patients)
    subtype = random.integers(0, SUBTYPES, patients)
    lean = np.where(subtype < SUBTYPES // 2, 1.0, -1.0) * 0.4 * np.tanh(signal)
    odds = np.log((0.5 + lean) / (0.5 - lean)) + site_effect * np.linspace(-1, 1, sites)[site]
    case = (random.random(patients) < 1 / (1 + np.exp(-odds))).astype(float)
    shift = site_effect * random.normal(size=(sites, 1))[site]
    ids = pd.Index([f"P{number:04d}" for number in range(1, patients + 1)])
    clinical = clinical_table(random, case, shift, signal, ids)
    labs = lab_table(random, case, subtype, shift, signal, ids)
    rna = random.normal(size=(SUBTYPES, RNA_COLUMNS))[subtype] * 0.6 * signal
    rna = rna + random.normal(size=(patients, RNA_COLUMNS)) + shift
    measured = random.random(patients) >= missing
    if leak:
        late = np.where(case == 1, random.normal(6, 0.5, patients), random.normal(1, 0.5, patients))
        clinical["followup_dx"] = late.round(2)
    columns = [f"gene_{number:02d}" for number in range(1, RNA_COLUMNS + 1)]
    return Cohort.from_frames(
        {
            "clinical": clinical,
            "labs": labs,
            "rna": pd.DataFrame(rna.round(4), index=ids, columns=columns)[measured],
        },
        pd.Series(np.where(case == 1, "case", "control"), index=ids, name="dx"),
        groups=pd.DataFrame({"site": [f"site {number + 1}" for number in site]}, ids),
        positive="case",
        name="synthetic",
    )


def clinical_table(
    random: np.random.Generator, case: np.ndarray, shift: np.ndarray, signal: float, ids: pd.Index
) -> pd.DataFrame:
    """Draw age, body mass index, sex and smoking."""
    count = len(ids)
    smokes = random.random(count) < 0.3 + 0.2 * np.tanh(signal) * case
    return pd.DataFrame(
        {
            "age": (60 + 8 * random.normal(size=count) + 2 * shift[:, 0]).round(),
            "bmi": (26 + 4 * random.normal(size=count) + shift[:, 0]).round(1),
            "sex": random.choice(["female", "male"], count),
            "smoking": np.where(smokes, "current", random.choice(["never", "former"], count)),
        },
        index=ids,
    )


def lab_table(
    random: np.random.Generator,
    case: np.ndarray,
    subtype: np.ndarray,
    shift: np.ndarray,
    signal: float,
    ids: pd.Index,
) -> pd.DataFrame:
    """Draw eight lab values, one in twenty missing; the first two know the outcome, all know the subtype."""
    names = ["crp", "ldh", "haemoglobin", "leukocytes", "platelets", "albumin", "creatinine", "sodium"]
    centre = random.normal(size=(SUBTYPES, len(names)))[subtype] * 0.6 * signal
    values = centre + random.normal(size=(len(ids), len(names))) + shift
    values[:, :2] += 0.6 * signal * case[:, None]
    table = pd.DataFrame(values.round(3), index=ids, columns=names)
    return table.mask(random.random(table.shape) < 0.05)


DEMO = """\
# A synthetic cohort, drawn by `graphmml demo`: nobody is in it. Paths are relative to this file.

[cohort]
id = "patient_id"              # the id column of every table; ids are text, so 007 stays 007
outcome = { path = "labels.csv", column = "dx", kind = "class", positive = "case" }   # scores are of "case"

[group.site]                   # a column that groups patients: reported on, and not a feature
path = "labels.csv"
column = "site"
block = false                  # true: patients of one site never sit on two sides of a fold

[modality.clinical]
path = "clinical.csv"
na = ["unknown"]               # further spellings of missing, beside the empty cell, NA, NaN ...
# drop = ["followup_dx"]       # columns that are not to be features; `graphmml check` says why this one should go

[modality.labs]
path = "labs.csv"

[modality.rna]                 # a quarter of the patients have none: they stay, and it weighs nothing for them
path = "rna.csv"
"""


def write_demo(folder: str | Path, *, patients: int = 400, seed: int = 0) -> list[Path]:
    """Write a synthetic cohort of four sites with a planted leak as CSVs and a commented cohort.toml.

    Raises CohortError rather than overwrite a file; writes all files or none.
    """
    target = Path(folder)
    cohort = make_cohort(patients, site_effect=0.5, leak=True, seed=seed)
    if cohort.outcome is None:
        raise CohortError("the synthetic cohort has no outcome")
    labels = pd.DataFrame({"dx": cohort.outcome.values, "site": cohort.groups["site"]})
    frames = {f"{name}.csv": table.dropna(how="all") for name, table in cohort.tables.items()} | {"labels.csv": labels}
    texts = {name: frame.to_csv(index_label="patient_id") for name, frame in frames.items()} | {"cohort.toml": DEMO}
    there = [name for name in texts if (target / name).exists()]
    if there:
        raise CohortError(f"{target} already has {', '.join(there)}; choose another folder")
    target.mkdir(parents=True, exist_ok=True)
    fresh = {name: target / f".{name}.{os.getpid()}" for name in texts}
    for name, text in texts.items():
        fresh[name].write_text(text, encoding="utf-8")
    for name, path in fresh.items():
        path.replace(target / name)
    return [target / name for name in texts]
