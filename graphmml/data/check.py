"""check: what spoils a study before it starts, found in the tables."""

from collections.abc import Iterator

from graphmml.data.check_leaks import constant_outcome, missingness, one_column, row_order, small_classes, unlabelled
from graphmml.data.check_tables import (
    case_variants,
    constant_columns,
    duplicated_columns,
    joins,
    many_levels,
    mostly_numbers,
    rare_modalities,
    repeated_patients,
    sentinels,
    spellings,
)
from graphmml.data.cohort import Cohort
from graphmml.data.findings import Finding

CHECKS = (
    joins,
    case_variants,
    repeated_patients,
    mostly_numbers,
    spellings,
    sentinels,
    constant_columns,
    duplicated_columns,
    many_levels,
    constant_outcome,
    small_classes,
    unlabelled,
    rare_modalities,
    missingness,
    one_column,
    row_order,
)


def check(cohort: Cohort) -> tuple[Finding, ...]:
    """Look at a cohort's tables for faults that no model forgives; every check answers, if only with a pass.

    Counts of fewer than eleven patients are shown as "<11"; no finding holds an id or a patient's value.
    """
    return tuple(finding for one in CHECKS for finding in answers(one(cohort)))


def answers(findings: Iterator[Finding]) -> list[Finding]:
    """Keep faults, and of several passes of one check the first."""
    found = list(findings)
    faults = [finding for finding in found if finding.status in ("warn", "fail")]
    return faults or found[:1]
