import re

import pytest

import graphmml as gm
from graphmml.graph.hierarchy import SYSTEMS, checked, lineage


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("4280", ("4280", "428", "390-459")),
        ("428.0", ("428.0", "428", "390-459")),
        ("428", ("428", "390-459")),
        ("25083", ("25083", "250", "240-279")),
        ("250.83", ("250.83", "250", "240-279")),
        ("0389", ("0389", "038", "001-139")),
        ("38", ("038", "001-139")),
        ("8.45", ("8.45", "008", "001-139")),
        ("8", ("008", "001-139")),
        ("428.", ("428", "390-459")),
        ("V27", ("V27", "V01-V91")),
        ("V1582", ("V1582", "V15", "V01-V91")),
        ("v15.82", ("v15.82", "V15", "V01-V91")),
        ("E849", ("E849", "E000-E999")),
        ("E8490", ("E8490", "E849", "E000-E999")),
        ("E849.0", ("E849.0", "E849", "E000-E999")),
        ("I50.1", ("I50.1",)),
        ("V1", ("V1",)),
        ("E84", ("E84",)),
        ("428000", ("428000",)),
        ("428.000", ("428.000",)),
        ("390-459", ("390-459",)),
        ("heart failure", ("heart failure",)),
        ("", ("",)),
    ],
)
def test_icd9_diagnoses_have_their_category_and_chapter(code, line):
    assert lineage(code, "icd9") == line


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("3605", ("3605", "36", "35-39")),
        ("36.05", ("36.05", "36", "35-39")),
        ("966", ("966", "96", "87-99")),
        ("046", ("046", "04", "01-05")),
        ("4.6", ("4.6", "04", "01-05")),
        ("0066", ("0066", "00")),
        ("17.1", ("17.1", "17")),
        ("96", ("96", "87-99")),
        ("V27", ("V27",)),
    ],
)
def test_icd9_procedures_have_categories_of_two_digits(code, line):
    assert lineage(code, "icd9_procedures") == line


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("I50.1", ("I50.1", "I50", "I00-I99")),
        ("I501", ("I501", "I50", "I00-I99")),
        ("i50", ("I50", "I00-I99")),
        ("I50.-", ("I50", "I00-I99")),
        ("A18.0+", ("A18.0+", "A18", "A00-B99")),
        ("D48.1", ("D48.1", "D48", "C00-D49")),
        ("D50", ("D50", "D50-D89")),
        ("D3A.00", ("D3A.00", "D3A", "C00-D49")),
        ("H59.9", ("H59.9", "H59", "H00-H59")),
        ("H60", ("H60", "H60-H95")),
        ("S72001A", ("S72001A", "S72", "S00-T98")),
        ("T88", ("T88", "S00-T98")),
        ("W19.XXXA", ("W19.XXXA", "W19", "V00-Y99")),
        ("M1A.0", ("M1A.0", "M1A", "M00-M99")),
        ("O9A.1", ("O9A.1", "O9A", "O00-O9A")),
        ("4280", ("4280",)),
        ("I5", ("I5",)),
    ],
)
def test_icd10_diagnoses_have_their_category_and_chapter(code, line):
    assert lineage(code, "icd10") == line


@pytest.mark.parametrize(
    ("system", "categories", "without"),
    [
        ("icd9", [f"{at:03d}" for at in range(1, 1000)], set()),
        ("icd9", [f"V{at:02d}" for at in range(1, 92)] + [f"E{at:03d}" for at in range(1000)], set()),
        ("icd9_procedures", [f"{at:02d}" for at in range(100)], {"00", "17"}),
    ],
)
def test_every_category_is_in_one_chapter(system, categories, without):
    assert {category for category in categories if len(lineage(category, system)) != 2} == without


def test_the_chapters_of_icd10_are_disjoint_and_know_every_letter():
    categories = [f"{letter}{at:02d}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for at in range(100)]
    lines = {category: lineage(category, "icd10") for category in categories}
    assert max(len(line) for line in lines.values()) == 2
    assert {line[0][0] for line in lines.values() if len(line) == 2} == set("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    gaps = {category for category, line in lines.items() if len(line) == 1}
    assert all(re.fullmatch(r"D9\d|E9[1-9]|H9[6-9]|K9[6-9]|P9[789]|T99", gap) for gap in gaps)


def test_no_ancestor_has_itself_as_ancestor():
    codes = {"icd9": "25083", "icd9_procedures": "0066", "icd10": "I50.1"}
    assert codes.keys() == SYSTEMS.keys()
    for system, code in codes.items():
        line = lineage(code, system)
        assert len(set(line)) == len(line)
        for at, ancestor in enumerate(line):
            assert lineage(ancestor, system) == line[at:]


def test_prefixes_are_parents_the_longest_first():
    assert lineage("C09AA05", (1, 3, 5)) == ("C09AA05", "C09AA", "C09", "C")
    assert lineage("C09AA05", (5, 1)) == ("C09AA05", "C09AA", "C")
    assert lineage("C09", 3) == ("C09",)
    assert lineage("C0", (3, 1)) == ("C0", "C")
    assert lineage("anything", None) == ("anything",)


@pytest.mark.parametrize("wrong", ["icd11", 0, -3, (), (3, 0), ("3",), True, 2.5])
def test_a_hierarchy_that_is_not_there_is_refused(wrong):
    with pytest.raises(gm.GraphError, match="wanted: icd9, icd9_procedures, icd10, or the number of characters"):
        checked(wrong)


def test_a_list_of_lengths_can_be_hashed():
    assert checked([1, 3]) == (1, 3)
    assert gm.Concepts("codes", hierarchy=[1, 3]) == gm.Concepts("codes", hierarchy=(1, 3))
