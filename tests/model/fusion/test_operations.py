from functools import partial, reduce

import numpy as np
import pytest

import graphmml as gm


def softmax(score):
    raised = np.exp(score - score.max(axis=0))
    return raised / raised.sum(axis=0)


def array(tensor):
    return tensor.detach().numpy()


def patient_by_patient(mix, fuse):
    """Fuse each patient's present vectors [modality, width] by a function; zeros for who has none."""
    x, present = map(array, mix)
    return np.array([fuse(rows[here]) if here.any() else np.zeros(4) for rows, here in zip(x, present, strict=True)])


def product(vectors, shift):
    out = []
    for channel in vectors.T:
        out.append(reduce(lambda total, value: total * (value + shift), channel, 1.0) - shift ** len(channel))
    return np.array(out)


FORMULAS = {
    "mean": (gm.MeanFusion, lambda vectors: sum(vectors) / len(vectors)),
    "sum": (gm.SumFusion, lambda vectors: sum(vectors)),
    "max": (gm.MaxFusion, lambda vectors: np.array([max(channel) for channel in vectors.T])),
    "product about one": (gm.ProductFusion, partial(product, shift=1.0)),
    "bare product": (partial(gm.ProductFusion, shift=0.0), partial(product, shift=0.0)),
    "product about a third": (partial(gm.ProductFusion, shift=0.3), partial(product, shift=0.3)),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_an_operation_is_its_formula_over_what_is_present(mix, name):
    fusion, formula = FORMULAS[name]
    assert np.allclose(array(fusion(4, 3)(*mix)), patient_by_patient(mix, formula), rtol=0, atol=1e-12)


def test_about_one_a_product_holds_each_modality_and_each_product_of_several(mix):
    x, present = mix
    a, b, c = array(x[0])
    expected = a + b + c + a * b + a * c + b * c + a * b * c
    assert np.allclose(array(gm.ProductFusion(4, 3)(x, present))[0], expected)


def test_the_mean_counts_each_present_modality_alike(mix):
    x, present = mix
    weight = array(gm.MeanFusion(4, 3).weights(x, present))
    for row, here in zip(weight, array(present), strict=True):
        assert row.tolist() == pytest.approx([1 / here.sum() if has else 0.0 for has in here])


def test_each_channel_is_weighed_by_a_softmax_over_the_present(mix):
    x, present = mix
    fusion = gm.ChannelFusion(4, 3).double()

    def fuse(vectors):
        score = np.array([array(fusion.score.weight) @ vector + array(fusion.score.bias) for vector in vectors])
        return np.array([softmax(score[:, at]) @ vectors[:, at] for at in range(4)])

    assert np.allclose(array(fusion(x, present)), patient_by_patient(mix, fuse))
    everything = np.array([array(fusion.score.weight) @ vector + array(fusion.score.bias) for vector in array(x[0])])
    assert np.allclose(array(fusion.weights(x, present))[0], softmax(everything).mean(axis=1))


def test_a_product_about_a_negative_number_is_refused():
    with pytest.raises(gm.GraphError, match="choose 0 for the bare product"):
        gm.ProductFusion(4, 3, shift=-0.5)
