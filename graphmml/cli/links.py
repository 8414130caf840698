"""The grammar of --links: a word, constructors in parentheses with ; between them, options behind a colon.

Such as `restricted(union(neighbours:k=5; gate:modality=rna,columns=sex):weight=max):across=site`.
"""

from collections.abc import Collection
from dataclasses import dataclass

from graphmml.errors import GraphError


@dataclass(frozen=True)
class Written:
    """One constructor as it was written: its word, the constructors inside it (None: no parentheses), its options."""

    word: str
    inner: tuple["Written", ...] | None
    options: tuple[str, ...]


def written(text: str, words: Collection[str]) -> Written:
    """Read a constructor; what is no known word is module:Class."""
    text = text.strip()
    word, rest = head(text, words)
    inner = None
    if rest.startswith("("):
        end = closing(rest)
        inner = tuple(written(part, words) for part in split(rest[1:end], ";"))
        rest = rest[end + 1 :].strip()
    if rest and rest[0] not in ":,":
        raise GraphError(f"'{rest}' follows '{text[: len(text) - len(rest)].strip()}'; write options behind a colon")
    options = tuple(option.strip() for option in rest[1:].split(",") if option.strip())
    return Written(word, inner, options)


def head(text: str, words: Collection[str]) -> tuple[str, str]:
    """Separate a word or module:Class from what follows it."""
    word = upto(text, ":(")
    rest = text[len(word) :]
    if word.strip() in words or not rest.startswith(":"):
        return word.strip(), rest
    name = upto(rest[1:], ":,(")
    return f"{word.strip()}:{name.strip()}", rest[1 + len(name) :]


def upto(text: str, ends: str) -> str:
    """Return the text before the first of some characters."""
    return text[: min((at for at in map(text.find, ends) if at >= 0), default=len(text))]


def closing(text: str) -> int:
    """Return where the parenthesis that opens the text is closed, or raise GraphError."""
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return at
    raise GraphError(f"{depth} parenthesis opened in '{text}' not closed; add {')' * depth}")


def split(text: str, sign: str) -> list[str]:
    """Split at a sign that stands outside any parentheses; blanks and empty pieces fall away."""
    pieces, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == sign and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += letter
    return [piece.strip() for piece in pieces if piece.strip()]
