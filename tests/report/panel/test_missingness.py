"""Who lacks what, by class and group, counted by hand; patients left alone are found."""

import json
from itertools import product

import numpy as np
import pytest

import graphmml as gm
from graphmml.report.panel.missingness import MISSINGNESS, hidden, patterns

CODE = "GM511"


def test_cells_equal_counts_by_hand(asked):
    cohort = gm.make_cohort(300, seed=3)
    rows = asked(MISSINGNESS, cohort, gm.Neighbours(k=5))[0]["missingness"]["modalities"]
    lacks = ~cohort.present[:, cohort.modalities.index("rna")]
    label, site = cohort.outcome.values.to_numpy(), cohort.groups["site"].to_numpy()
    cells = {(row["class"], row["group"], row["value"]): row for row in rows["rna"]["cells"]}
    assert rows["rna"]["lacking"] == pytest.approx(0.25)
    for one, where in product(("case", "control"), sorted(set(site))):
        here = (label == one) & (site == where)
        assert cells[one, "site", where] == {
            "class": one,
            "group": "site",
            "value": where,
            **hidden(int(lacks[here].sum()), int(here.sum())),
        }
    assert cells["case", "", ""]["patients"] == str((label == "case").sum())
    assert rows["labs"]["cells"] == []


def test_few_are_masked_on_either_side():
    assert hidden(3, 40) == {"patients": "40", "lacking": "<11"}
    assert hidden(35, 40) == {"patients": "40", "lacking": "all but <11"}
    assert hidden(40, 40) == {"patients": "40", "lacking": "40"}
    assert hidden(0, 7) == {"patients": "<11", "lacking": "all but <11"}
    assert hidden(15, 40) == {"patients": "40", "lacking": "15"}


def test_patterns_are_counted():
    present = np.array([[True, False]] * 12 + [[True, True]] * 30 + [[False, False]] * 2)
    assert patterns(present, ("labs", "rna")) == {"labs + rna": "30", "labs": "12", "nothing": "<11"}


def test_patients_left_alone_for_lack_of_a_modality_are_found(asked):
    cohort = gm.make_cohort(300, seed=1)
    measures, findings = asked(MISSINGNESS, cohort, gm.Neighbours("rna", k=5))
    assert findings[CODE].status == "warn"
    assert "of 75 patients without rna, 100% have no link; of those with it 0%" in findings[CODE].message
    assert measures["missingness"]["modalities"]["rna"]["alone"]["having"]["share"] == 0.0
    assert asked(MISSINGNESS, cohort, gm.Neighbours(each=True))[1][CODE].status == "pass"
    json.dumps(measures, allow_nan=True)


def test_where_nobody_has_a_link_no_modality_is_blamed(asked):
    assert asked(MISSINGNESS, gm.make_cohort(100), gm.NoEdges())[1][CODE].status == "pass"
    assert asked(MISSINGNESS, gm.make_cohort(100, missing=0.0), gm.NoEdges())[1][CODE].status == "n.a."


def test_links_through_concepts_and_parts_count(asked):
    cohort = gm.make_cohort(100, seed=2)
    for links in (gm.Concepts("clinical"), gm.ModalityNodes(k=4)):
        row = asked(MISSINGNESS, cohort, links)[0]["missingness"]["modalities"]["rna"]
        assert row["alone"]["lacking"]["share"] == 0.0
