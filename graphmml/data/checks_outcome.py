"""Findings on the outcome and on what is absent: one class, few events, unlabelled patients, empty modalities."""

from graphmml.data.checks_words import Counted, many, not_applicable
from graphmml.data.cohort import Cohort
from graphmml.data.findings import Finding, Status

NO_OUTCOME = "the cohort has no outcome"
FEW, TOO_FEW = 10, 5


def one_class(cohort: Cohort, counted: Counted) -> list[Finding]:
    """GM120: an outcome that does not vary."""
    outcome = cohort.outcome
    if outcome is None:
        return not_applicable("GM120", NO_OUTCOME)
    values = outcome.values[outcome.known] if outcome.event is None else outcome.event[outcome.known]
    if values.nunique() > 1 or (outcome.event is not None and bool((values == 1).any())):
        return []
    if values.empty:
        said = f"no patient has a known '{outcome.name}'"
    elif outcome.event is not None:
        said = f"no patient had the event of '{outcome.name}'"
    else:
        said = f"all patients whose '{outcome.name}' is known have the same value"
    return many("GM120", "fail", said, "correct column and path under outcome in [cohort], or add other patients")


def small_classes(cohort: Cohort, counted: Counted) -> list[Finding]:
    """GM121: classes, or seen events, too few to learn from."""
    outcome = cohort.outcome
    if outcome is None:
        return not_applicable("GM121", NO_OUTCOME)
    if outcome.kind == "number":
        known = int(outcome.known.sum())
        return few("GM121", known, f"only {counted(known)} patients have a known '{outcome.name}'")
    if outcome.event is not None:
        seen = int(outcome.event[outcome.known].sum())
        return few("GM121", seen, f"only {counted(seen)} events of '{outcome.name}' were seen")
    sizes = outcome.values.value_counts()
    found = []
    for name in outcome.classes:
        found += few("GM121", int(sizes[name]), f"class '{name[:80]}' has only {counted(int(sizes[name]))} patients")
    return found


def few(code: str, count: int, message: str) -> list[Finding]:
    """Warn of a count below ten, fail one below five."""
    if count >= FEW:
        return []
    status: Status = "fail" if count < TOO_FEW else "warn"
    return many(
        code, status, message, "merge it with another class, leave it out, or collect more; --folds 3 helps little"
    )


def unlabelled(cohort: Cohort, counted: Counted) -> list[Finding]:
    """GM122: patients without an outcome, who are kept for prediction only."""
    if cohort.outcome is None:
        return not_applicable("GM122", NO_OUTCOME)
    without = int((~cohort.labelled).sum())
    if not without:
        return []
    message = (
        f"{counted(without)} of {len(cohort)} patients have no outcome; they are predicted, never trained or scored on"
    )
    return [Finding("GM122", "pass", message)]


def absent_modalities(cohort: Cohort, counted: Counted) -> list[Finding]:
    """GM501: modalities that most patients lack."""
    found = []
    for at, modality in enumerate(cohort.modalities):
        without = int((~cohort.present[:, at]).sum())
        if without > 0.5 * len(cohort):
            message = f"modality '{modality}' is absent in {counted(without)} of {len(cohort)} patients"
            fix = f"check the ids of [modality.{modality}]; if it is truly so rare, compare with a run without it"
            found.append(Finding("GM501", "warn", message, fix))
    return found
