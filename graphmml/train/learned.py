"""learned_graph: the edges of a fitted model with the weights by which they are heard."""

from dataclasses import replace

import numpy as np
import torch

from graphmml.data.cohort import Cohort
from graphmml.errors import GraphError
from graphmml.graph.patient_graph import PatientGraph, build_graph
from graphmml.graph.relations import Relation
from graphmml.model.edges import EdgeTensors
from graphmml.model.network import GraphNetwork
from graphmml.model.tensors import GraphTensors
from graphmml.train.calibrated import CalibratedClassifier
from graphmml.train.chance import chosen_device
from graphmml.train.estimator import GraphClassifier
from graphmml.train.layers import network_in


def learned_graph(model: GraphClassifier | CalibratedClassifier, cohort: Cohort | None = None) -> PatientGraph:
    """Return the training patients' graph as a fitted model weighs it, patients of a cohort attached to it.

    The candidates are what the model's links draw over all training patients. An edge's weight is its mean over
    the members, which all weigh every candidate, also of patients they did not train on; a member that does not
    choose an edge counts zero, and what nobody chooses is left out. Without a structure these are the links.
    """
    model.check_fitted()
    model = network_in(model, "a learned graph is")
    target = None if cohort is None else model.encoder_.transform(cohort)
    graph = build_graph(model.constructor, model.source_, target)
    device = chosen_device(model.device)
    tensors = GraphTensors.of(graph, model.source_, target, device=device)
    totals = [np.zeros(len(relation)) for relation in graph.relations]
    chosen = [np.zeros(len(relation), dtype=bool) for relation in graph.relations]
    for member in model.members_:
        network = member.network.to(device).eval()
        if not isinstance(network, GraphNetwork):
            raise GraphError(f"{model.fusion} hears a graph for each modality; there is no one graph to give back")
        with torch.no_grad():
            heard = network.edges(tensors, network.front(tensors).fused)
        for at, item in enumerate(heard):
            kept = positions(item, tensors.edges[at])
            totals[at][kept] += item.weight.cpu().numpy() / len(model.members_)
            chosen[at][kept] = True
    return replace(graph, relations=tuple(map(weighed, graph.relations, totals, chosen)))


def positions(item: EdgeTensors, candidates: EdgeTensors) -> np.ndarray:
    """Return where each edge stands among the candidates: int64 [edge]."""
    sources, targets = candidates.index.cpu().numpy()
    among = sources * candidates.shape[1] + targets
    sources, targets = item.index.cpu().numpy()
    order = among.argsort(kind="stable")
    return np.asarray(order[np.searchsorted(among, sources * candidates.shape[1] + targets, sorter=order)])


def weighed(relation: Relation, weight: np.ndarray, chosen: np.ndarray) -> Relation:
    """Give a relation other weights and leave out what nobody chose."""
    return replace(relation, edges=relation.edges[:, chosen], weight=weight[chosen].astype(np.float32))
