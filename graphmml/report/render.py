"""Any result as a rich table, text or CSV; no computing."""

import os
import re
from pathlib import Path

import pandas as pd

from graphmml.data.cohort import Cohort, overview
from graphmml.data.few import masked
from graphmml.errors import StoreError

NUMBER = re.compile(r"^\d+")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cohort_text(cohort: Cohort, *, min_cell: int) -> str:
    """Say what a cohort holds, and what its join left over; counts of fewer patients than min_cell are masked."""
    notes = [NUMBER.sub(lambda found: masked(int(found[0]), min_cell=min_cell), note, count=1) for note in cohort.notes]
    return "\n".join([*overview(cohort, min_cell=min_cell), *(f"  note: {note}" for note in notes)])


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table whole or not at all, no text cell able to start a formula in a spreadsheet."""
    safe = frame.copy()
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]):
            text = safe[column].astype("str")
            safe[column] = text.where(~text.str.lstrip().str.startswith(FORMULA), "'" + text)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        safe.to_csv(fresh, index=False)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StoreError(f"{path} could not be written: {error}") from None
