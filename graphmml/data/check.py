"""Look a cohort over before anything is learned from it: one verdict a question, each with what mends it."""

from collections.abc import Callable
from functools import partial

from graphmml.data.checks_columns import almost_numbers, many_levels, sentinels, spellings
from graphmml.data.checks_leaks import telling_columns, telling_gaps, telling_order
from graphmml.data.checks_outcome import absent_modalities, one_class, small_classes, unlabelled
from graphmml.data.checks_tables import constants, copies, joins, near_ids, twins
from graphmml.data.checks_words import Counted, masked
from graphmml.data.cohort import Cohort
from graphmml.data.findings import Finding

Check = Callable[[Cohort, Counted], list[Finding]]

CHECKS: tuple[tuple[str, str, Check], ...] = (
    ("GM101", "every row of outcome, split and groups belongs to a patient", joins),
    ("GM103", "no two ids differ only by case", near_ids),
    ("GM104", "no patient repeats another", twins),
    ("GM108", "no column of text looks numeric", almost_numbers),
    ("GM109", "no level is spelled in two ways", spellings),
    ("GM110", "no number seems to stand for missing", sentinels),
    ("GM111", "every column varies", constants),
    ("GM112", "no column repeats another", copies),
    ("GM113", "no column of text has too many levels", many_levels),
    ("GM120", "the outcome varies", one_class),
    ("GM121", "no class is tiny", small_classes),
    ("GM122", "every patient has an outcome", unlabelled),
    ("GM501", "no modality is mostly absent", absent_modalities),
    ("GM502", "what is missing does not predict the outcome", telling_gaps),
    ("GM602", "no column alone predicts the outcome", telling_columns),
    ("GM603", "neither ids nor the order of rows predict the outcome", telling_order),
)
"""Code, what to say when nothing is found, and who looks."""


def check(cohort: Cohort, *, min_cell: int = 11) -> tuple[Finding, ...]:
    """Return the findings on a cohort's tables, missing values and leaks, in order of code.

    Counts of 1 to min_cell - 1 patients are shown as "<min_cell", and no id or single patient's value ever is.
    A code that finds nothing returns one "pass", one that does not apply "n.a.".
    """
    counted = partial(masked, min_cell=min_cell)
    findings: list[Finding] = []
    for code, nothing, look in CHECKS:
        findings += look(cohort, counted) or [Finding(code, "pass", nothing)]
    return tuple(findings)
