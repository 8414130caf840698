"""The words of --fusion and --fuse-at: how vectors are fused, and where modalities meet."""

from dataclasses import fields
from typing import Any

from graphmml.cli.words import module_of, named, value_of, words_of
from graphmml.errors import GraphError

FUSIONS = {
    "gated": "GatedFusion",
    "attention": "AttentionFusion",
    "hierarchical": "HierarchicalFusion",
    "cross": "CrossAttentionFusion",
    "mean": "MeanFusion",
    "sum": "SumFusion",
    "product": "ProductFusion",
    "max": "MaxFusion",
    "channel": "ChannelFusion",
    "concat": "ConcatFusion",
    "units": "GMUFusion",
    "film": "FilmFusion",
    "tensor": "TensorFusion",
    "lowrank": "LowRankFusion",
}
STRATEGIES = {"early": "Early", "intermediate": "Intermediate", "hybrid": "Hybrid", "late": "Late"}
COMBINERS = {
    "mean": "MeanProbability",
    "vote": "MajorityVote",
    "weights": "WeightedProbability",
    "stack": "Stacked",
    "vcdn": "VCDN",
}
COMPLETIONS = {"tokens": "LearnedTokens", "neighbours": "NeighbourCompletion", "experts": "ExpertCompletion"}
AUXILIARIES = {"contrast": "Contrast", "cca": "DeepCCA", "reconstruct": "Reconstruction"}
SHORT = {"late": "combine", "hybrid": "balance"}
"""The option that may stand behind the colon without its name: late:stack, hybrid:losses."""


def fusions_of(fusion: str, fuse_at: str) -> dict[str, Any]:
    """Turn tensor,mean and late:stack,intermediate into Late(Stacked()), TensorFusion and MeanFusion, by name.

    Early and late fusion fuse no vectors, so that each stands once however many fusions are named.
    """
    vectors = {word: module_of(word, FUSIONS, "fusion") for word in words_of(fusion)}
    found: dict[str, Any] = {}
    for word in words_of(fuse_at):
        head, _, rest = word.partition(":")
        if head in ("early", "late"):
            found[word] = strategy_of(head, rest, {})
            continue
        for name, vector in vectors.items():
            plain = word == "intermediate"
            found[name if plain else f"{name} at {word}"] = (
                vector if plain else strategy_of(head, rest, {"fusion": vector})
            )
    return found


def strategy_of(head: str, rest: str, values: dict[str, Any]) -> Any:
    """Turn hybrid and balance=losses,drop=0.2 into Hybrid(..., balance="losses", drop=0.2)."""
    kind = named(head, STRATEGIES, "way to fuse at")
    known = [field.name for field in fields(kind) if field.name != "fusion"]
    for option in filter(None, rest.split(",")):
        key, equals, word = option.partition("=")
        if not equals and head in SHORT:
            key, word = SHORT[head], key
        if key not in known or not word:
            raise GraphError(
                f"'{head}' has no option '{option}'; it has: {', '.join(known) or 'none'} (write name=value)"
            )
        values[key] = option_of(key, word)
    return kind(**values)


def option_of(key: str, word: str) -> Any:
    """Turn the value of a strategy's option into what it stands for."""
    if key == "combine":
        return named(word, COMBINERS, "way to combine")()
    if key == "complete":
        return named(word, COMPLETIONS, "completion")
    if key == "auxiliary":
        return named(word, AUXILIARIES, "auxiliary loss")
    if key == "drop" and not isinstance(value_of(word), (int, float)):
        raise GraphError(f"drop is '{word}'; a share from 0 to below 1 is wanted")
    return value_of(word)
