"""Links that rest on nothing do not return; links that rest on ids do."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

import graphmml as gm
from graphmml.graph.phenotype import SharedPhenotype
from graphmml.report.panel import stability as module
from graphmml.report.panel.stability import STABILITY, fewer_columns, jaccard, survival


def test_jaccard_and_survival_are_those_of_sets():
    random = np.random.default_rng(0)
    one, other = ((random.random((20, 20)) < 0.3).astype(float) for _ in range(2))
    first, second = (set(zip(*np.nonzero(links), strict=True)) for links in (one, other))
    assert jaccard(csr_array(one), csr_array(other)) == pytest.approx(len(first & second) / len(first | second))
    assert survival(csr_array(one), csr_array(other)) == pytest.approx(len(first & second) / len(first))
    assert np.isnan(jaccard(csr_array((3, 3)), csr_array((3, 3))))
    assert np.isnan(survival(csr_array((3, 3)), csr_array((3, 3))))


def test_four_fifths_of_columns_are_kept_of_each_modality():
    cohort = gm.make_cohort(40, seed=0)
    fewer = fewer_columns(cohort, np.random.default_rng(0))
    assert {name: table.shape[1] for name, table in fewer.tables.items()} == {"clinical": 4, "labs": 6, "rna": 40}
    single = gm.Cohort.from_frames({"one": cohort.tables["labs"][["crp"]]}, cohort.outcome.values)
    assert list(fewer_columns(single, np.random.default_rng(0)).tables["one"]) == ["crp"]


@dataclass(frozen=True)
class ByLot:
    """Neighbours that depend on who else is there and on which columns there are: noise."""

    def link(self, source, target):
        lot = len(source) + int(sum(len(str(name)) * at for at, name in enumerate(source.columns["labs"])))
        random = np.random.default_rng(lot)
        mask = random.random((len(source), len(target))) < 0.1
        np.fill_diagonal(mask, False)
        return gm.Relations.from_mask("lot", mask)


def test_links_by_lot_do_not_return(asked):
    measures, found = asked(STABILITY, gm.make_cohort(100, seed=0), ByLot())
    assert found["GM210"].status == "warn"
    assert measures["stability"]["by_patients"] == pytest.approx(0.1, abs=0.05)


def test_links_by_phenotype_return_and_what_needs_a_dropped_column_is_not_asked(asked):
    cohort = gm.make_cohort(100, seed=0)
    measures, found = asked(STABILITY, cohort, SharedPhenotype("site", k=99))
    assert found["GM210"].status == "pass"
    assert (measures["stability"]["by_patients"], measures["stability"]["by_columns"]) == (1.0, 1.0)
    assert asked(STABILITY, cohort, SharedPhenotype("sex"))[1]["GM210"].status == "n.a."


def test_neighbours_of_a_clean_cohort_are_stable(asked):
    for seed in range(3):
        assert asked(STABILITY, gm.make_cohort(150, seed=seed), gm.Neighbours(each=True))[1]["GM210"].status == "pass"


def test_what_cannot_be_drawn_again_says_why(asked, monkeypatch):
    cohort = gm.make_cohort(60, seed=0)
    graph = gm.build_graph(gm.Neighbours(), gm.CohortEncoder().fit(cohort).transform(cohort))
    assert "not known" in asked(STABILITY, cohort, graph=graph)[1]["GM210"].message
    assert asked(STABILITY, cohort, gm.NoEdges())[1]["GM210"].status == "n.a."
    monkeypatch.setattr(module, "FEWEST", 100)
    assert "fewer than" in asked(STABILITY, cohort, gm.Neighbours())[1]["GM210"].message


def test_a_sample_of_a_large_cohort_is_drawn_again(asked, monkeypatch):
    monkeypatch.setattr(module, "LARGE", 100)
    monkeypatch.setattr(module, "SAMPLE", 80)
    measures, found = asked(STABILITY, gm.make_cohort(150, seed=0), gm.Neighbours())
    assert measures["stability"]["patients"] == 80
    assert "sample of 80" in found["GM210"].message


def test_nothing_is_changed_in_the_cohort():
    cohort = gm.make_cohort(40, seed=0)
    before = {name: table.copy() for name, table in cohort.tables.items()}
    fewer_columns(cohort, np.random.default_rng(0))
    for name, table in cohort.tables.items():
        pd.testing.assert_frame_equal(table, before[name])
