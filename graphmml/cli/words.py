"""What all options written as words have in common: names, values, and options behind a colon."""

import ast
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from inspect import Parameter, signature
from typing import Any

import graphmml as gm
from graphmml.errors import GraphError


def named(word: str, known: Mapping[str, str], what: str) -> Any:
    """Return the class a short name or module:Class stands for."""
    if word in known:
        return getattr(gm, known[word])
    module, _, name = word.partition(":")
    if not name:
        raise GraphError(f"no {what} '{word}'; choose {', '.join(known)}, or module:Class of your own")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError:
        raise GraphError(f"no module '{module}' on the Python path; set PYTHONPATH or install it") from None
    except AttributeError:
        raise GraphError(f"module '{module}' has no '{name}'") from None


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
        values[key] = value_of(written)
        if isinstance(options[key].default, (int, float)) and not isinstance(values[key], (int, float)):
            raise GraphError(f"{key} of '{word}' is '{written}'; a number, or true or false, is wanted")
    lacking = [name for name, item in options.items() if item.default is Parameter.empty and name not in values]
    if lacking:
        raise GraphError(f"'{word}' wants {', '.join(lacking)}; write for instance {word}:{lacking[0]}=...")
    return partial(kind, **values) if values else kind
