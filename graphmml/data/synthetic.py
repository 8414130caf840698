"""Cohorts drawn from a known model: what is in them is what was put there."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.errors import CohortError

CORNERS: Final = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)], dtype=np.float64)
"""The eight latent clusters stand on the corners of a cube: [cluster, axis]."""

LEAN: Final = CORNERS.prod(axis=1)
"""Which way a cluster leans: neighbouring corners lean opposite ways, so that no straight line tells them apart."""

LABS: Final = ("crp", "albumin", "creatinine", "haemoglobin", "ferritin", "sodium", "ldh", "platelets")
SHIFTED_LABS: Final = 4
GENES: Final = 50
LATENT_GENES: Final = 30
EMPTY_CELLS: Final = 0.03

COHORT_TOML: Final = """\
# What each file holds. Paths are relative to this file; a misspelled key is an error.
# These {patients} patients are made up (seed {seed}); they may be shared with anyone.

[cohort]
# The column that names the patient, in every table. Ids are text: 007 is not 7.
id = "patient_id"
# What is to be predicted. kind: class, number or survival (then time = and event = instead of column =).
# positive: the class that scores such as AUROC are of.
outcome = {{ path = "labels.csv", column = "dx", kind = "class", positive = "case" }}

# A column that groups patients. It is reported on and never a feature (feature = true would make it one).
# block = true would keep a group on one side of every fold: use it for families or repeated admissions.
[group.site]
path = "clinical.csv"
column = "site"
block = false

# One part a modality; its name is yours. Columns are numbers, or names where any value is not a number.
[modality.clinical]
path = "clinical.csv"
# na: further spellings of missing, beside the empty cell and NA.
# na = ["-9", "unknown"]
# drop: columns that are no features. `graphmml check` says why this one should be dropped:
# drop = ["followup_dx"]
# categorical: columns of numbers that are names, such as codes of wards.
# categorical = ["ward"]

[modality.labs]
path = "labs.csv"

# A quarter of the patients have no row here. They are kept: what is absent weighs nothing.
[modality.rna]
path = "rna.csv"
"""


@dataclass(frozen=True)
class Drawn:
    """What is hidden behind the tables of one synthetic cohort."""

    case: np.ndarray  # 0.0 or 1.0 [patient]
    site: np.ndarray  # which hospital: int [patient]
    latent: np.ndarray  # [patient, axis]
    signal: float
    site_effect: float

    def shifts(self, columns: int, rng: np.random.Generator) -> np.ndarray:
        """Draw how far each site moves each column: [patient, column]."""
        by_site = rng.normal(0.0, 1.0, (int(self.site.max()) + 1, columns))
        return np.asarray(self.site_effect * by_site[self.site])


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
    """Draw a cohort in which class, site, missingness and leak are known.

    *Outcome* `dx`: each patient is at one of `sites` hospitals, all equally likely, and a case with log odds
    `site_effect * s`, where s runs evenly from -1 at the first site to 1 at the last. So half are cases and,
    without a site effect, the site says nothing.

    *Signal*: each patient belongs to one of eight clusters on the corners of a cube. Four lean to cases, four to
    controls, no two next to each other alike; a patient falls into a cluster of its own side with log odds
    `1.6 * signal`. A straight line cannot use this, a neighbour can. Beside it, cases have the first four labs
    shifted by `0.5 * signal` standard deviations, are `2 * signal` years older and smoke more. Zero: no signal.

    *Modalities*: `clinical` (age, bmi, sex, smoking, stage), `labs` (eight; the last four carry the clusters
    faintly) and `rna` (fifty columns; thirty carry the clusters, twenty are noise). Labs, genes and bmi of a
    site are shifted by `site_effect` times a standard normal number.

    *Missing*: the share `missing` of patients, drawn at random, has no rna at all; 3 % of the other modalities'
    cells are empty, at random.

    *Leak*: `clinical` gets `followup_dx`, which is written after the diagnosis and gives it away.
    """
    if patients < 10 or sites < 1:
        raise CohortError(f"patients is {patients} and sites is {sites}; choose at least 10 patients and 1 site")
    if not 0.0 <= missing < 1.0:
        raise CohortError(f"missing is {missing}; choose a share from 0 to below 1")
    if signal < 0.0 or site_effect < 0.0:
        raise CohortError(f"signal is {signal} and site_effect is {site_effect}; choose zero or more")
    rng = np.random.default_rng(seed)
    drawn = draw(rng, patients, sites, signal, site_effect)
    ids = pd.Index([f"P{number:04d}" for number in range(1, patients + 1)], dtype="str")
    frames = {"clinical": clinical(drawn, rng), "labs": labs(drawn, rng), "rna": rna(drawn, rng)}
    frames = {name: frame.set_axis(ids, axis=0) for name, frame in frames.items()}
    absent = rng.permutation(patients)[: int(missing * patients)]
    frames["rna"] = frames["rna"].drop(index=ids[absent])
    if leak:
        frames["clinical"]["followup_dx"] = followup(drawn, rng)
    return Cohort.from_frames(
        frames,
        pd.Series(np.where(drawn.case > 0, "case", "control"), index=ids, name="dx"),
        groups=pd.DataFrame({"site": [f"site {at + 1}" for at in drawn.site]}, index=ids),
        positive="case",
        name="synthetic",
    )


def draw(rng: np.random.Generator, patients: int, sites: int, signal: float, site_effect: float) -> Drawn:
    """Draw sites, outcomes and clusters."""
    site = rng.integers(sites, size=patients)
    odds = site_effect * np.linspace(-1.0, 1.0, sites)[site] if sites > 1 else np.zeros(patients)
    case = (rng.random(patients) < 1.0 / (1.0 + np.exp(-odds))).astype(np.float64)
    own_side = rng.random(patients) < 1.0 / (1.0 + np.exp(-1.6 * signal))
    leaning = np.where((case > 0) == own_side, 1.0, -1.0)
    corner = rng.integers(4, size=patients)
    cluster = np.where(leaning > 0, np.flatnonzero(LEAN > 0)[corner], np.flatnonzero(LEAN < 0)[corner])
    latent = CORNERS[cluster] + rng.normal(0.0, 0.3, (patients, CORNERS.shape[1]))
    return Drawn(case, site, latent, signal, site_effect)


def clinical(drawn: Drawn, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the modality of numbers and names."""
    patients = len(drawn.case)
    smoking = rng.normal(0.0, 1.0, patients) + 0.3 * drawn.signal * drawn.case
    frame = pd.DataFrame(
        {
            "age": np.round(np.clip(rng.normal(61.0, 11.0, patients) + 2.0 * drawn.signal * drawn.case, 18, 95)),
            "bmi": np.round(np.clip(rng.normal(27.0, 4.0, patients) + 2.0 * drawn.shifts(1, rng)[:, 0], 14, 60), 1),
            "sex": rng.choice(["female", "male"], patients),
            "smoking": np.array(["never", "former", "current"])[np.digitize(smoking, [0.0, 0.9])],
            "stage": rng.choice(["I", "II", "III", "IV"], patients, p=[0.35, 0.3, 0.2, 0.15]),
        }
    )
    return frame.mask(rng.random(frame.shape) < EMPTY_CELLS)


def labs(drawn: Drawn, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the modality of a few numbers: some shifted in cases, the others faintly following the clusters."""
    values = rng.normal(0.0, 1.0, (len(drawn.case), len(LABS))) + drawn.shifts(len(LABS), rng)
    values[:, :SHIFTED_LABS] += 0.5 * drawn.signal * drawn.case[:, None]
    values[:, SHIFTED_LABS:] += 0.3 * drawn.latent @ loadings(len(LABS) - SHIFTED_LABS, rng)
    frame = pd.DataFrame(np.round(50.0 + 10.0 * values, 1), columns=list(LABS))
    return frame.mask(rng.random(frame.shape) < EMPTY_CELLS)


def rna(drawn: Drawn, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the wide modality: most columns follow the clusters, the others are noise."""
    values = rng.normal(0.0, 1.0, (len(drawn.case), GENES)) + drawn.shifts(GENES, rng)
    values[:, :LATENT_GENES] += drawn.latent @ loadings(LATENT_GENES, rng)
    return pd.DataFrame(np.round(8.0 + values, 3), columns=[f"gene_{at:02d}" for at in range(1, GENES + 1)])


def loadings(columns: int, rng: np.random.Generator) -> np.ndarray:
    """Draw how each latent axis shows in each column: [axis, column]."""
    return rng.normal(0.0, 1.0, (CORNERS.shape[1], columns))


def followup(drawn: Drawn, rng: np.random.Generator) -> np.ndarray:
    """Write what a follow-up letter would say; one in fifty is still pending."""
    said = np.where(drawn.case > 0, "confirmed", "excluded")
    return np.where(rng.random(len(said)) < 0.02, "pending", said)


def write_demo(folder: str | Path, *, patients: int = 400, seed: int = 0) -> list[Path]:
    """Write a synthetic cohort as clinical.csv, labs.csv, rna.csv, labels.csv and cohort.toml.

    Four sites with a moderate effect, a quarter of the patients without rna, and one column that leaks, which
    `check` finds. Raises CohortError, and writes nothing, where one of the files exists. Returns the paths.
    """
    cohort = make_cohort(patients, site_effect=0.5, leak=True, seed=seed)
    tables = {f"{name}.csv": table.dropna(how="all") for name, table in cohort.tables.items()}
    tables["clinical.csv"].insert(0, "site", cohort.groups["site"])
    texts = {name: table.to_csv(index_label="patient_id", lineterminator="\n") for name, table in tables.items()}
    texts["labels.csv"] = labels(cohort).to_csv(index_label="patient_id", lineterminator="\n")
    texts["cohort.toml"] = COHORT_TOML.format(patients=patients, seed=seed)
    return write_all(Path(folder), texts)


def labels(cohort: Cohort) -> pd.DataFrame:
    """Return the outcome as the table that labels.csv holds."""
    return pd.DataFrame({} if cohort.outcome is None else {cohort.outcome.name: cohort.outcome.values})


def write_all(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write all files or none: beside the targets first, then each into its place."""
    taken = [name for name in texts if (folder / name).exists()]
    if taken:
        raise CohortError(f"{folder} already holds {', '.join(taken)}; choose another folder, nothing was written")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".demo.") as scratch:
            for name, text in texts.items():
                (Path(scratch) / name).write_text(text, encoding="utf-8", newline="\n")
            for name in texts:
                os.replace(Path(scratch) / name, folder / name)
    except OSError as error:
        raise CohortError(f"{folder} cannot be written: {error.strerror}; choose another folder") from None
    return [folder / name for name in texts]
