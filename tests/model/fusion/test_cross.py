import numpy as np
import pytest
import torch

import graphmml as gm


def array(tensor):
    return tensor.detach().numpy()


def linear(layer, vector):
    return array(layer.weight) @ vector + array(layer.bias)


def normed(layer, vector):
    centred = vector - vector.mean()
    return centred / np.sqrt((centred**2).mean() + layer.eps) * array(layer.weight) + array(layer.bias)


def softmax(score):
    raised = np.exp(score - score.max())
    return raised / raised.sum()


def one_patient(fusion, vectors, who):
    """Attend, token by token and head by head: the fused vector and how much each present modality is attended to."""
    tokens = [normed(fusion.before, vectors[at]) + array(fusion.name)[at] for at in who]
    asked = [linear(fusion.asked, token).reshape(3, fusion.heads, -1) for token in tokens]  # query, key, value
    out, attended = [], np.zeros((len(who), fusion.heads, len(who)))
    for at, token in enumerate(tokens):
        heard = []
        for head in range(fusion.heads):
            query = asked[at][0, head]
            weight = softmax(np.array([query @ other[1, head] for other in asked]) / np.sqrt(len(query)))
            attended[at, head] = weight
            heard.append(sum(share * other[2, head] for share, other in zip(weight, asked, strict=True)))
        out.append(token + linear(fusion.out, np.concatenate(heard)))
    mean = np.mean(out, axis=0)
    hidden = np.maximum(linear(fusion.onward[0], normed(fusion.between, mean)), 0)
    return mean + linear(fusion.onward[2], hidden), attended.mean(axis=(0, 1))


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_cross_attention_is_attention_over_the_present_modalities_their_mean_and_one_step(mix, heads):
    x, present = mix
    fusion = gm.CrossAttentionFusion(4, 3, heads=heads).double()
    with torch.no_grad():
        for weight in fusion.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    fused, weights = array(fusion(x, present)), array(fusion.weights(x, present))
    for row, here in enumerate(array(present)):
        who = np.flatnonzero(here)
        expected, attended = np.zeros(4), np.zeros(3)
        if len(who):
            expected, attended[who] = one_patient(fusion, array(x[row]), who)
        assert np.allclose(fused[row], expected)
        assert np.allclose(weights[row], attended)


def test_the_layer_knows_who_speaks(mix):
    x, _ = mix
    fusion, present = gm.CrossAttentionFusion(4, 3).double(), torch.ones(10, 3, dtype=torch.bool)
    assert not torch.allclose(fusion(x, present), fusion(x.flip(1), present))


@pytest.mark.parametrize("wrong", [(6, 4), (4, 0), (4, -2)])
def test_heads_that_do_not_divide_the_width_are_refused(wrong):
    with pytest.raises(gm.GraphError, match="choose a width that heads divides"):
        gm.CrossAttentionFusion(wrong[0], 3, heads=wrong[1])
