import numpy as np
import pytest
import torch

import graphmml as gm

ALL = [gm.MeanFusion, gm.ConcatFusion, gm.GatedFusion, gm.AttentionFusion]


@pytest.fixture
def mix():
    """Vectors of ten patients in three modalities, and who has what; the first has everything, the second nothing."""
    torch.manual_seed(0)
    x, present = torch.randn(10, 3, 4, dtype=torch.float64), torch.rand(10, 3) > 0.4
    present[0], present[1] = True, False
    return x, present


def softmax(score):
    raised = np.exp(score - score.max())
    return raised / raised.sum()


def array(tensor):
    return tensor.detach().numpy()


def over_present(x, present, score):
    """Mix each patient's present modalities by a softmax over their scores; zeros for nobody."""
    out = np.zeros((len(x), x.shape[2]))
    for row, (vectors, here) in enumerate(zip(array(x), array(present), strict=True)):
        if here.any():
            out[row] = softmax(score(vectors[here])) @ vectors[here]
    return out


def test_the_mean_is_over_what_is_present(mix):
    x, present = mix
    expected = over_present(x, present, lambda vectors: np.zeros(len(vectors)))
    assert np.allclose(array(gm.MeanFusion(4, 3)(x, present)), expected)


def test_a_gate_weighs_each_modality_by_its_own_score(mix):
    x, present = mix
    fusion = gm.GatedFusion(4, 3).double()
    weight, bias = array(fusion.score.weight)[0], array(fusion.score.bias)
    expected = over_present(x, present, lambda vectors: vectors @ weight + bias)
    assert np.allclose(array(fusion(x, present)), expected)


def test_attention_lets_the_mean_ask_and_the_present_answer(mix):
    x, present = mix
    fusion = gm.AttentionFusion(4, 3).double()

    def score(vectors):
        asked = array(fusion.query.weight) @ vectors.mean(axis=0) + array(fusion.query.bias)
        keys = vectors @ array(fusion.key.weight).T + array(fusion.key.bias)
        return keys @ asked / 2.0  # the square root of the width

    assert np.allclose(array(fusion(x, present)), over_present(x, present, score))


def test_concatenation_maps_all_side_by_side_with_zeros_for_the_absent(mix):
    x, present = mix
    fusion = gm.ConcatFusion(4, 3).double()
    side_by_side = np.where(array(present)[:, :, None], array(x), 0).reshape(10, 12)
    expected = side_by_side @ array(fusion.linear.weight).T + array(fusion.linear.bias)
    expected[~array(present).any(axis=1)] = 0
    assert np.allclose(array(fusion(x, present)), expected)


@pytest.mark.parametrize("fusion", ALL, ids=lambda fusion: fusion.__name__)
def test_one_patient_alone_is_fused_as_among_others(fusion, mix):
    x, present = mix
    torch.manual_seed(0)
    layer = fusion(4, 3).double()
    for at in range(10):
        assert torch.allclose(layer(x, present)[at], layer(x[at : at + 1], present[at : at + 1])[0])


@pytest.mark.parametrize("fusion", [gm.MeanFusion, gm.GatedFusion, gm.AttentionFusion], ids=lambda f: f.__name__)
def test_equal_modalities_mix_to_themselves(fusion, mix):
    """Weights over the present sum to one."""
    x, present = mix
    same = x[:, :1].expand(-1, 3, -1)
    out = fusion(4, 3).double()(same, present)
    somebody = present.any(dim=1)
    assert torch.allclose(out[somebody], x[somebody, 0])


@pytest.mark.parametrize("fusion", [gm.GatedFusion, gm.AttentionFusion], ids=lambda f: f.__name__)
def test_very_large_scores_stay_finite(fusion, mix):
    x, present = mix
    layer = fusion(4, 3).double()
    with torch.no_grad():
        for weight in layer.parameters():
            weight.mul_(1e4)
    out = layer(x, present)
    assert torch.isfinite(out).all()
    assert torch.equal(out[1], torch.zeros(4, dtype=torch.float64))
