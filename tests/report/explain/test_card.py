"""The card and the terminal: one file that fetches nothing, words that stay words, and lines that fit."""

import io
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from rich.console import Console

import graphmml as gm
from graphmml.report.explain.card import card
from graphmml.report.explain.render import bar, explanation_parts

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
EVIL = "<script>alert(1)</script>"


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.headings = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.headings += [int(tag[1])] if tag in ("h1", "h2", "h3") else []
        assert not {"src", "href", "onload", "onclick"} & {name for name, _ in attrs}


@pytest.fixture(scope="module")
def told(people, fitted):
    return gm.explain(fitted, people, 80)


def test_the_card_is_one_small_file_that_fetches_and_runs_nothing(people, told):
    text = card(told)
    page = Page(text)
    assert len(text) < 100_000
    assert not {"script", "link", "iframe", "img"} & set(page.tags)
    assert "default-src 'none'" in text
    assert len(page.ids) == len(set(page.ids))
    assert page.headings == [1, 2, 2, 2, 2]
    assert not any(name in text for name in people.ids)
    assert "patient&#39;s record" in text


def test_words_of_a_user_stay_words(people, fitted):
    tables = {name: table.rename(columns={"crp": EVIL}) for name, table in people.tables.items()}
    cohort = replace(people, tables=tables)
    model = gm.GraphClassifier(gm.NoEdges(), members=1, width=8).fit(cohort[:80])
    assert EVIL not in card(gm.explain(model, cohort, 80))


@pytest.mark.parametrize("width", [80, 120])
def test_lines_fit_the_terminal_and_say_the_numbers(told, width):
    console = Console(file=io.StringIO(), width=width)
    for part in explanation_parts(told, width):
        console.print(part)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    first = told.of_kind("feature")[0].attribution
    assert f"{first.effect:+.3f}" in text
    assert first.part.name in text
    assert "by chance" in text
    assert "neighbour" in text


def test_a_bar_is_as_long_as_its_effect_and_on_its_side():
    assert bar(0.5, 1.0).plain.rstrip() == " " * 16 + "│" + "▇" * 8
    assert bar(-1.0, 1.0).plain == "▇" * 16 + "│"
    assert bar(0.0, 0.0).plain.strip() == "│"


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)")
def test_a_browser_draws_it(told, tmp_path):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    page = tmp_path / "card.html"
    page.write_text(card(told), encoding="utf-8")
    words = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1000,2000"]
    words += ["--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}"]
    shot = tmp_path / "shot.png"
    done = subprocess.run(
        [*words, f"--screenshot={shot}", page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    assert "CONSOLE" not in done.stderr
    pixels = pyplot.imread(shot)
    assert (np.std(pixels.reshape(len(pixels), -1), axis=1) > 0.01).mean() > 0.3
