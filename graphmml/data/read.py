"""From a cohort.toml, a folder that holds one, or plain CSVs to a Cohort."""

from dataclasses import replace
from pathlib import Path

from graphmml.data.cohort import Cohort
from graphmml.data.cohort_file import load
from graphmml.data.ids import refuse_variants, strangers
from graphmml.data.kinds import refuse_path
from graphmml.data.new_patients import asked_of_new


def read_cohort(path: str | Path, *, strict: bool = True, new: bool = False) -> Cohort:
    """Read the cohort that a cohort.toml describes; a folder stands for the cohort.toml in it.

    `new=True` reads patients who are to be predicted: without outcome and split, which need not be there; nor need a
    table that nobody has, and the notes say what is wanting, and which tables share no patient. `strict=False` lets
    ids pass that look mistaken (007 here and 7 there, a table that shares no patient with the others), joined as they
    are written: that is what `graphmml check` reads, which says how they would match (GM103). Nothing else should.

    Raises CohortError, naming file, key or column, for whatever does not fit.
    """
    refuse_path(path)
    file = Path(path)
    if file.is_dir():
        file = file / "cohort.toml"
    spec, folder = load(file), file.parent
    if not new:
        return Cohort.from_file(spec, folder, strict=strict)
    asked, lacking = asked_of_new(spec, folder)
    cohort = Cohort.from_file(asked, folder, strict=False)  # few patients may well share no table
    if strict:
        refuse_variants(cohort.ids, str(folder))
    apart = strangers({name: table.dropna(how="all") for name, table in cohort.tables.items()})
    return replace(cohort, notes=(*lacking, *cohort.notes, *apart))
