"""GNNExplainer's masks: of every part, seeded, and leaving no trace."""

import numpy as np
import pytest
import torch

import graphmml as gm
from graphmml.errors import GraphmmlError
from graphmml.report.explain.subject import Subject

QUICK = gm.GNNExplainer(epochs=8)


def masks(told):
    return {item.part: item.effect for item in told.attributions}


def test_every_part_has_a_mask_and_a_whole_the_largest_of_its_parts(people, fitted):
    subject = Subject.of(fitted, people[[80]])
    told = QUICK.attribute(subject)
    found = masks(told)
    assert set(subject.features) | set(subject.edges) <= set(found)
    assert all(0 <= mask <= 1 for mask in found.values())
    for part, mask in found.items():
        if not part.atom:
            inner = "feature" if part.kind == "modality" else "link"
            assert mask == max(m for p, m in found.items() if p.kind == inner and p.through == part.name)


def test_the_seed_decides_and_global_chance_is_untouched(people, fitted):
    subject = Subject.of(fitted, people[[80]])
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    one, same, other = (masks(gm.GNNExplainer(8, seed=seed).attribute(subject)) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert torch.equal(before[0], torch.random.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])


def test_without_links_features_alone_are_masked(people, make):
    told = QUICK.attribute(Subject.of(make(links=gm.NoEdges()), people[[80]]))
    assert {item.part.kind for item in told.attributions} == {"modality", "feature"}


def test_attention_networks_can_be_masked(people, make):
    assert QUICK.attribute(Subject.of(make(conv=gm.GATStack), people[[80]])).of_kind("link")


def test_what_the_network_cannot_see_loses_its_mask(people, fitted):
    subject = Subject.of(fitted, people[[80]])
    found = {part.label: mask for part, mask in masks(gm.GNNExplainer(60).attribute(subject)).items()}
    assert found["labs.always"] < 0.2


def test_settings_that_cannot_learn_are_refused():
    with pytest.raises(GraphmmlError, match="above zero"):
        gm.GNNExplainer(epochs=0)
