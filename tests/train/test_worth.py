"""Worth against a naive count over orders, Shapley's axioms on fitted models, and what is refused."""

from dataclasses import replace
from functools import partial
from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
from torch import nn

import graphmml as gm
from graphmml.train.scores import METRICS, auroc
from graphmml.train.weighted_scores import resampled
from graphmml.train.worth import lacking, settled

TRAIN, TEST = slice(0, 40), slice(40, 60)
NAMES = ("clinical", "codes", "labs")


def tiny(links=None, **settings):
    settings = {"members": 2, "width": 8, "training": gm.Training(epochs=5), "device": "cpu"} | settings
    return gm.GraphClassifier(gm.Neighbours(k=4, each=True) if links is None else links, **settings)


MODELS = {
    "gated": tiny(),
    "late": tiny(fusion=gm.Late()),
    "own graphs": tiny(fusion=gm.Intermediate(gm.MeanFusion, own_graphs=True)),
    "concepts": tiny(gm.Concepts("codes", most=0.9)),
    "raw columns": tiny(gm.SharedPhenotype(("clinical.sex", "labs.a"), tolerance=(0, 1.0), k=4)),
    "gower": tiny(gm.Neighbours(k=4, metric="gower")),
    "nodes": tiny(gm.ModalityNodes(k=3)),
    "visits": tiny(gm.Visits(most=0.9)),
    "early": tiny(fusion=gm.Early()),
    "completed": tiny(fusion=gm.Intermediate(complete=gm.NeighbourCompletion)),
}


def blanked(cohort, kept):
    """The same patients as if files of other modalities had nothing in them."""
    tables = {name: table if name in kept else table.mask(table.notna()) for name, table in cohort.tables.items()}
    events = {name: rows if name in kept else rows[:0] for name, rows in cohort.timeline.events.items()}
    return replace(cohort, tables=tables, timeline=replace(cohort.timeline, events=events))


def having(cohort, modality):
    """Who has anything of a modality, in its table or coded at a visit."""
    coded = cohort.timeline.events[modality]["id"] if modality in cohort.timeline.events else []
    return np.array([cohort.tables[modality].loc[name].notna().any() or name in set(coded) for name in cohort.ids])


def truth_of(model, cohort):
    return np.array([list(model.classes_).index(value) for value in cohort.outcome.values])


def by_pairs(y, p):
    """Of all pairs of a case and a control, how many are in order; what float32 cannot tell apart counts half."""
    ahead = p[y == 1, 1][:, None] - p[y == 0, 1][None, :]
    return np.where(abs(ahead) < 1e-6, 0.5, ahead > 0).mean()


def score_of(model, cohort, kept):
    return by_pairs(truth_of(model, cohort), model.predict_proba(blanked(cohort, kept)))


@pytest.mark.parametrize("name", MODELS)
def test_both_worths_are_those_of_a_naive_count_over_orders(name, cohort):
    model = MODELS[name].fit(cohort[TRAIN])
    test = cohort[TEST]
    result = gm.modality_worth(model, test, resamples=5)
    value = {
        kept: score_of(model, test, kept) for size in range(4) for kept in map(frozenset, combinations(NAMES, size))
    }
    table, total = result.frame(), dict.fromkeys(NAMES, 0.0)
    for order in permutations(NAMES):
        for at, player in enumerate(order):
            total[player] += (value[frozenset(order[: at + 1])] - value[frozenset(order[:at])]) / 6
    everything = frozenset(NAMES)
    assert result.everything.mean == pytest.approx(value[everything])
    for player in NAMES:
        assert table.loc[player, "shapley"] == pytest.approx(total[player], abs=1e-9)
        assert table.loc[player, "drop_one"] == pytest.approx(value[everything] - value[everything - {player}])
        assert table.loc[player, "patients"] == having(test, player).sum()
    assert table["shapley"].sum() == pytest.approx(result.everything.mean - result.nothing.mean)
    assert result.nothing.mean == pytest.approx(value[frozenset()])
    assert (result.subsets, result.orders) == (8, 0)


def test_hidden_modalities_leave_no_trace_in_what_links_and_network_see(cohort):
    encoder = gm.CohortEncoder().fit(cohort[TRAIN])
    for kept in (set(), {"labs"}, {"codes", "clinical"}):
        hidden = np.array([name not in kept for name in NAMES])
        found = lacking(encoder.transform(cohort[TEST]), hidden)
        wanted = encoder.transform(blanked(cohort[TEST], kept))
        assert np.array_equal(found.present, wanted.present)
        for name in NAMES:
            assert np.array_equal(found.features[name], wanted.features[name])
            pd.testing.assert_frame_equal(found.tables[name], wanted.tables[name])
        assert len(found.timeline.events["codes"]) == len(wanted.timeline.events["codes"])
        assert len(found.timeline.events["codes"]) > 0 or "codes" not in kept
        assert found.groups.equals(wanted.groups)


@pytest.mark.parametrize("score", ["auroc", "brier"])
def test_intervals_are_quantiles_over_patients_drawn_again(score, cohort):
    model = tiny().fit(cohort[TRAIN])
    test = cohort[TEST]
    result = gm.modality_worth(model, test, score=score, resamples=40, seed=7)
    y, counts = truth_of(model, test), np.concatenate(list(resampled(20, 40, seed=7)), axis=1).astype(int)
    whole, without = (model.predict_proba(blanked(test, kept)) for kept in (set(NAMES), {"clinical", "codes"}))
    sign = -1 if score == "brier" else 1
    draws = []
    for count in counts.T:
        rows = np.repeat(np.arange(20), count)
        draws.append(sign * (METRICS[score](y[rows], whole[rows]) - METRICS[score](y[rows], without[rows])))
    wanted = np.quantile(draws, [0.025, 0.975])
    found = result.frame().loc["labs", ["drop_one_low", "drop_one_high"]].to_numpy(dtype=float)
    assert found == pytest.approx(wanted, abs=1e-6)
    assert found[0] < found[1]


def test_families_are_drawn_together(cohort):
    """With one family of all patients each resample is everybody."""
    model, groups = tiny().fit(cohort[TRAIN]), cohort.groups.assign(family="one")
    whole = replace(cohort, groups=groups, blocks=("family",))[TEST]
    for result, same in (
        (gm.modality_worth(model, whole, resamples=20), True),
        (gm.modality_worth(model, cohort[TEST], resamples=20), False),
    ):
        assert (result.everything.low == pytest.approx(result.everything.high)) == same


@pytest.mark.parametrize("score", ["auroc", "auprc", "accuracy", "brier", "log_loss"])
def test_positive_is_good_whichever_way_the_score_goes(score):
    model, test = planted()
    result = gm.modality_worth(model, test, score=score, resamples=50)
    gain = result.everything.mean - result.nothing.mean
    gain = -gain if score in ("brier", "log_loss") else gain
    assert gain > 0.05
    assert result.frame()["shapley"].sum() == pytest.approx(gain)
    assert result.worths[0].modality == "signal"


def planted(seed=0, patients=160):
    """A model that has learned a cohort in which one of three modalities says everything, and its test patients."""
    random = np.random.default_rng(seed)
    ids, y = [f"p{at:03d}" for at in range(patients)], random.integers(0, 2, patients)
    noise = {name: pd.DataFrame(random.normal(size=(patients, 3)), index=ids) for name in ("dust", "hiss")}
    signal = pd.DataFrame(random.normal(size=(patients, 3)) + 1.5 * y[:, None], index=ids)
    cohort = gm.Cohort.from_frames({"signal": signal, **noise}, pd.Series(y, index=ids))
    training = gm.Training(epochs=40)
    return tiny(members=1, width=16, training=training).fit(cohort[:100]), cohort[100:]


def test_the_modality_that_carries_the_signal_gets_nearly_all_worth():
    result = gm.modality_worth(*planted(), resamples=200)
    table = result.frame()
    gain = result.everything.mean - result.nothing.mean
    assert gain > 0.35
    assert table.index[0] == "signal"
    assert table.loc["signal", "shapley"] > 0.85 * gain
    assert table.loc["signal", "shapley_low"] > 0.2
    assert table.loc["signal", "drop_one_low"] > 0.1
    for name in ("dust", "hiss"):
        assert abs(table.loc[name, "shapley"]) < 0.1


class Blind(nn.Module):
    """A fusion that never looks at the last modality."""

    def __init__(self, width, modalities):
        super().__init__()

    def forward(self, x, present):
        seen = present[:, :-1, None]
        return (x[:, :-1] * seen).sum(dim=1)


def test_a_modality_that_the_fusion_never_sees_is_worth_exactly_nothing(cohort):
    model = tiny(gm.NoEdges(), fusion=Blind).fit(cohort[TRAIN])
    table = gm.modality_worth(model, cohort[TEST], resamples=50).frame()
    kinds = [f"{kind}{end}" for kind in ("drop_one", "shapley") for end in ("", "_low", "_high")]
    assert table.loc["labs", kinds].abs().max() == pytest.approx(0.0, abs=1e-12)
    assert (table.loc[["clinical", "codes"], "shapley"] != 0).all()


def test_two_copies_of_a_modality_share_alike_and_neither_is_missed_alone():
    random = np.random.default_rng(0)
    ids, y = [f"p{at:03d}" for at in range(120)], random.integers(0, 2, 120)
    labs = pd.DataFrame(random.normal(size=(120, 3)) + y[:, None], index=ids)
    other = pd.DataFrame(random.normal(size=(120, 3)), index=ids)
    cohort = gm.Cohort.from_frames({"one": labs, "other": other, "two": labs}, pd.Series(y, index=ids))
    model = tiny(gm.NoEdges(), fusion=gm.MeanFusion, training=gm.Training(epochs=30)).fit(cohort[:80])
    for member in model.members_:
        encoders = member.network.front.encoders
        first, _, second = encoders.values()
        second.load_state_dict(first.state_dict())
    table = gm.modality_worth(model, cohort[80:], resamples=100).frame()
    numbers = [name for name in table.columns if name != "note"]
    assert table.loc["one", numbers].to_numpy(float) == pytest.approx(table.loc["two", numbers].to_numpy(float))
    assert table.loc["one", "shapley"] > 0.1
    assert abs(table.loc["one", "drop_one"]) < table.loc["one", "shapley"] / 2


class Rule:
    """A model whose answer is a formula of what is present, and that counts whom it is asked about."""

    classes_ = np.array(["control", "case"], dtype=object)

    def __init__(self, cohort, rule):
        self.encoder_ = gm.CohortEncoder().fit(cohort)
        self.source_ = self.encoder_.transform(cohort)
        self.rule, self.asked = rule, 0

    def check_fitted(self):
        pass

    def predict_encoded(self, target):
        self.asked += len(target)
        one = self.rule(target)
        return np.stack([1 - one, one], axis=1)[None]


def by_sum(target):
    total = sum(matrix.sum(axis=1).astype(float) for matrix in target.features.values())
    return 1 / (1 + np.exp(-total / 20))


def test_nobody_is_asked_twice_about_the_same_modalities(cohort):
    test = cohort[TEST]
    model, told = Rule(cohort[TRAIN], by_sum), []
    gm.modality_worth(model, test, resamples=2, watch=lambda done, of: told.append((done, of)))
    assert told == [(at + 1, 8) for at in range(8)]
    assert model.asked == (2 ** sum(having(test, name).astype(int) for name in NAMES)).sum()
    assert model.asked < 8 * len(test)


def test_what_the_last_bits_tell_apart_is_one_and_what_more_does_is_not():
    p = np.array([0.3, 0.7, 0.3 + 4e-8, 0.3 - 4e-8, 0.30001, 0.7 + 1e-8])
    found = settled(np.stack([1 - p, p], axis=1))[:, 1]
    assert len(np.unique(found)) == 3
    assert found == pytest.approx(p, abs=1e-7)
    assert found[0] == found[2] == found[3]
    assert found[1] == found[5]
    assert found[0] < found[4]


def test_the_last_bits_of_a_network_put_nobody_before_another(cohort):
    random = np.random.default_rng(0)

    def wavering(target):
        nothing = ~target.present.any(axis=1)
        return np.where(nothing, 0.4, by_sum(target)) + random.random(len(target)) * 1e-8

    result = gm.modality_worth(Rule(cohort[TRAIN], wavering), cohort[TEST], resamples=20)
    assert (result.nothing.mean, result.nothing.low, result.nothing.high) == (0.5, 0.5, 0.5)


def test_a_modality_of_few_patients_has_no_number_but_a_note(cohort):
    cohort = replace(cohort, timeline=replace(cohort.timeline, events={}))
    few = cohort.present[TEST, cohort.modalities.index("codes")].nonzero()[0]
    for count, told in ((4, False), (5, True), (0, False)):
        table = cohort.tables["codes"].copy()
        table.iloc[40 + few[count:]] = np.nan
        people = replace(cohort, tables=dict(cohort.tables) | {"codes": table})[TEST]
        result = gm.modality_worth(Rule(cohort[TRAIN], by_sum), people, resamples=20)
        row = result.frame().loc["codes"]
        assert row["patients"] == count
        assert np.isfinite(row["shapley"]) == told
        assert (row["note"] == "") == told
        assert (f"{count} of the patients have it and 5 are wanted" in repr(result)) != told
        assert (result.worths[-1].modality == "codes") or told
        assert result.subsets == (4 if count == 0 else 8)
        assert np.isfinite(result.frame().loc[["clinical", "labs"], "shapley"]).all()


def many(modalities, patients=40):
    random = np.random.default_rng(1)
    ids, y = [f"p{at:03d}" for at in range(patients)], random.integers(0, 2, patients)
    frames = {
        f"m{at:02d}": pd.DataFrame({"x": random.normal(size=patients) + y}, index=ids) for at in range(modalities)
    }
    return gm.Cohort.from_frames(frames, pd.Series(np.where(y, "case", "control"), index=ids), positive="case")


def test_of_many_modalities_orders_are_drawn_and_their_error_is_told():
    cohort = many(10)
    ask = partial(gm.modality_worth, Rule(cohort[:20], by_sum), cohort[20:], resamples=20)
    one, other = ask(seed=0), ask(seed=1)
    assert one.orders == 64
    assert one.subsets < 2**10
    assert "64 orders of modalities" in repr(one)
    assert one.frame()["shapley"].sum() == pytest.approx(one.everything.mean - one.nothing.mean)
    assert not one.frame()["shapley"].sort_index().equals(other.frame()["shapley"].sort_index())
    apart = (one.frame()["shapley"] - other.frame()["shapley"]).abs()
    error = np.hypot(one.frame()["shapley_error"], other.frame()["shapley_error"])
    assert (error > 0).all()
    assert (apart <= 4 * error.loc[apart.index]).all()


def test_eight_modalities_are_asked_in_full():
    cohort = many(8)
    result = gm.modality_worth(Rule(cohort[:20], by_sum), cohort[20:], resamples=20)
    assert (result.subsets, result.orders) == (256, 0)
    assert "all 256 subsets" in repr(result)
    assert (result.frame()["shapley_error"] == 0).all()


def test_patients_without_outcome_change_nothing(cohort):
    model = Rule(cohort[TRAIN], by_sum)
    some = gm.modality_worth(model, cohort.with_outcome_of(range(52))[TEST], resamples=20)
    alone = gm.modality_worth(model, cohort[40:52], resamples=20)
    assert some.patients == 12
    pd.testing.assert_frame_equal(some.frame(), alone.frame())


def test_the_table_is_in_order_of_worth_and_repr_says_it_in_words(cohort):
    result = gm.modality_worth(tiny().fit(cohort[TRAIN]), cohort[TEST], resamples=20)
    table = result.frame()
    assert table["shapley"].is_monotonic_decreasing
    lines = repr(result).splitlines()
    assert lines[0] == "Worth of modalities by auroc of 20 held-out patients, all 8 subsets"
    assert [line.split()[0] for line in lines[2:]] == list(table.index)
    assert f"Shapley {table['shapley'].iloc[0]:+.3f}" in lines[2]
    assert f"n = {table['patients'].iloc[0]}" in lines[2]


def test_training_patients_are_refused_and_counted_and_not_named(cohort):
    model = tiny().fit(cohort[TRAIN])
    with pytest.raises(gm.CohortError, match="3 of 23 patients are in the model's training") as raised:
        gm.modality_worth(model, cohort[37:60])
    assert not any(patient in str(raised.value) for patient in cohort.ids)


def test_what_cannot_be_scored_is_refused(cohort):
    model = Rule(cohort[TRAIN], by_sum)
    test = cohort[TEST]
    cases = test.outcome.values.to_numpy() == "case"
    for people, settings, said in (
        (test, {"score": "f1"}, "choose one of auroc, auprc"),
        (test, {"resamples": 0}, "resamples is 0"),
        (test[cases], {}, "two classes are wanted"),
        (replace(test, outcome=None), {}, "0 of 20 patients have a known outcome"),
        (blanked(test, set()), {}, "none of the 20 patients has anything measured"),
    ):
        with pytest.raises(gm.CohortError, match=said):
            gm.modality_worth(model, people, **settings)
    with pytest.raises(gm.NotFittedError, match="has seen no patients"):
        gm.modality_worth(tiny(), test)


def test_several_classes_are_scored_one_against_the_rest(frames):
    tables, outcome, _ = frames
    three = outcome.copy()
    three.iloc[::3] = "other"
    cohort = gm.Cohort.from_frames(tables, three)
    model = tiny().fit(cohort[TRAIN])
    result = gm.modality_worth(model, cohort[TEST], resamples=20)
    p = model.predict_proba(cohort[TEST])
    assert result.everything.mean == pytest.approx(auroc(truth_of(model, cohort[TEST]), p))
    assert result.nothing.mean == pytest.approx(0.5)


def test_many_patients_who_stand_close_keep_their_order():
    """Of a rare class all probabilities are small and near; a chain of them is no rounding."""
    p = np.sort(np.random.default_rng(0).beta(1, 100, 50_000))
    found = settled(np.stack([1 - p, p], axis=1))[:, 1]
    assert len(np.unique(found)) > 0.9 * len(p)
    assert (np.diff(found) >= 0).all()
    chain = 0.01 + np.arange(5_000) * 5e-9
    assert np.array_equal(settled(np.stack([1 - chain, chain], axis=1))[:, 1], chain)
