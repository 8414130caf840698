"""cohort.toml is validated key by key before any table is opened."""

import pytest

from graphmml.data.cohort_file import from_paths, load, validated
from graphmml.errors import CohortError

LABS = {"modality": {"labs": {"path": "labs.csv"}}}
OUTCOME = {"path": "labels.csv", "column": "dx"}


def with_outcome(**outcome):
    return LABS | {"cohort": {"outcome": {"path": "labels.csv", **outcome}}}


def with_labs(**keys):
    return {"modality": {"labs": {"path": "labs.csv", **keys}}}


def test_a_small_file_has_plain_defaults(tmp_path):
    path = tmp_path / "cohort.toml"
    path.write_text('[modality.labs]\npath = "labs.csv"\nna = ["-9"]\n')
    spec = load(path)
    assert spec.cohort.id == "patient_id"
    assert spec.cohort.outcome is None
    assert spec.modality["labs"].na == ("-9",)


WRONG = {
    "misspelled key": (LABS | {"cohort": {"idd": "x"}}, "unknown key cohort.idd; correct its spelling"),
    "misspelled table": (LABS | {"modalty": {}}, "unknown key modalty"),
    "no modality": ({"cohort": {}}, "key modality is missing"),
    "empty modality": ({"modality": {}}, "key modality"),
    "number for text": ({"modality": {"labs": {"path": 3}}}, 'key modality.labs.path is 3; write path = "3"'),
    "number for a list": (with_labs(na=-999), r'key modality.labs.na is -999; write na = \["-999"\]'),
    "text for a list": (with_labs(drop="a"), r"""key modality.labs.drop is 'a'; write drop = \["a"\]"""),
    "number in a list": (with_labs(na=[-9]), 'key modality.labs.na.0 is -9; write it in quotes: "-9"'),
    "table for a list": (with_labs(na={}), "key modality.labs.na: "),
    "empty path": ({"modality": {"labs": {"path": ""}}}, "key modality.labs.path"),
    "dot in a name": ({"modality": {"a.b": {"path": "x"}}}, "modality 'a.b' has a dot"),
    "kind": (
        with_outcome(column="dx", kind="colour"),
        "key cohort.outcome.kind is 'colour'; choose 'class', 'number' or 'survival'",
    ),
    "class without column": (with_outcome(), 'kind = "class" wants column ='),
    "class with time": (with_outcome(column="dx", time="t"), "neither time = nor event ="),
    "survival without event": (with_outcome(kind="survival", time="t"), "wants time = and event ="),
    "survival with column": (with_outcome(kind="survival", time="t", event="e", column="x"), "and no column ="),
    "positive number": (with_outcome(kind="number", column="x", positive="1"), "positive = goes with"),
    "long with drop": ({"modality": {"rx": {"path": "x", "long": {"code": "c"}, "drop": ["d"]}}}, "takes neither drop"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_key_is_named(fault):
    content, words = WRONG[fault]
    with pytest.raises(CohortError, match=words) as error:
        validated(content, "study.toml")
    assert str(error.value).startswith("study.toml: ")


def test_what_fits_is_accepted():
    assert validated(with_outcome(kind="survival", time="t", event="e"), "x").cohort.outcome.event == "e"
    assert validated(with_outcome(kind="class", column="dx", positive="1"), "x").cohort.outcome.positive == "1"
    assert validated({"modality": {"rx": {"path": "x", "long": {"code": "c"}}}}, "x").modality["rx"].long.value is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[modality", "not valid TOML.*graphmml init"),
        (b'[modality.labs]\npath = "\xfc"', "not UTF-8"),
        (None, "is not there"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, content, words):
    path = tmp_path / "cohort.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CohortError, match=f"cohort.toml.* {words}"):
        load(path)


@pytest.mark.parametrize("name", ["labs.csv", "LABS.CSV", "labs.csv.gz"])
def test_a_table_in_place_of_the_file_is_sent_to_init(tmp_path, name):
    (tmp_path / name).write_bytes(b"patient_id,crp\na,\xfc\n")
    with pytest.raises(CohortError, match=f"{name} is a table.*graphmml init .*{name}"):
        load(tmp_path / name)
    with pytest.raises(CohortError, match="is not there"):
        load(tmp_path / "other.csv")


def described(folder, outcome, tables=("labs", "clinical"), **options):
    for name, header in {"labs": "patient_id,crp,dx", "clinical": "patient_id,crp,grade"}.items():
        (folder / f"{name}.csv").write_text(f"{header}\n1,2,3\n")
    settings = {"identifier": "patient_id", "kind": "class", "positive": None, "categorical": ()} | options
    return from_paths({name: folder / f"{name}.csv" for name in tables}, outcome, **settings)


def test_plain_csvs_are_described_as_a_file_would(tmp_path):
    spec = described(tmp_path, "dx", categorical=["grade"], positive="3")
    assert spec.cohort.outcome.path == str(tmp_path / "labs.csv")
    assert spec.cohort.outcome.positive == "3"
    assert spec.modality["clinical"].categorical == ("grade",)
    assert spec.modality["labs"].categorical == ()
    assert described(tmp_path, None).cohort.outcome is None
    assert described(tmp_path, ("labels.csv", "y")).cohort.outcome.path == "labels.csv"


@pytest.mark.parametrize(
    ("outcome", "words"), [("crp", r"in 2 tables \(labs, clinical\)"), ("age", "in none of the tables")]
)
def test_an_outcome_must_stand_in_one_table(tmp_path, outcome, words):
    with pytest.raises(CohortError, match=f"'{outcome}' is {words}"):
        described(tmp_path, outcome)


@pytest.mark.parametrize(
    ("paths", "outcome", "categorical", "words"),
    [
        ("clin.csv", None, (), "a str is given where paths by name are wanted"),
        (["clin.csv"], None, (), "a list is given where paths by name are wanted"),
        ({"clin": 3}, None, (), "an int is given where a path is wanted"),
        ({"clin": "clin.csv"}, ["y"], (), "outcome is a list; give a column's name"),
        ({"clin": "clin.csv"}, ("y",), (), "outcome is a tuple; give a column's name"),
        ({"clin": "clin.csv"}, None, "grade", r"categorical=\['grade'\]"),
    ],
)
def test_a_call_of_another_form_is_refused(paths, outcome, categorical, words):
    with pytest.raises(CohortError, match=words):
        from_paths(paths, outcome, identifier="id", kind="class", positive=None, categorical=categorical)


def test_a_name_among_the_categorical_must_be_a_column(tmp_path):
    with pytest.raises(CohortError, match=r"categorical names 1 column\(s\) of no table: grad;"):
        described(tmp_path, None, categorical=["grad", "grade"])


def test_no_table_is_refused(tmp_path):
    with pytest.raises(CohortError, match="no table was given"):
        described(tmp_path, None, tables=())
