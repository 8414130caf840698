from dataclasses import dataclass

import numpy as np
import pytest
import torch

import graphmml as gm
from graphmml.train.member import combination

CPU = torch.device("cpu")
LINKS = gm.Neighbours(k=4, each=True)


@dataclass(frozen=True)
class Told:
    """A combiner that keeps what it is told in place of learning from it."""

    def learn(self, p, present, codes):
        return {"p": p, "present": present, "codes": codes}

    def join(self, p, present, learned):
        return p.mean(axis=1)


def late(combine, **settings):
    settings = {"members": 3, "width": 8, "training": gm.Training(epochs=3), "device": "cpu"} | settings
    return gm.GraphClassifier(LINKS, fusion=gm.Late(combine), **settings)


@pytest.fixture
def fitted(cohort):
    return late(Told()).fit(cohort[:45])


def left_out(model, member):
    """Return which training patients a member neither learned from nor has in its graph, in order of position."""
    return np.flatnonzero(~model.source_.ids.isin(member.source.ids))


def test_a_combination_is_learned_from_predictions_for_patients_whom_the_member_left_out(fitted):
    told = fitted.combined_
    rows = [left_out(fitted, member) for member in fitted.members_]
    assert all(len(left) for left in rows)
    expected = [
        member.alone(LINKS, fitted.source_[left], CPU) for member, left in zip(fitted.members_, rows, strict=True)
    ]
    assert np.array_equal(told["p"], np.concatenate(expected))
    assert np.array_equal(told["present"], fitted.source_.present[np.concatenate(rows)])
    assert np.array_equal(told["codes"], fitted.codes_[np.concatenate(rows)])


def test_with_as_many_members_as_parts_every_training_patient_is_told_of_once(cohort):
    model = late(Told(), members=5).fit(cohort[:45])
    rows = np.concatenate([left_out(model, member) for member in model.members_])
    assert np.array_equal(np.sort(rows), np.arange(45))
    assert len(model.combined_["codes"]) == 45


def test_patients_without_outcome_teach_no_combination(cohort):
    half = cohort.with_outcome_of(range(30))
    told = late(Told(), setting="transductive", members=5).fit(half).combined_
    assert len(told["codes"]) == 30
    assert (told["codes"] >= 0).all()


def test_members_predict_each_modality_alone_and_the_combiner_joins_them(fitted, cohort):
    target = fitted.encoder_.transform(cohort[45:])
    for member, joined in zip(fitted.members_, fitted.predict_members(cohort[45:]), strict=True):
        alone = member.alone(LINKS, target, CPU)
        assert alone.shape == (15, 3, 2)
        assert alone.sum(axis=2) == pytest.approx(1)
        assert np.array_equal(joined, alone.mean(axis=1))
        tensors = member.tensors(LINKS, target, CPU)
        logits = member.network.answer(tensors).alone
        for at, name in enumerate(target.modalities):
            assert alone[:, at] == pytest.approx(logits[name].softmax(dim=1)[-15:].detach().numpy(), abs=1e-6)


def test_mean_probability_joins_to_what_the_network_itself_predicts(cohort):
    model = late(gm.MeanProbability()).fit(cohort[:45])
    target = model.encoder_.transform(cohort[45:])
    for member, joined in zip(model.members_, model.predict_members(cohort[45:]), strict=True):
        with torch.no_grad():
            itself = member.network(member.tensors(LINKS, target, CPU))[-15:].exp().numpy()
        assert joined == pytest.approx(itself, abs=1e-6)


def test_other_strategies_learn_no_combination(fitted):
    settings = {"members": fitted.members_, "links": LINKS, "source": fitted.source_, "codes": fitted.codes_}
    for strategy in (gm.Early(), gm.Intermediate(), gm.Hybrid()):
        assert combination(strategy, device=CPU, **settings) == {}
    assert combination(gm.Late(Told()), device=CPU, **settings).keys() == {"p", "present", "codes"}
