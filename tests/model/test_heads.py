from math import exp, log, tanh

import numpy as np
import pytest
import torch
from torch.nn import functional

import graphmml as gm
from graphmml.model.heads import Answer, Heads, mean_probability

CODES = torch.tensor([0, 1, 1, 0, 1, -1])
PRESENT = torch.tensor([[1, 1, 1], [1, 0, 1], [0, 1, 0], [1, 1, 0], [0, 0, 0], [1, 1, 1]]).bool()
NAMES = ("a", "b", "c")


def answer(lead=1.0):
    """Joint logits and those of three modalities, of which the first is surest of the truth."""
    torch.manual_seed(0)
    truth = functional.one_hot(CODES.clamp(min=0), 2).float()
    alone = {name: torch.randn(6, 2) + lead * times * truth for name, times in zip(NAMES, (4, 1, 0), strict=True)}
    return Answer(torch.randn(6, 2), alone, torch.zeros(()))


def cost(logits, who):
    """The mean of minus the logarithm of what the true class gets, patient by patient."""
    counted = [at for at in range(6) if CODES[at] >= 0 and (who is None or who[at])]
    p = logits.softmax(dim=1)
    return -torch.stack([p[at, CODES[at]].log() for at in counted]).mean()


def heads(**settings):
    return Heads(gm.Hybrid(**settings), NAMES, 4, 2)


def test_under_other_strategies_there_are_no_heads_and_the_joint_answer_is_all():
    for strategy in (gm.Early(), gm.Intermediate()):
        none, said = Heads(strategy, NAMES, 4, 2), answer()
        assert not list(none.parameters())
        assert none({}) == {}
        assert none.mixed(said, PRESENT) is said.logits
        assert none.loss(said, PRESENT, cost) == cost(said.logits, None)
        assert none.factors(said.alone, PRESENT, CODES) == {}


def test_each_head_reads_its_own_modality():
    torch.manual_seed(0)
    made, encoded = heads(), {name: torch.randn(6, 4) for name in NAMES}
    logits = made(encoded)
    for name, head in zip(NAMES, made.each.values(), strict=True):
        assert torch.allclose(logits[name], encoded[name].clamp(min=0) @ head.weight.T + head.bias, atol=1e-6)


def test_a_hybrid_prediction_is_the_mean_of_the_joint_and_the_mean_single_probability():
    said = answer()
    mixed = heads().mixed(said, PRESENT).exp()
    assert torch.allclose(mixed.sum(dim=1), torch.ones(6))
    for row, here in enumerate(PRESENT):
        joint = said.logits[row].softmax(dim=0)
        single = [said.alone[name][row].softmax(dim=0) for name, has in zip(NAMES, here, strict=True) if has]
        expected = (joint + sum(single) / len(single)) / 2 if single else joint
        assert torch.allclose(mixed[row], expected, atol=1e-6)


def test_the_mean_probability_is_over_present_modalities_and_over_all_for_who_has_none():
    said = answer()
    p = mean_probability(said.alone, PRESENT)
    for row, here in enumerate(PRESENT):
        heard = [name for name, has in zip(NAMES, here, strict=True) if has] or NAMES
        assert torch.allclose(p[row], sum(said.alone[name][row].softmax(dim=0) for name in heard) / len(heard))


def test_equal_balance_adds_the_mean_single_loss_over_who_has_the_modality():
    said = answer()
    single = [cost(said.alone[name], PRESENT[:, at]) for at, name in enumerate(NAMES)]
    for balance in ("equal", "gradients"):
        loss = heads(balance=balance).loss(said, PRESENT, cost)
        assert torch.allclose(loss, cost(said.logits, None) + sum(single) / 3)


def test_losses_are_weighed_by_learned_uncertainty():
    """Kendall, Gal and Cipolla 2018, equation 10: L / s^2 + log s for classes, here of a log variance log s^2."""
    said, made = answer(), heads(balance="losses")
    sigma = [0.5, 1.0, 2.0, 3.0]
    with torch.no_grad():
        made.log_variance.copy_(torch.tensor([log(value**2) for value in sigma]))
    plain = [cost(said.logits, None), *(cost(said.alone[name], PRESENT[:, at]) for at, name in enumerate(NAMES))]
    joint, *single = [float(loss) / value**2 + log(value) for loss, value in zip(plain, sigma, strict=True)]
    assert float(made.loss(said, PRESENT, cost).detach()) == pytest.approx(joint + sum(single) / 3, rel=1e-5)


def test_learned_uncertainty_settles_where_a_variance_is_twice_its_loss():
    """The minimum over s of L / s^2 + log s."""
    made, said = heads(balance="losses"), answer()
    optimizer = torch.optim.LBFGS([made.log_variance], max_iter=100)

    def closure():
        optimizer.zero_grad()
        loss = made.loss(said, PRESENT, cost)
        loss.backward()
        return loss

    optimizer.step(closure)
    plain = [cost(said.logits, None), *(cost(said.alone[name], PRESENT[:, at]) for at, name in enumerate(NAMES))]
    for variance, loss in zip(made.log_variance.tolist(), plain, strict=True):
        assert exp(variance) == pytest.approx(2 * float(loss), rel=1e-2)


def test_who_is_ahead_is_slowed():
    """Peng et al. 2022, equations 8 to 10, with alpha = 1 and the mean of the others for two modalities or more."""
    said = answer()
    factors = heads(balance="gradients").factors(said.alone, PRESENT, CODES)
    sure = []
    for at, name in enumerate(NAMES):
        p = said.alone[name].softmax(dim=1)
        sure.append(np.mean([float(p[row, CODES[row]]) for row in range(6) if PRESENT[row, at] and CODES[row] >= 0]))
    for at, name in enumerate(NAMES):
        lead = sure[at] / np.mean(sure[:at] + sure[at + 1 :])
        assert factors[name] == pytest.approx(1 - tanh(lead) if lead > 1 else 1.0, rel=1e-5)
    assert 0 < factors["a"] < 1 == factors["c"]


def test_nobody_is_slowed_where_all_are_alike_or_there_is_one_modality():
    said = answer()
    alike = dict.fromkeys(NAMES, said.alone["a"])
    everybody = torch.ones_like(PRESENT)
    assert heads(balance="gradients").factors(alike, everybody, CODES) == dict.fromkeys(NAMES, 1.0)
    one = Heads(gm.Hybrid(balance="gradients"), ("a",), 4, 2)
    assert one.factors({"a": said.alone["a"]}, PRESENT[:, :1], CODES) == {}


def test_a_modality_of_which_nobody_is_known_neither_leads_nor_is_led():
    said, present = answer(), PRESENT.clone()
    present[:, 2] = False
    factors = heads(balance="gradients").factors(said.alone, present, CODES)
    two = Heads(gm.Hybrid(balance="gradients"), NAMES[:2], 4, 2)
    alone = {name: said.alone[name] for name in NAMES[:2]}
    assert factors == two.factors(alone, present[:, :2], CODES) | {"c": 1.0}


def test_slowing_is_of_the_encoders_alone(encoded, monkeypatch):
    graph = gm.build_graph(gm.Neighbours(k=4), encoded)
    network = gm.GraphNetwork(
        {name: len(names) for name, names in encoded.columns.items()},
        graph.schema,
        outputs=2,
        width=8,
        encoder=gm.LinearEncoder,
        fusion=gm.Hybrid(balance="gradients"),
        conv=gm.SAGEStack,
    )
    monkeypatch.setattr(network.heads, "factors", lambda *_: {"labs": 0.25, "codes": 1.0})
    for weight in network.parameters():
        weight.grad = torch.ones_like(weight)
    network.rebalance(answer(), PRESENT, CODES)
    for name, weight in network.named_parameters():
        assert torch.equal(weight.grad, torch.full_like(weight, 0.25 if "encoders.:labs" in name else 1.0)), name
    assert sum("encoders.:labs" in name for name, _ in network.named_parameters()) == 2
