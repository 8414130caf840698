from itertools import combinations
from math import log

import numpy as np
import pytest
import torch
from scipy.linalg import eigh

import graphmml as gm
from graphmml.model.auxiliary import canonical, pairs


def array(tensor):
    return tensor.detach().numpy()


@pytest.fixture
def mix():
    """Vectors of twelve patients in three modalities of which two are alike, who has what, and fused vectors."""
    torch.manual_seed(0)
    x, present = torch.randn(12, 3, 4, dtype=torch.float64), torch.rand(12, 3) > 0.3
    x[:, 1] += 2 * x[:, 0]
    present[0], present[1] = True, False
    return x, present, torch.randn(12, 4, dtype=torch.float64)


def both(present, one, other):
    return [row for row, here in enumerate(array(present)) if here[one] and here[other]]


def test_pairs_are_of_modalities_and_of_patients_who_have_both(mix):
    _, present, _ = mix
    found = {(one, other): rows.tolist() for one, other, rows in pairs(present)}
    assert found == {pair: both(present, *pair) for pair in combinations(range(3), 2)}
    few = torch.tensor([[1, 1, 0], [1, 1, 1]]).bool()
    assert [pair[:2] for pair in pairs(few)] == [(0, 1)]


def info_nce(fusion, x, one, other, rows):
    """The mean over both directions of minus the log of a patient's own share among all."""

    def unit(at, row):
        layer = fusion.map[at]
        vector = array(layer.weight) @ array(x[row, at]) + array(layer.bias)
        return vector / np.linalg.norm(vector)

    scale, total = np.exp(min(float(fusion.log_scale.detach()), 4.6)), 0.0
    for mine, theirs in ((one, other), (other, one)):
        for row in rows:
            score = [scale * unit(mine, row) @ unit(theirs, candidate) for candidate in rows]
            total -= score[rows.index(row)] - np.logaddexp.reduce(score)
    return total / (2 * len(rows))


@pytest.mark.parametrize("log_scale", [log(1 / 0.07), 0.0, 9.0])
def test_contrast_is_the_symmetric_infonce_of_each_two_modalities(mix, log_scale):
    x, present, fused = mix
    loss = gm.Contrast(4, 3, weight=0.5).double()
    assert float(loss.log_scale.detach()) == pytest.approx(log(1 / 0.07))
    with torch.no_grad():
        loss.log_scale.fill_(log_scale)
    expected = [info_nce(loss, x, *pair, both(present, *pair)) for pair in combinations(range(3), 2)]
    assert float(loss(x, present, fused).detach()) == pytest.approx(0.5 * np.mean(expected))


def test_no_more_than_so_many_patients_are_contrasted(mix):
    x, _, fused = mix
    x, present = x[:4, :2], torch.ones(4, 2, dtype=torch.bool)
    loss = gm.Contrast(4, 2, weight=1.0, at_most=3).double()
    possible = np.array([info_nce(loss, x, 0, 1, list(rows)) for rows in combinations(range(4), 3)])
    drawn = [float(loss(x, present, fused).detach()) for _ in range(20)]
    assert all(np.isclose(value, possible).any() for value in drawn)
    assert len({round(value, 6) for value in drawn}) > 1


def test_contrast_falls_where_a_patients_modalities_are_alike(mix):
    x, _, fused = mix
    loss, present = gm.Contrast(4, 2).double(), torch.ones(12, 2, dtype=torch.bool)
    with torch.no_grad():
        loss.map[1].load_state_dict(loss.map[0].state_dict())
        alike = loss(x[:, [0, 0]], present, fused)
        assert alike < loss(torch.stack([x[:, 0], x[:, 0].roll(1, dims=0)], dim=1), present, fused)


@pytest.mark.parametrize("ridge", [0.1, 1e-6])
def test_deep_cca_is_minus_the_canonical_correlations_of_each_two_modalities(ridge, mix):
    """Of the generalised eigenproblem [0 C; C' 0] w = r [A 0; 0 B] w, whose positive roots they are."""
    x, present, fused = mix
    expected = []
    for one, other in combinations(range(3), 2):
        rows = both(present, one, other)
        whole = np.cov(np.concatenate([array(x[rows, one]), array(x[rows, other])], axis=1).T)
        within = np.zeros((8, 8))
        for side in (slice(0, 4), slice(4, 8)):
            block = whole[side, side]
            within[side, side] = block + ridge * np.trace(block) / 4 * np.eye(4)
            whole[side, side] = 0
        expected.append(eigh(whole, within, eigvals_only=True)[4:].sum() / 4)
    loss = gm.DeepCCA(4, 3, weight=0.5, ridge=ridge).double()
    assert float(loss(x, present, fused)) == pytest.approx(-0.5 * np.mean(expected))


def test_a_view_and_a_linear_map_of_it_are_wholly_correlated_and_with_a_ridge_less(mix):
    x, _, _ = mix
    view = x[:, 0]
    turned = view @ torch.randn(4, 4, dtype=torch.float64) + 3
    assert torch.allclose(canonical(view, turned, 1e-9), torch.ones(4, dtype=torch.float64), atol=1e-4)
    assert (canonical(view, turned, 0.1) < 0.99).all()


def test_correlation_is_finite_with_fewer_patients_than_directions(mix):
    x, _, fused = mix
    two = x[:2, :2].clone().requires_grad_()
    loss = gm.DeepCCA(4, 2)(two, torch.ones(2, 2, dtype=torch.bool), fused[:2])
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(two.grad).all()


def test_reconstruction_is_the_error_of_each_decoder_over_the_variance(mix):
    x, present, fused = mix
    loss = gm.Reconstruction(4, 3, weight=0.5).double()
    expected = []
    for at, decoder in enumerate(loss.decoders):
        rows = both(present, at, at)
        inner, outer = decoder[0], decoder[2]
        error = []
        for row in rows:
            hidden = np.maximum(array(inner.weight) @ array(fused[row]) + array(inner.bias), 0)
            error.append((array(outer.weight) @ hidden + array(outer.bias) - array(x[row, at])) ** 2)
        expected.append(np.mean(error) / np.var(array(x[rows, at]), axis=0, ddof=1).mean())
    assert float(loss(x, present, fused).detach()) == pytest.approx(0.5 * np.mean(expected))


def test_what_is_reconstructed_learns_nothing_as_a_target(mix):
    x, present, fused = mix
    x.requires_grad_()
    fused.requires_grad_()
    gm.Reconstruction(4, 3).double()(x, present, fused).backward()
    assert x.grad is None or not x.grad.any()
    assert fused.grad.any()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: gm.Contrast(4, 2, at_most=1), "two patients or more are contrasted"),
        (lambda: gm.DeepCCA(4, 2, ridge=0.0), "choose a number above zero, or covariances"),
        (lambda: gm.Contrast(4, 2, weight=-1.0), "leave the auxiliary loss out"),
    ],
)
def test_settings_that_no_loss_can_have_are_refused(make, said):
    with pytest.raises(gm.GraphError, match=said):
        make()
