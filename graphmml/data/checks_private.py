"""Findings on what names people: columns called so, and values that look like an e-mail, a telephone, a name.

What is found is counted and never shown.
"""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from graphmml.data.checks_dates import date_share, normal
from graphmml.data.checks_words import Asked, setting, some
from graphmml.data.cohort import Cohort, name_columns
from graphmml.data.columns import is_number
from graphmml.data.findings import Finding, Status

OWNER = r"(?:patients?_|pat_|subject_|person_|contact_|home_|work_|private_|next_of_kin_)?"
TEXT_NAMES = {
    "a name": r"(?:full_?|first_?|last_?|family_?|given_?|middle_?|maiden_?|sur|fore|birth_?)names?|surname|initials"
    r"|vorname|nachname|familienname|geburtsname|prenom|nom|nom_de_famille|apellidos?|nombres?",
    "an address": r"address(?:_line)?(?:_?\d)?|street(?:_address|_name)?|adresse|anschrift|strasse|straße|rue|direccion"
    r"|domicilio|calle",
    "an e-mail address": r"e_?mail(?:_address)?|mail_address|correo(?:_electronico)?|courriel",
}
NAME_ALONE = frozenset({"name", *(f"{owner}_name" for owner in ("patient", "patients", "pat", "subject", "person"))})
"""A column called no more than "name" may be of drugs or genes: it counts where hardly a value stands twice."""
OTHER_NAMES = {
    "a telephone number": r"phones?(?:_number|_no|_nr)?|telephone(?:_number)?|mobile(?:_phone|_number)?|cell_?phone"
    r"|telefon(?:nummer)?|handy(?:nummer)?|telefono|movil|fax(?:_number)?|numero_de_telephone",
    "a number of identity": r"ssn|social_security(?:_number|_no)?|mrn|medical_record(?:_number|_no)?|nhs(?:_number|_no)"
    r"|passport(?:_number|_no)?|national_id|insurance_(?:number|no|id)|versicherten_?nummer|kvnr|dni|nie|nss"
    r"|numero_de_securite_sociale|iban|account_number|driver_?s?_licen[cs]e(?:_number)?|hospital_number",
    "a postal code": r"zip(?:_?code)?|post_?code|postal_code|plz|postleitzahl|code_postal|codigo_postal",
    "a date of birth": r"dob|(?:date_of_birth|birth_?date|birth_?day)|geburts(?:datum|tag)|date_(?:de_)?naissance"
    r"|fecha_(?:de_)?nacimiento",
}

EMAIL = r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}\b"
PHONE = r"(?<![\w.])(?:\+\d{1,3}[ ()/-]{0,2}|\(0?\d{2,5}\)[ /-]?|0\d{2,5}[ /-])\d{2,4}(?:[ /-]?\d{2,4}){1,4}(?![\w.])"
SSN = r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])"
NHS = r"(?<!\d)\d{3} \d{3} \d{4}(?!\d)"
RECORD = r"\b(?:MRN|mrn|Patienten-?Nr|NHS|SSN)\b[\s:#.]*\d{4,}"
IBAN = r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"
SHORTEST_IBAN = 15
TITLE = (
    r"\b(?:Mr|Mrs|Ms|Dr|Prof|Herrn?|Frau|Mme|Monsieur|Madame|Señora?|Sra?)\b\.? (?:[A-Z]\. ?)?[A-ZÄÖÜÉ][a-zäöüßéèñ]{2,}"
)
SURNAME_GIVEN = r"[A-ZÄÖÜÉ][a-zäöüßéèñ'-]+(?:[ -][A-ZÄÖÜÉ][a-zäöüßéèñ]+)?, [A-ZÄÖÜÉ][a-zäöüßéèñ]+(?: [A-Z]\.?)?"


def private_names(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM801: columns whose name says that they identify people."""
    found = []
    for modality, table in cohort.tables.items():
        kinds = {str(column): named_for(str(column), table[column]) for column in table.columns}
        chosen = [column for column, kind in kinds.items() if kind]
        if chosen:
            said = some([f"{column} ({kinds[column]})" for column in chosen])
            message = f"modality '{modality}': columns whose names say that they identify people: {said}"
            fix = f"{setting('drop', chosen, modality)}; better, take them out of the file"
            found.append(Finding("GM801", "warn", message, fix))
    return found


def named_for(name: str, column: pd.Series) -> str:
    """Say what a column's name promises; "" for nothing that identifies, or for values that could not."""
    plain = normal(name)
    if plain in NAME_ALONE and not is_number(column):
        return "a name" if plain != "name" or column.nunique() > 0.5 * column.notna().sum() else ""
    for kind, pattern in TEXT_NAMES.items():
        if re.fullmatch(OWNER + f"(?:{pattern})", plain) and not is_number(column):
            return kind
    for kind, pattern in OTHER_NAMES.items():
        if re.fullmatch(OWNER + f"(?:{pattern})", plain) and could_identify(column):
            return kind
    return ""


def could_identify(column: pd.Series) -> bool:
    """Whether values are names, or whole numbers above a hundred, as no measurement of a gene or of blood is."""
    known = column.dropna()
    if not is_number(column) or known.empty:
        return not known.empty
    return bool(((known == np.round(known)) & (known > 100)).mean() > 0.9)


def private_values(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM802: names, addresses and numbers of people among the values."""
    found = []
    for modality, table in cohort.tables.items():
        said, worst, columns = [], 0.0, []
        for column in name_columns(table):
            kinds = kinds_of_value(table[column])
            if not kinds:
                continue
            columns.append(str(column))
            listed = ", ".join(f"{asked.counted(times)} like {kind}" for kind, times in kinds.items())
            said.append(f"{column} ({listed})")
            worst = max(worst, sum(kinds.values()) / int(table[column].notna().sum()))
        if said:
            status: Status = "fail" if worst >= asked.limit("GM802", "fail") else "warn"
            message = f"modality '{modality}': values that look as if they identify people: {some(said)}"
            fix = f"{setting('drop', columns, modality)}; better, take them out of the file before it is shared"
            found.append(Finding("GM802", status, message, fix))
    return found


def kinds_of_value(column: pd.Series) -> dict[str, int]:
    """Count the cells of a column that look like something which identifies a person."""
    levels = column.value_counts()
    text = levels.index.to_series().astype("str")
    times = levels.to_numpy()
    if date_share(column) > 0.5:
        return {}
    left = np.ones(len(text), dtype=bool)
    found: dict[str, int] = {}
    for kind, looks in KINDS.items():
        fits = left & looks(text)
        left = left & ~fits
        if fits.any():
            found[kind] = int(times[fits].sum())
    return found


def containing(pattern: str) -> Callable[[pd.Series], np.ndarray]:
    """Return a test for values that hold a pattern."""
    return lambda text: text.str.contains(pattern, regex=True).to_numpy(dtype=bool)


def ibans(text: pd.Series) -> np.ndarray:
    """Return which values hold an account number whose check digits are right."""
    found = text.str.extract(f"({IBAN})")[0]
    return np.array([isinstance(word, str) and valid_iban(word) for word in found], dtype=bool)


def valid_iban(word: str) -> bool:
    """Whether the digits, letters counted from 10, leave 1 when divided by 97 (ISO 13616)."""
    plain = word.replace(" ", "")
    turned = plain[4:] + plain[:4]
    return len(plain) >= SHORTEST_IBAN and int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def names_of_people(text: pd.Series) -> np.ndarray:
    """Return which values hold a title and a name, or are "Surname, Given" where most of many values are."""
    titled = text.str.contains(TITLE, regex=True).to_numpy(dtype=bool)
    listed = text.str.fullmatch(SURNAME_GIVEN).to_numpy(dtype=bool)
    mostly = listed.sum() >= 5 and listed.mean() > 0.5
    return np.asarray(titled | (listed & mostly))


KINDS: dict[str, Callable[[pd.Series], np.ndarray]] = {
    "an e-mail address": containing(EMAIL),
    "an account number": ibans,
    "a number of identity": containing(f"{SSN}|{NHS}|{RECORD}"),
    "a telephone number": containing(PHONE),
    "a name": names_of_people,
}
"""What a value may be -> a test of all values of a column; the first that fits counts."""
