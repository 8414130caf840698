"""The grammar of --links: what is written becomes constructors, nested as deep as it is written."""

import json
import sys
from pathlib import Path

import pytest

import graphmml as gm
from graphmml.cli import main as cli
from graphmml.cli.choices import LINKS, links_of
from graphmml.cli.links import written

WRITTEN = {
    "neighbours": gm.Neighbours(),
    "neighbours:modality=labs,k=10": gm.Neighbours("labs", k=10),
    "neighbours:modality=labs+rna,each=true": gm.Neighbours(("labs", "rna"), each=True),
    "phenotype:columns=age (years),k=3": gm.SharedPhenotype("age (years)", k=3),
    "phenotype:columns=sex at birth+site,weights=1+2.5,least=2.5": gm.SharedPhenotype(
        ("sex at birth", "site"), weights=(1, 2.5), least=2.5
    ),
    "gate:modality=rna,columns=sex+age,tolerance=0+2": gm.PhenotypeGate("rna", ("sex", "age"), tolerance=(0, 2)),
    "shuffled(neighbours:k=5)": gm.Shuffled(gm.Neighbours(k=5)),
    "shuffled(neighbours:k=5):seed=3": gm.Shuffled(gm.Neighbours(k=5), seed=3),
    "layers(neighbours:modality=labs,k=10; phenotype:columns=sex)": gm.Layers(
        (gm.Neighbours("labs", k=10), gm.SharedPhenotype("sex"))
    ),
    "layers(none)": gm.Layers((gm.NoEdges(),)),
    "union(neighbours;random:k=3):weight=max": gm.Union((gm.Neighbours(), gm.RandomEdges(k=3)), weight="max"),
    "intersection(neighbours:each=true):least=2": gm.Intersection((gm.Neighbours(each=True),), least=2),
    "restricted(neighbours:k=10):across=site": gm.Restricted(gm.Neighbours(k=10), across="site"),
    "reweighted(concepts:modality=codes):by=binary": gm.Reweighted(gm.Concepts("codes"), by="binary"),
    "reweighted(phenotype:columns=b (x; y)+c;):modality=labs,scale=3": gm.Reweighted(
        gm.SharedPhenotype(("b (x; y)", "c")), modality="labs", scale=3
    ),
    "layers(restricted(union(neighbours:k=2;gate:modality=a,columns=b):weight=mean):within=site;layers(none;random))": (
        gm.Layers(
            (
                gm.Restricted(gm.Union((gm.Neighbours(k=2), gm.PhenotypeGate("a", "b")), weight="mean"), within="site"),
                gm.Layers((gm.NoEdges(), gm.RandomEdges())),
            )
        )
    ),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_what_is_written_is_what_is_made(text):
    assert links_of(text) == WRITTEN[text]


@pytest.mark.parametrize("text", [text for text in WRITTEN if "(" in text and "age (" not in text])
def test_blanks_and_lines_change_nothing(text):
    spread = text
    for sign in ("(x; y)", "(", ")", ";", ":", ",", "="):
        if "(x; y)" not in text:
            spread = spread.replace(sign, f" {sign}\n ")
    assert links_of(f"  {spread} ") == WRITTEN[text]


def test_every_word_makes_a_constructor_of_its_own():
    assert len(set(LINKS.values())) == len(LINKS)
    for word, name in LINKS.items():
        assert written(word, LINKS).word == word
        assert hasattr(getattr(gm, name), "link")


@pytest.fixture
def mine(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from dataclasses import dataclass\nimport graphmml as gm\n\n"
        "@dataclass(frozen=True)\nclass Twins:\n    k: int = 2\n\n"
        "    def link(self, source, target):\n        return gm.Neighbours(k=self.k).link(source, target)\n\n"
        "@dataclass(frozen=True)\nclass Half:\n    links: gm.GraphConstructor\n    seed: int = 0\n\n"
        "    def link(self, source, target):\n        return self.links.link(source, target)\n\n"
        "@dataclass(frozen=True)\nclass Many:\n    links: tuple[gm.GraphConstructor, ...] = ()\n\n"
        "    def link(self, source, target):\n        return gm.Relations(())\n\n"
        "class Plain:\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("mine", None)
    yield __import__("mine")
    sys.modules.pop("mine", None)


def test_plug_ins_stand_anywhere_and_take_constructors(mine):
    assert links_of("mine:Twins") == mine.Twins()
    assert links_of("mine:Twins,k=3") == links_of("mine:Twins:k=3") == mine.Twins(k=3)
    assert links_of("restricted(mine:Twins,k=3):across=site") == gm.Restricted(mine.Twins(k=3), across="site")
    assert links_of("mine:Half(mine:Twins:k=3):seed=2") == mine.Half(mine.Twins(k=3), seed=2)
    assert links_of("union(mine:Half(neighbours),seed=2; none)") == gm.Union(
        (mine.Half(gm.Neighbours(), seed=2), gm.NoEdges())
    )
    assert links_of("mine:Many") == mine.Many()
    assert links_of("mine:Many(none;none)") == mine.Many((gm.NoEdges(), gm.NoEdges()))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layers(neighbours:k=5; phenotype:columns=sex", "1 parenthesis opened .* not closed"),
        ("layers(union(neighbours", r"2 parenthesis opened .* add \)\)"),
        ("union(neighbours; none))", r"'\)' follows 'union\(neighbours; none\)'"),
        ("union(neighbours) weight=max", "'weight=max' follows .*behind a colon"),
        ("neighbours(none)", "'neighbours' takes no constructors in parentheses"),
        ("neighbours(k=5)", "'neighbours' takes no constructors in parentheses"),
        ("restricted:across=site", r"'restricted' wants constructors in parentheses; .* restricted\(neighbours:k=10\)"),
        ("layers", "'layers' wants constructors in parentheses"),
        ("union()", "'union' wants constructors in parentheses"),
        ("union( ; )", "'union' wants constructors in parentheses"),
        ("shuffled(none; random)", r"'shuffled' takes one constructor and 2 are given; .*shuffled\(union\(...\)\)"),
        ("layers(neighbours; friends:k=2)", "no module 'friends'"),
        ("layers(neighbours; friends)", "no constructor 'friends'; choose neighbours"),
        ("union(none):wait=max", "'union' has no option 'wait=max'; it has: weight"),
        ("union(none):links=3", "'union' has no option 'links=3'"),
        ("restricted(neighbours)", "give one group"),
        ("layers(neighbours:k=0)", "k is 0"),
        ("phenotype", "'phenotype' wants: columns"),
        ("mine:Plain", "no frozen dataclass"),
        ("", "no constructor ''"),
        ("neighbors:k=3", r"no constructor 'neighbors'; did you mean neighbours\? or choose neighbours, within"),
        ("union(neighbour; none)", r"no constructor 'neighbour'; did you mean neighbours\?"),
        ("neighbours:k=three", "k of 'neighbours' is 'three'; a number is wanted, for instance k=10"),
        ("neighbours:each=1+2", "each of 'neighbours' is '1.2'; true or false is wanted, for instance each=false"),
        ("gate:modality=rna,columns=sex,tolerance=wide", "tolerance of 'gate' is 'wide'; a number is wanted"),
        ("mine:Twins:k=many", "k of 'mine:Twins' is 'many'; a number is wanted, for instance k=2"),
    ],
)
def test_what_cannot_be_read_is_said_with_the_way_out(text, said, mine):
    with pytest.raises(gm.GraphError, match=said):
        links_of(text)


def test_a_graph_that_cannot_say_the_site_from_the_command_line(tmp_path, capsys, monkeypatch):
    """Built from the bundled cohort of four hospitals, and diagnosed."""

    def graphmml(*words):
        monkeypatch.setattr(sys, "argv", ["graphmml", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        assert not stopped.value.code
        return json.loads(capsys.readouterr().out)

    heart = Path(gm.__file__).parents[1] / "datasets" / "heart" / "cohort.toml"
    homophily = {}
    for links in (
        "neighbours:k=10",
        "restricted(neighbours:k=10):across=site",
        "restricted(neighbours:k=3):evenly=site",
    ):
        folder = tmp_path / f"g{len(homophily)}"
        assert graphmml("build", heart, "--links", links, "-o", folder, "--json")["patients"] == 920
        said = graphmml("diagnose", folder, "--fail-on", "never", "--json")
        homophily[links] = said["measures"]["homophily"]["group:site"]
    plain, across, evenly = homophily.values()
    assert plain["edge"] > plain["chance"] + 0.2
    assert across["edge"] == 0 < across["chance"]
    assert evenly["edge"] == pytest.approx(0.25)  # of four hospitals as many each
