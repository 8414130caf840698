"""What the commands do that make a model and use it."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import graphmml as gm
from graphmml.cli.choices import ModelChoice
from graphmml.cli.commands import emit, out
from graphmml.errors import GraphmmlError
from graphmml.report import render


def fit(path: Path, choice: ModelChoice, *, output: Path, json: bool) -> None:
    """Fit on every labelled patient and save."""
    cohort = gm.read_cohort(path)
    models = choice.models()
    if len(models) != 1:
        raise GraphmmlError("fit makes one model; name one conv, one structure and one fusion")
    model = next(iter(models.values())).fit(cohort)
    gm.save(model, output)
    if json:
        return emit(
            {
                "schema": "graphmml.fit/1",
                "model": str(output),
                "patients": int(cohort.labelled.sum()),
                "classes": list(model.classes_),
                "contains_patient_level_data": True,
            }
        )
    out().print(f"fitted on {int(cohort.labelled.sum())} patients, classes {', '.join(model.classes_)}", markup=False)
    out().print(f"saved {output}, which contains these patients' data: share it as you would share them", markup=False)
    return None


def predict(model: Path, path: Path, *, output: Path, trust: Sequence[str], json: bool) -> None:
    """Predict and write a table."""
    fitted = gm.load(model, trust=trust)
    cohort = gm.read_cohort(path)
    table = import_module("graphmml.train.predictions").prediction_frame(fitted, cohort)
    said = fitted.encoder_.differences(cohort)
    render.write_csv(table, output)
    if json:
        return emit(
            {
                "schema": "graphmml.predict/1",
                "file": str(output),
                "patients": len(table),
                "differences": list(said),
            }
        )
    for words in said:
        out().print(words, markup=False)
    completed = int(table["completed_cells"].gt(0).sum())
    out().print(f"wrote {output}: {len(table)} patients, {completed} with completed cells", markup=False)
    return None
