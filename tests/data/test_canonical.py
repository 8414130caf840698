"""Directions that modalities share are found in training patients alone, and are those of the papers' equations."""

import sys
from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import block_diag, eigh
from sklearn.base import clone
from sklearn.cross_decomposition import CCA

import graphmml as gm
from graphmml.data import canonical
from graphmml.train.baselines import plain_baselines

pytestmark = pytest.mark.skipif(find_spec("cca_zoo") is None, reason="cca-zoo is not installed")

TRAIN = np.arange(45)
METHODS = ["cca", "kernel", "generalised"]
VIEWS = ["clinical", "codes", "labs"]


def planted(patients=300, strength=3.0, curved=False, seed=0):
    """Three modalities of one hidden number each and noise; curved: the second has its square."""
    random = np.random.default_rng(seed)
    hidden = random.normal(size=patients)
    tables = {}
    for name, width, signal in (("a", 4, hidden), ("b", 6, hidden**2 - 1 if curved else hidden), ("c", 5, hidden)):
        noise = random.normal(size=(patients, width))
        noise[:, 0] += strength * signal
        tables[name] = noise @ np.linalg.qr(random.normal(size=(width, width)))[0]
    ids = pd.Index([f"p{at:04d}" for at in random.permutation(patients)])
    outcome = pd.Series(np.where(hidden > 0, "yes", "no"), index=ids)
    return gm.Cohort.from_frames(
        {name: pd.DataFrame(x, index=ids).rename(columns=str) for name, x in tables.items()}, outcome
    )


def same(one, other):
    return all(np.array_equal(one.features[name], other.features[name]) for name in one.modalities)


def columns_of(cohort, names):
    """What CohortEncoder makes of these patients, and who has all of the named modalities."""
    encoded = gm.CohortEncoder().fit(cohort).transform(cohort)
    complete = np.logical_and.reduce([encoded.has(name) for name in names])
    return {name: encoded.features[name].astype(np.float64) for name in names}, complete, encoded


def scaled(variates, here):
    """Variates with mean zero and mean variance one over the patients who have the modality."""
    centred = variates - variates[here].mean(axis=0)
    return np.where(here[:, None], centred / np.sqrt(centred[here].var(axis=0).mean()), 0.0)


def assert_up_to_sign(found, wanted, within=2e-5):
    """Whether variates are equal, where a variate may have the other sign in all modalities at once."""
    stacked, reference = np.concatenate(list(found.values())), np.concatenate(list(wanted.values()))
    sign = np.sign((stacked * reference).sum(axis=0))
    assert np.allclose(stacked, reference * sign, atol=within)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("modalities", [("a", "b"), None])
def test_a_shared_factor_is_found_in_held_out_patients_and_noise_is_not(method, modalities):
    settings = {"dimensions": 2, "method": method, "modalities": modalities}
    shared, none = planted(), planted(strength=0.0)
    encoder = gm.CanonicalEncoder(**settings).fit(shared[:200])
    correlations = encoder.correlations(shared[200:])
    assert correlations[0] > 0.7
    if method != "kernel":  # a kernel's second variate is a curve of the first's factor
        assert abs(correlations[1]) < 0.3
    assert np.abs(gm.CanonicalEncoder(**settings).fit(none[:200]).correlations(none[200:])).max() < 0.3
    first = encoder.transform(shared[200:]).features["a"][:, 0]
    answer = (shared.outcome.values[200:] == "yes").to_numpy()
    assert abs(first[answer].mean() - first[~answer].mean()) > 1


def test_what_is_shared_in_a_curve_is_found_by_the_rbf_kernel_alone():
    cohort = planted(500, curved=True)
    found = {
        (method, kernel): gm.CanonicalEncoder(1, method, modalities=("a", "b"), kernel=kernel)
        .fit(cohort[:350])
        .correlations(cohort[350:])[0]
        for method, kernel in (("cca", "rbf"), ("kernel", "linear"), ("kernel", "rbf"))
    }
    assert found["kernel", "rbf"] > 0.5
    assert abs(found["cca", "rbf"]) < 0.3
    assert abs(found["kernel", "linear"]) < 0.3


@pytest.mark.parametrize("method", ["cca", "kernel"])
@pytest.mark.parametrize("shrinkage", [0.1, 0.6])
@pytest.mark.parametrize("names", [VIEWS[:2], VIEWS])
def test_cca_is_the_generalised_eigenproblem_of_shrunk_covariances(cohort, method, shrinkage, names):
    columns, complete, encoded = columns_of(cohort, names)
    joint = np.cov(np.concatenate([columns[name][complete] for name in names], axis=1), rowvar=False)
    edges = np.cumsum([0, *(columns[name].shape[1] for name in names)])
    within = block_diag(*(joint[a:b, a:b] for a, b in pairwise(edges)))
    shrunk = (1 - shrinkage) * within + shrinkage * np.eye(len(within))
    directions = eigh(joint - within, shrunk)[1][:, ::-1][:, :3]
    wanted = {
        name: scaled(columns[name] @ directions[a:b], encoded.has(name))
        for name, (a, b) in zip(names, pairwise(edges), strict=True)
    }
    model = gm.CanonicalEncoder(3, method, modalities=names, shrinkage=shrinkage, kernel="linear").fit(cohort)
    found = model.transform(cohort).features
    assert_up_to_sign({name: found[name] for name in names}, wanted)


@pytest.mark.parametrize("shrinkage", [0.0, 0.3])
def test_generalised_is_the_latent_variable_that_shrunk_regressions_predict_best(cohort, shrinkage):
    columns, complete, encoded = columns_of(cohort, VIEWS)
    views = {name: columns[name][complete] - columns[name][complete].mean(axis=0) for name in VIEWS}
    count = complete.sum() - 1
    # the columns of a name's levels sum to a constant, in whose direction there is no inverse
    inverse = {
        name: np.linalg.pinv((1 - shrinkage) * x.T @ x / count + shrinkage * np.eye(x.shape[1]), hermitian=True)
        for name, x in views.items()
    }
    latent = eigh(sum(x @ inverse[name] @ x.T for name, x in views.items()))[1][:, ::-1][:, :2]
    wanted = {name: scaled(columns[name] @ inverse[name] @ views[name].T @ latent, encoded.has(name)) for name in VIEWS}
    model = gm.CanonicalEncoder(2, "generalised", shrinkage=shrinkage).fit(cohort)
    found = model.transform(cohort).features
    assert_up_to_sign({name: found[name] for name in VIEWS}, wanted, within=1e-3)


def test_two_modalities_without_shrinkage_correlate_as_in_scikit_learn():
    cohort = planted(200)
    x, _, _ = columns_of(cohort, ["a", "b"])
    theirs = CCA(3, max_iter=10_000, tol=1e-12).fit(x["a"], x["b"]).transform(x["a"], x["b"])
    model = gm.CanonicalEncoder(3, modalities=("a", "b"), shrinkage=0.0).fit(cohort)
    found = model.transform(cohort).features
    for at in range(3):
        for name, variate in zip("ab", theirs, strict=True):
            assert abs(np.corrcoef(found[name][:, at], variate[:, at])[0, 1]) > 1 - 1e-6
        wanted = np.corrcoef(theirs[0][:, at], theirs[1][:, at])[0, 1]
        assert np.isclose(model.correlations(cohort)[at], wanted, atol=1e-5)


def test_without_shrinkage_generalised_and_cca_find_the_same_directions():
    cohort = planted(200)
    one, other = (
        gm.CanonicalEncoder(3, method, shrinkage=0.0).fit(cohort).transform(cohort) for method in ("cca", "generalised")
    )
    for name in "abc":
        for at in range(3):
            assert abs(np.corrcoef(one.features[name][:, at], other.features[name][:, at])[0, 1]) > 1 - 1e-5
    variances = other.features["a"].var(axis=0)
    assert variances[0] > 1.5 * variances[1]


def test_kernel_variates_are_those_of_the_centred_kernels_equation(cohort):
    columns, complete, _ = columns_of(cohort, ["clinical", "labs"])
    assert complete.all()
    centre = np.eye(60) - 1 / 60
    kernels = []
    for view in columns.values():
        distance = ((view[:, None] - view[None]) ** 2).sum(axis=2)
        kernels.append(centre @ np.exp(-distance / view.var(axis=0).sum()) @ centre)
    # Hardoon et al. 2004, section 4: K_a K_b against (1 - k) K_a^2 + k K_a, here of covariances
    one, other = kernels
    zero = np.zeros_like(one)
    within = block_diag(*(0.7 * k @ k / 59 + 0.3 * k + 1e-9 * np.eye(60) for k in kernels))
    dual = eigh(np.block([[zero, one @ other / 59], [other @ one / 59, zero]]), within)[1][:, -1:]
    wanted = {"clinical": scaled(one @ dual[:60], complete), "labs": scaled(other @ dual[60:], complete)}
    model = gm.CanonicalEncoder(1, "kernel", modalities=("clinical", "labs"), shrinkage=0.3).fit(cohort)
    found = model.transform(cohort).features
    assert_up_to_sign({name: found[name] for name in wanted}, wanted)


@pytest.mark.parametrize("method", METHODS)
def test_other_rows_and_outcomes_change_nothing_that_was_learned(cohort, method):
    tables = {}
    for name, table in cohort.tables.items():
        changed = table.copy()
        for column in changed:
            number = pd.api.types.is_float_dtype(changed[column])
            changed.loc[cohort.ids[45:], column] = 1e6 if number else "never seen"
        tables[name] = changed
    values = cohort.outcome.values.to_numpy()[::-1]
    turned = replace(cohort.outcome, values=pd.Series(values, index=cohort.ids, dtype="str"))
    changed = replace(cohort, tables=tables, outcome=turned)
    first = gm.CanonicalEncoder(3, method).fit(cohort[TRAIN]).transform(cohort[TRAIN])
    assert same(first, gm.CanonicalEncoder(3, method).fit(changed[TRAIN]).transform(changed[TRAIN]))
    assert same(first, gm.CanonicalEncoder(3, method).fit(cohort[TRAIN]).transform(changed)[TRAIN])
    assert not same(first, gm.CanonicalEncoder(3, method).fit(changed).transform(cohort[TRAIN]))


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_rows_columns_and_modalities_changes_nothing(cohort, method):
    encoder = gm.CanonicalEncoder(3, method, modalities=("labs", "codes")).fit(cohort)
    tables = {name: table[table.columns[::-1]] for name, table in reversed(cohort.tables.items())}
    order = np.random.default_rng(2).permutation(len(cohort))
    other = gm.CanonicalEncoder(3, method, modalities=["codes", "labs"]).fit(replace(cohort, tables=tables)[order])
    assert same(encoder.transform(cohort), other.transform(cohort))
    for name in ("codes", "labs"):  # to the last bit: sums depend on the order of what is summed
        assert np.array_equal(encoder.projections_[name].weights, other.projections_[name].weights)


@pytest.mark.parametrize("method", METHODS)
def test_a_variate_has_the_sign_of_its_largest_weight_whatever_the_solver_returns(cohort, method):
    encoder = gm.CanonicalEncoder(3, method).fit(cohort)
    weights = np.concatenate([encoder.projections_[name].weights for name in VIEWS])
    assert (weights.max(axis=0) == np.abs(weights).max(axis=0)).all()
    correlated = gm.CanonicalEncoder(1, method).fit(planted()).correlations(planted())
    assert correlated[0] > 0.5


def test_modalities_that_share_nothing_at_all_are_encoded_in_finite_numbers():
    ids = pd.Index([f"p{at:02d}" for at in range(40)])
    one, other = np.tile([1.0, 1.0, -1.0, -1.0], 10), np.tile([1.0, -1.0, 1.0, -1.0], 10)
    cohort = gm.Cohort.from_frames({"a": pd.DataFrame({"x": one}, ids), "b": pd.DataFrame({"x": other}, ids)})
    encoded = gm.CanonicalEncoder(1).fit(cohort).transform(cohort)
    assert all(np.isfinite(encoded.features[name]).all() for name in "ab")


@pytest.mark.parametrize("method", METHODS)
def test_a_patient_is_encoded_alone_as_among_others(cohort, method, monkeypatch):
    encoder = gm.CanonicalEncoder(3, method).fit(cohort[TRAIN])
    whole = encoder.transform(cohort)
    monkeypatch.setattr(canonical, "BLOCK", 7)
    pieces = encoder.transform(cohort)
    for name in VIEWS:
        assert np.allclose(pieces.features[name], whole.features[name], atol=1e-6)
        for at in (0, 20, 50):
            alone = encoder.transform(cohort[at : at + 1]).features[name]
            assert np.allclose(alone, whole.features[name][at], atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_variates_have_unit_mean_variance_and_absent_modalities_are_zeros(cohort, method):
    encoded = gm.CanonicalEncoder(3, method).fit(cohort).transform(cohort)
    plain = gm.CohortEncoder().fit(cohort).transform(cohort)
    assert np.array_equal(encoded.present, plain.present)
    assert not encoded.has("codes").all()
    for name in VIEWS:
        matrix, here = encoded.features[name], encoded.has(name)
        assert matrix.dtype == np.float32
        assert encoded.columns[name] == ("variate 1", "variate 2", "variate 3")
        assert (matrix[~here] == 0).all()
        assert np.allclose(matrix[here].mean(axis=0), 0, atol=1e-5)
        assert np.isclose(matrix[here].var(axis=0).mean(), 1, atol=1e-5)


def test_a_modality_that_is_not_chosen_stays_as_it_was_and_so_do_the_tables(cohort):
    prepare = gm.CohortEncoder(clip=1.5)
    encoded = gm.CanonicalEncoder(2, modalities=("clinical", "labs"), prepare=prepare).fit(cohort).transform(cohort)
    plain = gm.CohortEncoder(clip=1.5).fit(cohort).transform(cohort)
    assert encoded.modalities == plain.modalities
    assert np.array_equal(encoded.features["codes"], plain.features["codes"])
    assert encoded.columns["codes"] == plain.columns["codes"]
    assert encoded.features["labs"].shape == (len(cohort), 2)
    assert all(encoded.tables[name].equals(plain.tables[name]) for name in VIEWS)
    assert not hasattr(prepare, "tables_")


def test_there_are_no_more_variates_than_columns_of_the_narrowest(cohort):
    plain = gm.CohortEncoder().fit(cohort).transform(cohort)
    encoded = gm.CanonicalEncoder(50).fit(cohort).transform(cohort)
    narrowest = min(plain.features[name].shape[1] for name in VIEWS)
    assert {encoded.features[name].shape[1] for name in VIEWS} == {narrowest}


def test_too_few_patients_with_everything_are_counted_and_refused(cohort):
    rows = np.flatnonzero(cohort.present[:, cohort.modalities.index("codes")])
    fewer = cohort.tables["codes"].copy()
    fewer.iloc[rows[19:]] = np.nan
    scarce = replace(cohort, tables={**cohort.tables, "codes": fewer})
    words = r"19 of 60 training patients have all of clinical \(60\), codes \(19\), labs \(60\); 20 .* without codes"
    encoder = gm.CanonicalEncoder()
    with pytest.raises(gm.CohortError, match=words):
        encoder.fit(scarce)
    with pytest.raises(gm.NotFittedError):
        encoder.transform(scarce)
    assert len(gm.CanonicalEncoder(modalities=("clinical", "labs")).fit(scarce).correlations(scarce))


def test_a_modality_that_varies_in_other_patients_alone_is_refused(cohort):
    here = cohort.present[:, cohort.modalities.index("codes")]
    flat = pd.DataFrame({"x": np.where(here, 1.0, 2.0)}, index=cohort.ids)
    with pytest.raises(gm.CohortError, match=r"modality flat is the same in all 4\d training patients"):
        gm.CanonicalEncoder(modalities=("codes", "flat")).fit(replace(cohort, tables={**cohort.tables, "flat": flat}))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"dimensions": 0}, "dimensions is 0"),
        ({"method": "deep"}, "method is 'deep'; choose one of cca, kernel, generalised"),
        ({"kernel": "cubic"}, "kernel is 'cubic'; choose one of rbf, linear"),
        ({"shrinkage": 1.1}, "shrinkage is 1.1"),
        ({"shrinkage": 0.0, "method": "kernel"}, "shrinkage is 0, with which kernels"),
        ({"modalities": ("labs", "rna")}, "no modality rna; the cohort has: clinical, codes, labs"),
        ({"modalities": "labs"}, "two modalities or more, and here is labs; choose more of clinical, codes, labs"),
        ({"modalities": ["labs", "labs"]}, "two modalities or more, and here is labs"),
        ({"modalities": []}, "two modalities or more, and here is none"),
    ],
)
def test_settings_that_nobody_can_be_encoded_with_are_refused(cohort, settings, words):
    with pytest.raises(gm.CohortError, match=words):
        gm.CanonicalEncoder(**settings).fit(cohort)


def test_too_many_patients_for_kernels_are_refused(cohort, monkeypatch):
    monkeypatch.setattr(canonical, "LARGEST", 80)
    with pytest.raises(gm.CohortError, match=r'4\d patients in 3 modalities .* at most 26 .* method="cca"'):
        gm.CanonicalEncoder(method="kernel").fit(cohort)
    assert len(gm.CanonicalEncoder(method="cca").fit(cohort).correlations(cohort))


def test_correlations_are_of_patients_who_have_both_and_need_three(cohort):
    encoder = gm.CanonicalEncoder(2).fit(cohort)
    encoded = encoder.transform(cohort)
    means = np.zeros(2)
    for one, other in (("clinical", "codes"), ("clinical", "labs"), ("codes", "labs")):
        both = encoded.has(one) & encoded.has(other)
        for at in range(2):
            x, y = encoded.features[one][both, at], encoded.features[other][both, at]
            means[at] += np.corrcoef(x, y)[0, 1] / 3
    assert np.allclose(encoder.correlations(cohort), means)
    alone = replace(cohort, tables={"labs": cohort.tables["labs"]})
    with pytest.raises(gm.CohortError, match="at most 0 of 60 patients have two of clinical, codes, labs"):
        encoder.correlations(alone)
    with pytest.raises(gm.CohortError, match="at most 2 of 2 patients"):
        encoder.correlations(cohort[np.flatnonzero(cohort.present.all(axis=1))[:2]])
    three = cohort[np.flatnonzero(cohort.present.all(axis=1))[:3]]
    alike = {
        name: pd.DataFrame({key: [table[key].iloc[0]] * 3 for key in table}, three.ids)
        for name, table in three.tables.items()
    }
    assert np.array_equal(encoder.correlations(replace(three, tables=alike)), [0.0, 0.0])


def test_before_fit_it_says_so_and_a_clone_is_unfitted(cohort):
    fitted = gm.CanonicalEncoder(3, prepare=gm.CohortEncoder(clip=3.0)).fit(cohort)
    assert clone(fitted).prepare.clip == 3.0
    for encoder in (gm.CanonicalEncoder(), clone(fitted)):
        for asked in (encoder.transform, encoder.differences, encoder.correlations):
            with pytest.raises(gm.NotFittedError, match=r"CanonicalEncoder .* call fit\(cohort\[train\]\) first"):
                asked(cohort)


def test_differences_are_those_of_the_encoder_within(cohort):
    other = replace(cohort, tables={name: cohort.tables[name] for name in ("clinical", "codes")})
    encoder = gm.CanonicalEncoder().fit(cohort)
    assert encoder.differences(cohort) == ()
    assert encoder.differences(other) == gm.CohortEncoder().fit(cohort).differences(other) != ()


@pytest.mark.parametrize("method", METHODS)
def test_a_model_with_it_is_saved_and_read_without_the_extra(cohort, method, tmp_path, monkeypatch):
    model = gm.GraphClassifier(
        gm.Neighbours(k=3),
        members=2,
        width=8,
        training=gm.Training(epochs=3, patience=3),
        prepare=gm.CanonicalEncoder(2, method),
        device="cpu",
    ).fit(cohort[TRAIN])
    gm.save(model, tmp_path / "model")
    without_cca_zoo(monkeypatch)
    loaded = gm.load(tmp_path / "model")
    assert same(loaded.encoder_.transform(cohort), model.encoder_.transform(cohort))
    assert loaded.source_.columns["labs"] == ("variate 1", "variate 2")
    assert np.array_equal(loaded.predict_proba(cohort[45:]), model.predict_proba(cohort[45:]))


def test_baselines_learn_from_the_variates(cohort):
    baseline = plain_baselines(gm.CanonicalEncoder(2))["logistic regression"].fit(cohort[TRAIN])
    assert baseline.classifier_.n_features_in_ == 3 * 2 + 3
    assert np.isfinite(baseline.predict_proba(cohort[45:])).all()


def without_cca_zoo(monkeypatch):
    for part in ("cca_zoo", "cca_zoo.linear", "cca_zoo.nonparametric"):
        monkeypatch.setitem(sys.modules, part, None)


@pytest.mark.parametrize("method", METHODS)
def test_without_the_library_the_extra_is_named(cohort, method, monkeypatch):
    without_cca_zoo(monkeypatch)
    with pytest.raises(gm.CohortError, match=r"pip install 'graphmml\[cca\]', or use CohortEncoder"):
        gm.CanonicalEncoder(2, method).fit(cohort)
