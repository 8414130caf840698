"""A report is one file that says what was found, names nobody, reaches for nothing, and is read in a browser."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest

import graphmml as gm
from graphmml.errors import GraphmmlError
from graphmml.report.evidence import THRESHOLDS, evidence_of, told
from graphmml.train.curves import calibration, net_benefit
from graphmml.train.loop import Training
from graphmml.train.missing_patterns import by_repeat
from graphmml.train.read_run import Run
from graphmml.train.result import CVResult
from graphmml.train.scores import all_scores
from graphmml.train.splits import Splits
from graphmml.train.tasks import ClassTask
from graphmml.train.unit import Unit

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
EVIL = "<script>alert(1)</script>"
LINKS = gm.Neighbours("labs", k=5)


class Page(HTMLParser):
    """Collects tags, ids, links to places of the page, and what would be fetched."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.targets, self.fetched, self.headings = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.tags.append(tag)
        self.ids += [known["id"]] if "id" in known else []
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "a" and known.get("href", "").startswith("#"):
            self.targets.append(known["href"][1:])
        elif "href" in known or "src" in known:
            self.fetched.append(known)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    cohort = gm.make_cohort(150, site_effect=0.5, seed=3)
    run = tmp_path_factory.mktemp("run") / "run"
    model = gm.GraphClassifier(LINKS, members=1, training=Training(epochs=3))
    gm.cross_validate(model, cohort, gm.Folds(3), jobs=1, run=run)
    return cohort, gm.report_on(cohort, gm.diagnose(cohort, LINKS), run=run)


def test_the_page_is_one_small_file_that_fetches_and_runs_nothing(made):
    text = made[1].to_html()
    page = Page(text)
    assert len(text.encode()) < 2_000_000
    assert page.fetched == []
    assert not {"script", "iframe", "link", "object", "embed"} & set(page.tags)
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "url(" not in text
    assert "default-src 'none'" in text


def test_it_can_be_walked_by_keyboard_and_read_aloud(made):
    page = Page(made[1].to_html())
    assert len(page.ids) == len(set(page.ids))
    assert set(page.targets) <= set(page.ids)
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert max(np.diff(page.headings)) <= 1
    assert {"main", "nav", "header", "footer"} <= set(page.tags)


def test_verdicts_come_first_and_all_findings_are_there(made):
    text, found = made[1].to_html(), made[1].findings
    assert {item.code for item in found} == set(re.findall(r'class="code">(GM\d+)', text))
    assert text.index('id="verdicts"') < text.index('id="cohort"')


def test_its_repr_is_a_line(made):
    fails = sum(item.status == "fail" for item in made[1].findings)
    warns = sum(item.status == "warn" for item in made[1].findings)
    told = [f"{fails} fail"] * (fails > 0) + [f"{warns} warn"] * (warns > 0)
    assert " · ".join(told) in repr(made[1])
    assert f"a run of {made[1].evidence.run.result.plan}" in repr(made[1])
    assert len(repr(made[1])) < 200


def test_it_names_no_patient(made):
    cohort, report = made
    for text in (report.to_html(), report.to_markdown(), json.dumps(report.to_json(), allow_nan=False)):
        assert not any(one in text for one in cohort.ids)


def test_the_evidence_is_that_of_the_run(made):
    report = made[1]
    best = next(row for row in report.evidence.run.result.rows if row.kind == "graph")
    assert f"{best.metrics['auroc'].mean:.3f}" in report.to_html()
    assert report.to_json()["cv"]["rows"][0]["auroc"]["mean"] == best.metrics["auroc"].mean


def test_evidence_stands_at_its_patients(made):
    cohort, report = made
    evidence = report.evidence
    order = cohort.sorted_rows
    case = (cohort.outcome.values == report.evidence.positive).to_numpy()[order]
    p = evidence.run.predictions(evidence.models[0].model, len(cohort))[:, 1]
    np.testing.assert_allclose(evidence.wrong, np.where(case, 1 - p, p))


def test_curves_and_scores_are_those_of_the_repeats_and_not_of_their_mean():
    """Five repeats that are noise each are as bad as noise, though their mean is better."""
    cohort, random = gm.make_cohort(300, sites=2, seed=5), np.random.default_rng(0)
    truth, units, folds = ClassTask.of(cohort).codes(cohort), [], list(gm.Folds(3, repeats=5).split(cohort))
    for fold in folds:
        codes = truth[fold.test]
        risk = 1 / (1 + np.exp(-2 * random.normal(size=len(codes)) - codes))
        p = np.stack([1 - risk, risk], axis=1)
        scores = all_scores(codes, p)
        units.append(Unit("graph", "graph", fold.repeat, fold.number, scores, 0.0, len(fold.train), codes, p))
    classes = tuple(ClassTask.of(cohort).classes)
    splits = Splits.of(cohort, folds)
    run = Run(CVResult(tuple(units), "c", len(cohort), classes, "plan", "inductive", False, splits))
    evidence = evidence_of(run, cohort)
    rows = gm.fairness(run, cohort, group="site", min_cell=1).scores_of("graph", "site", "auroc")
    assert {value: auroc.mean for value, auroc, _ in evidence.within["site"]} == pytest.approx(
        {value: auroc.mean for value, auroc in rows.items()}
    )
    p = [
        by_repeat(
            [unit for unit in units if unit.repeat == at],
            {key: run.tests[key] for key in run.tests if key[0] == at},
            len(cohort),
        )[0]
        for at in range(5)
    ]
    (drawn,) = evidence.models
    np.testing.assert_allclose(
        drawn.net_benefit, np.mean([net_benefit(truth == 1, one[:, 1], THRESHOLDS) for one in p], axis=0)
    )
    slope = np.polyfit(drawn.calibration.predicted, drawn.calibration.observed, 1)[0]
    averaged = calibration(truth == 1, np.mean(p, axis=0)[:, 1])
    assert slope < 0.6 * np.polyfit(averaged.predicted, averaged.observed, 1)[0]


def test_a_rest_of_few_cannot_be_worked_out_from_what_is_told():
    assert told([80, 65], 150) == ["80", "11 or more"]
    assert told([80, 70], 150) == ["80", "70"]
    assert told([80, 50], 150) == ["80", "50"]


def test_names_of_a_user_are_text(tmp_path):
    cohort = gm.make_cohort(60)
    frames = {EVIL: cohort.tables["labs"].rename(columns={"crp": EVIL})}
    outcome = cohort.outcome.values.replace({"case": EVIL})
    outcome.name = EVIL
    groups = cohort.groups.rename(columns={"site": EVIL})
    hostile = gm.Cohort.from_frames(frames, outcome, groups=groups, name=EVIL, positive=EVIL)
    text = gm.report_on(hostile, gm.diagnose(hostile, gm.Neighbours(k=5))).to_html()
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_a_report_is_written_by_its_ending_or_not_at_all(made, tmp_path):
    for ending in (".html", ".md", ".json"):
        assert made[1].save(tmp_path / f"r{ending}").stat().st_size > 1000
    with pytest.raises(GraphmmlError, match=r"ends in .html, .md, .json"):
        made[1].save(tmp_path / "r.pdf")
    with pytest.raises(GraphmmlError, match="could not be written"):
        made[1].save(tmp_path / "no" / "r.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html", "r.json", "r.md"]


def test_a_cohort_without_outcome_or_groups_has_a_report_too():
    plain = gm.Cohort.from_frames({"labs": gm.make_cohort(40).tables["labs"]})
    assert "Nothing that fails" in gm.report_on(plain, gm.diagnose(plain, LINKS)).to_html()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)")
def test_a_browser_draws_it(made, tmp_path):
    page = made[1].save(tmp_path / "report.html")
    words = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1000,3000"]
    words += ["--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}"]
    shot = tmp_path / "shot.png"
    done = subprocess.run(
        [*words, f"--screenshot={shot}", page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    assert "CONSOLE" not in done.stderr
    pixels = plt_read(shot)
    rows = pixels.reshape(len(pixels), -1)
    assert (rows.std(axis=1) > 0.01).mean() > 0.3  # most of the page is not empty paper
    printed = tmp_path / "report.pdf"
    subprocess.run([*words, f"--print-to-pdf={printed}", page.as_uri()], capture_output=True, timeout=120, check=True)
    assert printed.read_bytes().startswith(b"%PDF")


def plt_read(path):
    """Read a picture as float [row, column, colour]."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    return pyplot.imread(path)
