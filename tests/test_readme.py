"""What the README shows is true: its commands exist, its file reads, its example links."""

import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import graphmml as gm
from graphmml.cli.main import app
from graphmml.data.cohort_file import validated

TEXT = (Path(__file__).parents[1] / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


def test_every_command_and_option_named_exists():
    names = "|".join(command.name or command.callback.__name__ for command in app.registered_commands)
    lines = re.findall(rf"graphmml ((?:{names})\b[^`#\n]*)", TEXT)
    assert len(lines) >= 8
    for line in lines:
        command, *words = line.split()
        said = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).stdout
        for option in (word for word in words if word.startswith("-")):
            assert option in said, f"{command} has no {option}"


def test_the_cohort_file_shown_is_valid():
    (shown,) = blocks("toml")
    spec = validated(tomllib.loads(shown), "README")
    assert set(spec.modality) == {"labs", "diagnoses"}


def test_the_constructor_shown_links_and_keeps_the_laws(monkeypatch, tmp_path):
    (shown,) = (block for block in blocks("python") if "class SameWard" in block)
    (tmp_path / "shown_in_readme.py").write_text(shown)
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__("shown_in_readme")
    monkeypatch.delitem(sys.modules, "shown_in_readme")
    wards = pd.DataFrame({"ward": ["a", "a", "b", None, None], "x": np.arange(5.0)}, index=list("pqrst"))
    cohort = gm.Cohort.from_frames({"stay": wards})
    encoded = gm.CohortEncoder().fit(cohort).transform(cohort)
    edges = module.SameWard().link(encoded, encoded)["same_ward"].edges
    assert {tuple(pair) for pair in edges.T.tolist()} == {(0, 1), (1, 0)}


@pytest.mark.slow
def test_the_notebook_lines_shown_run():
    (shown,) = (block for block in blocks("python") if "cross_validate" in block)
    scope = {}
    assert "gm.Folds(5, repeats=5)" in shown
    exec(shown.replace("gm.Folds(5, repeats=5)", "gm.Folds(2)"), scope)  # two folds of those, to be done soon
    assert scope["links"] == gm.Neighbours(k=10, each=True)
