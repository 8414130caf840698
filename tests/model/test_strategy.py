import pytest

import graphmml as gm
from graphmml.model.strategy import strategy_of


def test_a_fusion_alone_is_an_intermediate_strategy_and_a_strategy_is_itself():
    assert strategy_of(gm.TensorFusion) == gm.Intermediate(gm.TensorFusion)
    for strategy in (gm.Early(), gm.Intermediate(), gm.Hybrid(), gm.Late()):
        assert strategy_of(strategy) is strategy


@pytest.mark.parametrize("kind", [gm.Intermediate, gm.Hybrid])
@pytest.mark.parametrize("drop", [-0.1, 1.0, float("nan")])
def test_a_share_that_cannot_be_hidden_is_refused(kind, drop):
    with pytest.raises(gm.GraphError, match="choose a share of modalities from 0 to below 1"):
        kind(drop=drop)


def test_an_unknown_balance_is_refused():
    with pytest.raises(gm.GraphError, match="choose equal, losses or gradients"):
        gm.Hybrid(balance="evenly")


@pytest.mark.parametrize("kind", [gm.Early, gm.Intermediate, gm.Hybrid, gm.Late])
def test_a_class_where_one_of_it_is_wanted_is_refused(kind):
    with pytest.raises(gm.GraphError, match=r"give one of it: Early\(\)"):
        strategy_of(kind)


@pytest.mark.parametrize("combine", [gm.Stacked, gm.VCDN, "stack", None, gm.Early(), gm.GatedFusion])
def test_late_fusion_takes_a_combiner_and_nothing_else(combine):
    with pytest.raises(
        gm.GraphError, match=r"combine is .*; a combiner is wanted, for instance Late\(gm\.Stacked\(\)\)"
    ):
        gm.Late(combine)
    assert gm.Late(gm.Stacked()).combine == gm.Stacked()


@pytest.mark.parametrize("kind", [gm.Intermediate, gm.Hybrid])
@pytest.mark.parametrize("name", ["complete", "auxiliary"])
@pytest.mark.parametrize("part", ["tokens", 1, gm.LearnedTokens(4, 2)], ids=lambda part: type(part).__name__)
def test_a_part_that_cannot_be_made_is_refused(kind, name, part):
    with pytest.raises(gm.GraphError, match=rf"{name} is .*; a class or function is wanted, for instance {name}=gm\."):
        kind(gm.GatedFusion, **{name: part})
