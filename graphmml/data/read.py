"""From a cohort.toml, a folder that holds one, or plain CSVs to a Cohort."""

from pathlib import Path

from graphmml.data.cohort import Cohort
from graphmml.data.cohort_file import load


def read_cohort(path: str | Path) -> Cohort:
    """Read the cohort that a cohort.toml describes; a folder stands for the cohort.toml in it.

    Raises CohortError, naming file, key or column, for whatever does not fit.
    """
    file = Path(path)
    if file.is_dir():
        file = file / "cohort.toml"
    return Cohort.from_file(load(file), file.parent)
