"""Options of a conv stand behind its word, as those of a constructor do."""

from functools import partial

import pytest

import graphmml as gm
from graphmml.cli.choices import ModelChoice, convs_of, links_of, structures_of


def plain(conv):
    return (conv.func, conv.keywords) if isinstance(conv, partial) else conv


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("sage,gat", {"sage": gm.SAGEStack, "gat": gm.GATStack}),
        ("sage:depth=2", {"sage:depth=2": (gm.SAGEStack, {"depth": 2})}),
        (
            "sage:depth=2,dropout=0.3,residual=false,gat:heads=2,gcn",
            {
                "sage:depth=2,dropout=0.3,residual=false": (
                    gm.SAGEStack,
                    {"depth": 2, "dropout": 0.3, "residual": False},
                ),
                "gat:heads=2": (gm.GATStack, {"heads": 2}),
                "gcn": gm.GCNStack,
            },
        ),
        (
            "graphmml.model.convs:SAGEStack,depth=3,gat",
            {"graphmml.model.convs:SAGEStack,depth=3": (gm.SAGEStack, {"depth": 3}), "gat": gm.GATStack},
        ),
        (
            "graphmml.model.convs:GATStack:heads=8",
            {"graphmml.model.convs:GATStack:heads=8": (gm.GATStack, {"heads": 8})},
        ),
    ],
)
def test_a_word_with_options_is_a_conv_with_these_options(text, wanted):
    assert {word: plain(conv) for word, conv in convs_of(text).items()} == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sage:dept=2", "'sage' has no option 'dept=2'; it has: depth, dropout"),
        ("sage:depth", "'sage' has no option 'depth'"),
        ("sage:depth=two", "depth of 'sage' is 'two'; a number is wanted, for instance depth="),
        ("sage:residual=2+3", "residual of 'sage' is '2.3'; true or false is wanted"),
        ("sag:depth=2", r"no conv 'sag'; did you mean sage\? or choose sage, gcn, gat"),
    ],
)
def test_a_wrong_option_is_said_with_those_there_are(text, said):
    with pytest.raises(gm.GraphError, match=said):
        convs_of(text)


@pytest.mark.parametrize(
    ("option", "said"),
    [("dropout=2", "dropout is 2; choose a share"), ("depth=0", "depth is 0; choose a whole number")],
)
def test_an_option_out_of_range_is_the_users_and_says_what_is_wanted(option, said):
    conv = convs_of(f"sage:{option}")[f"sage:{option}"]
    with pytest.raises(gm.GraphError, match=said):
        conv(8, [])


def test_rows_are_named_by_what_was_written():
    names = list(ModelChoice("modalities:k=3", "sage:depth=2,gat", "mean", 1, 0).models())
    assert names == ["sage:depth=2 on modalities:k=3", "gat on modalities:k=3"]


def test_the_words_of_nodes_that_belong_to_patients():
    assert links_of("modalities:k=0,modality=labs+rna") == gm.ModalityNodes(k=0, modality=("labs", "rna"))
    assert links_of("visits:modality=dx,support=3,rarity=false") == gm.Visits("dx", support=3, rarity=False)


def test_a_misspelt_structure_is_asked_after():
    with pytest.raises(gm.GraphError, match=r"no structure 'neighbors'; did you mean neighbours\?"):
        structures_of("none,neighbors:k=5")
