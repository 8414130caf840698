"""What names people is counted, never shown; genes, codes and dates are no people."""

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.check import check
from graphmml.data.checks_private import KINDS, named_for, valid_iban

PATIENTS = 60
IDS = pd.Index([f"p{at:03d}" for at in range(PATIENTS)])
TEXT = pd.Series(["a", "b"], dtype="str")
NUMBERS = pd.Series([10_115.0, 80_331.0])
EXPRESSION = pd.Series([7.13, 8.2])


def found(code, **columns):
    frame = pd.DataFrame({"age": np.random.default_rng(1).normal(60, 9, PATIENTS), **columns}, index=IDS)
    return [finding for finding in check(gm.Cohort.from_frames({"clinical": frame})) if finding.code == code]


@pytest.mark.parametrize(
    "name",
    [
        "Surname", "first_name", "PatientName", "patient_last_name", "Nachname", "Vorname", "apellidos", "prenom",
        "email", "E-Mail", "home_address", "Strasse", "phone", "Telefonnummer", "SSN", "mrn", "NHS Number", "zip",
        "ZipCode", "PLZ", "code_postal", "date_of_birth", "DOB", "Geburtsdatum", "fecha_nacimiento", "IBAN",
    ],
)  # fmt: skip
def test_names_of_columns_that_identify_people(name):
    assert named_for(name, TEXT)


@pytest.mark.parametrize(
    "name",
    [
        "gene_name",
        "drug",
        "age",
        "crp",
        "names_recalled",
        "emaciation",
        "zipper",
        "address_change_rate",
        "telomere",
        "id",
    ],
)
def test_names_of_columns_that_do_not(name):
    assert not named_for(name, TEXT)


def test_a_gene_called_like_a_telephone_is_a_gene():
    assert named_for("zip", NUMBERS)
    assert not named_for("ZIP", EXPRESSION)
    assert not named_for("surname", NUMBERS)
    assert not named_for("phone", pd.Series([np.nan, np.nan]))


def test_gm801_names_the_columns():
    (finding,) = found("GM801", patient_name=[f"word{at % 7}" for at in range(PATIENTS)])
    assert finding.status == "warn"
    assert "patient_name (a name)" in finding.message
    assert 'drop = ["patient_name"]' in finding.fix
    assert [item.status for item in found("GM801", ward=["a", "b"] * (PATIENTS // 2))] == ["pass"]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("write to jane.doe@hospital.example.org today", "an e-mail address"),
        ("call +49 30 1234567", "a telephone number"),
        ("tel. (030) 123 4567", "a telephone number"),
        ("0171 2345678", "a telephone number"),
        ("078-05-1120", "a number of identity"),
        ("943 476 5919", "a number of identity"),
        ("MRN: 00482913", "a number of identity"),
        ("DE89 3704 0044 0532 0130 00", "an account number"),
        ("seen by Dr. Miller", "a name"),
        ("Frau Schmidt wünscht Rückruf", "a name"),
    ],
)
def test_gm802_counts_what_looks_like_a_person(value, kind):
    text = ["nothing of note", "stable", "better"] * (PATIENTS // 3)
    text[4] = value
    (finding,) = found("GM802", note=text)
    assert finding.status == "warn"
    assert f"note (<11 like {kind})" in finding.message
    assert value not in finding.message + finding.fix
    text[:30] = [value] * 30
    assert found("GM802", note=text)[0].status == "fail"


@pytest.mark.parametrize(
    "values",
    [
        ["2020-01-02", "02/03/2021"],
        ["01/02/2020", "11/12/2020"],
        ["428.0", "V57.1"],
        ["ENSG00000139618", "BRCA2"],
        ["120-80", "130-85"],
        ["0.5-1.5", "10-20"],
        ["GB13 3456 7890 1234", "AB12 C345 D678"],  # check digits that are wrong
        ["Glioma, Grade", "Lymphoma, Diffuse"] * 1,
        ["1 000 000", "2 500 000"],
        ["drug 10 mg", "Dr"],
    ],
)
def test_what_looks_like_no_person(values):
    assert [item.status for item in found("GM802", x=values * (PATIENTS // 2))] == ["pass"]


def test_surnames_are_names_where_most_of_many_values_are():
    names = [f"{first}{last}, Anna" for first in ("Mei", "Leh", "Schu", "Kra") for last in ("er", "mann", "ster")]
    (finding,) = found("GM802", who=names * (PATIENTS // len(names)))
    assert finding.status == "fail"
    assert "like a name" in finding.message
    assert not any(name in finding.message for name in names)


def test_check_digits_of_account_numbers():
    assert valid_iban("GB82 WEST 1234 5698 7654 32")  # the example of ISO 13616
    assert not valid_iban("GB82 WEST 1234 5698 7654 33")


def test_every_kind_can_be_found_and_each_pattern_is_plain():
    assert set(KINDS) == {
        "an e-mail address", "a telephone number", "a number of identity", "an account number", "a name",
    }  # fmt: skip
