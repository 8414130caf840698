"""Words of the command line become objects, here and nowhere else."""

from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Any

import graphmml as gm
from graphmml.cli.fusions import fusions_of
from graphmml.cli.links import Written, written
from graphmml.cli.words import module_of, named, value_for, words_of
from graphmml.errors import CohortError, GraphError

LINKS = {
    "neighbours": "Neighbours",
    "within": "Within",
    "densest": "Densest",
    "phenotype": "SharedPhenotype",
    "concepts": "Concepts",
    "known": "KnownEdges",
    "modalities": "ModalityNodes",
    "visits": "Visits",
    "fused": "FusedSimilarity",
    "random": "RandomEdges",
    "none": "NoEdges",
    "gate": "PhenotypeGate",
    "layers": "Layers",
    "union": "Union",
    "intersection": "Intersection",
    "reweighted": "Reweighted",
    "restricted": "Restricted",
    "shuffled": "Shuffled",
}
CONVS = {"sage": "SAGEStack", "gcn": "GCNStack", "gat": "GATStack"}
STRUCTURES = {"phenotype": "PhenotypeEdges", "neighbours": "NeighbourEdges"}


def links_of(text: str) -> Any:
    """Turn neighbours:modality=labs,k=10 into Neighbours("labs", k=10); a+b in a value is a tuple.

    Constructors of constructors hold theirs in parentheses: union(neighbours:k=5; phenotype:columns=sex):weight=max.
    """
    return made(written(text, LINKS))


def made(links: Written) -> Any:
    """Turn what was written into a constructor."""
    word = links.word
    kind = named(word, LINKS, "constructor")
    if not is_dataclass(kind):
        raise GraphError(f"'{word}' is no frozen dataclass with a link method")
    first = next((field for field in fields(kind) if field.name == "links"), None)
    values = {} if first is None and links.inner is None else inner_of(links, first)
    known = {field.name: field for field in fields(kind) if field.name != "links"}
    for option in links.options:
        key, equals, value = map(str.strip, option.partition("="))
        if key not in known or not equals:
            raise GraphError(f"'{word}' has no option '{option}'; it has: {', '.join(known)} (write name=value)")
        values[key] = value_for(word, key, value, default=known[key].default, kind=known[key].type)
    try:
        constructor: Any = kind(**values)  # type: ignore[operator]  # a class, though mypy sees an instance
        return constructor
    except TypeError:
        example = f"{word}:{next(iter(known))}=..." if known else word
        raise GraphError(f"'{word}' wants: {', '.join(known)}; write for instance {example}") from None


def inner_of(links: Written, field: Field[Any] | None) -> dict[str, Any]:
    """Return the constructors that stand in parentheses as the field that takes them, one or several."""
    word, inner = links.word, links.inner or ()
    if field is None:
        raise GraphError(f"'{word}' takes no constructors in parentheses; write its options behind a colon")
    if links.inner is None and (field.default, field.default_factory) != (MISSING, MISSING):
        return {}
    if not inner:
        raise GraphError(f"'{word}' wants constructors in parentheses; write for instance {word}(neighbours:k=10)")
    constructors = tuple(made(part) for part in inner)
    if "tuple" in str(field.type):
        return {"links": constructors}
    if len(constructors) > 1:
        raise GraphError(
            f"'{word}' takes one constructor and {len(constructors)} are given; "
            f"join them inside it: {word}(union(...)) or {word}(layers(...))"
        )
    return {"links": constructors[0]}


def convs_of(text: str) -> dict[str, Any]:
    """Turn sage:depth=2,gat into {"sage:depth=2": partial(SAGEStack, depth=2), "gat": GATStack}."""
    return {word: module_of(word, CONVS, "conv") for word in words_of(text)}


def structures_of(text: str) -> dict[str, Any]:
    """Turn none,neighbours:k=5 into {"none": None, "neighbours:k=5": partial(NeighbourEdges, k=5)}."""
    return {word: None if word == "none" else module_of(word, STRUCTURES, "structure") for word in words_of(text)}


@dataclass(frozen=True)
class ModelChoice:
    """The words that choose a model."""

    links: str
    conv: str
    fusion: str
    members: int
    seed: int
    structure: str = "none"
    fuse_at: str = "intermediate"

    def models(self) -> dict[str, Any]:
        """Return one GraphClassifier a conv, structure and fusion, named after what was written."""
        links = links_of(self.links)
        fusions = fusions_of(self.fusion, self.fuse_at)
        usual = len(fusions) == 1 and self.fuse_at == "intermediate"
        return {
            f"{word} on {self.links}"
            + (f", edges learned by {name}" if structure else "")
            + ("" if usual else f", fused {how}"): gm.GraphClassifier(
                links, conv, fusion, structure=structure, members=self.members, seed=self.seed
            )
            for word, conv in convs_of(self.conv).items()
            for name, structure in structures_of(self.structure).items()
            for how, fusion in fusions.items()
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
    temporal: str | None = None

    def splitter(self) -> Any:
        """Return the splitter."""
        asked = {"--split": self.split, "--leave-out": self.leave_out, "--temporal": self.temporal}
        given = [name for name, value in asked.items() if value]
        if len(given) > 1:
            raise CohortError(f"{' and '.join(given)} exclude each other; choose one")
        if self.split:
            return gm.OfficialSplit(self.seeds, seed=self.seed)
        if self.leave_out:
            return gm.LeaveGroupOut(self.leave_out, seed=self.seed)
        if self.temporal:
            column, _, cut = self.temporal.partition("=")
            return gm.TemporalSplit(column, cut or None, self.seeds, self.seed)
        return gm.Folds(self.folds, repeats=self.repeats, seed=self.seed)
