"""A finished or stopped cross-validation, read back from its folder together with its test patients."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.data.folds import Fold, KeptFolds
from graphmml.data.kinds import wanted
from graphmml.data.seal import holds
from graphmml.errors import StoreError
from graphmml.train.cross_validate import one_test, patients_in
from graphmml.train.result import CVResult
from graphmml.train.runs import RunFolder
from graphmml.train.splits import Splits
from graphmml.train.tasks import ClassTask
from graphmml.train.unit import Unit

KINDS = ("graph", "shuffled", "no-graph", "baseline", "control")


@dataclass(frozen=True, eq=False)
class Run:
    """What a run found, and whom each of its folds tested: positions in the cohort, by (repeat, fold)."""

    result: CVResult

    @property
    def tests(self) -> Mapping[tuple[int, int], np.ndarray]:
        """Whom each fold tested: positions in the cohort, by (repeat, fold)."""
        return self.result.splits.test

    def predictions(self, model: str, patients: int) -> np.ndarray:
        """Return a model's probabilities, averaged over repeats: float [patient, class], NaN where never tested."""
        units = self.result.of(model)
        total, times = np.zeros((patients, len(self.result.classes))), np.zeros(patients)
        for unit in units:
            rows = self.tests[unit.key]
            total[rows] += unit.probabilities
            times[rows] += 1
        return np.divide(total, times[:, None], out=np.full_like(total, np.nan), where=times[:, None] > 0)


def read_run(path: str | Path, cohort: Cohort) -> Run:
    """Read the finished units of a run of this cohort; models that are not finished on every fold are left out.

    Test patients are found by their ids, so the cohort's rows may stand in another order than when it was run.
    """
    folder = RunFolder(Path(path))
    facts = facts_of(folder)
    if facts.get("cohort") != cohort.fingerprint:
        raise StoreError(f"{path} is a run of other patients or tables; name the cohort that it was made from")
    made = list(kept_folds(folder, facts, cohort).folds)
    units = complete(list(folder.units()), made, str(facts.get("models", "")))
    if not units:
        raise StoreError(f"{path}: no model is finished on all {len(made)} folds; go on with --resume")
    classes = tuple(facts["classes"])
    refuse_others(path, units, made, ClassTask(classes), cohort)
    result = CVResult(
        units=units,
        cohort=cohort.name,
        patients=patients_in(made),
        classes=classes,
        plan=str(facts["plan"]),
        setting=str(facts["setting"]),
        same_test=one_test(made),
        splits=Splits.of(cohort, made),
    )
    return Run(result)


def result_in(result: CVResult | Run | str | Path, cohort: Cohort) -> CVResult:
    """Return a result as it is, or that of a run, which may be given by its folder."""
    if not isinstance(result, str | Path):
        wanted(result, CVResult, Run)
    wanted(cohort, Cohort)
    known = read_run(result, cohort) if isinstance(result, str | Path) else result
    return known.result if isinstance(known, Run) else known


def facts_of(folder: RunFolder) -> dict[str, Any]:
    """Read what a run says of itself."""
    try:
        facts = json.loads(folder.config.read_text(encoding="utf-8"))
    except OSError:
        raise StoreError(f"{folder.path} holds no run; make one with: graphmml cv COHORT -o RUN") from None
    except ValueError:
        raise StoreError(f"{folder.config} is not readable JSON; start the run anew elsewhere") from None
    if not isinstance(facts, dict):
        raise StoreError(f"{folder.config} is not a run; start the run anew elsewhere")
    if not holds(facts):
        raise StoreError(f"{folder.config} was changed after it was written; start the run anew elsewhere")
    return facts


def read_splits(folder: RunFolder, facts: Mapping[str, Any]) -> Splits:
    """Read whom each fold trained and tested, as positions among the patients of the run's own file."""
    file = folder.path / "splits.csv"
    try:
        content = file.read_bytes()
        if sha256(content).hexdigest() != facts.get("splits"):
            raise StoreError(f"{file} was changed after it was written; start the run anew elsewhere")
        table = pd.read_csv(BytesIO(content), index_col=0, dtype="str", keep_default_na=False)
    except OSError:
        raise StoreError(f"{folder.path} lacks its splits.csv; start the run anew elsewhere") from None
    names = {name: re.fullmatch(r"repeat(\d+)_fold(\d+)", name) for name in table.columns}
    keys = {(int(match[1]), int(match[2])): name for name, match in names.items() if match is not None}
    sides = {key: table[name].to_numpy(dtype=object) for key, name in keys.items()}
    train, test = ({key: np.flatnonzero(side == of) for key, side in sides.items()} for of in ("train", "test"))
    return Splits(table.index, train, test, np.arange(len(table)))


def kept_folds(folder: RunFolder, facts: Mapping[str, Any], cohort: Cohort) -> KeptFolds:
    """Return the folds of a run, as positions in the cohort that it was made from."""
    splits = read_splits(folder, facts).in_rows_of(cohort)
    made = [Fold(splits.train[key], rows, *key, 1000 * key[0] + key[1]) for key, rows in splits.test.items()]
    return KeptFolds(str(facts["plan"]), tuple(made))


def refuse_others(path: str | Path, units: tuple[Unit, ...], made: list[Fold], task: ClassTask, cohort: Cohort) -> None:
    """Raise StoreError where the splits are not those that the units were made with."""
    truth = {(fold.repeat, fold.number): task.codes(cohort[fold.test]) for fold in made}
    if any(not np.array_equal(truth[unit.key], unit.codes) for unit in units):
        raise StoreError(f"{path}: its splits.csv and units.jsonl are not of one run; run it anew")


def complete(units: list[Unit], made: list[Fold], planned: str) -> tuple[Unit, ...]:
    """Return the units of models that have one on every fold, graphs first, and in the order that was planned.

    In a run's folder they stand in the order in which they ended; `planned` is what it writes of its models.
    """
    wanted = {(fold.repeat, fold.number): len(fold.test) for fold in made}
    found: dict[str, list[Unit]] = {}
    for unit in units:
        if wanted.get((unit.repeat, unit.fold)) == len(unit.codes):
            found.setdefault(unit.model, []).append(unit)
    whole = [mine for mine in found.values() if len(mine) == len(wanted)]
    whole.sort(key=lambda mine: (KINDS.index(mine[0].kind), f"; {planned}".find(f"; {mine[0].model} = [")))
    return tuple(unit for mine in whole for unit in mine)
