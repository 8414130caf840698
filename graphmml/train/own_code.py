"""What stands behind settings without being written in them: a user's own classes and functions, and files.

A setting is written by its name, and its name stays when its code is changed or its file is written anew.
"""

import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

LIBRARIES = {"graphmml", "numpy", "pandas", "scipy", "sklearn", "torch", "torch_geometric", *sys.stdlib_module_names}
"""Their code goes by their versions, which a run keeps."""


def behind(thing: Any) -> str:
    """Hash the code of a user's own that a thing's settings name, and the content of files; "" where there is none."""
    digest, found = sha256(), False
    for one in sorted(set(traces(thing))):
        digest.update(one.encode())
        found = True
    return digest.hexdigest() if found else ""


def traces(thing: Any) -> Iterator[str]:
    """Yield what each class, function and file among a thing's settings is, by name."""
    if isinstance(thing, str | Path):
        yield from file_trace(thing)
        return
    of = thing if isinstance(thing, type | FunctionType) else type(thing)
    yield from code_traces(of)
    for part in parts_of(thing):
        yield from traces(part)


def parts_of(thing: Any) -> Iterator[Any]:
    """Yield the settings of an estimator, a dataclass, a partial function or a collection."""
    if isinstance(thing, type | FunctionType):
        return
    if isinstance(thing, partial):
        yield from (thing.func, *thing.args, *thing.keywords.values())
    elif isinstance(thing, Mapping):
        yield from thing.values()
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from thing
    elif is_dataclass(thing):
        yield from (getattr(thing, field.name) for field in fields(thing) if field.init)
    elif hasattr(thing, "get_params"):
        yield from thing.get_params(deep=False).values()


def code_traces(of: type | FunctionType) -> Iterator[str]:
    """Yield the code of a function, or of each method of a class and of those above it, unless a library's."""
    for owner in of.__mro__ if isinstance(of, type) else (of,):
        if owner.__module__.split(".")[0] in LIBRARIES:
            continue
        held = vars(owner).values() if isinstance(owner, type) else (owner,)
        for function in map(inspect.unwrap, filter(callable, held)):
            if isinstance(function, FunctionType):
                yield f"{owner.__module__}.{function.__qualname__}: {instructions(function.__code__)}"
        if isinstance(owner, type):
            plain = {name: value for name, value in vars(owner).items() if isinstance(value, bool | int | float | str)}
            yield f"{owner.__module__}.{owner.__qualname__}: {sorted(plain.items())}"


def instructions(code: CodeType) -> str:
    """Write what code does, wherever it stands."""
    return f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {[constant(one) for one in code.co_consts]}"


def constant(one: object) -> str:
    """Write a constant in an order that no process changes."""
    if isinstance(one, CodeType):
        return instructions(one)
    return str(sorted(map(repr, one))) if isinstance(one, frozenset) else repr(one)


def file_trace(name: str | Path) -> Iterator[str]:
    """Yield the content of a file, hashed, where a setting names one."""
    try:
        path = Path(name)
        if path.is_file():
            yield f"{name}: {sha256(path.read_bytes()).hexdigest()}"
    except (OSError, ValueError):  # no name of a file, and so a word
        return
