"""What the commands do that make a model and use it."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import graphmml as gm
from graphmml.cli.choices import ModelChoice
from graphmml.cli.commands import emit, out, progress
from graphmml.errors import GraphmmlError
from graphmml.report import render


@dataclass(frozen=True)
class TrustChoice:
    """The words that choose how a model is calibrated."""

    calibrate: str
    coverage: float
    group: str | None

    def around(self, model: Any) -> Any:
        """Return the model, in a CalibratedClassifier unless none is asked for."""
        if self.calibrate == "none":
            return model
        if self.calibrate not in ("temperature", "isotonic"):
            raise GraphmmlError(f"--calibrate is '{self.calibrate}'; choose temperature, isotonic or none")
        return gm.CalibratedClassifier(model, method=self.calibrate, coverage=self.coverage, group=self.group)


@dataclass(frozen=True)
class PlainChoice:
    """The words that choose a plain model, by its name in the table of cv."""

    plain: str
    seed: int

    @classmethod
    def instead_of(cls, choice: ModelChoice, plain: str) -> "PlainChoice":
        """Refuse words about a graph network beside it."""
        usual = ModelChoice("neighbours:each=true", "sage", "gated", 5, choice.seed)
        if choice != usual:
            raise GraphmmlError("--plain is a model without a graph: leave out links, conv, fusion, structure, members")
        return cls(plain, choice.seed)

    def models(self) -> dict[str, Any]:
        """Return the one model."""
        known = import_module("graphmml.train.baselines").plain_baselines(seed=self.seed)
        if self.plain not in known:
            raise GraphmmlError(f"--plain is '{self.plain}'; choose {', '.join(known)}")
        return {self.plain: known[self.plain]}


def fit(path: Path, choice: ModelChoice | PlainChoice, trust: TrustChoice, *, output: Path, json: bool) -> None:
    """Fit on every labelled patient, calibrate and save."""
    cohort = gm.read_cohort(path)
    models = choice.models()
    if len(models) != 1:
        raise GraphmmlError("fit makes one model; name one conv, one structure and one fusion")
    model = watched(trust.around(next(iter(models.values()))), cohort)
    gm.save(model, output)
    patients, calibrated = int(cohort.labelled.sum()), trust.calibrate != "none"
    if json:
        return emit(
            {
                "schema": "graphmml.fit/1",
                "model": str(output),
                "patients": patients,
                "classes": list(model.classes_),
                "calibrated": trust.calibrate,
                "coverage": trust.coverage if calibrated else None,
                "group": trust.group if calibrated else None,
                "contains_patient_level_data": True,
            }
        )
    out().print(f"fitted on {patients} patients, classes {', '.join(model.classes_)}", markup=False)
    if calibrated:
        within = "" if trust.group is None else f" in each {trust.group}"
        out().print(f"calibrated on held-out patients; sets are to cover {trust.coverage:.0%}{within}", markup=False)
    out().print(f"saved {output}, which contains these patients' data: share it as you would share them", markup=False)
    return None


def watched(model: Any, cohort: Any) -> Any:
    """Fit, showing on stderr how many fits are done where there are several."""
    if not isinstance(model, gm.CalibratedClassifier):
        return model.fit(cohort)
    model.folds(cohort)  # what cannot be fitted is refused before a bar is drawn
    with progress() as bar:
        task = bar.add_task("fitting", total=None)
        return model.fit(cohort, lambda done: bar.update(task, completed=done.number, total=done.of))


def predict(model: Path, path: Path, *, output: Path, trust: Sequence[str], json: bool) -> None:
    """Predict, write a table, and say where the patients differ from those of training."""
    fitted = gm.load(model, trust=trust)
    cohort = gm.read_cohort(path, new=True)
    home = import_module("graphmml.train.predictions")
    table, said = home.prediction_frame(fitted, cohort), (*cohort.notes, *home.differences(fitted, cohort))
    render.write_csv(table, output)
    counts = {
        "completed": int(table["completed_cells"].gt(0).sum()),
        **{name: int(table[name].sum()) for name in ("abstained", "unlike_training") if name in table},
    }
    if json:
        return emit(
            {
                "schema": "graphmml.predict/1",
                "file": str(output),
                "patients": len(table),
                **counts,
                "differences": list(said),
            }
        )
    for words in said:
        out().print(words, markup=False)
    told = f"{counts['completed']} with completed cells"
    if "abstained" in counts:
        told += f", {counts['abstained']} abstained from, {counts['unlike_training']} unlike those of training"
    out().print(f"wrote {output}: {len(table)} patients, {told}", markup=False)
    return None
