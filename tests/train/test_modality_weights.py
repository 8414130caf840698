"""Weights sum to one over what is used, are those that the fusion mixed by, and are refused where there are none."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import graphmml as gm

TRAIN, TEST = slice(0, 40), slice(40, 60)
WEIGHING = (
    gm.GatedFusion,
    gm.MeanFusion,
    gm.AttentionFusion,
    gm.HierarchicalFusion,
    gm.ChannelFusion,
    gm.CrossAttentionFusion,
)


def tiny(links=None, **settings):
    settings = {"members": 2, "width": 8, "training": gm.Training(epochs=5), "device": "cpu"} | settings
    return gm.GraphClassifier(gm.Neighbours(k=4, each=True) if links is None else links, **settings)


def present_of(model, cohort):
    encoded = model.encoder_.transform(cohort)
    return pd.DataFrame(encoded.present, index=cohort.ids, columns=list(encoded.modalities))


STRATEGIES = {
    **{fusion.__name__: fusion for fusion in WEIGHING},
    "own graphs": gm.Intermediate(gm.GatedFusion, own_graphs=True),
    "hybrid": gm.Hybrid(gm.GatedFusion),
    "late": gm.Late(),
    "late, weighted": gm.Late(gm.WeightedProbability()),
}


@pytest.mark.parametrize("name", STRATEGIES)
def test_weights_sum_to_one_over_what_is_present_and_the_absent_have_none(name, cohort):
    model = tiny(fusion=STRATEGIES[name]).fit(cohort[TRAIN])
    found = gm.modality_weights(model, cohort[TEST])
    present = present_of(model, cohort[TEST])
    assert list(found.columns) == ["clinical", "codes", "labs"]
    assert found.index.equals(cohort[TEST].ids)
    assert found.sum(axis=1).to_numpy() == pytest.approx(np.ones(20), abs=1e-6)
    pd.testing.assert_frame_equal(found.notna(), present, check_names=False)
    assert not present["codes"].all()
    assert (found.fillna(0) >= 0).all(axis=None)
    if "Mean" not in name and name != "late":
        assert found["labs"][present["codes"]].std() > 0 or name == "late, weighted"


class Mixing(nn.Module):
    """A fusion whose output is nothing but the sum of its own weights times a constant a modality."""

    def __init__(self, width, modalities):
        super().__init__()
        self.score = nn.Linear(width, 1)
        self.register_buffer("mark", torch.arange(1.0, modalities + 1))
        self.seen = []

    def forward(self, x, present):
        self.seen.append(self.weights(x, present) @ self.mark)
        return x.new_zeros(len(x), x.shape[2]) + self.seen[-1][:, None]

    def weights(self, x, present):
        return self.score(x).squeeze(-1).masked_fill(~present, -1e9).softmax(dim=1) * present


@pytest.mark.parametrize("own_graphs", [False, True])
def test_weights_are_those_that_the_prediction_was_mixed_by(own_graphs, cohort):
    links = gm.Neighbours(k=4, each=True)
    model = tiny(links, fusion=gm.Intermediate(Mixing, own_graphs=own_graphs)).fit(cohort[TRAIN])
    fusions = [member.network.front.fusion for member in model.members_]
    for fusion in fusions:
        fusion.seen.clear()
    model.predict_proba(cohort[TEST])
    mixed = np.mean([fusion.seen[-1][-20:].numpy() for fusion in fusions], axis=0)
    found = gm.modality_weights(model, cohort[TEST])
    assert (found.fillna(0).to_numpy() @ np.arange(1, 4)) == pytest.approx(mixed, abs=1e-6)
    assert mixed.std() > 1e-4
    assert not any(fusion._forward_pre_hooks for fusion in fusions)


def test_late_weights_are_those_learned_shared_out_over_the_present(cohort):
    model = tiny(fusion=gm.Late(gm.WeightedProbability(prior=0.5))).fit(cohort[TRAIN])
    learned = model.combined_["weight"]
    found, present = gm.modality_weights(model, cohort[TEST]), present_of(model, cohort[TEST]).to_numpy()
    for row, here in zip(found.to_numpy(), present, strict=True):
        assert row[here] == pytest.approx(learned[here] / learned[here].sum())
    assert learned.std() > 0.01
    equal = gm.modality_weights(tiny(fusion=gm.Late()).fit(cohort[TRAIN]), cohort[TEST]).to_numpy()
    for row, here in zip(equal, present, strict=True):
        assert row[here] == pytest.approx(np.full(here.sum(), 1 / here.sum()))


def test_what_is_completed_counts_although_it_is_absent(cohort):
    complete = gm.Intermediate(gm.GatedFusion, complete=gm.LearnedTokens)
    model = tiny(fusion=complete).fit(cohort[TRAIN])
    found, present = gm.modality_weights(model, cohort[TEST]), present_of(model, cohort[TEST])
    assert found.notna().all(axis=None)
    assert (found["codes"][~present["codes"]] > 0).all()
    assert found.sum(axis=1).to_numpy() == pytest.approx(np.ones(20), abs=1e-6)


def nobody(cohort):
    """The same patients with nothing measured."""
    return replace(cohort, tables={name: table.mask(table.notna()) for name, table in cohort.tables.items()})


@pytest.mark.parametrize("fusion", [gm.GatedFusion, gm.Late(), gm.Late(gm.WeightedProbability())])
def test_who_has_nothing_has_no_weight(fusion, cohort):
    model = tiny(fusion=fusion).fit(cohort[TRAIN])
    assert gm.modality_weights(model, nobody(cohort[TEST])).isna().all(axis=None)


def test_a_weight_does_not_depend_on_who_else_is_asked_about(cohort):
    model = tiny().fit(cohort[TRAIN])
    whole, one = gm.modality_weights(model, cohort[TEST]), gm.modality_weights(model, cohort[47:48])
    assert one.iloc[0].to_numpy() == pytest.approx(whole.iloc[7].to_numpy(), abs=1e-6, nan_ok=True)


def test_modalities_that_are_nodes_are_not_weighed(cohort):
    part = tiny(gm.ModalityNodes(k=3, modality="labs")).fit(cohort[TRAIN])
    found = gm.modality_weights(part, cohort[TEST])
    assert found["labs"].isna().all()
    assert found.sum(axis=1).to_numpy() == pytest.approx(np.ones(20), abs=1e-6)
    with pytest.raises(gm.GraphError, match="modality_worth"):
        gm.modality_weights(tiny(gm.ModalityNodes(k=3)).fit(cohort[TRAIN]), cohort[TEST])


@pytest.mark.parametrize(
    ("fusion", "said"),
    [
        (gm.TensorFusion, "GatedFusion"),
        (gm.Intermediate(gm.ConcatFusion, own_graphs=True), "GatedFusion"),
        (gm.Early(), "joins columns before anything is learned"),
        (gm.Late(gm.MajorityVote()), "MajorityVote is no weighted mean"),
        (gm.Late(gm.Stacked()), "Stacked is no weighted mean"),
    ],
)
def test_where_there_are_no_weights_the_error_says_what_has(fusion, said, cohort):
    model = tiny(fusion=fusion).fit(cohort[TRAIN])
    with pytest.raises(gm.GraphError, match=said):
        gm.modality_weights(model, cohort[TEST])


def test_an_unfitted_model_is_refused(cohort):
    with pytest.raises(gm.NotFittedError, match="has seen no patients"):
        gm.modality_weights(tiny(), cohort[TEST])
