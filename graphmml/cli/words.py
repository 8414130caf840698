"""What all options written as words have in common: names, values, and options behind a colon."""

import ast
from collections.abc import Mapping
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from inspect import Parameter, signature
from typing import Any

import graphmml as gm
from graphmml.errors import GraphError

OTHERS: dict[str, type] = {"str": str, "tuple": tuple, "None": type(None)}
"""What an option whose default is a number may also be, by how its type is written."""


def named(word: str, known: Mapping[str, str], what: str) -> Any:
    """Return the class a short name or module:Class stands for."""
    if word in known:
        return getattr(gm, known[word])
    module, _, name = word.partition(":")
    if not name:
        raise GraphError(
            f"no {what} '{word}'; {meant(word, known)}choose {', '.join(known)}, or module:Class of your own"
        )
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError:
        if meant(module, known):
            raise GraphError(f"no {what} '{module}'; {meant(module, known)}choose {', '.join(known)}") from None
        raise GraphError(f"no module '{module}' on the Python path; set PYTHONPATH or install it") from None
    except AttributeError:
        raise GraphError(f"module '{module}' has no '{name}'") from None


def meant(word: str, known: Mapping[str, str]) -> str:
    """Ask for the known word that a misspelt one is close to; nothing where there is none."""
    close = get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}? or " if close else ""


def value_for(word: str, key: str, text: str, *, default: object, kind: object) -> Any:
    """Read an option's value; refuse a word where the default, and so whatever its type allows, is a number."""
    value = value_of(text)
    fits = (int, float, *(other for name, other in OTHERS.items() if name in str(kind)))
    if isinstance(default, (int, float)) and not isinstance(value, fits):
        wanted = "true or false" if isinstance(default, bool) else "a number"
        raise GraphError(
            f"{key} of '{word}' is '{text}'; {wanted} is wanted, for instance {key}={str(default).lower()}"
        )
    return value


def value_of(text: str) -> Any:
    """Read a number, true/false, a word, or several joined by +."""
    if "+" in text:
        return tuple(value_of(part) for part in text.split("+"))
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def words_of(text: str) -> list[str]:
    """Split at commas; a piece such as dropout=0.1 goes on with the options of the word before it."""
    words: list[str] = []
    for piece in text.split(","):
        if words and "=" in piece and ":" not in piece.partition("=")[0]:
            words[-1] += f",{piece}"
        else:
            words.append(piece)
    return words


def module_of(text: str, known: Mapping[str, str], what: str) -> Any:
    """Turn sage:depth=2 into partial(SAGEStack, depth=2): a class with some of its keyword-only options."""
    word, _, rest = text.partition(":")
    if word not in known:
        name, _, rest = rest.replace(":", ",", 1).partition(",")
        word = f"{word}:{name}" if name.isidentifier() else word
    kind = named(word, known, what)
    options = {name: item for name, item in signature(kind).parameters.items() if item.kind == item.KEYWORD_ONLY}
    values: dict[str, Any] = {}
    for option in filter(None, rest.split(",")):
        key, equals, written = option.partition("=")
        if key not in options or not equals:
            raise GraphError(f"'{word}' has no option '{option}'; it has: {', '.join(options)} (write name=value)")
        item = options[key]
        values[key] = value_for(word, key, written, default=item.default, kind=item.annotation)
    lacking = [name for name, item in options.items() if item.default is Parameter.empty and name not in values]
    if lacking:
        raise GraphError(f"'{word}' wants {', '.join(lacking)}; write for instance {word}:{lacking[0]}=...")
    return partial(kind, **values) if values else kind
