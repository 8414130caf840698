"""Reweighing (Kamiran and Calders 2012): patients weighed so that a group tells nothing of the class.

A patient of group g and class y weighs P(g) P(y) / P(g, y), counted on the training patients alone; under these
weights group and class are independent, and each keeps its frequency. Patients whose group is unknown are a group of
their own. Where the paper weighs for any learner, here the weights enter the loss that is learned and stopped by.
"""

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from graphmml.data.encode import EncodedCohort


def reweighing(group: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return each patient's weight from group numbers and classes, -1 where unknown: float64 [patient].

    Patients without a class weigh nothing and change nobody's weight.
    """
    known = codes >= 0
    groups, places = np.unique(group[known], return_inverse=True)
    counts = np.zeros((len(groups), int(codes.max(initial=0)) + 1))
    np.add.at(counts, (places, codes[known]), 1.0)
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    weights = np.divide(expected, counts, out=np.zeros_like(counts), where=counts > 0)
    found = np.zeros(len(codes))
    found[known] = weights[places, codes[known]]
    return found


def counts_of(
    group: str | None,
    source: EncodedCohort,
    codes: np.ndarray,
    rows: np.ndarray,
    stop_rows: np.ndarray,
    device: torch.device,
) -> tuple[Tensor | None, Tensor | None]:
    """Return as how many each patient counts, of those learned from, and of those with the stopping ones behind."""
    if group is None:
        return None, None
    labels, _ = pd.factorize(source.column(group), sort=True)
    weights = torch.from_numpy(reweighing(np.asarray(labels), codes)).float().to(device)
    heard = weights[torch.from_numpy(rows).to(device)]
    return heard, torch.cat([torch.zeros_like(heard), weights[torch.from_numpy(stop_rows).to(device)]])


def weighed_loss(logits: Tensor, codes: Tensor, weight: Tensor | None, counts: Tensor) -> Tensor:
    """Cross-entropy over the patients whose class is known, each counting as `counts`: float [patient]."""
    each = functional.cross_entropy(logits, codes, weight=weight, ignore_index=-1, reduction="none")
    counts = counts.masked_fill(codes < 0, 0.0)
    whole = counts if weight is None else counts * weight[codes.clamp(min=0)]
    return (counts * each).sum() / whole.sum()
