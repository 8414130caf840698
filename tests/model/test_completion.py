import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

import graphmml as gm
from graphmml.model.edges import EdgeTensors


def array(tensor):
    return tensor.detach().numpy()


@pytest.fixture
def mix():
    """Vectors of twelve patients, zeros where absent, and who has what; the first everything, the second nothing."""
    torch.manual_seed(0)
    x, present = torch.randn(12, 3, 4, dtype=torch.float64), torch.rand(12, 3) > 0.4
    present[0], present[1] = True, False
    return x.masked_fill(~present.unsqueeze(-1), 0.0), present


def relation(kind, edges, seed):
    index = torch.from_numpy(np.random.default_rng(seed).integers(0, 12, (2, edges)))
    return EdgeTensors(kind, index, torch.rand(edges, dtype=torch.float64) + 0.1, (12, 12))


def test_neighbours_complete_by_the_weighted_mean_of_those_who_have_the_modality(mix):
    x, present = mix
    near, alike = ("patient", "near", "patient"), ("patient", "alike", "patient")
    edges = [relation(near, 14, 0), relation(("codes", "of", "patient"), 30, 1), relation(alike, 10, 2)]
    expected, usable = array(x).copy(), array(present).copy()
    for patient in range(12):
        for at in range(3):
            heard = [
                (float(weight), array(x[source, at]))
                for item in edges
                if item.kind[0] == "patient"
                for (source, target), weight in zip(item.index.T.tolist(), item.weight, strict=True)
                if target == patient and present[source, at]
            ]
            if heard and present[patient].any() and not present[patient, at]:
                expected[patient, at] = sum(weight * vector for weight, vector in heard) / sum(w for w, _ in heard)
                usable[patient, at] = True
    done = gm.NeighbourCompletion(4, 3)(x, present, edges)
    assert np.allclose(array(done.x), expected)
    assert np.array_equal(array(done.usable), usable)
    assert usable.sum() > present.sum()
    assert not usable[present.any(dim=1)].all(), "everybody has a neighbour who has it; draw fewer edges"


def test_where_nobody_is_listened_to_nothing_is_completed(mix):
    x, present = mix
    done = gm.NeighbourCompletion(4, 3)(x, present, [])
    assert torch.equal(done.x, x)
    assert torch.equal(done.usable, present)


def test_a_token_stands_for_each_absent_modality_and_learns_from_who_lacks_it(mix):
    x, present = mix
    present[:, 2] = True
    completion = gm.LearnedTokens(4, 3).double()
    with torch.no_grad():
        completion.token.copy_(torch.arange(12).view(3, 4))
    done = completion(x, present, [])
    for patient, here in enumerate(array(present)):
        for at, has in enumerate(here):
            assert torch.equal(done.x[patient, at], x[patient, at] if has else completion.token[at])
    done.x.sum().backward()
    assert completion.token.grad[:, 0].tolist() == (~present).sum(dim=0).tolist()
    assert completion.token.grad[2].tolist() == [0.0] * 4


@pytest.fixture
def experts(mix):
    """A completion by experts that has met the patients."""
    completion = gm.ExpertCompletion(4, 3, code=2, weight=0.7, beta=0.3).double()
    completion.train()(*mix, [])
    return completion


def opinions(experts, unit, row, at):
    """Mean and variance of one expert's code, from its map."""
    layer = experts.experts[at]
    both = array(layer.weight) @ array(unit[row, at]) + array(layer.bias)
    return both[:2], np.exp(both[2:])


def test_the_posterior_is_the_product_of_gaussians_of_the_present_and_a_standard_normal(experts, mix):
    """Wu and Goodman 2018, section 2.1: precisions add up, means are weighed by them."""
    unit, present = mix
    mean, log_variance = experts.posterior(unit, present)
    for row, here in enumerate(array(present)):
        told = [(np.zeros(2), np.ones(2)), *(opinions(experts, unit, row, at) for at in np.flatnonzero(here))]
        variance = 1 / sum(1 / own for _, own in told)
        assert np.allclose(array(mean[row]), variance * sum(centre / own for centre, own in told))
        assert np.allclose(array(log_variance[row].exp()), variance)


def test_the_posterior_is_the_normalised_product_of_densities(experts, mix):
    """The same by numbers: multiply the densities on a grid and take the moments."""
    unit, present = mix
    mean, log_variance = experts.posterior(unit, present)
    grid = np.linspace(-8, 8, 4001)
    density = np.exp(-(grid**2) / 2)[:, None] * np.ones(2)
    for at in range(3):
        centre, variance = opinions(experts, unit, 0, at)
        density = density * np.exp(-((grid[:, None] - centre) ** 2) / (2 * variance))
    density /= density.sum(axis=0)
    centre = (density * grid[:, None]).sum(axis=0)
    assert array(mean[0]) == pytest.approx(centre, abs=1e-6)
    spread = (density * (grid[:, None] - centre) ** 2).sum(axis=0)
    assert array(log_variance[0].exp()) == pytest.approx(spread, abs=1e-6)


def test_what_is_nobodys_has_the_prior(experts, mix):
    mean, log_variance = experts.posterior(*mix)
    assert torch.equal(mean[1], torch.zeros(2, dtype=torch.float64))
    assert torch.equal(log_variance[1], torch.zeros(2, dtype=torch.float64))


def test_the_bound_is_the_error_of_the_present_and_beta_times_the_divergence(experts, mix):
    unit, present = mix
    mean, log_variance = experts.posterior(unit, present)
    posterior = Independent(Normal(mean, (log_variance / 2).exp()), 1)
    prior = Independent(Normal(torch.zeros_like(mean), torch.ones_like(mean)), 1)
    divergence = array(kl_divergence(posterior, prior))
    torch.manual_seed(3)
    bound = experts.bound(unit, present, mean, log_variance)
    torch.manual_seed(3)
    decoded = array(experts.decoder(mean + torch.randn_like(mean) * (log_variance / 2).exp()))
    each = []
    for row, here in enumerate(array(present)):
        if here.any():
            errors = [np.mean((decoded[row, at] - array(unit[row, at])) ** 2) for at in np.flatnonzero(here)]
            each.append(np.mean(errors) + 0.3 * divergence[row])
    assert float(bound.detach()) == pytest.approx(np.mean(each))


def test_the_penalty_is_of_all_that_is_present_and_of_a_random_half(experts, mix, monkeypatch):
    x, present = mix
    seen = []

    def posterior(unit, who):
        seen.append(who)
        return type(experts).posterior(experts, unit, who)

    bounds = iter([2.0, 4.0])
    monkeypatch.setattr(experts, "posterior", posterior)
    monkeypatch.setattr(experts, "bound", lambda *_: next(bounds))
    assert experts.train()(x, present, []).penalty == pytest.approx(0.7 * 3.0)
    whole, half = seen
    assert torch.equal(whole, present)
    assert not (half & ~present).any()
    assert 0 < half.sum() < present.sum()


def test_the_decoder_speaks_for_the_absent_at_the_modalitys_own_scale(experts, mix):
    x, present = mix
    experts.eval()
    done = experts(x, present, [])
    unit = x / experts.scale[:, None]
    decoded = experts.decoder(experts.posterior(unit, present)[0])
    for row, here in enumerate(array(present)):
        for at in np.flatnonzero(~here):
            expected = decoded[row, at] * experts.scale[at] if here.any() else torch.zeros(4, dtype=torch.float64)
            assert torch.allclose(done.x[row, at], expected)


def test_the_scale_is_a_running_root_mean_square_of_the_present(mix):
    x, present = mix
    completion = gm.ExpertCompletion(4, 3).double().train()
    now = [np.sqrt(np.mean(array(x[present[:, at], at]) ** 2)) for at in range(3)]
    completion(x, present, [])
    assert array(completion.scale) == pytest.approx(now)
    completion(3 * x, present, [])
    assert array(completion.scale) == pytest.approx([0.9 * value + 0.1 * 3 * value for value in now])
    before = completion.scale.clone()
    completion.eval()(5 * x, present, [])
    assert torch.equal(completion.scale, before)


def test_what_is_decoded_is_of_one_size_with_what_was_met(mix):
    """Vectors a thousand times as long give stand-ins a thousand times as long."""
    x, present = mix
    completion = gm.ExpertCompletion(4, 3).double()
    answers = []
    for size in (1.0, 1e3):
        completion.scale.zero_()
        completion.train()(size * x, present, [])
        answers.append(completion.eval()(size * x, present, []).x)
    assert torch.allclose(answers[1], 1e3 * answers[0])


def test_encoders_learn_nothing_as_targets_of_the_decoder(experts, mix):
    """With experts who do not listen, no gradient is left."""
    x, present = mix
    x.requires_grad_()
    experts.train()(x, present, []).penalty.backward(retain_graph=True)
    assert x.grad.any()
    x.grad = None
    with torch.no_grad():
        for expert in experts.experts:
            expert.weight.zero_()
    experts(x, present, []).penalty.backward()
    assert not x.grad.any()


def test_a_modality_that_no_training_patient_had_leaves_stand_ins_of_a_sensible_size(mix):
    x, present = mix
    completion = gm.ExpertCompletion(4, 3).double()
    lacking = present.clone()
    lacking[:, 2] = False
    completion.train()(x.masked_fill(~lacking.unsqueeze(-1), 0.0), lacking, [])
    assert float(completion.scale[2]) == 0
    done = completion.eval()(x, present, [])
    other = completion(x.index_fill(1, torch.tensor([2]), 7.0), present, [])
    absent = ~present[:, :2]
    assert torch.equal(done.x[:, :2][absent], other.x[:, :2][absent])
    assert float(done.x.detach().abs().max()) < 100


@pytest.mark.parametrize("wrong", [{"code": 0}, {"weight": -0.1}, {"beta": -1.0}])
def test_settings_that_no_expert_can_have_are_refused(wrong):
    with pytest.raises(gm.GraphError, match="code must be above, the others not below 0"):
        gm.ExpertCompletion(4, 3, **wrong)
