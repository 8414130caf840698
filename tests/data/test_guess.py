import tomllib

import pandas as pd
import pytest

from graphmml.data.cohort_file import load, validated
from graphmml.data.guess import guess_cohort_file
from graphmml.data.read import read_cohort
from graphmml.data.synthetic import write_demo
from graphmml.errors import CohortError

IDS = [f"a{number:02d}" for number in range(40)]


def written(folder, **tables):
    """Write tables given as columns; return their paths."""
    paths = []
    for name, columns in tables.items():
        paths.append(folder / f"{name}.csv")
        pd.DataFrame(columns).to_csv(paths[-1], index=False)
    return paths


def guessed(paths):
    return validated(tomllib.loads(guess_cohort_file(paths)), "the guess")


def wide(**columns):
    return {"patient_id": IDS, "crp": [at / 7 for at in range(40)]} | columns


def cycle(*values):
    return [values[at % len(values)] for at in range(40)]


def test_what_is_guessed_for_the_demo_reads_as_the_demo_but_for_its_leak(tmp_path):
    files = write_demo(tmp_path, patients=60)
    drawn = read_cohort(tmp_path)
    (tmp_path / "cohort.toml").write_text(guess_cohort_file([path for path in files if path.suffix == ".csv"]))
    read = read_cohort(tmp_path)
    assert load(tmp_path / "cohort.toml").modality["clinical"].drop == ("followup_dx",)
    assert read.modalities == drawn.modalities
    assert read.outcome.values.equals(drawn.outcome.values)
    assert read.outcome.positive == "case"
    assert read.groups.equals(drawn.groups)
    assert read.tables["rna"].equals(drawn.tables["rna"])
    assert read.tables["clinical"].equals(drawn.tables["clinical"].drop(columns="followup_dx"))


def test_every_guess_has_its_reason_beside_it(tmp_path):
    labels = {"patient_id": IDS, "label": cycle("0", "1")}
    events = {"patient_id": IDS * 2, "code": cycle("x", "y") * 2}
    tables = written(tmp_path, clinical=wide(site=cycle("n", "s"), grade=cycle(1, 2, 3)), labels=labels, events=events)
    lines = guess_cohort_file(tables).splitlines()
    for at, line in enumerate(lines):
        guess = line.startswith(("id =", "outcome =", "[group.", "categorical =", "long =", "split =", "na ="))
        assert not guess or "# guess: " in line or lines[at - 1].startswith("# guess: "), line


def test_the_id_is_shared_by_all_and_does_not_number_rows(tmp_path):
    events = {"row_id": range(80), "hadm_id": [str(at) for at in range(100, 140)] * 2, "drug": cycle("x", "y") * 2}
    stays = {"row_id": range(40), "crp": [at / 7 for at in range(40)], "hadm_id": range(100, 140)}
    spec = guessed(written(tmp_path, stays=stays, events=events))
    assert spec.cohort.id == "hadm_id"
    assert spec.modality["stays"].drop == ("row_id",)


def test_between_two_shared_ids_the_one_that_is_unique_somewhere_wins_and_the_other_blocks(tmp_path):
    patients = [f"p{number // 2}" for number in range(40)]
    stays = {"subject_id": patients, "hadm_id": IDS, "crp": [at / 7 for at in range(40)]}
    codes = {"subject_id": patients * 2, "hadm_id": IDS * 2, "icd9_code": cycle("x", "y", "z") * 2}
    paths = written(tmp_path, stays=stays, codes=codes)
    spec = guessed(paths)
    assert spec.cohort.id == "hadm_id"
    assert spec.group["subject_id"].block
    assert spec.modality["codes"].long.code == "icd9_code"
    assert '# it might also be "subject_id"' in guess_cohort_file(paths)


def test_a_column_without_repeats_is_rather_the_id_than_one_with_a_better_name(tmp_path):
    columns = {"patient_no": [f"p{at // 2}" for at in range(40)], "record_id": IDS, "crp": [at / 7 for at in range(40)]}
    assert guessed(written(tmp_path, visits=columns)).cohort.id == "record_id"


def test_an_id_of_another_name_is_recognised_by_its_values(tmp_path):
    second = {"SampleID": IDS[::-1], "gene": [at / 3 for at in range(40)]}
    spec = guessed(written(tmp_path, clinical=wide(), labs=wide(), rna=second))
    assert spec.modality["rna"].id == "SampleID"
    assert spec.modality["clinical"].id is None


def test_a_table_of_other_things_than_patients_is_left_out_and_named(tmp_path):
    dictionary = {"term": ["x", "y"], "meaning": ["one", "two"]}
    paths = written(tmp_path, clinical=wide(), labs=wide(), terms=dictionary)
    assert set(guessed(paths).modality) == {"clinical", "labs"}
    assert "# terms.csv is no modality" in guess_cohort_file(paths)


def test_a_column_that_could_identify_nobody_is_an_error(tmp_path):
    with pytest.raises(CohortError, match="add a column patient_id"):
        guess_cohort_file(written(tmp_path, a={"x_ray": cycle("u", "v"), "crp": cycle(1.5, 2.5)}))
    with pytest.raises(CohortError, match="name at least one CSV"):
        guess_cohort_file([])


def test_outcomes_alone_leave_nothing_to_learn_from(tmp_path):
    with pytest.raises(CohortError, match="add a table"):
        guess_cohort_file(written(tmp_path, labels={"patient_id": IDS, "label": cycle("0", "1")}))


def test_the_outcome_in_a_file_of_labels_comes_before_one_among_features(tmp_path):
    labels = {"patient_id": IDS, "grp": cycle("low", "high")}
    paths = written(tmp_path, clinical=wide(died=cycle(0, 1)), labels=labels)
    spec = guessed(paths)
    assert (spec.cohort.outcome.path, spec.cohort.outcome.column) == ("labels.csv", "grp")
    assert set(spec.modality) == {"clinical"}
    assert spec.modality["clinical"].drop == ("died",)
    assert '"clinical.csv: died"' in guess_cohort_file(paths)


def test_an_age_at_death_or_a_site_of_a_tumour_is_neither_outcome_nor_group(tmp_path):
    columns = wide(age_at_death=cycle(50, 61, 72), primary_tumor_site=cycle("oral", "larynx"))
    spec = guessed(written(tmp_path, clinical=columns))
    assert spec.cohort.outcome is None
    assert spec.group == {}
    assert spec.modality["clinical"].drop == ()


def test_a_time_and_an_event_are_a_survival_outcome(tmp_path):
    labels = {"patient_id": IDS, "os_months": [at + 0.5 for at in range(40)], "os_event": cycle(0, 1)}
    (tmp_path / "cohort.toml").write_text(guess_cohort_file(written(tmp_path, clinical=wide(), labels=labels)))
    cohort = read_cohort(tmp_path)
    assert cohort.outcome.kind == "survival"
    assert cohort.outcome.values.max() == 39.5
    assert cohort.outcome.event.sum() == 20


def test_what_is_spelt_like_missing_is_guessed_to_be_no_class(tmp_path):
    for word in ("NA", "unknown"):
        folder = tmp_path / word
        folder.mkdir()
        (folder / "cohort.toml").write_text(
            guess_cohort_file(
                written(folder, clinical=wide(), labels={"patient_id": IDS, "y": cycle("no", word, "yes")})
            )
        )
        outcome = load(folder / "cohort.toml").cohort.outcome
        assert (outcome.na, outcome.positive) == ((word,), "yes")
        assert read_cohort(folder).outcome.classes == ("no", "yes")


def test_a_spelling_of_missing_stays_where_one_class_would_be_left(tmp_path):
    assert guessed(written(tmp_path, a=wide(dx=cycle("case", "unknown")))).cohort.outcome.na == ()


def test_an_event_that_is_not_known_is_guessed_to_be_missing(tmp_path):
    labels = {"patient_id": IDS, "os_months": [at + 0.5 for at in range(40)], "os_event": cycle(0, 1, 1, "NA")}
    (tmp_path / "cohort.toml").write_text(guess_cohort_file(written(tmp_path, clinical=wide(), labels=labels)))
    assert read_cohort(tmp_path).labelled.sum() == 30


def test_many_numbers_are_an_outcome_of_numbers(tmp_path):
    outcome = guessed(written(tmp_path, a=wide(outcome=[at / 3 for at in range(40)]))).cohort.outcome
    assert (outcome.kind, outcome.positive) == ("number", None)
    assert guessed([tmp_path / "a.csv"]).modality["a"].drop == ()


def test_the_positive_class_is_the_one_that_sounds_so_else_the_rarer(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    assert guessed(written(first, a=wide(dx=cycle("case", "case", "none")))).cohort.outcome.positive == "case"
    assert guessed(written(second, a=wide(dx=cycle("red", "red", "blue")))).cohort.outcome.positive == "blue"


def test_a_split_is_known_by_its_values(tmp_path):
    split = {"patient_id": IDS, "part": cycle("Training", "Test")}
    spec = guessed(written(tmp_path, clinical=wide(), division=split))
    assert spec.cohort.split.model_dump() == {
        "path": "division.csv", "column": "part", "train": "Training", "test": "Test", "id": None
    }  # fmt: skip
    assert set(spec.modality) == {"clinical"}


@pytest.mark.parametrize("name", ["site", "Center", "hospital_id", "scanner", "centreCode"])
def test_a_place_is_a_group_and_no_feature(tmp_path, name):
    spec = guessed(written(tmp_path, clinical=wide(**{name: cycle("n", "s", "w")})))
    assert spec.group[name].block is False
    (tmp_path / "cohort.toml").write_text(guess_cohort_file([tmp_path / "clinical.csv"]))
    assert list(read_cohort(tmp_path).tables["clinical"]) == ["crp"]


@pytest.mark.parametrize("name", ["family", "subject_id", "donor_nr"])
def test_kin_and_repeated_patients_block(tmp_path, name):
    columns = {"sample_id": IDS, name: [f"f{at // 2}" for at in range(40)], "crp": [at / 7 for at in range(40)]}
    spec = guessed(written(tmp_path, clinical=columns))
    assert spec.cohort.id == "sample_id"
    assert spec.group[name].block is True


def test_a_group_that_stands_in_two_tables_is_read_once_and_a_feature_of_neither(tmp_path):
    paths = written(tmp_path, clinical=wide(site=cycle("n", "s")), labs=wide(site=cycle("n", "s")))
    (tmp_path / "cohort.toml").write_text(guess_cohort_file(paths))
    cohort = read_cohort(tmp_path)
    assert list(cohort.groups) == ["site"]
    assert all(list(table) == ["crp"] for table in cohort.tables.values())


def test_whole_numbers_named_like_codes_are_categorical_and_counts_are_not(tmp_path):
    columns = wide(
        grade=cycle(1, 2, 3), race=cycle(0, 1, 2, 3), count_grade=cycle(1, 2, 3), sex=cycle(0, 1), ward=range(40)
    )
    assert guessed(written(tmp_path, a=columns)).modality["a"].categorical == ("grade", "race")


def test_a_long_table_has_a_code_and_where_there_are_any_value_and_time(tmp_path):
    measured = {
        "patient_id": IDS * 3,
        "charttime": [f"2024-01-{day + 1:02d} 10:00:00" for day in range(30)] * 4,
        "itemid": [100 + at % 7 for at in range(120)],
        "value": [at / 4 for at in range(120)],
    }
    # the reader refuses a value that is no number, be it a spelling of missing
    counted = {"patient_id": IDS * 2, "drug": cycle("x", "y", "z") * 2, "value": cycle("1", "2", "NA") * 2}
    spec = guessed(written(tmp_path, clinical=wide(), measured=measured, counted=counted))
    assert spec.modality["measured"].long.model_dump(exclude_none=True) == {
        "code": "itemid",
        "value": "value",
        "time": "charttime",
    }
    assert spec.modality["counted"].long.model_dump(exclude_none=True) == {"code": "drug"}
    assert spec.modality["clinical"].long is None


def test_a_few_repeated_ids_are_mistakes_and_not_events(tmp_path):
    table = wide()
    table["patient_id"] = [*IDS[:-1], IDS[0]]
    paths = written(tmp_path, clinical=table, labs=wide())
    assert guessed(paths).modality["clinical"].long is None
    assert "1 id(s) come again" in guess_cohort_file(paths)


def test_words_among_numbers_are_spellings_of_missing(tmp_path):
    columns = wide(ldh=[*range(36), "?", "?", "low", "?"])
    (tmp_path / "cohort.toml").write_text(guess_cohort_file(written(tmp_path, a=columns)))
    assert load(tmp_path / "cohort.toml").modality["a"].na == ("?", "low")
    assert read_cohort(tmp_path).tables["a"]["ldh"].dtype == "float64"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (
            [f"{at},{at % 9}5" for at in range(40)],
            "a decimal comma (like 1,5), which is refused; write a decimal point",
        ),
        ([f"{at},{at % 9}5" for at in range(37)] + ["?"] * 3, "write a decimal point in"),
        ([*range(37), "1,5", "2,5", "3,5"], "write a decimal point in"),
        ([f"{at} kg" for at in range(40)], "a unit (like 80 kg), which are read as names; write bare numbers in"),
        ([f"{at},5mg/dl" for at in range(40)], "write bare numbers in"),
        ([*range(37), "41 kg", "42 kg", "43 kg"], "write bare numbers in"),
    ],
)
def test_numbers_with_a_comma_or_a_unit_are_kept_and_what_they_want_is_said(tmp_path, cells, said):
    paths = written(tmp_path, a=wide(weight=cells))
    text = guess_cohort_file(paths)
    (line,) = [line for line in text.splitlines() if said in line]
    assert line.startswith("#")
    assert line.endswith(': "weight"')
    part = guessed(paths).modality["a"]
    assert part.drop == ()
    assert set(part.na) == {"?"} & set(map(str, cells))
    if "comma" in line:
        (tmp_path / "cohort.toml").write_text(text)
        with pytest.raises(CohortError, match=r"weight.*write a decimal point"):
            read_cohort(tmp_path)


@pytest.mark.parametrize(
    "cells",
    [
        cycle("1a", "2b", "3c"),
        [f"{at}{'abcdefgh'[at % 8]}" for at in range(40)],
        [f"{at} for a reason" for at in range(40)],
        [f"{at},5" if at % 2 else f"text {at}" for at in range(40)],
    ],
)
def test_codes_and_sentences_are_no_numbers_with_a_unit(tmp_path, cells):
    text = guess_cohort_file(written(tmp_path, a=wide(room=cells)))
    assert "# numbers with" not in text


def test_dates_free_text_and_further_ids_are_dropped_with_a_reason(tmp_path):
    columns = wide(
        seen=[f"2024-02-{at % 28 + 1:02d}" for at in range(40)],
        letter=[f"text {at}" for at in range(40)],
        sample_id=range(500, 540),
        nothing=[""] * 40,
    )
    paths = written(tmp_path, a=columns)
    assert set(guessed(paths).modality["a"].drop) == {"seen", "letter", "sample_id", "nothing"}
    text = guess_cohort_file(paths)
    assert all(f"# guess: {why}" in text for why in ("dates", "nearly every value differs", "an id", "empty"))


def test_paths_are_relative_to_the_folder_where_the_file_is_to_stand(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "y").mkdir()
    paths = [*written(tmp_path / "x", clinical=wide()), *written(tmp_path / "y", clinical=wide())]
    first = guessed(paths)
    assert {name: part.path for name, part in first.modality.items()} == {
        "clinical": "clinical.csv",
        "clinical_2": "../y/clinical.csv",
    }
    (tmp_path / "cohort.toml").write_text(guess_cohort_file(paths, folder=tmp_path))
    assert len(read_cohort(tmp_path)) == 40


@pytest.mark.parametrize("name", ['a "quoted" one', "two\nlines", "back\\slash", "a # b", "grüß", "del\x7f", "'", "]"])
def test_no_name_of_a_column_leaves_its_quotes_or_its_comment(tmp_path, name):
    """Groups, drops, outcomes and comments all carry the name."""
    columns = wide(
        **{f"label {name}": cycle("0", "1"), f"date {name}": ["2024-01-01"] * 40, f"{name} grade": cycle(1, 2, 3)}
    )
    columns |= {f"died {name}": cycle("0", "1"), f"few {name}": cycle(1, 2, 3)}
    (tmp_path / "cohort.toml").write_text(guess_cohort_file(written(tmp_path, **{"a.b": columns})))
    spec = load(tmp_path / "cohort.toml")
    assert spec.cohort.outcome.column in (f"label {name}", f"died {name}")
    assert spec.modality["a_b"].categorical == (f"{name} grade",)
    assert len(read_cohort(tmp_path)) == 40


def test_no_patient_id_is_written(tmp_path):
    paths = written(tmp_path, clinical=wide(site=cycle("n", "s")), labels={"patient_id": IDS, "label": cycle("0", "1")})
    text = guess_cohort_file(paths)
    assert not any(identifier in text for identifier in IDS)


EXPECTED = {
    "heart_disease": ({"cardiac_tests", "clinical"}, "label", {"site"}),
    "glioma_grading": ({"clinical", "mutations"}, "label", set()),
    "breast_tcga": ({"mirna", "mrna", "protein"}, "label", set()),
}


@pytest.mark.cohorts
@pytest.mark.parametrize("name", EXPECTED)
def test_real_cohorts_are_guessed_as_a_person_described_them(cohorts, name):
    folder = cohorts / name
    spec = guessed(sorted(folder.glob("*.csv")))
    described = load(folder / "cohort.toml")
    modalities, outcome, groups = EXPECTED[name]
    assert (set(spec.modality), spec.cohort.outcome.column, set(spec.group)) == (modalities, outcome, groups)
    assert {part.path for part in spec.modality.values()} == {part.path for part in described.modality.values()}
    assert spec.cohort.id == described.cohort.id
    assert (spec.cohort.split is None) == (described.cohort.split is None)


@pytest.mark.cohorts
def test_relational_tables_of_admissions_become_one_modality_each(cohorts):
    names = ["ADMISSIONS.csv", "DIAGNOSES_ICD.csv", "PRESCRIPTIONS.csv", "D_ICD_DIAGNOSES.csv.gz"]
    spec = guessed([cohorts / "mimic3_demo" / name for name in names])
    assert spec.cohort.id == "hadm_id"
    assert spec.cohort.outcome.column == "hospital_expire_flag"
    assert spec.group["subject_id"].block
    assert spec.modality["DIAGNOSES_ICD"].long.code == "icd9_code"
    assert spec.modality["PRESCRIPTIONS"].long.code == "drug"
    assert "deathtime" in spec.modality["ADMISSIONS"].drop
    assert "D_ICD_DIAGNOSES" not in spec.modality
