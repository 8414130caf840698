"""A finished or stopped cross-validation, read back from its folder together with its test patients."""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphmml.data.cohort import Cohort
from graphmml.data.folds import Fold, Folds, HeldOut, LeaveGroupOut, OfficialSplit, Splitter
from graphmml.data.seal import holds
from graphmml.errors import StoreError
from graphmml.train.cross_validate import classes_in, described, one_test, patients_in
from graphmml.train.result import CVResult, Unit
from graphmml.train.runs import RunFolder
from graphmml.train.tasks import ClassTask

SPLITTERS = {kind.__name__: kind for kind in (Folds, HeldOut, LeaveGroupOut, OfficialSplit)}
KINDS = ("graph", "shuffled", "no-graph", "baseline", "control")


@dataclass(frozen=True, eq=False)
class Run:
    """What a run found, and whom each of its folds tested: positions in the cohort, by (repeat, fold)."""

    result: CVResult
    tests: Mapping[tuple[int, int], np.ndarray]

    def predictions(self, model: str, patients: int) -> np.ndarray:
        """Return a model's probabilities, averaged over repeats: float [patient, class], NaN where never tested."""
        units = self.result.of(model)
        total, times = np.zeros((patients, len(self.result.classes))), np.zeros(patients)
        for unit in units:
            rows = self.tests[unit.repeat, unit.fold]
            total[rows] += unit.probabilities
            times[rows] += 1
        return np.divide(total, times[:, None], out=np.full_like(total, np.nan), where=times[:, None] > 0)

    def reordered(self, order: np.ndarray) -> "Run":
        """Return the same run for the cohort with its rows in another order: `cohort[order]`."""
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        return Run(self.result, {key: place[rows] for key, rows in self.tests.items()})


def read_run(path: str | Path, cohort: Cohort) -> Run:
    """Read the finished units of a run of this cohort; models that are not finished on every fold are left out."""
    folder = RunFolder(Path(path))
    facts = facts_of(folder)
    if facts.get("cohort") != cohort.fingerprint:
        raise StoreError(f"{path} is a run of other patients or tables; name the cohort that it was made from")
    splitter = splitter_of(str(facts.get("folds", "")), folder)
    made = list(splitter.split(cohort))
    units = complete(list(folder.units()), made)
    if not units:
        raise StoreError(f"{path}: no model is finished on all {len(made)} folds; go on with --resume")
    classes = classes_in(cohort, made)
    refuse_other_order(path, units, made, ClassTask(classes), cohort)
    patients = patients_in(made)
    result = CVResult(
        units=units,
        cohort=cohort.name,
        patients=patients,
        classes=classes,
        plan=described(splitter, made),
        setting=str(facts.get("setting", "inductive")),
        same_test=one_test(made),
    )
    return Run(result, {(fold.repeat, fold.number): fold.test for fold in made})


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


def splitter_of(text: str, folder: RunFolder) -> Splitter:
    """Make the splitter that a run names; only ours can be, with plain settings, and nothing is executed."""
    wrong = StoreError(f"{folder.config}: the folds '{text[:80]}' cannot be made again; a report needs them")
    try:
        call = ast.parse(text, mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id not in SPLITTERS:
            raise wrong
        settings = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
        made: Splitter = SPLITTERS[call.func.id](**settings)
    except (SyntaxError, ValueError, TypeError):
        raise wrong from None
    return made


def refuse_other_order(
    path: str | Path, units: tuple[Unit, ...], made: list[Fold], task: ClassTask, cohort: Cohort
) -> None:
    """Refuse a run whose test patients stood in another order of rows than the cohort's now."""
    truth = {(fold.repeat, fold.number): task.codes(cohort[fold.test]) for fold in made}
    if any(not np.array_equal(truth[unit.repeat, unit.fold], unit.codes) for unit in units):
        raise StoreError(
            f"{path}: the rows of the cohort's files are in another order than when it was run; run it anew"
        )


def complete(units: list[Unit], made: list[Fold]) -> tuple[Unit, ...]:
    """Return the units of models that have one on every fold, graphs first."""
    wanted = {(fold.repeat, fold.number): len(fold.test) for fold in made}
    found: dict[str, list[Unit]] = {}
    for unit in units:
        if wanted.get((unit.repeat, unit.fold)) == len(unit.codes):
            found.setdefault(unit.model, []).append(unit)
    whole = [mine for mine in found.values() if len(mine) == len(wanted)]
    whole.sort(key=lambda mine: KINDS.index(mine[0].kind))
    return tuple(unit for mine in whole for unit in mine)
