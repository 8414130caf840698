"""One part of the panel asked alone."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.thresholds import thresholds
from graphmml.report.diagnose import subject_of
from graphmml.report.measures import aligned
from graphmml.report.panel.hubs import HUBS


@pytest.fixture
def asked():
    """Return a function that asks parts of a cohort, linked here or with a graph that is given."""

    def of(parts, cohort, links=None, *, graph=None, facts=None, seed=0):
        parts = parts if isinstance(parts, tuple) else (parts,)
        if graph is not None:
            cohort, facts = cohort[aligned(cohort, graph)], facts or {}
        cohort = cohort[cohort.sorted_rows]
        encoded = gm.CohortEncoder().fit(cohort).transform(cohort)
        drawn = gm.build_graph(links, encoded) if graph is None else graph
        subject = subject_of(cohort, encoded, drawn, links, thresholds(), seed)
        subject = replace(subject, facts=facts)
        measures = {}
        for part in parts:
            measures |= part.measure(subject)
        json.dumps(measures)
        findings = [item for part in parts for item in part.judge(subject, measures)]
        assert {item.code for item in findings} == {code for part in parts for code in part.codes}
        said = [line for part in parts for line in part.lines(measures)]
        assert all(len(line) <= 100 for line in said)
        assert all(not list(part.lines({})) for part in parts)
        return measures, {item.code: item for item in findings}

    return of


@pytest.fixture
def subject_of_links(asked):
    """Return a function that asks the part on hubs of links that are given: [listener, speaker]."""

    def of(adjacency):
        listeners, speakers = np.nonzero(adjacency)
        ids = pd.Index([f"p{at:04d}" for at in range(len(adjacency))])
        values = np.random.default_rng(0).normal(size=(len(ids), 2))
        cohort = gm.Cohort.from_frames({"labs": pd.DataFrame(values, index=ids, columns=["a", "b"])})
        graph = gm.PatientGraph(cohort.ids, len(ids), (gm.Relation.of("given", speakers, listeners),))
        return asked(HUBS, cohort, graph=graph)[1].values()

    return of
