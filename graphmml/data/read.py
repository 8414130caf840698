"""From a cohort.toml, a folder that holds one, or plain CSVs to a Cohort."""

from pathlib import Path

from graphmml.data.cohort import Cohort
from graphmml.data.cohort_file import load
from graphmml.data.kinds import refuse_path


def read_cohort(path: str | Path, *, strict: bool = True) -> Cohort:
    """Read the cohort that a cohort.toml describes; a folder stands for the cohort.toml in it.

    Raises CohortError, naming file, key or column, for whatever does not fit. `strict=False` lets ids pass that
    look mistaken (007 here and 7 there, a table that shares no patient with the others), joined as they are
    written: that is what `graphmml check` reads, which says how they would match (GM103). Nothing else should.
    """
    refuse_path(path)
    file = Path(path)
    if file.is_dir():
        file = file / "cohort.toml"
    return Cohort.from_file(load(file), file.parent, strict=strict)
