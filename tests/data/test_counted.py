"""A code that nobody in a file has is one that its patients do not have."""

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.train.baselines import plain_baselines
from graphmml.train.predictions import differences

FILE = """
[cohort]
id = "id"
[modality.dx]
path = "dx.csv"
long = {{ code = "code" }}
[modality.labs]
path = "labs.csv"
{outcome}
"""
OUTCOME = '[cohort.outcome]\npath = "labs.csv"\ncolumn = "y"\npositive = "1"\n'


def written(folder, people, codes, *, outcome=True):
    """A cohort of one long table of codes, {id: codes}, and one of numbers."""
    folder.mkdir()
    rows = [(name, code) for name in people for code in codes[name]]
    pd.DataFrame(rows, columns=["id", "code"]).to_csv(folder / "dx.csv", index=False)
    random = np.random.default_rng(len(people))
    table = pd.DataFrame({"id": people, "x": random.normal(size=len(people))})
    if outcome:
        table["y"] = [int("I10" not in codes[name]) for name in people]
    table.to_csv(folder / "labs.csv", index=False)
    (folder / "cohort.toml").write_text(FILE.format(outcome=OUTCOME if outcome else ""))
    return gm.read_cohort(folder)


@pytest.fixture
def train(tmp_path):
    random = np.random.default_rng(0)
    people = [f"p{at}" for at in range(80)]
    codes = {
        name: ["Z00", *(["I10"] if random.random() < 0.75 else []), *random.choice(list("ABC"), 1)] for name in people
    }
    return written(tmp_path / "train", people, codes)


MODELS = {
    "network": gm.GraphClassifier(members=1, width=8, training=gm.Training(epochs=20)),
    "concepts": gm.GraphClassifier(gm.Concepts("dx", most=1.0), members=1, width=8, training=gm.Training(epochs=20)),
    "plain": plain_baselines()["logistic regression"],
}


@pytest.mark.parametrize("name", MODELS)
def test_codes_of_others_in_the_file_change_no_prediction(train, tmp_path, name):
    model = MODELS[name].fit(train)
    new = {"n1": ["Z00", "A"], "n2": ["Z00", "I10", "B", "C"]}
    alone = written(tmp_path / "alone", ["n1"], new, outcome=False)
    beside = written(tmp_path / "beside", ["n1", "n2"], new, outcome=False)
    labs = alone.tables["labs"]
    beside.tables["labs"].loc["n1"] = labs.loc["n1"]
    one, both = model.predict_proba(alone), model.predict_proba(beside)
    assert one[0] == pytest.approx(both[list(beside.ids).index("n1")], abs=1e-6)
    assert one[0, 1] > both[list(beside.ids).index("n2"), 1]
    assert not any("absent" in said for said in differences(model, alone))


def test_who_has_no_code_at_all_lacks_the_modality_still(train, tmp_path):
    encoder = gm.CohortEncoder().fit(train)
    new = written(tmp_path / "new", ["n1", "n2"], {"n1": ["A"], "n2": []}, outcome=False)
    encoded = encoder.transform(new)
    rows = {name: at for at, name in enumerate(encoded.ids)}
    assert encoded.has("dx")[rows["n1"]]
    assert not encoded.has("dx")[rows["n2"]]
    assert encoded.tables["dx"].loc["n1", "I10"] == 0
    assert encoded.tables["dx"].loc["n2"].isna().all()


def test_a_wide_table_without_a_column_lacks_it(train):
    """Zero is known only where codes are counted, in training and here."""
    encoder = gm.CohortEncoder().fit(train)
    wide = gm.Cohort.from_frames({"dx": train.tables["dx"].drop(columns="I10"), "labs": train.tables["labs"]})
    assert encoder.transform(wide).tables["dx"]["I10"].isna().all()
    assert any("absent" in said for said in encoder.differences(wide))
    assert train[:10].counted == {"dx"}
