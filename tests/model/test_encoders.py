import pytest
import torch

import graphmml as gm

ENCODERS = [gm.LinearEncoder, gm.MLPEncoder]


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: encoder.__name__)
@pytest.mark.parametrize("columns", [1, 5, 300])
def test_any_number_of_columns_becomes_the_common_width(encoder, columns):
    assert encoder(columns, 8)(torch.randn(7, columns)).shape == (7, 8)


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: encoder.__name__)
def test_patients_are_encoded_alone_and_without_chance_once_trained(encoder):
    layer = encoder(5, 8).eval()
    x = torch.randn(7, 5)
    together = layer(x)
    assert torch.equal(together, layer(x))
    assert torch.allclose(together[3], layer(x[3:4])[0])


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: encoder.__name__)
def test_dropout_acts_in_training_alone_and_can_be_switched_off(encoder):
    x = torch.ones(7, 50)
    layer = encoder(50, 8, dropout=0.5).train()
    assert not torch.equal(layer(x), layer(x))
    bare = encoder(50, 8, dropout=0.0).train()
    assert torch.equal(bare(x), bare(x))


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: encoder.__name__)
def test_a_step_of_every_weight_moves_a_wide_table_no_more_than_a_narrow_one(encoder):
    """The first weights' gradient is divided by the number of columns."""

    def moved(columns):
        torch.manual_seed(0)
        layer = encoder(columns, 8, dropout=0.0)
        x = torch.ones(3, columns)
        before = layer(x)
        first = next(weight for weight in layer.parameters() if weight.shape == (8, columns))
        with torch.no_grad():
            first.add_(0.01)
        return float((layer(x) - before).detach().abs().max())

    assert moved(200) == pytest.approx(moved(2), rel=1.5)


def test_the_linear_encoder_is_its_formula():
    layer = gm.LinearEncoder(5, 8).eval()
    x = torch.randn(7, 5)
    assert torch.allclose(layer(x), (x / 5) @ layer.linear.weight.T + layer.linear.bias, atol=1e-6)
