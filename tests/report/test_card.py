"""A model card has every item, says what is known as it is, names what is left, and names no patient."""

import hashlib
import json
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RandomizedSearchCV

import graphmml as gm
from graphmml.errors import GraphmmlError, NotFittedError, StoreError
from graphmml.report import card_facts
from graphmml.report.card_facts import described
from graphmml.report.card_items import ITEMS
from graphmml.report.card_run import run_of, run_tables
from graphmml.report.card_trust import binned
from graphmml.report.evidence import within_groups
from graphmml.train.baselines import plain_baselines
from graphmml.train.curves import Calibration
from graphmml.train.read_run import read_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUICK = gm.GraphClassifier(gm.Neighbours("labs", k=5), members=1, training=gm.Training(epochs=3), device="cpu")
EVIL = "</script><script>alert(1)</script>|x"


@pytest.fixture(scope="module")
def people():
    return gm.make_cohort(160, sites=2, seed=1)


@pytest.fixture(scope="module")
def run(people, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "one"
    return gm.cross_validate(QUICK, people, gm.Folds(3), jobs=1, run=folder), folder


@pytest.fixture(scope="module")
def model(people):
    return gm.CalibratedClassifier(QUICK, gm.HeldOut(0.5), coverage=0.8, group="site").fit(people)


@pytest.fixture(scope="module")
def stored(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "one"
    gm.save(model, folder)
    return folder


@pytest.fixture(scope="module")
def card(stored, run, people):
    return gm.model_card(stored, run[1], people)


def said(card, number):
    (entry,) = (entry for entry in card.entries if entry.number == number)
    return " ".join(entry.known)


def tables(card, number):
    (entry,) = (entry for entry in card.entries if entry.number == number)
    return {table.title: table for table in entry.tables}


def test_all_27_items_are_there_in_order_and_each_says_or_asks_something(card):
    numbers = [int(entry.number.rstrip("abcdefg")) for entry in card.entries]
    assert sorted(set(numbers)) == list(range(1, 28))
    assert numbers == sorted(numbers)
    assert len({entry.number for entry in card.entries}) == len(card.entries) == len(ITEMS) == 52
    assert all(entry.known or entry.blank for entry in card.entries)
    assert list(card.frame().index) == [item.number for item in ITEMS]


def test_its_repr_is_a_line(card):
    assert repr(card).startswith(card.title)
    assert f"{len(card.blanks)} of 52 items wait for people" in repr(card)
    assert "\n" not in repr(card)


def test_what_only_people_know_is_blank_by_name_in_every_form(card):
    text, page, record = card.to_markdown(), card.to_html(), card.to_json()
    for form in (text, page):
        assert form.count("[to be filled: ") == len(card.blanks)
    assert [item["number"] for item in record["items"] if item["to_be_filled"]] == list(card.blanks)
    assert {"2", "3a", "5b", "17", "18a", "19", "27c"} <= set(card.blanks)
    assert not {"12b", "12g", "21"} & set(card.blanks)


def test_it_claims_no_compliance_and_names_nobody(card, people):
    for text in (card.to_markdown(), card.to_html(), json.dumps(card.to_json())):
        assert "does not make a study comply" in text
        assert "compliant" not in text.lower()
        assert not any(name in text for name in people.ids)


def test_what_the_model_knows_is_said(card, model, people):
    inner = model.model_
    counts = people.outcome.values.loc[inner.source_.ids].value_counts()
    assert said(card, "20a").startswith(
        f"{len(inner.source_)} patients were learned from; control: {counts['control']}, case: {counts['case']}."
    )
    assert "Neighbours(modality='labs', k=5" in said(card, "12c")
    assert "SAGEStack, fused by GatedFusion" in said(card, "12c")
    assert f"temperature {model.calibrator_.value:.2f}" in said(card, "15")
    assert "true class of 80% of patients, with a threshold for each site" in said(card, "15")
    assert "rna" in said(card, "11")
    assert "of patients lack rna" in said(card, "11")
    assert "Group site has 2 values" in said(card, "6a")
    age = next(row for row in tables(card, "20b")["clinical"].rows if row[0] == "age")
    table = inner.source_.tables["clinical"]["age"].dropna()
    assert age[2] == "{1:.4g} ({0:.4g} to {2:.4g})".format(*np.quantile(table, [0.25, 0.5, 0.75]))


def test_versions_and_hashes_are_those_of_the_files(card, stored):
    for path in stored.iterdir():
        if path.suffix != ".json":
            assert f"File {path.name}, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}." in said(card, "22")
    assert f"graphmml {gm.__version__}" in said(card, "18f")


def test_scores_are_the_runs_with_their_intervals(card, run):
    result = run[0]
    table = tables(card, "23a")["all models on the same folds"]
    assert {row[0] for row in table.rows} == {row.name for row in result.rows}
    for name, auroc, *_ in table.rows:
        interval = result.named(name).metrics["auroc"]
        assert auroc.startswith(f"{interval.mean:.3f} (")
    assert "The run's row 'graph' has the settings of this model" in said(card, "23a")
    assert result.verdict[0] in said(card, "23a")
    assert result.verdict[0] in said(card, "26"), "a graph that does not help is a limitation"
    assert any(title.startswith("AUROC within site") for title in tables(card, "23b"))
    assert any(title.startswith("by what is missing") for title in tables(card, "23b"))


def test_scores_of_held_out_patients_are_those_of_their_predictions(card, model):
    held = model.held_out_
    table = tables(card, "23a")[f"{len(held.codes)} held-out patients"]
    assert dict(table.rows)["accuracy"].startswith(f"{(held.p.argmax(axis=1) == held.codes).mean():.3f} (")


def test_without_its_cohort_a_run_has_scores_of_all_and_says_what_is_wanting(stored, run, card):
    short = gm.model_card(stored, run[1])
    title = "all models on the same folds"
    assert tables(short, "23a")[title] == tables(card, "23a")[title]
    assert not tables(short, "23b")
    assert "need the cohort" in said(short, "23b")


def test_without_a_run_or_calibration_the_rest_is_there(people):
    plain = gm.model_card(clone_of(QUICK).fit(people))
    assert not said(plain, "23a")
    assert "conformal" not in plain.to_markdown().lower()
    assert "The weights" in said(plain, "22")


def clone_of(model):
    return gm.GraphClassifier(**model.get_params())


def test_a_run_of_other_settings_is_said_to_be_one(people, run):
    other = clone_of(QUICK).set_params(width=8).fit(people)
    assert "No row of the run has the settings of this model" in said(gm.model_card(other, run[1]), "23a")


def test_a_plain_model_has_a_card_of_its_own_row(people, run, tmp_path):
    chosen = plain_baselines(QUICK.prepare, seed=QUICK.seed)["logistic regression"].fit(people)
    gm.save(gm.CalibratedClassifier(chosen, gm.HeldOut(0.5)).fit(people), tmp_path / "plain")
    card = gm.model_card(tmp_path / "plain", run[1], people)
    inner = gm.load(tmp_path / "plain").model_
    assert all(entry.known or entry.blank for entry in card.entries)
    assert said(card, "1") == "A plain model without a graph (LogisticRegression) that tells control and case apart."
    assert f"Chosen on inner folds of the training patients: C = {inner.classifier_.best_params_['C']}." in said(
        card, "12c"
    )
    assert said(card, "12g") == "Each new patient is predicted alone."
    assert "not weighed or resampled" in said(card, "13")
    assert "The run's row 'logistic regression' has the settings of this model." in said(card, "23a")
    for kind in ("AUROC within site", "by what is missing"):
        assert any(title.startswith(kind) and "'logistic regression'" in title for title in tables(card, "23b"))
    within = next(table for title, table in tables(card, "23b").items() if title.startswith("AUROC within site"))
    graph = next(
        table
        for title, table in tables(gm.model_card(clone_of(QUICK).fit(people), run[1], people), "23b").items()
        if title.startswith("AUROC within site")
    )
    assert within.rows != graph.rows
    words = card.to_markdown()
    assert "network" not in said(card, "12c") + said(card, "15") + said(card, "22")
    assert not any(name in words for name in people.ids)


def test_no_count_of_few_can_be_worked_out_from_the_others(people):
    labels = people.outcome.values.copy()
    labels[labels == "case"] = np.where(np.arange((labels == "case").sum()) < 7, "case", "control")
    card = gm.model_card(clone_of(QUICK).fit(replace(people, outcome=replace(people.outcome, values=labels))))
    assert "control: 11 or more, case: <11" in said(card, "20a")
    assert "153" not in said(card, "20a") + said(card, "13")
    with_notes = replace(people, notes=("3 rows of labs.csv belong to nobody",))
    words = gm.model_card(clone_of(QUICK).fit(people), cohort=with_notes).to_markdown()
    assert "3 rows" not in words
    assert "graphmml check says which" in words


def test_few_left_over_beside_what_is_shown_are_not_counted(people, run, model):
    facts = run_of(run[1], model.model_, people)
    (group, values), *_ = facts.within.items()
    assert sum(int(number) for *_, number in values) == len(people)
    site = people.groups[group].astype("object").copy()
    site.iloc[np.flatnonzero(site == values[0][0])[:4]] = "elsewhere"
    moved = replace(people, groups=people.groups.assign(**{group: site}))
    fewer = replace(facts, within=within_groups(read_run(run[1], people), moved, facts.shown))
    tables_ = {table.title: table for _, table in run_tables(fewer)}
    (table,) = (table for title, table in tables_.items() if title.startswith(f"AUROC within {group}"))
    assert [row[1] for row in table.rows].count("11 or more") == 1
    assert len(table.rows) == len(values)
    (missing,) = (table for title, table in tables_.items() if title.startswith("by what is missing"))
    assert [row[1] for row in missing.rows] == [
        row.number for row in facts.missing.rows if row.model == facts.shown and row.number != "<11"
    ]


def test_where_families_are_kept_together_intervals_of_held_out_patients_are_said_to_be_narrow(people, card):
    family = pd.Series(np.arange(len(people)) // 2, index=people.ids).astype(str)
    kept = replace(people, groups=people.groups.assign(family=family), blocks=("family",))
    made = gm.CalibratedClassifier(gm.Baseline(LogisticRegression()), gm.HeldOut(0.5)).fit(kept)
    assert "shares family is not kept" in said(gm.model_card(made), "23a")
    assert "is not kept" not in said(card, "23a")


def test_a_row_that_is_not_finished_is_no_row(people, run, tmp_path):
    broken = tmp_path / "run"
    shutil.copytree(run[1], broken)
    lines = (broken / "units.jsonl").read_text().splitlines(keepends=True)
    gone = next(at for at, line in enumerate(lines) if '"logistic regression"' in line)
    (broken / "units.jsonl").write_text("".join(lines[:gone] + lines[gone + 1 :]))
    plain = plain_baselines(QUICK.prepare, seed=QUICK.seed)["logistic regression"].fit(people)
    for cohort in (None, people):
        card = gm.model_card(plain, broken, cohort)
        assert "No row of the run has the settings" in said(card, "23a")
        table = tables(card, "23a")["all models on the same folds"]
        assert "logistic regression" not in {row[0] for row in table.rows}


def test_of_many_columns_the_first_alone_are_described(people, monkeypatch):
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(len(people), 300)), index=people.ids).add_prefix("gene")
    cohort = replace(people, tables={"rna": wide.assign(gene1="names", gene3=1.0)})
    source = gm.CohortEncoder().fit(cohort).transform(cohort)
    looked = []
    monkeypatch.setattr(card_facts, "described", lambda *of: looked.append(of[0]) or described(*of))
    (table,) = card_facts.characteristics(source)
    assert looked == [row[0] for row in table.rows] == sorted(f"gene{at}" for at in range(300))[:12]
    assert table.title == "rna, first 12 of 300 columns"
    assert table.rows[1][2].startswith("names: ")
    assert "(" in table.rows[0][2]


def test_a_search_of_any_kind_is_said_with_what_it_chose(people):
    space = {"C": [0.1, 1.0], "class_weight": ["balanced"]}
    made = RandomizedSearchCV(LogisticRegression(max_iter=1000), space, n_iter=2, cv=2, random_state=0)
    card = gm.model_card(gm.Baseline(made).fit(people))
    assert "Chosen on inner folds" in said(card, "12c")
    assert said(card, "13").endswith("classes were weighed.")


def test_the_card_of_a_plain_model_says_how_its_classes_count_and_knows_other_settings(people, run):
    weighed = gm.Baseline(LogisticRegression(class_weight="balanced", C=0.3, max_iter=1000)).fit(people)
    card = gm.model_card(weighed, run[1])
    assert said(card, "13").endswith("; classes were weighed.")
    assert "C=0.3, class_weight='balanced'" in said(card, "12c")
    assert "No row of the run has the settings" in said(card, "23a")


def test_a_coverage_that_is_not_guaranteed_is_a_limitation(people):
    folds = gm.CalibratedClassifier(QUICK, gm.Folds(2)).fit(people)
    assert "coverage of sets is not guaranteed" in said(gm.model_card(folds), "26")
    assert "coverage of sets is not guaranteed" not in said(
        gm.model_card(gm.CalibratedClassifier(QUICK, gm.HeldOut(0.5)).fit(people)), "26"
    )


def test_numbers_of_few_patients_are_not_given():
    people = gm.make_cohort(80, seed=2)
    labels = people.outcome.values.copy()
    labels.iloc[:7] = "rare"
    tables_ = {**people.tables, "labs": people.tables["labs"].copy()}
    tables_["labs"].loc[people.ids[5:], "ldh"] = np.nan
    tables_["labs"].loc[people.ids[:4], "crp"] = np.nan
    few = replace(people, outcome=replace(people.outcome, values=labels), tables=tables_)
    card = gm.model_card(clone_of(QUICK).fit(few))
    assert "rare: <11" in said(card, "20a")
    rows = {row[0]: row for row in tables(card, "20b")["labs"].rows}
    assert rows["ldh"][1:] == ["under 14%", ""]
    assert rows["crp"][1].startswith("over ")


def test_bins_of_a_calibration_curve_are_the_same_for_any_few_cases():
    def told(few):
        return binned(Calibration(np.array([0.1, 0.6]), np.array([few / 50, 1 - few / 40]), np.array([50, 40])))

    assert told(1) == told(10) == [["10%", "under 22%"], ["60%", "over 72%"]]
    assert told(11) == [["10%", "22%"], ["60%", "72%"]]


def test_names_of_a_user_are_text(people):
    frames = {EVIL: people.tables["labs"].rename(columns={"crp": EVIL})}
    outcome = people.outcome.values.replace({"case": EVIL})
    groups = people.groups.rename(columns={"site": EVIL})
    hostile = gm.Cohort.from_frames(frames, outcome, groups=groups, name=EVIL, positive=EVIL)
    inner = gm.GraphClassifier(gm.Neighbours(k=3), members=1, training=gm.Training(epochs=1), device="cpu")
    card = gm.model_card(gm.CalibratedClassifier(inner, gm.HeldOut(0.5)).fit(hostile), cohort=hostile)
    for text in (card.to_html(), card.to_markdown()):
        assert "<script" not in text
    assert all(line.count("|") - line.count("\\|") in (0, 3, 4) for line in card.to_markdown().splitlines())


def test_a_card_is_written_by_its_ending_or_not_at_all(card, tmp_path):
    for ending in (".html", ".md", ".json"):
        assert card.save(tmp_path / f"c{ending}").stat().st_size > 5000
    assert json.loads((tmp_path / "c.json").read_text())["schema"] == "graphmml.card/1"
    with pytest.raises(GraphmmlError, match=r"ends in .md, .html, .json"):
        card.save(tmp_path / "c.pdf")
    with pytest.raises(StoreError, match="could not be written"):
        card.save(tmp_path / "no" / "c.md")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.html", "c.json", "c.md"]


def test_what_has_no_card_is_refused(people, run, tmp_path):
    with pytest.raises(NotFittedError):
        gm.model_card(QUICK)
    with pytest.raises(GraphmmlError, match="this is a LabelPropagation"):
        gm.model_card(gm.LabelPropagation(QUICK.links).fit(people))
    with pytest.raises(StoreError, match="is not a folder"):
        gm.model_card(tmp_path / "nothing")
    with pytest.raises(StoreError, match="holds no run"):
        gm.model_card(clone_of(QUICK).fit(people), tmp_path)
    three = pd.Series(np.resize(["a", "b", "c"], 160), index=people.ids)
    other = gm.Cohort.from_frames(dict(people.tables), three)
    with pytest.raises(StoreError, match="a run of other classes"):
        gm.model_card(clone_of(QUICK).fit(other), run[1])


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)")
def test_a_browser_draws_it(card, tmp_path):
    page = card.save(tmp_path / "card.html")
    shot = tmp_path / "shot.png"
    words = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=900,6000"]
    words += ["--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={shot}"]
    done = subprocess.run([*words, page.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr
    pixels = pytest.importorskip("matplotlib.pyplot").imread(shot)
    assert (pixels.reshape(len(pixels), -1).std(axis=1) > 0.01).mean() > 0.3


def test_of_several_classes_no_single_one_is_scored(people):
    values = people.outcome.values.copy()
    values.iloc[:50] = "third"
    three = replace(people, outcome=replace(people.outcome, values=values, positive=None))
    facts = said(gm.model_card(gm.Baseline(LogisticRegression()).fit(three)), "8a")
    assert "Classes: case, control, third" in facts
    assert "scores are means over them" in facts
    assert "is the one that scores are of" in said(gm.model_card(gm.Baseline(LogisticRegression()).fit(people)), "8a")
