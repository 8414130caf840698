"""Novelty: patients like those of training are flagged as rarely as asked, patients unlike them are flagged."""

from dataclasses import replace

import numpy as np
import pytest

import graphmml as gm
from graphmml.train.novelty import NEAREST, Novelty, Surroundings, distances


def people(encoded, rows):
    return encoded[np.asarray(rows)]


def test_distances_are_those_of_the_nearest_by_loops(encoded):
    source, target = people(encoded, range(45)), people(encoded, range(45, 60))
    for modality in source.modalities:
        there = source.features[modality][source.has(modality)].astype(np.float64)
        for at, away in enumerate(distances(source, target, modality)):
            if not target.has(modality)[at]:
                assert np.isnan(away)
                continue
            mine = target.features[modality][at]
            each = sorted(np.sqrt(((row - mine) ** 2).mean()) for row in there)
            assert away == pytest.approx(np.mean(each[:NEAREST]), abs=1e-3)


def test_a_training_patient_is_not_held_against_itself(encoded):
    source = people(encoded, range(45))
    alone = [distances(source[np.arange(45) != at], source[[at]], "labs")[0] for at in range(5)]
    np.testing.assert_allclose(distances(source, source, "labs")[:5], alone, atol=1e-3)


def test_strangeness_is_that_of_the_strangest_modality_and_of_nobody_without_any(encoded):
    source, target = people(encoded, range(45)), people(encoded, range(45, 60))
    around = Surroundings.of(source)
    each = {
        name: (distances(source, target, name) - around.middle[name]) / around.spread[name]
        for name in source.modalities
    }
    found = around.strangeness(target)
    for at in range(len(target)):
        known = [values[at] for values in each.values() if not np.isnan(values[at])]
        assert found[at] == (max(known) if known else -np.inf)
    nothing = replace(target, present=np.zeros_like(target.present))
    assert np.isneginf(around.strangeness(nothing)).all()
    assert (Novelty(around, found).p(nothing) == 1.0).all()


def test_p_counts_those_at_least_as_strange(encoded):
    source, held, new = people(encoded, range(30)), people(encoded, range(30, 45)), people(encoded, range(45, 60))
    around = Surroundings.of(source)
    known = around.strangeness(held)
    p = Novelty(around, known).p(new)
    wanted = [(1 + sum(other >= mine for other in known)) / 16 for mine in around.strangeness(new)]
    np.testing.assert_allclose(p, wanted)
    assert Novelty(around, known).p(new[[3]])[0] == p[3]


def test_who_stands_elsewhere_has_the_smallest_p_and_noise_in_an_absent_modality_counts_for_nothing(encoded):
    source, held, new = people(encoded, range(30)), people(encoded, range(30, 45)), people(encoded, range(45, 60))
    around = Surroundings.of(source)
    novelty = Novelty(around, around.strangeness(held))
    labs = new.modalities.index("labs")
    far = replace(new, features={**new.features, "labs": new.features["labs"] + 50.0})
    assert (novelty.p(far)[new.present[:, labs]] == 1 / 16).all()
    absent = new.present.copy()
    absent[:, labs] = False
    without = replace(new, present=absent)
    assert np.array_equal(novelty.p(replace(far, present=absent)), novelty.p(without))


def test_patients_like_those_of_training_are_flagged_as_rarely_as_asked():
    flagged = {level: [] for level in (0.02, 0.05, 0.2)}
    for seed in range(12):
        cohort = gm.make_cohort(400, seed=seed)
        encoder = gm.CohortEncoder().fit(cohort[:150])
        around = Surroundings.of(encoder.transform(cohort[:150]))
        p = Novelty(around, around.strangeness(encoder.transform(cohort[150:300]))).p(encoder.transform(cohort[300:]))
        for level, shares in flagged.items():
            shares.append((p <= level).mean())
    for level, shares in flagged.items():
        error = np.std(shares) / np.sqrt(len(shares))
        assert level / 2 - 3 * error < np.mean(shares) < level + 3 * error
