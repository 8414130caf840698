"""Everything is learned from the rows given; order, other patients and absent modalities change nothing."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA

import graphmml as gm
from graphmml.errors import CohortError, GraphError, GraphmmlError, NotFittedError

TRAIN = np.arange(45)


def same(one, other):
    return (
        one.modalities == other.modalities
        and all(np.array_equal(one.features[name], other.features[name]) for name in one.modalities)
        and np.array_equal(one.present, other.present)
    )


def test_other_rows_change_nothing_that_was_learned(cohort):
    tables = {}
    for name, table in cohort.tables.items():
        changed = table.copy()
        for column in changed:
            number = pd.api.types.is_float_dtype(changed[column])
            changed.loc[cohort.ids[45:], column] = 1e6 if number else "never seen"
        tables[name] = changed
    changed = replace(cohort, tables=tables, outcome=cohort.outcome.hide(np.arange(len(cohort)) >= 45))
    first = gm.CohortEncoder().fit(cohort[TRAIN]).transform(cohort[TRAIN])
    assert same(first, gm.CohortEncoder().fit(changed[TRAIN]).transform(changed[TRAIN]))
    assert same(first, gm.CohortEncoder().fit(cohort[TRAIN]).transform(changed)[TRAIN])
    assert not same(first, gm.CohortEncoder().fit(changed).transform(cohort[TRAIN]))


def test_the_outcome_of_the_patients_changes_nothing(cohort):
    turned = replace(cohort, outcome=replace(cohort.outcome, values=cohort.outcome.values[::-1]))
    assert same(gm.CohortEncoder().fit(cohort).transform(cohort), gm.CohortEncoder().fit(turned).transform(turned))


def test_an_encoded_cohort_has_no_outcome(encoded):
    assert not any("outcome" in field.name for field in fields(encoded))
    assert "dx" not in {column for table in encoded.tables.values() for column in table.columns}


def test_the_order_of_modalities_columns_and_rows_changes_nothing(cohort):
    encoder = gm.CohortEncoder(wide=6, components=3).fit(cohort)
    tables = {name: table[table.columns[::-1]] for name, table in reversed(cohort.tables.items())}
    order = np.random.default_rng(2).permutation(len(cohort))
    other = gm.CohortEncoder(wide=6, components=3).fit(replace(cohort, tables=tables)[order])
    assert same(encoder.transform(cohort), other.transform(cohort))
    for name in cohort.modalities:  # to the last bit: sums depend on the order of what is summed
        assert np.array_equal(encoder.tables_[name].mean_, other.tables_[name].mean_)
        assert np.array_equal(encoder.tables_[name].scale_, other.tables_[name].scale_)


def test_a_patient_is_encoded_alone_as_among_others(cohort):
    encoder = gm.CohortEncoder().fit(cohort[TRAIN])
    whole = encoder.transform(cohort)
    for at in (0, 20, 50):
        assert same(encoder.transform(cohort[at : at + 1]), whole[at : at + 1])


def test_nothing_missing_comes_out_and_an_absent_modality_is_zeros(cohort):
    encoded = gm.CohortEncoder().fit(cohort[TRAIN]).transform(cohort)
    for name in encoded.modalities:
        matrix = encoded.features[name]
        assert matrix.dtype == np.float32
        assert np.isfinite(matrix).all()
        assert matrix.shape[1] == len(encoded.columns[name])
        assert (matrix[~encoded.has(name)] == 0).all()
        assert matrix[encoded.has(name)].any(axis=1).all()
    assert not encoded.has("codes").all()


def test_what_is_new_at_prediction_is_ignored_and_what_is_absent_is_masked(cohort):
    encoder = gm.CohortEncoder().fit(cohort)
    tables = {name: table for name, table in cohort.tables.items() if name != "labs"}
    tables["clinical"] = tables["clinical"].drop(columns="age").assign(unheard=1.0)
    tables["genes"] = pd.DataFrame({"g": 1.0}, index=cohort.ids)
    other = replace(cohort, tables=tables)
    encoded = encoder.transform(other)
    assert encoded.modalities == ("clinical", "codes", "labs")
    assert not encoded.has("labs").any()
    assert np.isfinite(encoded.features["clinical"]).all()
    assert encoded.tables["clinical"]["age"].isna().all()
    said = "\n".join(encoder.differences(other))
    assert "modality genes was not there in training" in said
    assert "modality labs is absent for everybody" in said
    assert "clinical: 1 column(s) absent" in said
    assert encoder.differences(cohort) == ()


def test_a_cohort_that_has_nothing_in_common_with_training_is_refused(cohort):
    encoder = gm.CohortEncoder().fit(cohort)
    labs, codes = cohort.tables["labs"], cohort.tables["codes"]
    for tables in ({"proteins": labs}, {"labs": labs.rename(columns=str.upper), "proteins": labs}):
        with pytest.raises(CohortError, match=r"none of the 15 columns .* tables are .*proteins; .*clinical\.age"):
            encoder.transform(gm.Cohort.from_frames(tables))
    one = gm.Cohort.from_frames({"proteins": labs, "codes": codes[["icd0"]]})
    assert encoder.transform(one).present[:, encoder.transform(one).modalities.index("codes")].any()


def test_patients_who_have_none_of_the_codes_of_training_are_no_strangers(cohort):
    ids = cohort.ids
    codes = pd.DataFrame(1.0, index=ids, columns=["a"])
    counted = replace(gm.Cohort.from_frames({"codes": codes}), counted=frozenset({"codes"}))
    other = replace(gm.Cohort.from_frames({"codes": codes.rename(columns={"a": "b"})}), counted=frozenset({"codes"}))
    assert len(gm.CohortEncoder().fit(counted).transform(other)) == len(ids)


def test_a_modality_that_teaches_nothing_is_nobodys(cohort):
    flat = replace(cohort, tables={**cohort.tables, "flat": pd.DataFrame({"x": 1.0}, index=cohort.ids)})
    encoded = gm.CohortEncoder().fit(flat).transform(flat)
    assert not encoded.has("flat").any()
    assert encoded.features["flat"].shape == (len(cohort), 1)


def test_groups_are_laid_out_as_in_training(cohort):
    encoder = gm.CohortEncoder().fit(cohort)
    without = replace(cohort, groups=pd.DataFrame({"ward": "a"}, index=cohort.ids))
    groups = encoder.transform(without).groups
    assert groups.columns.tolist() == ["site"]
    assert groups["site"].isna().all()


def test_wide_modalities_are_reduced_unless_told_not_to(cohort):
    shapes = {}
    for components in (4, None):
        encoded = gm.CohortEncoder(wide=6, components=components).fit(cohort).transform(cohort)
        shapes[components] = {name: encoded.features[name].shape[1] for name in encoded.modalities}
    assert shapes[4]["labs"] == 4
    assert shapes[None]["labs"] > 6


def test_a_transformer_of_ones_own_acts_and_stays_unfitted(cohort):
    own = PCA(2)
    encoded = gm.CohortEncoder(reduce={"codes": own}).fit(cohort).transform(cohort)
    assert encoded.features["codes"].shape[1] == 2
    assert not hasattr(own, "components_")


def test_a_transformer_for_no_modality_is_refused(cohort):
    with pytest.raises(CohortError, match="reduce names no modality of the cohort: rna"):
        gm.CohortEncoder(reduce={"rna": PCA(2)}).fit(cohort)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"clip": 0}, "clip is 0; choose a number of deviations above 0"), ({"clip": -1.0}, "clip is -1.0"),
     ({"clip": np.nan}, "clip is nan"), ({"clip": "5"}, "clip is '5'; a number is wanted"),
     ({"max_levels": 0}, "max_levels is 0; choose 1 or more"), ({"max_levels": 2.5}, "max_levels is 2.5; a whole"),
     ({"wide": -1}, "wide is -1; choose 0 or more"), ({"components": 0}, "components is 0; choose 1 or more, or None"),
     ({"components": "4"}, "components is '4'; a whole"), ({"reduce": PCA(2)}, "reduce is a PCA; give transformers by"),
     ({"reduce": {"labs": "pca"}}, "reduce of 'labs' is a str; give a transformer"),
     ({"reduce": {"labs": PCA}}, "reduce of 'labs' is the class PCA")],
)  # fmt: skip
def test_a_setting_that_would_destroy_the_data_is_refused(cohort, settings, words):
    with pytest.raises(GraphmmlError, match=words):
        gm.CohortEncoder(**settings).fit(cohort)


def test_settings_at_their_bounds_encode(cohort):
    encoder = gm.CohortEncoder(max_levels=1, clip=np.inf, wide=0, components=1)
    assert encoder.fit(cohort).transform(cohort).features["labs"].shape[1] == 1


def test_patients_of_whom_nothing_is_measured_teach_nothing(cohort):
    tables = {name: table.mask(table.notna()) for name, table in cohort.tables.items()}
    with pytest.raises(
        CohortError, match=r"nothing is measured of the 60 patients: all cells of clinical, codes, labs"
    ):
        gm.CohortEncoder().fit(replace(cohort, tables=tables))
    empty = replace(cohort, tables=tables)
    assert not gm.CohortEncoder().fit(cohort).transform(empty).present.any()


def test_the_repr_of_encoded_patients_names_nobody(cohort, encoded):
    said = repr(encoded)
    assert said.startswith(f"EncodedCohort: {len(cohort)} patients; columns: clinical ")
    assert not any(name in said for name in cohort.ids)


def test_before_fit_it_says_so_and_a_clone_is_unfitted(cohort):
    fitted = gm.CohortEncoder(clip=3.0).fit(cohort)
    assert clone(fitted).clip == 3.0
    for unfitted in (gm.CohortEncoder(), clone(fitted)):
        with pytest.raises(NotFittedError, match=r"call fit\(cohort\[train\]\) first"):
            unfitted.transform(cohort)
        with pytest.raises(NotFittedError):
            unfitted.differences(cohort)


def test_without_an_outcome_there_is_as_much_to_learn(cohort):
    without = replace(cohort, outcome=None)
    assert same(gm.CohortEncoder().fit(cohort).transform(cohort), gm.CohortEncoder().fit(without).transform(cohort))


def test_rows_of_an_encoded_cohort_stay_together(encoded):
    rows = np.array([5, 2, 40])
    chosen = encoded[rows]
    assert len(chosen) == 3
    assert chosen.ids.tolist() == encoded.ids[rows].tolist()
    assert np.array_equal(chosen.keys, encoded.keys[rows])
    assert np.array_equal(chosen.present, encoded.present[rows])
    assert chosen.groups.index.equals(chosen.ids)
    for name in encoded.modalities:
        assert np.array_equal(chosen.features[name], encoded.features[name][rows])
        assert chosen.tables[name].index.equals(chosen.ids)


def test_columns_are_found_by_name_or_by_modality_and_name(cohort, encoded):
    assert encoded.column("site").equals(encoded.groups["site"])
    assert encoded.column("age").equals(encoded.tables["clinical"]["age"])
    assert encoded.column("clinical.age").equals(encoded.tables["clinical"]["age"])
    with pytest.raises(GraphError, match="no column or group 'weight'; there are, for instance: site, age"):
        encoded.column("weight")
    twice = replace(encoded, tables={**encoded.tables, "labs": encoded.tables["labs"].assign(age=1.0)})
    with pytest.raises(GraphError, match=r"column 'age' is in clinical, labs; write 'clinical\.age'"):
        twice.column("age")
    with pytest.raises(GraphError, match="no modality 'rna'; the cohort has: clinical, codes, labs"):
        encoded.has("rna")
