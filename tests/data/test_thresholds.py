"""Limits come from one file; a profile and a user's file replace some, and a misspelled one is refused."""

import re
import tomllib

import pytest

import graphmml as gm
from graphmml.data.thresholds import DEFAULT, SHIPPED, thresholds


def test_every_limit_is_read_and_every_one_has_its_reason():
    text = SHIPPED.read_text(encoding="utf-8")
    limits = thresholds()
    shipped = tomllib.loads(text)
    for code, names in shipped.items():
        if code != "profile":
            for name, value in names.items():
                assert limits(code, name) == value
    for line in text.splitlines():
        if re.match(r"\w+ = ", line):
            assert re.search(r" = [\d.e-]+ # \S", line), line


def test_codes_stand_in_order():
    codes = [code for code in tomllib.loads(SHIPPED.read_text(encoding="utf-8")) if code != "profile"]
    assert codes == sorted(codes)
    assert all(re.fullmatch(r"GM\d{3}", code) for code in codes)


@pytest.mark.parametrize("profile", ["omics", "neuro", "ehr"])
def test_a_profile_replaces_some_limits(profile):
    shipped, changed = thresholds(), thresholds(profile)
    replaced = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))["profile"][profile]
    for code, names in shipped.limits.items():
        for name, value in names.items():
            assert changed(code, name) == replaced.get(code, {}).get(name, value)
    assert changed.profile == profile
    assert thresholds(DEFAULT).limits == shipped.limits


def test_a_file_replaces_limits_of_the_profile(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[GM203]\nskew = 9\n")
    assert thresholds("omics", file)("GM203", "skew") == 9
    assert thresholds("omics", file)("GM301", "p") == thresholds()("GM301", "p")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[GM999]\nx = 1\n", "no limits for 'GM999'; there are some for .*GM203"),
        ("[GM203]\nskewness = 1\n", "GM203 has no limit 'skewness'; it has .*skew"),
        ('[GM203]\nskew = "high"\n', "GM203 skew is 'high'; give a number"),
        ("[GM203]\nskew = true\n", "give a number"),
        ("GM203 = 3\n", "'GM203' is to be a table"),
        ("[GM203\n", "no TOML file"),
    ],
)
def test_a_misspelled_file_is_refused(tmp_path, text, said):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(gm.CohortError, match=said):
        thresholds(file=file)


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(gm.CohortError, match="no profile 'omic'; choose default, ehr, neuro, omics"):
        thresholds("omic")
    with pytest.raises(gm.CohortError, match="could not be read"):
        thresholds(file=tmp_path / "nowhere.toml")
