import pytest
import torch

from graphmml.model.dropout import Dropout, bits


@pytest.mark.parametrize("p", [0.3, 0.5, 0.9])
def test_so_many_are_dropped_and_the_mean_stays(p):
    torch.manual_seed(0)
    out = Dropout(p)(torch.ones(1000, 1001))
    share = float((out == 0).float().mean())
    assert share == pytest.approx(p, abs=4 * (p * (1 - p) / out.numel()) ** 0.5 + 2**-16)
    assert torch.allclose(out[out > 0], torch.tensor(1 / (1 - p)), rtol=1e-3)
    assert float(out.mean()) == pytest.approx(1, abs=0.02)


def test_entries_and_draws_are_independent():
    torch.manual_seed(0)
    drop = Dropout(0.5)
    one, other = drop(torch.ones(500, 500)).bool().float(), drop(torch.ones(500, 500)).bool().float()
    pairs = [(one[:, 1:], one[:, :-1]), (one[1:], one[:-1]), (one[:, 4:], one[:, :-4]), (one, other)]
    for left, right in pairs:
        assert float((left * right).mean()) == pytest.approx(0.25, abs=0.01)


def test_the_gradient_passes_through_what_was_kept():
    torch.manual_seed(0)
    x = torch.randn(40, 7, dtype=torch.float64, requires_grad=True)
    out = Dropout(0.4)(x)
    out.sum().backward()
    assert out.dtype == torch.float64
    assert torch.allclose(out, x * x.grad)
    assert torch.equal(x.grad == 0, out == 0)
    assert 0 < int((out == 0).sum()) < out.numel()


def test_the_seed_decides_and_evaluation_and_nothing_leave_it_as_it_is():
    x = torch.randn(9, 5)
    outs = []
    for _ in range(2):
        torch.manual_seed(3)
        outs.append(Dropout(0.5)(x))
    assert torch.equal(*outs)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x
    assert Dropout(0.5)(torch.zeros(0, 3)).shape == (0, 3)


@pytest.mark.parametrize("p", [1e-9, 1 - 1e-9])
def test_the_smallest_and_largest_shares_are_finite(p):
    assert torch.isfinite(Dropout(p)(torch.ones(100))).all()


@pytest.mark.parametrize("kind", [torch.int8, torch.int16])
@pytest.mark.parametrize("rows", [4, 400])
def test_all_values_come_equally_often_from_either_source(kind, rows):
    torch.manual_seed(0)
    drawn = torch.cat([bits(torch.empty(rows, 1001), kind).long() for _ in range(400 // rows)])
    assert drawn.shape == (400, 1001)
    most = torch.iinfo(kind).max
    assert drawn.min() < -0.99 * most
    assert drawn.max() > 0.99 * most
    spread = (most + 0.5) / 3**0.5
    assert float(drawn.double().mean()) == pytest.approx(-0.5, abs=4 * spread / 400_400**0.5)
    assert float(drawn.double().std()) == pytest.approx(spread, rel=0.01)
