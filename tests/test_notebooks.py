"""Every notebook runs from its first cell to its last, in cells short enough to read."""

from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient", reason="notebooks are run with the extra 'notebooks'")
nbformat = pytest.importorskip("nbformat", reason="notebooks are run with the extra 'notebooks'")

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore")  # the kernel is a process of its own; what it warns of is not ours to judge
def test_a_notebook_runs(path):
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_are_short_and_each_result_is_read_aloud(path):
    cells = nbformat.read(path, as_version=4).cells
    assert cells[0].cell_type == "markdown"
    for cell, following in zip(cells, [*cells[1:], None], strict=True):
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 12
            assert following is not None
            assert following.cell_type == "markdown"
