"""What must not reach a model does not: held-out rows, outcomes, order, company, chance from outside."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

import graphmml as gm

TINY = gm.Training(epochs=6, patience=6)
LINKS = [
    gm.Neighbours(k=4, each=True),
    gm.Neighbours("labs", k=4, edges="mutual", weight="similarity"),
    gm.SharedPhenotype(("site", "sex"), k=4),
    gm.Concepts("codes", most=0.9),
    gm.Shuffled(gm.Neighbours(k=4)),
    gm.NoEdges(),
    gm.Neighbours(k=4, metric="gower"),
    gm.Densest(4, "labs"),
    gm.Within(0.3, "labs", "euclidean"),
    gm.PhenotypeGate("labs", ("sex", "site"), k=4),
    gm.FusedSimilarity(k=5, degree=4, iterations=3),
    gm.ModalityNodes(k=4),
    gm.Restricted(gm.Neighbours(k=4), across="site"),
    gm.Union((gm.Neighbours("labs", k=3), gm.SharedPhenotype("sex", k=3))),
]


def model(links, **settings):
    return gm.GraphClassifier(links, members=2, width=8, training=TINY, device="cpu", **settings)


@pytest.fixture(params=LINKS, ids=repr)
def links(request):
    return request.param


@pytest.fixture
def halves(cohort):
    return cohort[:45], cohort[45:]


def test_a_prediction_does_not_depend_on_who_else_is_asked_about(links, halves):
    train, new = halves
    fitted = model(links).fit(train)
    together = fitted.predict_proba(new)
    for at in range(len(new)):
        assert np.allclose(fitted.predict_proba(new[at : at + 1])[0], together[at], atol=1e-6)
    assert np.allclose(fitted.predict_proba(new[::-1])[::-1], together, atol=1e-6)


def test_the_order_of_rows_columns_and_tables_changes_nothing(links, frames):
    tables, outcome, groups = frames
    random = np.random.default_rng(3)
    mixed = {
        name: tables[name].sample(frac=1, random_state=1)[random.permutation(tables[name].columns)]
        for name in reversed(tables)
    }
    answers = []
    for frames, y in ((tables, outcome), (mixed, outcome.sample(frac=1, random_state=2))):
        cohort = gm.Cohort.from_frames(frames, y, groups=groups, positive="case")
        train = cohort[cohort.rows_of(sorted(outcome.index)[:45])]
        new = cohort[cohort.rows_of(sorted(outcome.index)[45:])]
        answers.append(model(links).fit(train).predict_proba(new))
    assert np.allclose(*answers, atol=1e-5)


def test_folds_do_not_depend_on_the_order_of_rows(frames):
    tables, outcome, _ = frames
    mixed = {name: table.sample(frac=1, random_state=1) for name, table in tables.items()}
    tested = []
    for frames in (tables, mixed):
        cohort = gm.Cohort.from_frames(frames, outcome)
        tested.append([sorted(cohort.ids[fold.test]) for fold in gm.Folds(3, repeats=2).split(cohort)])
    assert tested[0] == tested[1]


def test_the_same_seed_gives_the_same_answer_and_another_seed_another(links, halves):
    train, new = halves
    one, again, other = (model(links, seed=seed).fit(train).predict_proba(new) for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.allclose(one, other, atol=1e-6)


def test_global_generators_stay_untouched(halves):
    train, new = halves
    torch.manual_seed(5)
    np.random.seed(5)
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    model(gm.RandomEdges(k=3)).fit(train).predict_proba(new)
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])


SCRIPT = """
import numpy as np, torch
import graphmml as gm
torch.set_num_threads(1)
cohort = gm.make_cohort(80, seed=3)
model = gm.GraphClassifier(members=2, width=8, training=gm.Training(epochs=5), device="cpu")
print(model.fit(cohort[:60]).predict_proba(cohort[60:]).tobytes().hex())
"""


def test_another_process_gives_the_same_numbers():
    said = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SCRIPT],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


def test_clone_is_unfitted_and_fit_is_needed(halves):
    train, new = halves
    fitted = model(gm.Neighbours(k=3)).fit(train)
    copy = clone(fitted)
    assert copy.get_params()["links"] == fitted.links
    with pytest.raises(gm.NotFittedError, match="fit"):
        copy.predict_proba(new)
    with pytest.raises(AttributeError):
        copy.predict(new)


def test_the_encoder_learns_from_the_rows_given(cohort):
    """Change every held-out row: what the training rows become stays."""
    tables = {name: table.copy() for name, table in cohort.tables.items()}
    tables["labs"].iloc[45:] = 1e6
    tables["clinical"].loc[tables["clinical"].index[45:], "sex"] = "other"
    changed = gm.Cohort.from_frames(tables, cohort.outcome.values, groups=cohort.groups)
    one = gm.CohortEncoder().fit(cohort[:45]).transform(cohort[:45])
    other = gm.CohortEncoder().fit(changed[:45]).transform(changed[:45])
    for name in one.modalities:
        assert np.array_equal(one.features[name], other.features[name])


def test_an_encoded_cohort_knows_no_outcome(encoded, cohort):
    held = [encoded.groups, *encoded.tables.values()]
    for frame in held:
        for column in frame:
            assert not frame[column].equals(cohort.outcome.values)
    assert not hasattr(encoded, "outcome")


def test_noise_in_an_absent_modality_changes_no_prediction(cohort):
    fitted = model(gm.Neighbours(k=4, each=True)).fit(cohort[:45])
    new = fitted.encoder_.transform(cohort[45:])
    noisy = {
        name: np.where(new.has(name)[:, None], matrix, np.float32(1e3)).astype(np.float32)
        for name, matrix in new.features.items()
    }
    assert any((~new.has(name)).any() for name in new.modalities), "nobody lacks anything"
    answers = []
    for target in (new, replace(new, features=noisy)):
        fitted.encoder_ = Fixed(target)
        answers.append(fitted.predict_proba(cohort[45:]))
    assert np.array_equal(*answers)


class Fixed:
    """An encoder whose answer is given."""

    def __init__(self, encoded):
        self.encoded = encoded

    def transform(self, cohort):
        return self.encoded


def test_an_unseen_level_and_an_absent_column_or_table_are_no_obstacle(halves):
    train, new = halves
    fitted = model(gm.Neighbours(k=4)).fit(train)
    clinical = new.tables["clinical"].assign(sex="never seen").drop(columns="age")
    some = gm.Cohort.from_frames({"clinical": clinical, "more": clinical[["sex"]]})
    p = fitted.predict_proba(some)
    assert p.shape == (len(new), 2)
    assert np.isfinite(p).all()


def test_a_column_of_another_kind_is_refused(halves):
    train, new = halves
    fitted = model(gm.Neighbours(k=4)).fit(train)
    wrong = {**new.tables, "labs": new.tables["labs"].assign(a="high")}
    with pytest.raises(gm.CohortError, match=r"labs.*'a'"):
        fitted.predict_proba(gm.Cohort.from_frames(wrong))


def test_unlabelled_patients_are_neither_needed_nor_harmful(cohort):
    """In the inductive setting a patient without outcome changes nothing."""
    hidden = cohort.with_outcome_of(np.arange(45))
    one = model(gm.Neighbours(k=4)).fit(cohort[:45]).predict_proba(cohort[45:])
    other = model(gm.Neighbours(k=4)).fit(hidden).predict_proba(cohort[45:])
    assert np.array_equal(one, other)


@pytest.mark.parametrize("kind", ["number", "survival"])
def test_an_outcome_without_a_model_yet_is_refused_in_words(cohort, kind):
    numbers = pd.Series(np.arange(60.0), index=cohort.ids)
    outcome = gm.data.outcome.Outcome(kind, numbers, event=(numbers * 0 + 1) if kind == "survival" else None)
    with pytest.raises(gm.CohortError, match=kind):
        model(gm.NoEdges()).fit(replace(cohort, outcome=outcome))


def test_three_classes_work(cohort):
    three = pd.Series(np.array(["a", "b", "c"])[np.arange(60) % 3], index=cohort.ids)
    many = gm.Cohort.from_frames(dict(cohort.tables), three)
    fitted = model(gm.Neighbours(k=4)).fit(many[:45])
    assert fitted.predict_proba(many[45:]).shape == (15, 3)
    assert set(fitted.predict(many[45:])) <= {"a", "b", "c"}
    assert 0 <= fitted.score(many[45:]) <= 1


@pytest.mark.gpu
def test_cpu_and_gpu_agree(halves):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    train, new = halves
    fitted = model(gm.Neighbours(k=4)).fit(train)
    on_cpu = fitted.predict_proba(new)
    assert np.allclose(fitted.set_params(device="cuda").predict_proba(new), on_cpu, atol=1e-4)
