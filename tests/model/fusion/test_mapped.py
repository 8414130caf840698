import numpy as np
import pytest
import torch

import graphmml as gm


def array(tensor):
    return tensor.detach().numpy()


def sigmoid(score):
    return 1 / (1 + np.exp(-score))


def test_concatenation_maps_all_side_by_side_with_zeros_for_the_absent(mix):
    x, present = mix
    fusion = gm.ConcatFusion(4, 3).double()
    weight, bias = array(fusion.linear.weight), array(fusion.linear.bias)
    expected = np.zeros((10, 4))
    for row, (vectors, here) in enumerate(zip(array(x), array(present), strict=True)):
        if here.any():
            expected[row] = bias + sum(weight[:, 4 * at : 4 * at + 4] @ vectors[at] for at in np.flatnonzero(here))
    assert np.allclose(array(fusion(x, present)), expected)


def test_gated_multimodal_units_gate_each_modality_by_all_of_them(mix):
    """Arevalo et al. 2017, figure 2a: h_m = tanh(V_m x_m), z_m = sigmoid(U_m [x_1 .. x_M]), the sum of z_m * h_m."""
    x, present = mix
    fusion = gm.GMUFusion(4, 3).double()
    weight, bias, value = array(fusion.gate.weight), array(fusion.gate.bias), array(fusion.value)
    expected = np.zeros((10, 4))
    for row, (vectors, here) in enumerate(zip(array(x), array(present), strict=True)):
        everything = np.concatenate([vector if has else np.zeros(4) for vector, has in zip(vectors, here, strict=True)])
        for at in np.flatnonzero(here):
            mine = slice(4 * at, 4 * at + 4)
            expected[row] += sigmoid(weight[mine] @ everything + bias[mine]) * np.tanh(value[at] @ vectors[at])
    assert np.allclose(array(fusion(x, present)), expected)


def test_film_scales_and_shifts_each_modality_by_the_mean_of_the_others(mix):
    x, present = mix
    fusion = gm.FilmFusion(4, 3).double()
    inward, outward = array(fusion.condition[0].weight), array(fusion.condition[2].weight)
    expected = np.zeros((10, 4))
    for row, (vectors, here) in enumerate(zip(array(x), array(present), strict=True)):
        for at in np.flatnonzero(here):
            others = [vectors[other] for other in np.flatnonzero(here) if other != at]
            told = sum(others) / len(others) if others else np.zeros(4)
            change = outward @ np.maximum(inward @ told, 0)
            expected[row] += ((1 + change[:4]) * vectors[at] + change[4:]) / here.sum()
    assert np.allclose(array(fusion(x, present)), expected)


@pytest.mark.parametrize("fusion", [gm.GMUFusion, gm.FilmFusion, gm.ConcatFusion], ids=lambda f: f.__name__)
def test_what_one_modality_says_depends_on_the_others(fusion, mix):
    """The step of one modality moves the fused vector by another amount where another modality is another one."""
    x, present = mix
    layer, present = fusion(4, 3).double(), torch.ones_like(present)
    step, other = torch.zeros_like(x), torch.zeros_like(x)
    step[:, 0], other[:, 1] = 0.5, 3.0
    here, there = (
        layer(x + step, present) - layer(x, present),
        layer(x + other + step, present) - layer(x + other, present),
    )
    assert torch.allclose(here, there) == (fusion is gm.ConcatFusion)
