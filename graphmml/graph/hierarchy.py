"""Code hierarchies: the line from a code to its ancestors, in ICD-9, ICD-10 or by prefix."""

import re

from graphmml.errors import GraphError

Hierarchy = str | int | tuple[int, ...] | None

ICD9 = re.compile(r"(?P<category>V\d\d|E\d{3}|\d{3})(?P<detail>\d{1,2})")
ICD9_DOTTED = re.compile(r"(?P<category>V\d\d|E\d{3}|\d{1,3})(\.(?P<detail>\d{0,2}))?")
ICD9_PROCEDURES = re.compile(r"(?P<category>\d\d)(?P<detail>\d{1,2})")
ICD9_PROCEDURES_DOTTED = re.compile(r"(?P<category>\d{1,2})(\.(?P<detail>\d{0,2}))?")
ICD10 = re.compile(r"(?P<category>[A-Z]\d[\dA-Z])\.?(?P<detail>[\dA-Z]{0,4})[-+*!]?")

ICD9_CHAPTERS = (
    "001-139 140-239 240-279 280-289 290-319 320-389 390-459 460-519 520-579 580-629 630-679 680-709 710-739 "
    "740-759 760-779 780-799 800-999 E000-E999 V01-V91"
)
ICD9_PROCEDURES_CHAPTERS = (
    "01-05 06-07 08-16 18-20 21-29 30-34 35-39 40-41 42-54 55-59 60-64 65-71 72-75 76-84 85-86 87-99"
)
"""Chapters of one category (00 and 17) are that category."""
ICD10_CHAPTERS = (
    "A00-B99 C00-D49 D50-D89 E00-E90 F00-F99 G00-G99 H00-H59 H60-H95 I00-I99 J00-J99 K00-K95 L00-L99 M00-M99 "
    "N00-N99 O00-O9A P00-P96 Q00-Q99 R00-R99 S00-T98 U00-U99 V00-Y99 Z00-Z99"
)
"""The union of WHO's and the clinical modification's chapters, which differ only at their margins."""

SYSTEMS = {
    "icd9": ((ICD9, ICD9_DOTTED), 3, ICD9_CHAPTERS.split()),
    "icd9_procedures": ((ICD9_PROCEDURES, ICD9_PROCEDURES_DOTTED), 2, ICD9_PROCEDURES_CHAPTERS.split()),
    "icd10": ((ICD10,), 3, ICD10_CHAPTERS.split()),
}


def checked(hierarchy: Hierarchy) -> Hierarchy:
    """Return the hierarchy in a form that can be hashed, or raise GraphError if there is no such one."""
    if isinstance(hierarchy, (tuple, list)):
        hierarchy = tuple(hierarchy)
    if hierarchy is None or (isinstance(hierarchy, str) and hierarchy in SYSTEMS):
        return hierarchy
    lengths = hierarchy if isinstance(hierarchy, tuple) else (hierarchy,)
    if not lengths or not all(type(length) is int and length >= 1 for length in lengths):
        raise GraphError(
            f"hierarchy is {hierarchy!r}; wanted: {', '.join(SYSTEMS)}, or the number of characters that name a "
            "parent (3, or several: (1, 3, 5))"
        )
    return hierarchy


def lineage(code: str, hierarchy: Hierarchy) -> tuple[str, ...]:
    """Return the code and its ancestors, the nearest first; a code that cannot be read stands alone.

    In ICD a code's ancestors are its category and its chapter: 4280 or 428.0, then 428, then 390-459. A code
    that is a category is written as one, so that 8, which lost its zeros, is 008. Codes without a dot must have
    kept their leading zeros: 0389 is 038.9, and nobody can tell from 389.

    >>> lineage("E8490", "icd9"), lineage("I50.1", "icd10"), lineage("C09AA05", (1, 3, 5))
    (('E8490', 'E849', 'E000-E999'), ('I50.1', 'I50', 'I00-I99'), ('C09AA05', 'C09AA', 'C09', 'C'))
    """
    if hierarchy is None:
        return (code,)
    if isinstance(hierarchy, str):
        return icd_line(code, hierarchy)
    lengths = hierarchy if isinstance(hierarchy, tuple) else (hierarchy,)
    return (code, *(code[:length] for length in sorted(set(lengths), reverse=True) if length < len(code)))


def icd_line(code: str, system: str) -> tuple[str, ...]:
    """Return a code of one of the SYSTEMS with its category and its chapter."""
    patterns, digits, chapters = SYSTEMS[system]
    written = code.strip().upper()
    read = next(filter(None, (pattern.fullmatch(written) for pattern in patterns)), None)
    if read is None:
        return (code,)
    category = read["category"]
    if category.isdigit():
        category = category.zfill(digits)
    chapter = [name for name in chapters if name.split("-")[0] <= category <= name.split("-")[1]]
    return (code, category, *chapter) if read["detail"] else (category, *chapter)
