import graphmml as gm
from graphmml.data.holes import hide_modalities
from graphmml.train.predictions import prediction_frame


def marked(fusion, cohort):
    quick = gm.Training(epochs=3)
    model = gm.GraphClassifier(gm.Neighbours("labs", k=3), fusion=fusion, members=2, training=quick).fit(cohort[:40])
    return prediction_frame(model, hide_modalities(cohort[40:], 0.4))


def test_what_stood_in_for_an_absent_modality_is_marked(cohort):
    table = marked(gm.Intermediate(complete=gm.LearnedTokens), cohort)
    nothing = table["nothing_measured"]
    assert (table["absent_modalities"] != "").sum() > 5
    assert table.loc[~nothing, "completed_modalities"].equals(table.loc[~nothing, "absent_modalities"])
    assert (table.loc[nothing, "completed_modalities"] == "").all()


def test_neighbours_complete_what_they_have_and_nothing_else(cohort):
    table = marked(gm.Intermediate(complete=gm.NeighbourCompletion), cohort)
    for absent, completed in zip(table["absent_modalities"], table["completed_modalities"], strict=True):
        assert set(filter(None, completed.split(";"))) <= set(absent.split(";"))
    lacks_labs = table["absent_modalities"].str.contains("labs")
    assert lacks_labs.any()
    assert (table.loc[lacks_labs, "completed_modalities"] == "").all(), "who lacks labs has no neighbours in them"
    assert (table.loc[~lacks_labs, "completed_modalities"] != "").any()


def test_nothing_is_marked_where_nothing_completes(cohort):
    for fusion in (gm.GatedFusion, gm.Late(), gm.Early()):
        assert (marked(fusion, cohort)["completed_modalities"] == "").all()
