import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

import graphmml as gm


def said(classes, patients=120, seed=0, modalities=3, least=0.0):
    """What models say of patients, the first surest of the truth; who has what; classes by number."""
    random = np.random.default_rng(seed)
    codes = random.permutation(np.arange(patients) % classes)
    lead = np.linspace(2, least, modalities)[:, None]
    score = random.normal(size=(patients, modalities, classes)) + np.eye(classes)[codes][:, None] * lead
    p = np.exp(score) / np.exp(score).sum(axis=2, keepdims=True)
    present = random.random((patients, modalities)) > 0.4
    present[0], present[1] = True, False
    return p, present, codes


def test_the_mean_probability_is_over_present_modalities_and_over_all_for_who_has_none():
    p, present, codes = said(3)
    combiner = gm.MeanProbability()
    joined = combiner.join(p, present, combiner.learn(p, present, codes))
    for row, here in enumerate(present):
        heard = np.flatnonzero(here) if here.any() else range(3)
        assert joined[row] == pytest.approx(sum(p[row, at] for at in heard) / len(heard))


def test_most_votes_win_and_equal_votes_are_told_apart_by_mean_probability():
    p = np.array(
        [
            [[0.9, 0.1], [0.45, 0.55], [0.4, 0.6]],  # two of three vote for the second, which the mean would not choose
            [[0.9, 0.1], [0.3, 0.7], [0.0, 1.0]],  # one vote each, the third is absent
            [[0.6, 0.4], [0.1, 0.9], [1.0, 0.0]],
            [[0.8, 0.2], [0.0, 1.0], [0.0, 1.0]],  # one modality alone
        ]
    )
    present = np.array([[1, 1, 1], [1, 1, 0], [1, 1, 0], [1, 0, 0]], dtype=bool)
    joined = gm.MajorityVote().join(p, present, {})
    means = [(0.9 + 0.45 + 0.4) / 3, (0.9 + 0.3) / 2, (0.6 + 0.1) / 2, 0.8]
    votes, heard = [1, 1, 1, 1], [3, 2, 2, 1]
    assert joined[:, 0] == pytest.approx(
        [(vote + mean) / (count + 1) for vote, mean, count in zip(votes, means, heard, strict=True)]
    )
    assert joined.argmax(axis=1).tolist() == [1, 0, 1, 0]


def test_the_majority_wins_whatever_the_probabilities():
    random = np.random.default_rng(0)
    p, present = random.dirichlet(np.full(3, 0.2), size=(500, 5)), random.random((500, 5)) > 0.3
    present[~present.any(axis=1)] = True
    joined = gm.MajorityVote().join(p, present, {})
    for row, here in enumerate(present):
        votes = np.bincount(p[row, here].argmax(axis=1), minlength=3)
        assert votes[joined[row].argmax()] == votes.max()


@pytest.mark.parametrize("prior", [0.0, 5.0])
def test_learned_weights_have_the_lowest_held_out_log_loss(prior):
    """Held against a grid over the first of two weights, which sum to one."""
    p, present, codes = said(2, seed=5, modalities=2, least=2.0)
    (weights,) = gm.WeightedProbability(prior=prior).learn(p, present, codes).values()
    assert weights.sum() == pytest.approx(1)

    def loss(first):
        share, total = np.array([first, 1 - first]), 0.0
        for row, here in enumerate(present):
            if here.any():
                mixed = sum(share[at] * p[row, at, codes[row]] for at in np.flatnonzero(here)) / share[here].sum()
                total -= np.log(mixed)
        return total - prior * np.log(2 * share).mean()

    grid = np.linspace(0.001, 0.999, 999)
    assert weights[0] == pytest.approx(grid[np.argmin([loss(first) for first in grid])], abs=2e-3)
    assert 0.02 < weights[0] < 0.98, "at the edge of the grid: draw others"


def test_weighted_probabilities_are_weighed_over_the_present():
    p, present, _ = said(3)
    weight = np.array([0.5, 0.3, 0.2])
    joined = gm.WeightedProbability().join(p, present, {"weight": weight})
    for row, here in enumerate(present):
        heard = np.flatnonzero(here) if here.any() else np.arange(3)
        expected = sum(weight[at] * p[row, at] for at in heard) / weight[heard].sum()
        assert joined[row] == pytest.approx(expected)


def test_a_larger_prior_holds_weights_closer_together():
    held_out = said(2)
    spread = [np.ptp(gm.WeightedProbability(prior=prior).learn(*held_out)["weight"]) for prior in (0.5, 5, 500)]
    assert spread[0] > spread[1] > spread[2]


def columns(p, present):
    """Centred logarithms of each modality's probabilities, zeros where absent, then a one for each absent."""
    rows = []
    for said_of, here in zip(p, present, strict=True):
        logs = [
            np.log(one) - np.log(one).mean() if has else np.zeros(len(one))
            for one, has in zip(said_of, here, strict=True)
        ]
        rows.append(np.concatenate([*logs, (~here).astype(float)]))
    return np.array(rows)


@pytest.mark.parametrize("classes", [2, 3])
def test_stacking_predicts_as_scikit_learn_would(classes):
    p, present, codes = said(classes)
    combiner = gm.Stacked(penalty=2.0)
    model = LogisticRegression(C=0.5, max_iter=2000).fit(columns(p, present), codes)
    joined = combiner.join(p, present, combiner.learn(p, present, codes))
    assert np.allclose(joined, model.predict_proba(columns(p, present)), atol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_cross_discovery_predicts_as_scikit_learn_would(classes):
    """Of the product of all modalities' probabilities, each class alike where one is absent."""
    p, present, codes = said(classes)
    tensor = []
    for said_of, here in zip(p, present, strict=True):
        one, two, three = (
            vector if has else np.full(classes, 1 / classes) for vector, has in zip(said_of, here, strict=True)
        )
        tensor.append([a * b * c for a in one for b in two for c in three])
    combiner = gm.VCDN(penalty=1.0, seed=4)
    width = min(classes**3, 64)
    model = MLPClassifier((width,), alpha=1.0, solver="lbfgs", max_iter=500, random_state=4).fit(
        np.array(tensor), codes
    )
    joined = combiner.join(p, present, combiner.learn(p, present, codes))
    assert np.allclose(joined, model.predict_proba(np.array(tensor)))
    assert joined.std(axis=0).min() > 0.01


@pytest.mark.parametrize("combiner", [gm.Stacked(), gm.VCDN()], ids=repr)
def test_where_two_of_three_classes_are_held_out_the_third_has_no_probability(combiner):
    p, present, codes = said(3)
    few = codes != 1
    joined = combiner.join(p, present, combiner.learn(p[few], present[few], codes[few]))
    assert (joined[:, 1] == 0).all()
    assert ((joined[few].argmax(axis=1) == codes[few]).mean()) > 0.6


def test_cross_discovery_learns_in_silence_where_it_has_not_settled():
    """Classes that have nothing to do with what was said take more steps than there are."""
    random = np.random.default_rng(2)
    p, codes = random.dirichlet(np.ones(3), size=(120, 3)), random.integers(0, 3, 120)
    learned = gm.VCDN(penalty=1e-6).learn(p, np.ones((120, 3), dtype=bool), codes)
    assert all(np.isfinite(array).all() for array in learned.values())


def test_a_product_with_more_cells_than_could_be_learned_is_refused():
    p, present, codes = said(2, modalities=13)
    with pytest.raises(gm.GraphError, match="has 8,192 cells"):
        gm.VCDN().learn(p, present, codes)


@pytest.mark.parametrize(
    "make", [lambda: gm.Stacked(penalty=0.0), lambda: gm.VCDN(penalty=-1.0), lambda: gm.WeightedProbability(prior=-1.0)]
)
def test_settings_that_no_combiner_can_have_are_refused(make):
    with pytest.raises(gm.GraphError, match="choose"):
        make()
