from functools import partial, reduce

import numpy as np
import pytest
import torch

import graphmml as gm
from graphmml.model.fusion import tensor
from graphmml.model.fusion.tensor import sized


def array(tensor):
    return tensor.detach().numpy()


def with_ones(vectors, here):
    """Each modality's vector with a one appended, zeros before it where absent."""
    return [np.append(vector if has else np.zeros_like(vector), 1.0) for vector, has in zip(vectors, here, strict=True)]


@pytest.mark.parametrize("size", [None, 1, 3])
def test_tensor_fusion_maps_the_outer_product_of_vectors_with_a_one_appended(mix, size):
    x, present = mix
    fusion = gm.TensorFusion(4, 3, size=size).double()
    inward, weight, bias = array(fusion.inward), array(fusion.outward.weight), array(fusion.outward.bias)
    assert weight.shape == (4, ((size or 4) + 1) ** 3)
    expected = np.zeros((10, 4))
    for row, (vectors, here) in enumerate(zip(array(x), array(present), strict=True)):
        if here.any():
            mapped = [matrix @ vector for matrix, vector in zip(inward, vectors, strict=True)]
            expected[row] = weight @ reduce(np.multiply.outer, with_ones(mapped, here)).ravel() + bias
    assert np.allclose(array(fusion(x, present)), expected)


@pytest.mark.parametrize("rank", [1, 4])
def test_low_rank_fusion_is_tensor_fusion_with_a_weight_of_that_rank(mix, rank):
    """Liu et al. 2018, equations 3 to 5: the weight is a sum over ranks of outer products of a vector a modality."""
    x, present = mix
    fusion = gm.LowRankFusion(4, 3, rank=rank).double()
    with torch.no_grad():
        for weight in fusion.parameters():
            weight.copy_(torch.randn_like(weight))
    factor, constant, share = array(fusion.factor), array(fusion.constant), array(fusion.share)
    expected = np.zeros((10, 4))
    for out in range(4):
        weight = sum(
            share[at]
            * reduce(np.multiply.outer, [np.append(factor[m, at, out], constant[m, at, out]) for m in range(3)])
            for at in range(rank)
        )
        for row, (vectors, here) in enumerate(zip(array(x), array(present), strict=True)):
            if here.any():
                product = reduce(np.multiply.outer, with_ones(vectors, here))
                expected[row, out] = (weight * product).sum() + array(fusion.bias)[out]
    assert np.allclose(array(fusion(x, present)), expected)


@pytest.mark.parametrize(
    ("width", "modalities", "size"),
    [(8, 2, 8), (63, 2, 63), (64, 2, 63), (32, 3, 15), (32, 4, 7), (32, 5, 4), (32, 12, 1), (32, 13, 1), (7, 1, 7)],
)
def test_without_a_size_the_product_is_the_largest_within_4096(width, modalities, size):
    assert sized(width, modalities, None) == size
    assert size == 1 or (size + 1) ** modalities <= 4096
    assert size == width or (size + 2) ** modalities > 4096


@pytest.mark.parametrize("wrong", [(32, 3, 64), (32, 3, 0), (32, 3, -4), (32, 19, None)])
def test_a_product_that_nobody_could_learn_from_is_refused_before_it_is_made(wrong):
    with pytest.raises(gm.GraphError, match="choose a smaller size above zero, or LowRankFusion"):
        gm.TensorFusion(wrong[0], wrong[1], size=wrong[2])
    assert sized(32, 3, 63) == 63


def test_a_product_of_all_patients_that_does_not_fit_in_memory_is_refused(mix, monkeypatch):
    fusion = gm.TensorFusion(4, 3).double()
    bytes_taken = 10 * 5**3 * 8
    monkeypatch.setattr(tensor, "MOST_BYTES", bytes_taken)
    assert fusion(*mix).shape == (10, 4)
    monkeypatch.setattr(tensor, "MOST_BYTES", bytes_taken - 1)
    with pytest.raises(gm.GraphError, match="10 patients has 125 entries each"):
        fusion(*mix)


def test_a_rank_below_one_is_refused():
    with pytest.raises(gm.GraphError, match="rank is 0; choose one or more"):
        gm.LowRankFusion(4, 3, rank=0)


@pytest.mark.parametrize("fusion", [partial(gm.TensorFusion, size=2), gm.LowRankFusion], ids=["tensor", "low rank"])
def test_products_of_all_modalities_reach_the_fused_vector(fusion, mix):
    """The third mixed difference over three modalities is nought for whatever only adds pairs."""
    x, present = mix
    layer, present, total = fusion(4, 3).double(), torch.ones_like(present), 0
    for corner in np.ndindex(2, 2, 2):
        moved = x + torch.tensor(corner, dtype=torch.float64)[None, :, None]
        total = total + (-1) ** sum(corner) * layer(moved, present)
    assert float(total.detach().abs().min()) > 1e-6
