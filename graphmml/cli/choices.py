"""Words of the command line become objects, here and nowhere else."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from typing import Any

import graphmml as gm
from graphmml.errors import CohortError, GraphError

LINKS = {
    "neighbours": "Neighbours",
    "phenotype": "SharedPhenotype",
    "concepts": "Concepts",
    "random": "RandomEdges",
    "none": "NoEdges",
}
CONVS = {"sage": "SAGEStack", "gcn": "GCNStack", "gat": "GATStack"}
FUSIONS = {
    "mean": "MeanFusion",
    "gated": "GatedFusion",
    "attention": "AttentionFusion",
    "concat": "ConcatFusion",
}


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


def links_of(text: str) -> Any:
    """Turn neighbours:modality=labs,k=10 into Neighbours("labs", k=10); a+b in a value is a tuple."""
    word, options = split_options(text)
    kind = named(word, LINKS, "constructor")
    if not is_dataclass(kind):
        raise GraphError(f"'{word}' is no frozen dataclass with a link method")
    known = [field.name for field in fields(kind)]
    values: dict[str, Any] = {}
    for option in filter(None, options.split(",")):
        key, equals, value = option.partition("=")
        if key not in known or not equals:
            raise GraphError(f"'{word}' has no option '{option}'; it has: {', '.join(known)} (write name=value)")
        values[key] = value_of(value)
    try:
        made: Any = kind(**values)  # type: ignore[operator]  # a class, though mypy sees an instance
        return made
    except TypeError:
        raise GraphError(f"'{word}' wants: {', '.join(known)}; write for instance {word}:{known[0]}=...") from None


def split_options(text: str) -> tuple[str, str]:
    """Separate the name from its options: the first colon, or for module:Class the first comma or second colon."""
    word, _, rest = text.partition(":")
    if word in LINKS:
        return word, rest
    name, _, options = rest.replace(":", ",", 1).partition(",")
    return (f"{word}:{name}" if name else word), options


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


def convs_of(text: str) -> dict[str, Any]:
    """Turn sage,gat into {"sage": SAGEStack, "gat": GATStack}."""
    return {word: named(word, CONVS, "conv") for word in text.split(",")}


def fusion_of(text: str) -> Any:
    """Turn mean into MeanFusion."""
    return named(text, FUSIONS, "fusion")


@dataclass(frozen=True)
class ModelChoice:
    """The words that choose a model."""

    links: str
    conv: str
    fusion: str
    members: int
    seed: int

    def models(self) -> dict[str, Any]:
        """Return one GraphClassifier a conv, named after conv and links."""
        links = links_of(self.links)
        return {
            f"{word} on {self.links}": gm.GraphClassifier(
                links, conv, fusion_of(self.fusion), members=self.members, seed=self.seed
            )
            for word, conv in convs_of(self.conv).items()
        }


@dataclass(frozen=True)
class FoldChoice:
    """The words that choose who is trained on and tested on."""

    folds: int
    repeats: int
    split: bool
    leave_out: str | None
    seeds: int
    seed: int

    def splitter(self) -> Any:
        """Return the splitter."""
        if self.split and self.leave_out:
            raise CohortError("--split and --leave-out exclude each other; choose one")
        if self.split:
            return gm.OfficialSplit(self.seeds, seed=self.seed)
        if self.leave_out:
            return gm.LeaveGroupOut(self.leave_out, seed=self.seed)
        return gm.Folds(self.folds, repeats=self.repeats, seed=self.seed)
