import pytest
import torch

from graphmml.model.fusion.presence import masked, mean_of, somebody, weights_over_present


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e12, -1e12])
def test_weights_over_the_present_sum_to_one_however_large_or_small_the_scores(mix, scale):
    x, present = mix
    weight = weights_over_present(scale * x[..., 0].abs(), present)
    assert (weight >= 0).all()
    assert torch.equal(weight * ~present, torch.zeros_like(weight))
    assert torch.allclose(weight.sum(dim=1), present.any(dim=1).to(weight.dtype))


def test_scores_may_have_axes_behind_the_modality(mix):
    x, present = mix
    weight = weights_over_present(x, present)
    for channel in range(4):
        assert torch.allclose(weight[..., channel], weights_over_present(x[..., channel], present))


@pytest.mark.parametrize("function", [weights_over_present, mean_of, masked])
def test_a_patient_with_nothing_has_a_gradient_of_zero(mix, function):
    x, present = mix
    x.requires_grad_()
    function(x, present).square().sum().backward()
    assert torch.isfinite(x.grad).all()
    assert torch.equal(x.grad[1], torch.zeros(3, 4, dtype=torch.float64))
    assert float(x.grad[0].abs().sum()) > 0


def test_what_is_fused_of_nobody_is_zero_even_if_it_was_not_a_number(mix):
    _, present = mix
    fused = torch.full((10, 4), torch.nan, dtype=torch.float64)
    out = somebody(fused, present)
    assert torch.equal(out.isnan().any(dim=1), present.any(dim=1))
    assert torch.equal(out[1], torch.zeros(4, dtype=torch.float64))
