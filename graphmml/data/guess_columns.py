"""What a column seems to be, by its name and its values; a guess that a reader is asked to confirm."""

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from graphmml.data.columns import DECIMAL_COMMA, MISSING

FEW = 20
"""A column with at most this many different values may hold classes or codes."""
SITES = frozenset(
    {"site", "center", "centre", "hospital", "clinic", "institution", "institute", "scanner", "batch", "plate", "study"}
)
BLOCKS = frozenset({"patient", "subject", "family", "household", "person", "donor", "participant", "twin", "pair"})
NUMBERING = frozenset({"id", "code", "name", "no", "nr", "number", "key"})
ROW_NAMES = frozenset({"row", "row_id", "rowid", "index", "unnamed_0", "row_number", "x"})
PLAIN_OUTCOMES = frozenset({"label", "outcome", "target", "dx", "y", "class", "diagnosis", "endpoint"})
OUTCOME_WORDS = re.compile(
    r"outcome|label|target|death|died|deceas|mortal|surviv|recurr|relaps|expire|readmi|respon[sd]"
    r"|endpoint|prognos|(^|_)(dx|event|dead|status_vital|vital_status)(_|$)"
)
TIME_TO_EVENT = re.compile(
    r"(time|days?|months?|years?|duration|futime|os|pfs|dfs|rfs)"
    r"|((os|pfs|dfs|rfs|survival|follow_?up|event)_?(time|days?|months?|years?))"
    r"|((time|days|months|years)_to_\w+)"
)
EVENT_SEEN = re.compile(r"(os|pfs|dfs|rfs)?_?(event|status|died|death|dead|deceased|censor\w*|vital_status)")
EVENT_VALUES = frozenset({"0", "1", "0.0", "1.0", "true", "false", "yes", "no"})
POSITIVE = re.compile(
    r"1|1\.0|yes|true|case|positive|pos|dead|died|deceased|event|disease|diseased|malignant|relapse"
    r"|progression|recurrence|responder|abnormal"
)
CODED = re.compile(
    r"grade|grading|stage|type|kind|class|category|code|race|ethnicity|sex|gender|status|side|site"
    r"|region|group|smoking|ward|unit|subtype|histology|source|reason"
)
UNIT = re.compile(r"[+-]?\d+(?:[.,]\d+)?\s*([A-Za-zµ%°][^\s]*)")
LIMIT = re.compile(r"[<>≤≥]=?\s*[+-]?\d+(?:[.,]\d+)?")
"""What could not be measured, for it is below or above what an assay tells apart."""
DATE = r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{1,2}/\d{1,2}/\d{2})(?:[T ]|$)"
UNITS = 2
"""With more endings than this, numbers followed by letters are rather codes or rooms than measured with a unit."""
COUNTED = re.compile(r"age|n|num|count|counts|number|total|days|years|months|hours|times|score|dose")

Mark = Literal["comma", "unit", "limit"]
"""What keeps values of a column from being numbers: a decimal comma, a unit behind them, or "<" before a limit."""


@dataclass(frozen=True)
class Column:
    """A column's name and the few facts about its values from which its part is guessed."""

    name: str
    rows: int
    known: int
    distinct: int
    levels: tuple[str, ...]
    numbers: bool
    whole: bool
    spellings: tuple[str, ...]
    dates: bool
    mark: Mark | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The words that the name is made of, in lower case: "siteID" and "site_id" are both site, id."""
        return tuple(words_of(self.name))

    @property
    def plain(self) -> str:
        """The name in one spelling: words joined by an underscore."""
        return "_".join(self.words)

    def has(self, words: re.Pattern[str]) -> bool:
        """Whether one of the words of the name is one of these."""
        return any(words.fullmatch(word) for word in self.words)

    @property
    def few(self) -> bool:
        """Whether the column holds two or more values, and few enough to be classes."""
        return 2 <= self.distinct <= FEW


def words_of(name: str) -> list[str]:
    """Split a column's name at punctuation and where capitals begin."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z]|ID\b)", "_", name)
    return [word for word in re.split(r"[^a-z0-9]+", apart.lower()) if word]


def column_of(name: str, text: pd.Series) -> Column:
    """Look at every cell of a column once."""
    stripped = text.str.strip()
    known = stripped[~stripped.isin(MISSING)]
    counts = known.value_counts()
    numbers = pd.to_numeric(pd.Series(counts.index, dtype="str"), errors="coerce").to_numpy(dtype=np.float64)
    read = np.isfinite(numbers)
    mark, marked = mark_of(counts, read)
    like = read | marked
    odd = [str(value) for value in counts.index[~like]]
    mostly = bool(like.sum() > 10 and counts[~like].sum() < 0.2 * len(known) and len(odd) <= 3)
    return Column(
        name=name,
        rows=len(text),
        known=len(known),
        distinct=len(counts),
        levels=tuple(map(str, counts.index)) if len(counts) <= FEW else (),
        numbers=bool(len(counts)) and bool(read.all()),
        whole=bool(len(counts)) and bool(read.all()) and bool((numbers == np.floor(numbers)).all()),
        spellings=tuple(sorted(odd)) if mostly else (),
        dates=are_dates(known),
        mark=mark,
    )


def mark_of(counts: pd.Series, read: np.ndarray) -> tuple[Mark | None, np.ndarray]:
    """Say what keeps a column from being numbers, where four in five would be, and in which values: bool [value].

    Of few values with letters nothing is said: "1a" and "2b" are classes.
    """
    words = [str(value) for value in counts.index]
    commas = np.array([DECIMAL_COMMA.fullmatch(word) is not None for word in words], dtype=bool)
    units = [None if plain else UNIT.fullmatch(word) for word, plain in zip(words, read, strict=True)]
    behind = np.array([unit is not None for unit in units], dtype=bool)
    limits = np.array([LIMIT.fullmatch(word) is not None for word in words], dtype=bool)
    kinds = {unit[1] for unit in units if unit is not None}
    if not len(words) > FEW or len(kinds) > UNITS:
        behind[:] = False
    marked = commas | behind | limits
    if not marked.any() or counts[read | marked].sum() < 0.8 * counts.sum():
        return None, np.zeros(len(words), dtype=bool)
    return ("unit" if behind.any() else "comma" if commas.any() else "limit"), marked


def are_dates(known: pd.Series) -> bool:
    """Whether the first values are written like 2024-05-31, 31.05.2024 or 5/31/24, with or without a time."""
    first = known.head(20)
    return bool(len(first)) and bool(first.str.match(DATE).all())


def is_row_name(column: Column) -> bool:
    """Whether the column merely numbers the rows of its file: by its name, and each whole number once."""
    return column.plain in ROW_NAMES and column.whole and column.distinct == column.rows


def id_rank(column: Column) -> int:
    """Say how much a name sounds like an id: 2 a patient's, 1 anybody's, 0 not at all."""
    words = set(column.words)
    if is_row_name(column):
        return -1
    if words & (BLOCKS | {"case", "sample", "hadm", "stay", "encounter", "admission"}) and words & {
        "id",
        "no",
        "nr",
    }:
        return 2
    return 2 if words & {"patientid", "mrn", "pid"} or column.plain == "patient" else int("id" in words)


def group_kind(column: Column) -> str | None:
    """Return "site" or "block" where the name, without its numbering, is that of a group and its values repeat."""
    words = set(column.words) - NUMBERING
    if not words or column.dates or not 2 <= column.distinct < column.known:
        return None
    if words <= SITES and column.distinct <= column.known / 2:
        return "site"
    return "block" if words <= BLOCKS else None


def outcome_rank(column: Column, *, labels: bool) -> int:
    """Say how much a column of one row a patient looks like an outcome; 0 is not at all."""
    if "age" in column.words or column.distinct < 2 or column.dates or not (column.few or column.numbers):
        return 0
    rank = 3 if column.plain in PLAIN_OUTCOMES else 2 if OUTCOME_WORDS.search(column.plain) else 0
    return rank + 4 if labels else rank


def split_sides(column: Column) -> tuple[str, str] | None:
    """Return how train and test are spelt, where the column says on which side a patient is."""
    spelt = {level.lower(): level for level in column.levels}
    train = next((spelt[word] for word in ("train", "training") if word in spelt), None)
    test = next((spelt[word] for word in ("test", "testing", "holdout", "hold-out") if word in spelt), None)
    return None if train is None or test is None else (train, test)


def positive_level(column: Column) -> tuple[str, str] | None:
    """Return which of two classes scores should be of, and why."""
    if column.distinct != 2:
        return None
    for level in column.levels:
        if POSITIVE.fullmatch(level.lower()):
            return level, f"{level} sounds like the event"
    return column.levels[1], "the rarer of the two"


def is_code(column: Column) -> bool:
    """Whether whole numbers seem to be names: the column's name is that of a coding, and there are few of them."""
    return column.whole and 3 <= column.distinct <= FEW and column.has(CODED) and not column.has(COUNTED)


def may_be_code(column: Column) -> bool:
    """Whether whole numbers are so few that they might be names, though the column's name does not say so."""
    return column.whole and 3 <= column.distinct <= 6 and not is_code(column) and not column.has(COUNTED)


def no_feature(column: Column) -> str | None:
    """Return why a column is of no use as it stands, if it is: dates, row numbers, free text, nothing."""
    if column.known == 0:
        return "empty"
    if is_row_name(column):
        return "numbers the rows"
    if column.dates:
        return "dates"
    if id_rank(column) > 0 and column.distinct > FEW:
        return "an id"
    text = not (column.numbers or column.spellings or column.mark)
    return "nearly every value differs" if text and column.distinct > max(FEW, column.known / 2) else None
