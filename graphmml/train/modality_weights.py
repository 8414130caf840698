"""How much each modality counted in each patient's prediction, where a model says it by itself."""

import numpy as np
import pandas as pd
import torch

from graphmml.data.cohort import Cohort
from graphmml.data.encode import EncodedCohort
from graphmml.errors import GraphError
from graphmml.model.combine import Learned, MeanProbability, WeightedProbability
from graphmml.model.front import FusedFront
from graphmml.model.network import GraphNetwork
from graphmml.model.strategy import Late, strategy_of
from graphmml.model.towers import OwnGraphNetwork
from graphmml.train.calibrated import CalibratedClassifier
from graphmml.train.chance import chosen_device
from graphmml.train.estimator import GraphClassifier
from graphmml.train.layers import network_in
from graphmml.train.member import Member

INSTEAD = "modality_worth tells what each modality is worth to any model"


def modality_weights(model: GraphClassifier | CalibratedClassifier, cohort: Cohort) -> pd.DataFrame:
    """Return how much each modality counted for each patient: one row a patient, one column a modality.

    The weights of the fusion, or of late fusion's mean, averaged over members; a row sums to one. NaN where the
    modality is absent. Where it is absent but completed (`complete` of Intermediate and Hybrid) the number is what
    the completed vector counts: hold it against `cohort.present`. NaN also where a modality is a node of its own
    (`ModalityNodes`), which no fusion weighs. With `Hybrid` the weights are those of the joint half.

    A weight says how much is taken of a modality's vector, not what it did to the prediction, and nothing of what
    neighbours bring after it: attention is not explanation (Jain and Wallace, NAACL 2019), `modality_worth` asks the
    score. Raises GraphError where a strategy or a fusion has no weight a modality.
    """
    model.check_fitted()
    model = network_in(model, "weights of modalities are")
    target = model.encoder_.transform(cohort)
    strategy = strategy_of(model.fusion)
    if isinstance(strategy, Late):
        shown = late_weights(strategy, target.present, model.combined_)
    else:
        each = np.stack([fused_weights(member, model, target) for member in model.members_])
        # what one member completes and another does not counts nothing there
        shown = np.where(np.isnan(each).all(axis=0), np.nan, np.nan_to_num(each).mean(axis=0))
    return pd.DataFrame(shown, index=cohort.ids, columns=list(target.modalities))


def late_weights(strategy: Late, present: np.ndarray, learned: Learned) -> np.ndarray:
    """Return the weights of late fusion's mean: float64 [patient, modality], NaN where absent."""
    if isinstance(strategy.combine, MeanProbability):
        weight = np.ones(present.shape[1])
    elif isinstance(strategy.combine, WeightedProbability):
        weight = learned["weight"]
    else:
        raise GraphError(
            f"{type(strategy.combine).__name__} is no weighted mean of the modalities' predictions; MeanProbability "
            f"and WeightedProbability are, and {INSTEAD}"
        )
    share = np.where(present, weight, np.nan)
    return np.asarray(share / np.nansum(share, axis=1, keepdims=True).clip(min=1e-12))


def fused_weights(member: Member, model: GraphClassifier, target: EncodedCohort) -> np.ndarray:
    """Return the weights of one member's fusion: float64 [patient, modality], NaN where it was given nothing."""
    device = chosen_device(model.device)
    network = member.network.to(device).eval()
    if not isinstance(network, GraphNetwork | OwnGraphNetwork) or not isinstance(network.front, FusedFront):
        raise GraphError(
            f"{strategy_of(model.fusion)} joins columns before anything is learned, so no modality has a weight; use "
            f"Intermediate or Hybrid with GatedFusion, or Late; {INSTEAD}"
        )
    tensors = member.tensors(model.constructor, target, device)
    with torch.no_grad():
        weight, usable = network.front.weights(*network.vectors(tensors))
    rows = slice(len(member.source), None)
    if target.present.any() and not usable[rows].any():
        raise GraphError(
            "every modality is a node of its own (ModalityNodes), and no fusion weighs them; use other links, or name "
            f"some modalities there; {INSTEAD}"
        )
    return np.asarray(weight.double().masked_fill(~usable, torch.nan)[rows].cpu().numpy())
