"""Findings on the outcome: one class, few events, unlabelled patients, fewer patients than a model needs."""

import numpy as np

from graphmml.data.checks_words import Asked, many, not_applicable, some
from graphmml.data.cohort import Cohort, name_columns, number_columns
from graphmml.data.columns import like_missing
from graphmml.data.findings import Finding, Status
from graphmml.data.sample_size import minimum_patients, typical_fit
from graphmml.data.telling import NO_OUTCOME
from graphmml.data.toml_text import array


def one_class(cohort: Cohort, asked: Asked) -> list[Finding]:
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


def missing_as_class(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM124: classes that are spelt like missing."""
    outcome = cohort.outcome
    if outcome is None or outcome.kind != "class":
        return not_applicable("GM124", NO_OUTCOME if outcome is None else "the outcome has no classes")
    sizes = outcome.values.value_counts()
    words = [name for name in outcome.classes if like_missing(name)]
    if not words:
        return []
    said = some([f"'{name}' ({asked.counted(int(sizes[name]))} patients)" for name in words])
    message = (
        f"'{outcome.name}' has {len(words)} class(es) spelt like missing: {said}; they are predicted like any other"
    )
    fix = f"if unknown is meant, write na = {array(words)} in outcome of [cohort], or empty the cells; else rename it"
    return many("GM124", "warn", message, fix)


def small_classes(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM121: classes, or seen events, too few to learn from."""
    outcome = cohort.outcome
    if outcome is None:
        return not_applicable("GM121", NO_OUTCOME)
    if outcome.kind == "number":
        known = int(outcome.known.sum())
        return few(asked, known, f"only {asked.counted(known)} patients have a known '{outcome.name}'")
    if outcome.event is not None:
        seen = int(outcome.event[outcome.known].sum())
        return few(asked, seen, f"only {asked.counted(seen)} events of '{outcome.name}' were seen")
    sizes = outcome.values.value_counts()
    found = []
    for name in outcome.classes:
        found += few(
            asked, int(sizes[name]), f"class '{name[:80]}' has only {asked.counted(int(sizes[name]))} patients"
        )
    return found


def few(asked: Asked, count: int, message: str) -> list[Finding]:
    """Warn of few patients, fail hardly any."""
    if count >= asked.limit("GM121", "warn"):
        return []
    status: Status = "fail" if count < asked.limit("GM121", "fail") else "warn"
    return many(
        "GM121", status, message, "merge it with another class, leave it out, or collect more; --folds 3 helps little"
    )


def unlabelled(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM122: patients without an outcome, who are kept for prediction only."""
    if cohort.outcome is None:
        return not_applicable("GM122", NO_OUTCOME)
    without = int((~cohort.labelled).sum())
    if not without:
        return []
    message = (
        f"{asked.counted(without)} of {len(cohort)} patients have no outcome; they are predicted, never trained on or "
        "scored"
    )
    return [Finding("GM122", "pass", message)]


def enough_patients(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM123: how many patients there are beside how many a model of all columns would want.

    The answer is nearly always "fewer than wanted", so that alone is told and not warned of.
    """
    outcome = cohort.outcome
    if outcome is None:
        return not_applicable("GM123", NO_OUTCOME)
    known, columns = int(outcome.known.sum()), parameters(cohort)
    said = f"{asked.counted(known)} patients with an outcome, {columns} parameters (columns, once names are laid out)"
    if known < asked.limit("GM123", "patients"):
        fix = "report it as a pilot; use plain models on few columns you choose beforehand, and collect more"
        return many("GM123", "warn", f"{said}: too few for any model to be judged", fix)
    if columns > asked.limit("GM123", "columns") * known:
        fix = "read the plain baselines of graphmml cv first: many columns and few patients reward the simplest model"
        return many("GM123", "warn", f"{said}: far more columns than patients", fix)
    share = rarest_share(cohort)
    if share is None:
        return many("GM123", "pass", said, "")
    wanted = minimum_patients(columns, share, typical_fit(share))
    events = round(share * known)
    return many(
        "GM123",
        "pass",
        f"{said}, {asked.counted(events)} of the rarer outcome ({events / columns:.1f} a parameter); a regression on "
        f"all of them without penalty would want {wanted} patients (Riley et al. 2020), so read its scores with care"
        if wanted > known
        else f"{said}: enough even for a regression on all of them without penalty, which wants {wanted}",
        "",
    )


def parameters(cohort: Cohort) -> int:
    """Count the parameters of a linear model: one a number, one a level but the first of a name."""
    count = 0
    for table in cohort.tables.values():
        levels = table[name_columns(table)].nunique()
        count += len(number_columns(table)) + int(np.maximum(levels - 1, 0).sum())
    return max(count, 1)


def rarest_share(cohort: Cohort) -> float | None:
    """Return the share of the rarest class, or of events or censored times, whichever is rarer; None for numbers."""
    outcome = cohort.outcome
    if outcome is None or outcome.kind == "number":
        return None
    values = (outcome.values if outcome.event is None else outcome.event)[outcome.known]
    shares = values.value_counts(normalize=True)
    return float(shares.min()) if len(shares) > 1 else None
