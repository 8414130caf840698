import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.graph.relations import PATIENT


def encoded_of(table):
    cohort = gm.Cohort.from_frames({"codes": table})
    return gm.CohortEncoder().fit(cohort).transform(cohort)


@pytest.fixture
def eight():
    """Eight patients; `both` in four, `rare` in two, `one` in one, `all` in eight, nothing known of the last."""
    ids = [f"p{at}" for at in range(8)]
    return pd.DataFrame(
        {
            "both": [1, 2, 0, 0, 3, 1, 0, np.nan],
            "rare": [0, 0, 1, 0, 0, 1, 0, np.nan],
            "one": [0, 0, 0, 1, 0, 0, 0, np.nan],
            "stage": ["I", "I", "II", "II", "II", "I", "III", None],
        },
        index=ids,
    )


def members(relations, name, kind):
    """Return {concept: patients} of a relation in either direction."""
    relation = relations[name]
    patients, concepts = relation.edges if relation.source == PATIENT else relation.edges[::-1]
    return {concept: set(patients[concepts == at].tolist()) for at, concept in enumerate(relations.concepts[kind])}


def test_patients_speak_to_the_concepts_they_have_and_listen_to_them(eight):
    people = encoded_of(eight)
    relations = gm.Concepts("codes").link(people, people)
    wanted = {"both": {0, 1, 4, 5}, "rare": {2, 5}, "stage=I": {0, 1, 5}, "stage=II": {2, 3, 4}}
    assert members(relations, "has_codes", "codes") == wanted
    assert members(relations, "of_codes", "codes") == wanted
    assert relations["has_codes"].kind == (PATIENT, "has_codes", "codes")
    assert relations["of_codes"].kind == ("codes", "of_codes", PATIENT)


def test_rarer_concepts_weigh_more_by_inverse_document_frequency(eight):
    people = encoded_of(eight)
    relations = gm.Concepts("codes").link(people, people)
    names = relations.concepts["codes"]
    for relation, row in ((relations["has_codes"], 1), (relations["of_codes"], 0)):
        weights = {names[at]: weight for at, weight in zip(relation.edges[row], relation.weight, strict=True)}
        assert weights == pytest.approx(
            {"both": np.log(2), "rare": np.log(4), "stage=I": np.log(8 / 3), "stage=II": np.log(8 / 3)}
        )
    plain = gm.Concepts("codes", rarity=False).link(people, people)
    assert (plain["has_codes"].weight == 1).all()


def test_support_and_most_bound_the_vocabulary(eight):
    people = encoded_of(eight)

    def vocabulary(**settings):
        return set(gm.Concepts("codes", **settings).link(people, people).concepts["codes"])

    assert vocabulary(support=1) == {"both", "rare", "one", "stage=I", "stage=II", "stage=III"}
    assert vocabulary(support=3) == {"both", "stage=I", "stage=II"}
    assert vocabulary(most=0.4) == {"rare", "stage=I", "stage=II"}


def test_the_vocabulary_is_that_of_the_source(eight):
    people = encoded_of(eight)
    relations = gm.Concepts("codes", support=1).link(people[:3], people[3:])
    assert "one" not in relations.concepts["codes"]
    assert "stage=III" not in relations.concepts["codes"]
    of = members(relations, "of_codes", "codes")
    assert of["rare"] == {2}  # patient 5
    assert of["stage=II"] == {0, 1}


def test_who_shares_nothing_is_reached_by_nothing(eight):
    people = encoded_of(eight)
    graph = gm.build_graph(gm.Concepts("codes"), people)
    reach = graph.between_patients().toarray() > 0
    assert not reach[[6, 7]].any()
    assert not reach[:, [6, 7]].any()
    assert reach[0].nonzero()[0].tolist() == [1, 4, 5]


def test_no_concept_left_is_an_error_that_says_what_to_change(eight):
    people = encoded_of(eight)
    with pytest.raises(gm.GraphError, match="at least 9 and at most 50% of 8 patients; lower support or raise most"):
        gm.Concepts("codes", support=9).link(people, people)
    with pytest.raises(gm.GraphError, match="no modality 'drugs'"):
        gm.Concepts("drugs").link(people, people)


def test_a_modality_called_as_the_graph_calls_patients_is_refused():
    with pytest.raises(gm.GraphError, match="give the modality another name"):
        gm.Concepts("patient")


@pytest.mark.parametrize("wrong", [{"support": 0}, {"most": 0.0}, {"most": 1.1}])
def test_settings_are_checked_when_given(wrong):
    with pytest.raises(gm.GraphError, match="wanted: 1 or more, and a share up to 1"):
        gm.Concepts("codes", **wrong)
