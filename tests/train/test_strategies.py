"""The laws of an estimator, under every strategy."""

from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectKBest

import graphmml as gm

OTHER = {"case": "control", "control": "case"}
TRAIN, NEW = slice(0, 60), slice(60, 80)
STRATEGIES = [
    gm.Early(),
    gm.Intermediate(own_graphs=True),
    gm.Intermediate(partial(gm.ProductFusion, shift=0.5), drop=0.3, complete=gm.LearnedTokens),
    gm.Intermediate(gm.TensorFusion, drop=0.3, complete=gm.NeighbourCompletion),
    gm.Intermediate(gm.LowRankFusion, drop=0.3, complete=partial(gm.ExpertCompletion, code=3)),
    gm.Intermediate(gm.HierarchicalFusion, auxiliary=gm.Contrast),
    gm.Intermediate(gm.FilmFusion, auxiliary=gm.DeepCCA),
    gm.Intermediate(gm.CrossAttentionFusion, auxiliary=gm.Reconstruction),
    gm.Hybrid(balance="equal"),
    gm.Hybrid(gm.GMUFusion, balance="losses"),
    gm.Hybrid(balance="gradients"),
    gm.Late(),
    gm.Late(gm.MajorityVote()),
    gm.Late(gm.WeightedProbability()),
    gm.Late(gm.Stacked()),
    gm.Late(gm.VCDN()),
]


@cache
def people():
    return gm.make_cohort(80, seed=5)


def model_of(strategy, **settings):
    training = gm.Training(epochs=8, learning_rate=0.1, pretraining=2 if getattr(strategy, "auxiliary", None) else 0)
    settings = {"members": 2, "width": 8, "training": training, "device": "cpu"} | settings
    return gm.GraphClassifier(gm.Neighbours(k=4, each=True), fusion=strategy, **settings)


@cache
def fitted_on_train(at):
    """Return a fitted model, which no test changes."""
    return model_of(STRATEGIES[at]).fit(people()[TRAIN])


@pytest.fixture(params=range(len(STRATEGIES)), ids=[repr(strategy) for strategy in STRATEGIES])
def fitted(request):
    return fitted_on_train(request.param)


def test_probabilities_sum_to_one_and_differ_between_patients(fitted):
    p = fitted.predict_proba(people()[NEW])
    assert p.shape == (20, 2)
    assert p.sum(axis=1) == pytest.approx(1)
    assert p[:, 1].std() > 1e-4


def test_the_same_seed_gives_the_same_answer_and_flipped_outcomes_of_others_change_nothing(fitted):
    """Fit anew, from a cohort in which everybody who is held out has the other outcome."""
    cohort = people()
    held_out = np.isin(np.arange(80), np.arange(80)[NEW])
    flipped = cohort.outcome.values.where(~held_out, cohort.outcome.values.map(OTHER))
    assert (flipped != cohort.outcome.values).sum() == 20
    other = replace(cohort, outcome=replace(cohort.outcome, values=flipped))
    again = clone(fitted).fit(other[TRAIN])
    assert np.array_equal(fitted.predict_proba(cohort[NEW]), again.predict_proba(other[NEW]))


def test_a_prediction_does_not_depend_on_who_else_is_predicted(fitted):
    together = fitted.predict_proba(people()[NEW])
    assert not fitted.encoder_.transform(people()[NEW]).present.all()
    for at in (0, 3, 7, 12, 19):
        assert fitted.predict_proba(people()[60 + at : 61 + at])[0] == pytest.approx(together[at], abs=1e-6)
    assert fitted.predict_proba(people()[::-1])[::-1][NEW] == pytest.approx(together, abs=1e-6)


def test_a_patient_with_nothing_measured_is_predicted(fitted):
    blank = {name: table.mask(table.notna()) for name, table in people()[NEW].tables.items()}
    p = fitted.predict_proba(replace(people()[NEW], tables=blank))
    assert np.isfinite(p).all()
    assert p.sum(axis=1) == pytest.approx(1)
    assert np.allclose(p, p[0], atol=1e-6)


def test_a_saved_model_predicts_the_same_bits(fitted, tmp_path):
    gm.save(fitted, tmp_path / "model")
    back = gm.load(tmp_path / "model")
    assert repr(back.fusion) == repr(fitted.fusion) or isinstance(back.fusion.complete, partial)
    assert type(back.fusion) is type(fitted.fusion)
    assert np.array_equal(back.predict_proba(people()[NEW]), fitted.predict_proba(people()[NEW]))


def test_a_model_listens_to_more_patients_without_a_weight_moving(fitted):
    before = fitted.predict_proba(people()[70:])
    larger = fitted.extend(people()[60:70], retrain=False)
    assert len(larger.source_) == 70
    assert larger.combined_ is fitted.combined_
    assert [one.network for one in larger.members_] == [one.network for one in fitted.members_]
    after = larger.predict_proba(people()[70:])
    assert np.isfinite(after).all()
    assert not np.allclose(after, before, atol=1e-6)
    assert np.array_equal(fitted.predict_proba(people()[70:]), before)


@pytest.mark.parametrize("at", [0, 1, 4, 9, 14])
def test_a_model_learns_anew_from_more_patients_as_it_would_from_all(at):
    """With the encoder as it is: as if it had been given everybody encoded."""
    fitted = fitted_on_train(at)
    larger = fitted.extend(people()[60:70])
    every = clone(fitted)
    every.classes_, every.blocks_ = fitted.classes_, fitted.blocks_
    order = np.argsort(people()[:70].ids.to_numpy(dtype=str))
    classes = people().outcome.values.to_numpy()[:70][order]
    codes = np.array([list(fitted.classes_).index(name) for name in classes])
    every.source_, every.codes_ = fitted.encoder_.transform(people()[:70][order]), codes
    every.learn()
    every.encoder_ = fitted.encoder_
    assert larger.predict_proba(people()[70:]) == pytest.approx(every.predict_proba(people()[70:]), abs=1e-6)
    assert not np.allclose(larger.predict_proba(people()[70:]), fitted.predict_proba(people()[70:]), atol=1e-6)


@pytest.mark.parametrize(
    ("combine", "reducer", "refused"),
    [
        (gm.WeightedProbability(), LinearDiscriminantAnalysis(), True),
        (gm.VCDN(), SelectKBest(k=2), True),
        (gm.MeanProbability(), SelectKBest(k=2), False),
        (gm.WeightedProbability(), PCA(2), False),
    ],
)
def test_late_fusion_does_not_learn_from_patients_whose_outcomes_made_their_features(combine, reducer, refused):
    cohort = gm.make_cohort(40, seed=0)
    encoder = gm.CohortEncoder(reduce={"rna": reducer})
    model = gm.GraphClassifier(
        gm.NoEdges(), fusion=gm.Late(combine), prepare=encoder, members=1, training=gm.Training(epochs=1)
    )
    if refused:
        with pytest.raises(gm.GraphmmlError, match="whose outcomes the reducer of rna has seen"):
            model.fit(cohort)
    else:
        model.fit(cohort)
