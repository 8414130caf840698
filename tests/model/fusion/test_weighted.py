import numpy as np
import pytest
import torch

import graphmml as gm

MIXTURES = [gm.MeanFusion, gm.GatedFusion, gm.AttentionFusion]


def softmax(score):
    raised = np.exp(score - score.max())
    return raised / raised.sum()


def array(tensor):
    return tensor.detach().numpy()


def linear(layer, vector):
    return array(layer.weight) @ vector + (0 if layer.bias is None else array(layer.bias))


def over_present(mix, score, value=lambda vector: vector):
    """Mix each patient's present modalities by a softmax over their scores; zeros for nobody."""
    out = np.zeros((10, 4))
    for row, (vectors, here) in enumerate(zip(*map(array, mix), strict=True)):
        if here.any():
            out[row] = softmax(score(vectors[here])) @ np.array([value(vector) for vector in vectors[here]])
    return out


def test_a_gate_weighs_each_modality_by_its_own_score(mix):
    fusion = gm.GatedFusion(4, 3).double()
    expected = over_present(mix, lambda vectors: np.array([linear(fusion.score, vector)[0] for vector in vectors]))
    assert np.allclose(array(fusion(*mix)), expected)


def test_attention_lets_the_mean_ask_and_the_present_answer(mix):
    fusion = gm.AttentionFusion(4, 3).double()

    def score(vectors):
        asked = linear(fusion.query, vectors.mean(axis=0))
        return np.array([linear(fusion.key, vector) @ asked / 2.0 for vector in vectors])  # the root of the width

    assert np.allclose(array(fusion(*mix)), over_present(mix, score))


def test_hierarchical_attention_is_over_channels_then_over_modalities(mix):
    """Yang et al. 2016, equations 8 to 10: u = tanh(W y + b), a softmax over u with a learned context, a sum."""
    fusion = gm.HierarchicalFusion(4, 3).double()

    def attended(vector):
        return 4 * softmax(linear(fusion.channel, vector)) * vector

    def score(vectors):
        return np.array([linear(fusion.score, np.tanh(linear(fusion.map, attended(vector))))[0] for vector in vectors])

    assert np.allclose(array(fusion(*mix)), over_present(mix, score, attended))


@pytest.mark.parametrize("fusion", MIXTURES, ids=lambda fusion: fusion.__name__)
def test_the_weights_that_are_read_are_those_of_the_mixture(fusion, mix):
    x, present = mix
    layer = fusion(4, 3).double()
    assert torch.allclose(layer(x, present), torch.einsum("pm,pmw->pw", layer.weights(x, present), x))


def test_the_weights_of_hierarchical_attention_mix_what_its_first_level_gives(mix):
    x, present = mix
    layer = gm.HierarchicalFusion(4, 3).double()
    attended = layer.attended(x, present)
    assert torch.allclose(layer(x, present), torch.einsum("pm,pmw->pw", layer.weights(x, present), attended))
    assert torch.allclose((attended / x)[0].mean(dim=1), torch.ones(3, dtype=torch.float64))


@pytest.mark.parametrize("fusion", MIXTURES, ids=lambda fusion: fusion.__name__)
def test_equal_modalities_mix_to_themselves(fusion, mix):
    x, present = mix
    same = x[:, :1].expand(-1, 3, -1)
    somebody = present.any(dim=1)
    assert torch.allclose(fusion(4, 3).double()(same, present)[somebody], x[somebody, 0])
