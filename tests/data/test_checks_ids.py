"""Ids that would match if they were written alike are found, named by file and form, and never matched."""

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.check import check
from graphmml.data.faults import lost_zeros

PATIENTS = 120
IDS = [f"{50_000 + 7 * at:07d}" for at in range(PATIENTS)]


def table(ids, columns, seed):
    values = np.random.default_rng(seed).normal(size=(len(ids), len(columns)))
    return pd.DataFrame(values, index=pd.Index(ids, dtype="str"), columns=list(columns))


def cohort_of(tables, outcome=None):
    """Put tables side by side as they are written, as a lenient reader does."""
    ids = pd.Index(list(dict.fromkeys(name for frame in tables.values() for name in frame.index)), dtype="str")
    return gm.Cohort(ids=ids, tables={name: frame.reindex(ids) for name, frame in tables.items()})


def found(cohort, code):
    return [finding for finding in check(cohort) if finding.code == code]


WRITTEN = {
    "without leading zeros": lambda name: name.lstrip("0"),
    "without a trailing .0": lambda name: f"{name}.0",
    "without blanks": lambda name: f" {name}",
    "without a byte order mark": lambda name: f"\ufeff{name}",
    "without hyphens and underscores": lambda name: f"{name[:4]}-{name[4:]}",
    "without leading zeros, blanks, marks and a trailing .0, in one case": lambda name: f"{name.lstrip('0')}.0 ",
}


@pytest.mark.parametrize("form", WRITTEN)
def test_gm103_names_the_form_that_would_match(form):
    labs, rna = table(IDS, "abc", 0), table([WRITTEN[form](name) for name in IDS], "de", 1)
    (finding,) = found(cohort_of({"labs": labs, "rna": rna}), "GM103")
    assert finding.status == "fail"
    assert finding.message.endswith(f"they would match {form}")
    assert "120 ids of modality" in finding.message
    (joined,) = found(cohort_of({"labs": labs, "rna": rna}), "GM102")
    assert joined.status == "n.a."


@pytest.mark.parametrize(
    ("one", "other", "form"),
    [
        ("PAT", "pat", "in one case, upper or lower"),
        ("sub-", "sub", "without hyphens and underscores"),
        ("P00", "P", "without the zeros that pad a number"),
    ],
)
def test_gm103_finds_letters_written_otherwise(one, other, form):
    frames = {
        "labs": table([f"{one}{at}" for at in range(1000, 1100)], "abc", 0),
        "rna": table([f"{other}{at}" for at in range(1000, 1100)], "de", 1),
        "mri": table([f"{one}{at}" for at in range(1000, 1080)], "fg", 2),
    }
    (finding,) = found(cohort_of(frames), "GM103")
    assert (
        f"100 ids of modality 'rna' belong to nobody in the other files as they are written; they would match {form}"
        == (finding.message)
    )


def test_gm103_names_the_table_that_differs_from_two_others():
    frames = {"labs": table([name.lstrip("0") for name in IDS], "ab", 0), "rna": table(IDS, "cd", 1)}
    frames["mri"] = table(IDS[:90], "ef", 2)
    (finding,) = found(cohort_of(frames), "GM103")
    assert "90 ids of modality 'labs'" in finding.message or "120 ids of modality 'labs'" in finding.message
    assert "text" in finding.fix


def test_gm103_warns_of_a_few():
    frames = {"labs": table([*IDS[:-5], *(name.lstrip("0") for name in IDS[-5:])], "ab", 0), "rna": table(IDS, "cd", 1)}
    (finding,) = found(cohort_of(frames), "GM103")
    assert finding.status == "warn"
    assert finding.message.startswith("<11 ids of modality 'labs'")


def test_gm103_finds_two_spellings_within_one_table():
    frames = {"labs": table([*IDS, *(name.lstrip("0") for name in IDS[:20])], "ab", 0)}
    (finding,) = found(cohort_of(frames), "GM103")
    assert finding.status == "warn"
    assert "20 patient(s) stand under two ids" in finding.message


def test_gm103_lets_hyphens_tell_patients_apart():
    names = [f"{at}-{other}" for at in range(10) for other in range(10)]
    names += [f"{at}{other}" for at in range(10) for other in range(3)]
    frames = {"labs": table(names, "ab", 0), "rna": table(names[:80], "cd", 1)}
    assert [finding.status for finding in found(cohort_of(frames), "GM103")] == ["pass"]


def test_gm102_fails_tables_of_strangers_and_passes_with_the_numbers():
    frames = {"labs": table(IDS, "ab", 0), "rna": table([f"x{at}" for at in range(50)], "cd", 1)}
    first, second = found(cohort_of(frames), "GM102")
    assert first.status == second.status == "fail"
    assert "of 50 patients of modality 'rna', nobody has any other" in second.message
    frames["rna"] = table([*IDS[:30], *(f"x{at}" for at in range(20))], "cd", 1)
    first, second = found(cohort_of(frames), "GM102")
    assert first.status == second.status == "warn"
    assert "of 50 patients of modality 'rna', 30 have any other" in second.message
    frames["rna"] = table(IDS[:110], "cd", 1)
    (passed,) = found(cohort_of(frames), "GM102")
    assert passed.status == "pass"
    assert passed.message.endswith("labs 110 of 120, rna 110 of 110")
    assert found(cohort_of({"labs": frames["labs"]}), "GM102")[0].status == "n.a."


def written(folder, labels, rna):
    """Write a cohort whose labels and genes have their own ids."""
    table(IDS, "abc", 0).to_csv(folder / "labs.csv", index_label="patient_id")
    table(rna, "de", 1).to_csv(folder / "rna.csv", index_label="patient_id")
    text = "\n".join(f"{name},{at % 2}" for at, name in enumerate(labels))
    (folder / "labels.csv").write_text(f"patient_id,dx\n{text}\n")
    (folder / "cohort.toml").write_text(
        '[cohort]\noutcome = { path = "labels.csv", column = "dx" }\n\n[modality.labs]\npath = "labs.csv"\n\n'
        '[modality.rna]\npath = "rna.csv"\n'
    )
    return folder


def test_files_that_lost_zeros_are_refused_for_training_and_read_for_check(tmp_path):
    folder = written(tmp_path, IDS, [name.lstrip("0") for name in IDS])
    with pytest.raises(gm.CohortError, match="120 patient"):
        gm.read_cohort(folder)
    cohort = gm.read_cohort(folder, strict=False)
    assert len(cohort) == 2 * PATIENTS  # nothing was matched by a guess
    (finding,) = found(cohort, "GM103")
    assert finding.status == "fail"
    assert "120 ids of modality 'rna'" in finding.message


def test_a_label_file_that_lost_zeros_is_refused_for_training_and_found_by_check(tmp_path):
    folder = written(tmp_path, [name.lstrip("0") for name in IDS], IDS)
    with pytest.raises(gm.CohortError, match="no id of the outcome"):
        gm.read_cohort(folder)
    cohort = gm.read_cohort(folder, strict=False)
    (finding,) = found(cohort, "GM103")
    assert finding.status == "fail"
    assert "120 ids of the outcome belong to nobody" in finding.message
    assert finding.message.endswith("without leading zeros")
    assert found(cohort, "GM101")[0].message == "120 rows of the outcome belong to no patient of the tables"


def test_a_label_file_of_a_larger_study_is_no_other_way_to_write_an_id(tmp_path):
    folder = written(tmp_path, [*IDS, *(f"{9_000_000 + at}" for at in range(60))], IDS)
    cohort = gm.read_cohort(folder, strict=False)
    assert [finding.status for finding in found(cohort, "GM103")] == ["pass"]
    assert [finding.status for finding in found(cohort, "GM101")] == ["warn"]


def test_strict_and_lenient_reading_agree_where_nothing_is_wrong(tmp_path):
    folder = written(tmp_path, IDS, IDS[:90])
    strict, lenient = gm.read_cohort(folder), gm.read_cohort(folder, strict=False)
    assert strict.fingerprint == lenient.fingerprint
    assert strict.notes == lenient.notes == ()


@pytest.mark.parametrize("seed", range(3))
def test_planted_lost_zeros_are_found(seed):
    clean = gm.make_cohort(200, seed=seed)
    assert [finding.status for finding in found(clean, "GM103")] == ["pass"]
    assert [finding.status for finding in found(lost_zeros(clean, seed), "GM103")] == ["fail"]
