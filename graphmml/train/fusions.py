"""The fusions that a sweep sets side by side, named as the command line writes them."""

from typing import Final

from graphmml.model.auxiliary import Contrast, DeepCCA, Reconstruction
from graphmml.model.combine import VCDN, MajorityVote, MeanProbability, Stacked, WeightedProbability
from graphmml.model.completion import ExpertCompletion, LearnedTokens, NeighbourCompletion
from graphmml.model.fusion.cross import CrossAttentionFusion
from graphmml.model.fusion.mapped import ConcatFusion, FilmFusion, GMUFusion
from graphmml.model.fusion.operations import ChannelFusion, MaxFusion, MeanFusion, ProductFusion, SumFusion
from graphmml.model.fusion.tensor import LowRankFusion, TensorFusion
from graphmml.model.fusion.weighted import AttentionFusion, GatedFusion, HierarchicalFusion
from graphmml.model.strategy import Early, Fusion, Hybrid, Intermediate, Late, Strategy

VECTOR_FUSIONS: Final[dict[str, Fusion]] = {
    "gated": GatedFusion,
    "attention": AttentionFusion,
    "hierarchical": HierarchicalFusion,
    "cross": CrossAttentionFusion,
    "mean": MeanFusion,
    "sum": SumFusion,
    "product": ProductFusion,
    "max": MaxFusion,
    "channel": ChannelFusion,
    "concat": ConcatFusion,
    "units": GMUFusion,
    "film": FilmFusion,
    "tensor": TensorFusion,
    "lowrank": LowRankFusion,
}
"""How vectors are fused, by name; the first is the default."""

STRATEGIES: Final[dict[str, Strategy]] = {
    "early": Early(),
    "intermediate:own_graphs=true": Intermediate(own_graphs=True),
    "intermediate:drop=0.2": Intermediate(drop=0.2),
    "intermediate:complete=tokens,drop=0.2": Intermediate(complete=LearnedTokens, drop=0.2),
    "intermediate:complete=neighbours": Intermediate(complete=NeighbourCompletion),
    "intermediate:complete=experts,drop=0.2": Intermediate(complete=ExpertCompletion, drop=0.2),
    "intermediate:auxiliary=contrast": Intermediate(auxiliary=Contrast),
    "intermediate:auxiliary=cca": Intermediate(auxiliary=DeepCCA),
    "intermediate:auxiliary=reconstruct": Intermediate(auxiliary=Reconstruction),
    "hybrid": Hybrid(),
    "hybrid:losses": Hybrid(balance="losses"),
    "hybrid:gradients": Hybrid(balance="gradients"),
    "late:mean": Late(MeanProbability()),
    "late:vote": Late(MajorityVote()),
    "late:weights": Late(WeightedProbability()),
    "late:stack": Late(Stacked()),
    "late:vcdn": Late(VCDN()),
}
"""Where modalities meet, by name; vectors are gated where there are any."""


def all_fusions() -> dict[str, Fusion | Strategy]:
    """Return every fusion that a sweep compares unless told otherwise, the default first."""
    return {**VECTOR_FUSIONS, **STRATEGIES}
