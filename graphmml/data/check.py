"""Look a cohort over before anything is learned from it: one verdict a question, each with what mends it."""

from collections.abc import Callable, Mapping

from graphmml.data.checks_columns import many_levels, sentinels, spellings
from graphmml.data.checks_copies import repeated_patients
from graphmml.data.checks_dates import dates
from graphmml.data.checks_formats import almost_numbers
from graphmml.data.checks_gaps import absent_modalities, gaps_by_group, gaps_by_outcome
from graphmml.data.checks_groups import telling_groups
from graphmml.data.checks_ids import joins, matching
from graphmml.data.checks_leaks import one_sided_columns, telling_columns, telling_order
from graphmml.data.checks_outcome import enough_patients, missing_as_class, one_class, small_classes, unlabelled
from graphmml.data.checks_private import private_names, private_values
from graphmml.data.checks_tables import constants, copies, infinite, without_infinite
from graphmml.data.checks_units import units
from graphmml.data.checks_words import Asked
from graphmml.data.cohort import Cohort
from graphmml.data.findings import Finding
from graphmml.data.kinds import wanted
from graphmml.data.thresholds import Thresholds, thresholds

Check = Callable[[Cohort, Asked], list[Finding]]

CHECKS: tuple[tuple[Check, Mapping[str, str]], ...] = (
    (joins, {"GM101": "every row of outcome, split and groups belongs to a patient"}),
    (
        matching,
        {"GM102": "the tables share patients", "GM103": "no further ids would match if they were written alike"},
    ),
    (
        repeated_patients,
        {
            "GM104": "no patient repeats another",
            "GM105": "no patient nearly repeats another",
            "GM106": "no copies of a patient have different outcomes",
            "GM601": "no copy of a patient can be on the other side of a fold",
        },
    ),
    (almost_numbers, {"GM108": "no column of text looks numeric"}),
    (spellings, {"GM109": "no level is spelled in two ways"}),
    (sentinels, {"GM110": "no number seems to stand for missing"}),
    (constants, {"GM111": "every column varies"}),
    (copies, {"GM112": "no column repeats another"}),
    (many_levels, {"GM113": "no column of text has too many levels"}),
    (
        dates,
        {
            "GM114": "no column of dates is read as names",
            "GM116": "no date is in the future",
            "GM605": "no date is later than the outcome's",
        },
    ),
    (units, {"GM115": "no group writes a column in another unit"}),
    (one_class, {"GM120": "the outcome varies"}),
    (small_classes, {"GM121": "no class is tiny"}),
    (unlabelled, {"GM122": "every patient has an outcome"}),
    (enough_patients, {"GM123": "there are patients enough"}),
    (missing_as_class, {"GM124": "no class is spelt like missing"}),
    (telling_groups, {"GM403": "no group tells the outcome"}),
    (absent_modalities, {"GM501": "no modality is mostly absent"}),
    (gaps_by_outcome, {"GM502": "what is missing does not predict the outcome"}),
    (gaps_by_group, {"GM503": "what is missing does not follow a group"}),
    (telling_columns, {"GM602": "no column alone predicts the outcome"}),
    (telling_order, {"GM603": "neither ids nor the order of rows predict the outcome"}),
    (one_sided_columns, {"GM604": "no column is filled on one side of the outcome only"}),
    (private_names, {"GM801": "no column's name says that it identifies people"}),
    (private_values, {"GM802": "no value looks as if it identified a person"}),
)
"""Who looks, and for each code what to say when nothing is found."""

INFINITE = "GM107", "every number can be held in 32 bits"
CODES: tuple[str, ...] = tuple(sorted([INFINITE[0], *(code for _, passed in CHECKS for code in passed)]))
"""Every code that `check` may return."""


def check(cohort: Cohort, *, min_cell: int = 11, limit: Thresholds | None = None) -> tuple[Finding, ...]:
    """Return the findings on a cohort's tables, missing values, groups and leaks, in order of code.

    Counts of 1 to min_cell - 1 patients are shown as "<min_cell", and no id or single patient's value ever is.
    A code that finds nothing returns one "pass", one that does not apply "n.a.". `limit` holds what makes a verdict;
    `graphmml.data.thresholds.thresholds` reads other profiles or a file of your own.
    """
    wanted(cohort, Cohort)
    asked = Asked(min_cell, thresholds() if limit is None else limit)
    findings = infinite(cohort, asked) or [Finding(INFINITE[0], "pass", INFINITE[1])]
    finite = without_infinite(cohort)
    for look, passed in CHECKS:
        found = look(finite, asked)
        said = {finding.code for finding in found}
        findings += [*found, *(Finding(code, "pass", nothing) for code, nothing in passed.items() if code not in said)]
    return tuple(sorted(findings, key=lambda finding: finding.code))
