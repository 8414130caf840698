"""What is handed over in place of another thing is refused in words, and nothing is left behind."""

from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import partial
from types import NoneType
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, ShuffleSplit, StratifiedKFold

import graphmml as gm
from graphmml.data.holes import hide_modalities

SMALL = {"members": 1, "width": 4, "training": gm.Training(epochs=2)}
NEEDS_COHORT = "gm.read_cohort"


def model_of(links=None, **settings):
    return gm.GraphClassifier(links, **{**SMALL, **settings})


def plain():
    return gm.Baseline(LogisticRegression())


FITTED = {}


def fitted(kind, cohort):
    """A model fitted to the cohort of all tests, once: whoever refuses leaves it as it is."""
    if kind not in FITTED:
        made = gm.CalibratedClassifier(plain()) if kind == "calibrated" else kind()
        FITTED[kind] = made.fit(cohort)
    return FITTED[kind]


def everything_that_is_no_cohort(cohort):
    return [
        cohort.tables["labs"],
        cohort.tables,
        "cohort.toml",
        cohort.tables["labs"].to_numpy(),
        None,
        gm.Cohort,
        model_of(),
    ]


DOORS = {
    "fit": lambda it, cohort, run: model_of().fit(it),
    "score": lambda it, cohort, run: fitted(model_of, cohort).score(it),
    "predict": lambda it, cohort, run: fitted(model_of, cohort).predict(it),
    "predict_proba": lambda it, cohort, run: fitted(model_of, cohort).predict_proba(it),
    "extend": lambda it, cohort, run: fitted(model_of, cohort).extend(it),
    "attach": lambda it, cohort, run: fitted(model_of, cohort).attach(it),
    "a baseline's fit": lambda it, cohort, run: plain().fit(it),
    "a baseline's predict_proba": lambda it, cohort, run: fitted(plain, cohort).predict_proba(it),
    "calibration": lambda it, cohort, run: gm.CalibratedClassifier(plain()).fit(it),
    "calibrated": lambda it, cohort, run: fitted("calibrated", cohort).predict_sets(it),
    "novelty": lambda it, cohort, run: fitted("calibrated", cohort).predict_novelty(it),
    "tuning": lambda it, cohort, run: gm.Tuned(plain()).fit(it),
    "propagation": lambda it, cohort, run: gm.LabelPropagation().fit(it),
    "propagated": lambda it, cohort, run: fitted(gm.LabelPropagation, cohort).predict(it),
    "thresholds": lambda it, cohort, run: gm.GroupThresholds(plain(), "site").fit(it),
    "cross_validate": lambda it, cohort, run: gm.cross_validate(model_of(), it, gm.Folds(2), run=run),
    "audit": lambda it, cohort, run: gm.audit(model_of(), it, gm.Folds(2), run=run),
    "importances": lambda it, cohort, run: gm.importances(model_of(), it),
    "explain": lambda it, cohort, run: gm.explain(fitted(model_of, cohort), it, 3),
    "diagnose": lambda it, cohort, run: gm.diagnose(it),
    "check": lambda it, cohort, run: gm.check(it),
    "an encoder": lambda it, cohort, run: gm.CohortEncoder().fit(it),
    "encoded": lambda it, cohort, run: gm.CohortEncoder().fit(cohort).transform(it),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_cohort_is_asked_for_where_there_is_none(cohort, tmp_path, door):
    for it in everything_that_is_no_cohort(cohort):
        with pytest.raises(gm.GraphmmlError, match=NEEDS_COHORT) as told:
            DOORS[door](it, cohort, tmp_path / "run")
        assert not any(name in str(told.value) for name in cohort.ids)
    assert not any(tmp_path.iterdir())


@dataclass(frozen=True)
class Wrong:
    """A model, or whatever is called a model, and what should be said of it at fit and in cross-validation."""

    model: object
    said: str


SETTINGS = [
    Wrong(lambda: model_of("neighbours"), r"'neighbours'.*gm\.Neighbours\(k=10\)"),
    Wrong(lambda: model_of(gm.Neighbours), r"the class Neighbours.*gm\.Neighbours\(k=10\)"),
    Wrong(lambda: model_of(conv="sage"), r"conv is 'sage'.*gm\.SAGEStack"),
    Wrong(lambda: model_of(fusion="gated"), r"fusion is 'gated'.*gm\.GatedFusion"),
    Wrong(lambda: model_of(fusion=gm.Hybrid("gated")), r"fusion is 'gated'.*gm\.GatedFusion"),
    Wrong(lambda: model_of(members="1"), "members is '1'; a whole number"),
    Wrong(lambda: model_of(members=2.5), "members is 2.5; a whole number"),
    Wrong(lambda: model_of(members=True), "members is True; a whole number"),
    Wrong(lambda: model_of(width="8"), "width is '8'; a whole number"),
    Wrong(lambda: model_of(device="x"), 'device is \'x\'; choose "auto", "cpu"'),
    Wrong(lambda: model_of(device=7), 'device is 7; choose "auto", "cpu"'),
    Wrong(lambda: model_of(training={"epochs": 5}), r"a dict is given.*gm\.Training\("),
    Wrong(lambda: gm.Tuned(model_of(), 3), r"an int is given where a Search is wanted.*gm\.Search\(10\)"),
    Wrong(lambda: gm.Tuned(model_of(), space={"width": 8}), "width is 8; values to try"),
    Wrong(lambda: gm.Tuned(model_of(), space={"width": "8"}), "width is '8'; values to try"),
    Wrong(lambda: gm.Tuned(model_of(), space=["width"]), "space is a list; values by setting"),
    Wrong(lambda: gm.CalibratedClassifier(model_of(conv="sage"), gm.Folds(2)), r"gm\.SAGEStack"),
]


@pytest.mark.parametrize("wrong", SETTINGS, ids=lambda wrong: wrong.said)
def test_a_setting_of_another_kind_is_refused_when_it_is_used(cohort, tmp_path, wrong):
    model = wrong.model()  # as in scikit-learn, settings are looked at by fit
    before = set(vars(model))
    with pytest.raises(gm.GraphmmlError, match=wrong.said):
        model.fit(cohort)
    assert set(vars(model)) == before
    with pytest.raises(gm.GraphmmlError, match=wrong.said):
        gm.cross_validate(wrong.model(), cohort, gm.Folds(2), run=tmp_path / "run")
    with pytest.raises(gm.GraphmmlError, match=wrong.said):
        gm.importances(wrong.model(), cohort, gm.Folds(2), jobs=1)
    assert not any(tmp_path.iterdir())


NO_NETWORKS = [
    lambda: [model_of()],
    LogisticRegression,
    lambda: LogisticRegression(),
    plain,
    lambda: gm.GraphClassifier,
    lambda: {"mine": plain()},
    lambda: gm.Tuned(plain()),
    dict,
    lambda: "sage",
]


@pytest.mark.parametrize("made", NO_NETWORKS)
def test_only_networks_are_cross_validated(cohort, tmp_path, made):
    with pytest.raises(gm.GraphmmlError, match='"mine": model'):
        gm.cross_validate(made(), cohort, gm.Folds(2), run=tmp_path / "run")
    with pytest.raises(gm.GraphmmlError, match="GraphClassifier"):
        gm.audit(made(), cohort, gm.Folds(2), run=tmp_path / "run")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("made", [made for made in NO_NETWORKS if not isinstance(made(), gm.Baseline | gm.Tuned)])
def test_importances_are_of_networks_and_plain_models(cohort, made):
    with pytest.raises(gm.GraphmmlError, match="GraphClassifier"):
        gm.importances(made(), cohort, gm.Folds(2))


SPLITTERS = [5, "5", StratifiedKFold(2), ShuffleSplit(2), RepeatedStratifiedKFold(), gm.Folds, [1, 2]]


@pytest.mark.parametrize("splitter", SPLITTERS, ids=repr)
def test_folds_are_of_patients(cohort, tmp_path, splitter):
    asked = [
        lambda: gm.cross_validate(model_of(), cohort, splitter, run=tmp_path / "run"),
        lambda: gm.audit(model_of(), cohort, splitter, run=tmp_path / "run"),
        lambda: gm.importances(model_of(), cohort, splitter),
        lambda: gm.compare_fusions(model_of(), cohort, splitter, run=tmp_path / "run"),
        lambda: gm.CalibratedClassifier(plain(), splitter).fit(cohort),
    ]
    for ask in asked:
        with pytest.raises(gm.GraphmmlError, match=r"gm\.Folds\(5\)"):
            ask()
    assert not any(tmp_path.iterdir())


def moved(table):
    return table.set_axis(pd.MultiIndex.from_product([["one"], table.index]))


CALLS = [
    (lambda c, t, y: gm.Neighbours(5), "modality is 5.*k=5"),
    (lambda c, t, y: gm.Neighbours(("labs", 5)), "modality is a tuple.*k=10"),
    (lambda c, t, y: gm.Neighbours(k=2.5), "k is 2.5; a whole number is wanted"),
    (lambda c, t, y: gm.Neighbours(k="5"), "k is '5'; a whole number is wanted"),
    (lambda c, t, y: gm.Shuffled("neighbours"), r"gm\.Neighbours\(k=10\)"),
    (lambda c, t, y: gm.Restricted(gm.Neighbours, across="site"), "takes one constructor"),
    (lambda c, t, y: gm.Layers(gm.Neighbours(), gm.Neighbours(k=3)), r"give constructors in one tuple.*Layers\(\("),
    (lambda c, t, y: gm.Union((gm.Neighbours,)), "give one or more constructors"),
    (lambda c, t, y: gm.LabelPropagation(gm.Neighbours).fit(c), r"the class Neighbours.*gm\.Neighbours\(k=10\)"),
    (lambda c, t, y: gm.diagnose(c, "neighbours"), r"'neighbours'.*gm\.Neighbours\(k=10\)"),
    (lambda c, t, y: gm.build_graph(gm.Neighbours(), c), r"an EncodedCohort is wanted; .*gm\.CohortEncoder\(\)"),
    (lambda c, t, y: gm.Detached("neighbours"), r"gm\.Neighbours\(k=10\)"),
    (lambda c, t, y: gm.RandomLike("neighbours"), r"gm\.Neighbours\(k=10\)"),
    (lambda c, t, y: gm.SharedPhenotype(3), "give at least one phenotype"),
    (lambda c, t, y: gm.SharedPhenotype((3,)), "a phenotype is named by no word"),
    (lambda c, t, y: gm.SharedPhenotype("sex", tolerance="5"), "tolerances is '5'; a number is wanted"),
    (lambda c, t, y: gm.compare(t["labs"]), "a DataFrame is given where a Cohort is wanted"),
    (lambda c, t, y: gm.compare(c, "neighbours"), "links is a str; give constructors by name, or a list"),
    (lambda c, t, y: gm.compare(c, ["neighbours"]), r"'neighbours'.*gm\.Neighbours\(k=10\)"),
    (lambda c, t, y: gm.compare(c, {"mine": gm.Neighbours}), r"the class Neighbours.*gm\.Neighbours\(k=10\)"),
    (lambda c, t, y: gm.compare_fusions("gated", c), "a str is given where a GraphClassifier is wanted"),
    (lambda c, t, y: gm.join_graphs(c, c), r"a Cohort is given where a PatientGraph.*gm\.build_graph"),
    (lambda c, t, y: gm.load(3), r"an int is given where a str.*gm\.save"),
    (lambda c, t, y: gm.modality_worth(fitted(model_of, c), t), "a dict is given where a Cohort is wanted"),
    (lambda c, t, y: gm.scores_by_missing(c, c), r"a Cohort is given where a CVResult.*gm\.cross_validate"),
    (lambda c, t, y: c.with_modality("more", y), "a Series is given where a DataFrame is wanted"),
    (lambda c, t, y: gm.GroupThresholds(plain(), 3).fit(c), "an int is given where a str is wanted"),
    (lambda c, t, y: gm.GroupThresholds(plain(), "site", folds="5").fit(c), "folds is '5'; a whole number"),
    (lambda c, t, y: gm.CalibratedClassifier(plain(), coverage="a").fit(c), "coverage is 'a'; a number is wanted"),
    (lambda c, t, y: gm.CohortEncoder(components="a").fit(c), "components is 'a'; a whole number is wanted"),
    (lambda c, t, y: gm.CohortEncoder(wide=6.5).fit(c), "wide is 6.5; a whole number is wanted"),
    (lambda c, t, y: hide_modalities(c, "a"), "share is 'a'; a number is wanted"),
    (lambda c, t, y: gm.Folds("5"), "n is '5'; a whole number is wanted"),
    (lambda c, t, y: gm.Folds(5, repeats=1.5), "repeats is 1.5; a whole number is wanted"),
    (lambda c, t, y: gm.Cohort.from_frames([*t.values()], y), "a list is given where DataFrames by name"),
    (lambda c, t, y: gm.Cohort.from_frames(t["labs"], y), "a DataFrame is given where DataFrames by name"),
    (lambda c, t, y: gm.Cohort.from_frames({"labs": t["labs"].to_numpy()}, y), "'labs' is an ndarray; a DataFrame"),
    (lambda c, t, y: gm.Cohort.from_frames(t, y.to_list()), "outcome is a list; a Series indexed by patient id"),
    (lambda c, t, y: gm.Cohort.from_frames(t, y.to_numpy()), "outcome is an ndarray; a Series indexed by patient id"),
    (lambda c, t, y: gm.Cohort.from_frames(t, y.to_frame()), "outcome is a DataFrame; a Series indexed by patient id"),
    (lambda c, t, y: gm.Cohort.from_frames(t, y, groups=y), "groups is a Series; a DataFrame indexed by patient id"),
    (lambda c, t, y: gm.Cohort.from_frames(t, y, split=["train"]), "split is a list; a Series indexed by patient id"),
    (lambda c, t, y: gm.Cohort.from_frames({"labs": moved(t["labs"])}), "2 levels; one id a row is wanted"),
    (lambda c, t, y: gm.Cohort.from_frames(t, moved(y)), "2 levels; one id a row is wanted"),
    (lambda c, t, y: gm.read_cohort(3), "an int is given where a path is wanted"),
    (lambda c, t, y: gm.read_cohort(t["labs"]), "a DataFrame is given where a path is wanted.*from_frames"),
    (lambda c, t, y: c[[0, 999]], "row 999 .* 60 patients; choose rows 0 to 59"),
    (lambda c, t, y: c[[-61]], "row -61 .* 60 patients; choose rows 0 to 59"),
    (lambda c, t, y: gm.Tuned(LogisticRegression()).fit(c), r"gm\.Baseline\(classifier\)"),
    (lambda c, t, y: gm.CalibratedClassifier(LogisticRegression()).fit(c), r"gm\.Baseline\(classifier\)"),
    (lambda c, t, y: gm.fairness(c, model_of(), group="site"), r"a Cohort is given where a CVResult.*gm\.cross_val"),
    (lambda c, t, y: gm.cross_validate(c, model_of()), "a Cohort is given where a GraphClassifier is wanted"),
    (lambda c, t, y: gm.cross_validate(model_of(), c, gm.Folds(2), jobs=0), "jobs is 0; give a number of processes"),
    (lambda c, t, y: gm.cross_validate(model_of(), c, gm.Folds(2), jobs="2"), "jobs is '2'; a whole number is wanted"),
    (lambda c, t, y: gm.audit(model_of(), c, gm.Folds(2), jobs=0), "jobs is 0; give a number of processes"),
    (lambda c, t, y: gm.importances(model_of(), c, gm.Folds(2), jobs=0), "jobs is 0; give a number of processes"),
    (
        lambda c, t, y: gm.explain(c, model_of(), 3),
        "a GraphClassifier or a Baseline, calibrated or not; this is a Cohort",
    ),
    (lambda c, t, y: gm.explain(gm.CalibratedClassifier(model_of()), c, 3), "has seen no patients yet"),
    (lambda c, t, y: gm.explain(fitted(model_of, c), c, 3.7), "by a float; give one row's number, or an id as text"),
    (lambda c, t, y: gm.explain(fitted(model_of, c), c, True), "by a bool; give one row's number, or an id as text"),
    (lambda c, t, y: gm.explain(fitted(model_of, c), c, [3]), "by a list; give one row's number, or an id as text"),
]


@pytest.mark.parametrize(("call", "said"), CALLS, ids=[said for _, said in CALLS])
def test_a_call_with_another_kind_of_thing_says_what_is_wanted(frames, cohort, call, said):
    tables, outcome, _ = frames
    with pytest.raises(gm.GraphmmlError, match=said) as told:
        call(cohort, tables, outcome)
    assert not any(name in str(told.value) for name in cohort.ids)


NEEDED = {
    "Concepts": {"modality": "codes"},
    "Densest": {"degree": 5.0},
    "Intersection": {"links": (gm.Neighbours(),)},
    "LeaveGroupOut": {"group": "site"},
    "PhenotypeGate": {"modality": "labs", "columns": "sex"},
    "RandomLike": {"links": gm.Neighbours()},
    "Restricted": {"links": gm.Neighbours(), "across": "site"},
    "Reweighted": {"links": gm.Neighbours(), "by": "rbf"},
    "SharedPhenotype": {"columns": "sex"},
    "Shuffled": {"links": gm.Neighbours()},
    "TemporalSplit": {"column": "date"},
    "Within": {"radius": 0.5},
}
"""What is given beside the number, where something must be."""


def settable():
    """Every public class of settings with its fields that are numbers."""
    for name in gm.__all__:
        kind = getattr(gm, name)
        if not (isinstance(kind, type) and is_dataclass(kind)):
            continue
        required = {item.name for item in fields(kind) if item.default is item.default_factory is MISSING}
        if required <= NEEDED.get(name, {}).keys():
            yield from (
                (kind, item.name)
                for item in fields(kind)
                if all(one in (int, float, NoneType) for one in get_args(item.type) or (item.type,))
            )


@pytest.mark.parametrize(("kind", "name"), list(settable()), ids=lambda value: getattr(value, "__name__", value))
@pytest.mark.parametrize("value", ["5", True, [5], ...], ids=repr)
def test_where_a_number_is_set_nothing_else_is_taken(kind, name, value):
    with pytest.raises(gm.GraphmmlError, match=f"{name} is .* number is wanted, for instance {name}="):
        kind(**{**NEEDED.get(kind.__name__, {}), name: value})


@pytest.mark.parametrize(("kind", "name"), list(settable()), ids=lambda value: getattr(value, "__name__", value))
def test_numbers_of_numpy_are_numbers(kind, name):
    value = getattr(kind(**NEEDED.get(kind.__name__, {})), name)
    if value is not None:
        assert getattr(kind(**{**NEEDED.get(kind.__name__, {}), name: np.array(value)[()]}), name) == value


def test_fairness_asks_for_the_cohort(cohort):
    result = gm.cross_validate(model_of(), cohort, gm.Folds(2), jobs=1)
    with pytest.raises(gm.GraphmmlError, match=NEEDS_COHORT):
        gm.fairness(result, cohort.tables["labs"], group="site")
    with pytest.raises(gm.GraphmmlError, match=r"gm\.cross_validate"):
        gm.fairness(cohort, result, group="site")


@dataclass(frozen=True)
class Mine:
    """A constructor of somebody's own."""

    def link(self, source, target):
        return gm.Neighbours("labs", k=3).link(source, target)


class Halves:
    """A splitter of somebody's own."""

    def split(self, cohort):
        yield from gm.Folds(2).split(cohort)


def test_what_is_like_what_is_wanted_goes_on_working(cohort):
    model = model_of(
        Mine(),
        conv=lambda width, kinds: gm.SAGEStack(width, kinds),
        fusion=partial(gm.GatedFusion),
        members=np.int64(1),
        device=torch.device("cpu"),
    )
    assert model.fit(cohort).predict_proba(cohort[[np.int64(3), -1]]).shape == (2, 2)
    assert gm.explain(model, cohort, np.int64(3)).patient == "row 3"
    made = gm.CalibratedClassifier(plain(), Halves()).fit(cohort)
    assert made.refitted_
    assert gm.Tuned(plain(), space={"classifier__C": np.array([0.1, 1.0])}).fit(cohort).chosen_ is not None


def test_importances_look_inside_what_is_around_a_model(cohort):
    def told(model):
        return gm.importances(model, cohort, gm.Folds(2), shuffles=1, jobs=1).frame()

    links = gm.Neighbours("labs", k=3)
    bare = told(model_of(links))
    pd.testing.assert_frame_equal(told(gm.CalibratedClassifier(model_of(links))), bare)
    once = gm.Tuned(model_of(links, width=8), gm.Search(2), space={"width": [4]})
    assert len(told(gm.CalibratedClassifier(once))) == len(bare)
    pd.testing.assert_frame_equal(told(gm.Tuned(model_of(links), gm.Search(1))), bare)
