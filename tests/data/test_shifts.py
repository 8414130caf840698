"""Columns in another unit are named with the change that would do it; columns as in training are not."""

import numpy as np
import pytest

from graphmml.data.shifts import shifts, stand, stand_ins


def columns(patients=200, seed=0):
    random = np.random.default_rng(seed)
    values = np.stack(
        [
            random.normal(100, 30, patients).clip(40),  # glucose, mg/dL
            random.normal(37, 0.5, patients),  # body temperature
            random.lognormal(1, 1, patients),  # C-reactive protein
            np.full(patients, 3.0),
        ],
        axis=1,
    )
    values[random.random(values.shape) < 0.1] = np.nan
    return values


NAMES = ["glucose", "temperature", "crp", "constant"]


def test_the_four_numbers_are_those_of_known_values():
    values = columns()
    for at in range(4):
        known = values[~np.isnan(values[:, at]), at]
        assert stand(values)[:, at].tolist() == pytest.approx([np.median(known), known.std(), known.min(), known.max()])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("patients", [1, 3, 10, 200])
def test_patients_like_those_of_training_have_not_shifted(seed, patients):
    assert not list(shifts(stand(columns()), NAMES, columns(patients, seed + 10)))


@pytest.mark.parametrize(
    ("column", "change", "words"),
    [
        (
            0,
            lambda x: x / 18.016,
            "outside its range; another unit? The factor fits 18, as of glucose",
        ),
        (0, lambda x: x * 18.016, "18, as of glucose"),
        (1, lambda x: 1.8 * x + 32, "degrees Fahrenheit and Celsius"),
        (2, lambda x: x * 1000, "The factor fits 1000"),
        (1, lambda x: x + 5, "another unit, or other patients?"),
        (1, lambda x: x - 90, "another unit, or other patients?"),
    ],
)
def test_a_column_in_another_unit_is_named_alone(column, change, words):
    new = columns(150, seed=3)
    new[:, column] = change(new[:, column])
    (said,) = shifts(stand(columns()), NAMES, new)
    assert said.startswith(f"column {NAMES[column]} has a median of")
    assert words in said


def test_two_patients_are_not_judged_nor_a_column_that_was_constant():
    new = columns(2, seed=3) * 1000
    assert not list(shifts(stand(columns()), NAMES, new))
    assert not list(shifts(stand(columns())[:, 3:], NAMES[3:], np.full((9, 1), 4.0)))
    new = columns(9, seed=3) * 1000
    new[2:, 0] = np.nan
    assert not any("glucose" in said for said in shifts(stand(columns()), NAMES, new))


def test_of_many_columns_the_rest_is_counted():
    values = np.random.default_rng(0).normal(size=(50, 20))
    said = list(shifts(stand(values), [f"g{at}" for at in range(20)], values[:5] + 100))
    assert len(said) == 7
    assert said[-1] == "14 more columns have shifted as far"


@pytest.mark.parametrize("mark", [-999.0, -9999.0, 9999.0])
@pytest.mark.parametrize("patients", [1, 40])
def test_a_number_that_stands_for_missing_is_named_with_what_to_write(mark, patients):
    values = columns(patients, seed=3)
    values[0, 1] = mark
    (said,) = stand_ins(stand(columns()), NAMES, values)
    assert said.startswith(f"column temperature is {mark:g} for 1 of {patients} patients")
    assert said.endswith(f'na = ["{mark:g}"]')


def test_numbers_that_can_be_measured_stand_for_nothing_else():
    known = stand(np.array([[20.0, 0.0], [95.0, 5.0]]))
    assert not list(stand_ins(known, ["age", "score"], np.array([[99.0, 9.0], [np.nan, -1.0]])))
    assert not list(stand_ins(stand(columns()), NAMES, columns(300, seed=9)))
