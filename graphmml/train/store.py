"""Fitted models on disk: manifest with hashes, safetensors, skops and npz; nothing is ever unpickled."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import skops.io
import torch
from sklearn.base import clone

from graphmml.data.arrays import from_arrays, from_bytes, to_arrays, to_bytes
from graphmml.data.folder import read_folder, write_folder
from graphmml.data.kinds import wanted
from graphmml.errors import StoreError
from graphmml.graph.patient_graph import GraphSchema
from graphmml.train.baselines import Baseline
from graphmml.train.estimator import GraphClassifier
from graphmml.train.layers import FILES, Inner, Layer, arrays_of, innermost, layers_of, put_on, settings_of
from graphmml.train.loop import Training
from graphmml.train.member import Member
from graphmml.train.tuned import Tuned
from graphmml.train.versions import versions

SCHEMA = "graphmml.model/1"
OURS = ("graphmml.", "functools.partial", "sklearn.", "numpy.", "builtins.")
"""Types that a model's settings may name; a plug-in of yours is named in `trust`."""


def save(model: Inner | Layer | Tuned, path: str | Path) -> None:
    """Write a fitted model to a folder; it holds its training patients, whom its graph and its checks need.

    A GraphClassifier or a Baseline, and what is around it: CalibratedClassifier, GroupThresholds. Of a `Tuned` model
    the one with the settings that were chosen is written.
    """
    if isinstance(model, Inner | Layer | Tuned):
        model.check_fitted()
    inner = innermost(model)
    if not isinstance(inner, Inner):
        raise StoreError(f"a {type(inner).__name__} is not written to a folder; a GraphClassifier or a Baseline is")
    members, files = (network_files if isinstance(inner, GraphClassifier) else plain_files)(inner)
    files |= {
        "settings.skops": skops.io.dumps(settings_of(model)),
        "encoder.skops": skops.io.dumps(inner.encoder_),
        **{FILES[type(layer)]: to_bytes(arrays_of(layer)) for layer in layers_of(model)},
    }
    write_folder(Path(path), SCHEMA, files, {**facts_of(model, inner), "members": members})


def network_files(model: GraphClassifier) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """Return what the manifest says of each member, and the files of weights and patients."""
    weights: dict[str, torch.Tensor] = {}
    arrays = to_arrays(model.source_) | {"codes": model.codes_}
    arrays |= {f"combined/{name}": array for name, array in model.combined_.items()}
    for at, member in enumerate(model.members_):
        weights |= {f"{at}|{name}": tensor.contiguous() for name, tensor in member.network.state_dict().items()}
        arrays[f"rows/{at}"] = member.rows
    kept = safetensors.torch.save({name: tensor.cpu() for name, tensor in weights.items()})
    members = [{**asdict(member.schema), "epochs": member.epochs} for member in model.members_]
    return members, {"weights.safetensors": kept, "patients.npz": to_bytes(arrays)}


def plain_files(model: Baseline) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """Return no members, and the files of a plain classifier and its patients."""
    arrays = to_arrays(model.source_) | {"codes": model.codes_}
    return [], {"classifier.skops": skops.io.dumps(model.classifier_), "patients.npz": to_bytes(arrays)}


def facts_of(model: Inner | Layer | Tuned, inner: Inner) -> dict[str, Any]:
    """Return what the manifest says of a model, for people to read."""
    return {
        "contains_patient_level_data": True,
        "model": type(model).__name__,
        "settings": repr(settings_of(model)),
        "setting": inner.setting if isinstance(inner, GraphClassifier) else "inductive",
        "classes": list(inner.classes_),
        "blocks": list(inner.blocks_),
        "patients": len(inner.source_),
        "versions": versions(),
    }


def load(path: str | Path, *, trust: Sequence[str] = ()) -> Inner | Layer:
    """Read what `save` wrote: a GraphClassifier or a Baseline, with the layers that were around it.

    `trust` names types of your own that it may hold, as "module.Class". Raises StoreError, naming the file, for
    whatever is absent, changed, foreign or not trusted.
    """
    wanted(path, str, PathLike, mend="the folder of a model that gm.save wrote")
    folder = Path(path)
    manifest, files = read_folder(folder, SCHEMA)
    below = thaw(files, "settings.skops", folder, trust)
    layers: list[Layer] = []
    while isinstance(below, Layer):
        layers.append(below)
        below = below.model
    if not isinstance(below, Inner):
        raise StoreError(f"{folder}/settings.skops holds a {type(below).__name__}; a GraphClassifier is wanted")
    inner = clone(below)
    inner.encoder_ = thaw(files, "encoder.skops", folder, trust)
    if isinstance(inner, Baseline):
        inner.classifier_ = thaw(files, "classifier.skops", folder, trust)
    model: Inner | Layer = inner
    try:
        fill(inner, manifest, files)
        for layer in reversed(layers):
            model = put_on(layer, model, inner, from_bytes(files[FILES[type(layer)]]))
    except (KeyError, ValueError, TypeError, RuntimeError, safetensors.SafetensorError) as error:
        raise StoreError(f"{folder} does not hold together ({error}); write the model anew") from None
    return model


def fill(model: Inner, manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Give an unfitted model back its patients, and its networks if it has some."""
    arrays = from_bytes(files["patients.npz"])
    model.source_ = from_arrays(arrays)
    model.classes_ = np.array(manifest["classes"], dtype=object)
    model.codes_, model.blocks_ = arrays["codes"], tuple(manifest["blocks"])
    if isinstance(model, GraphClassifier):
        weights = safetensors.torch.load(files["weights.safetensors"])
        model.combined_ = {name[9:]: array for name, array in arrays.items() if name.startswith("combined/")}
        model.members_ = [
            thawed_member(model, facts, arrays[f"rows/{at}"], tensors_of(weights, at))
            for at, facts in enumerate(manifest["members"])
        ]


def thaw(files: dict[str, bytes], name: str, folder: Path, trust: Sequence[str]) -> Any:
    """Read a skops file after checking every type it names against what may be loaded."""
    content = files.get(name)
    if content is None:
        raise StoreError(f"{folder} lacks its file {name}; copy the whole folder again")
    unknown = skops.io.get_untrusted_types(data=content)
    foreign = [kind for kind in unknown if not kind.startswith(OURS) and kind not in trust]
    if foreign:
        raise StoreError(
            f"{folder}/{name} names types that are not ours: {', '.join(foreign[:5])}; if you wrote them yourself, "
            f'load with trust=["{foreign[0]}"]'
        )
    return skops.io.loads(content, trusted=unknown)


def tensors_of(weights: dict[str, torch.Tensor], at: int) -> dict[str, torch.Tensor]:
    """Return one member's tensors by their own names."""
    return {name.split("|", 1)[1]: tensor for name, tensor in weights.items() if name.split("|", 1)[0] == str(at)}


def thawed_member(
    model: GraphClassifier, facts: dict[str, Any], rows: np.ndarray, weights: dict[str, torch.Tensor]
) -> Member:
    """Rebuild one network and give it its weights back."""
    relations = tuple((source, name, target) for source, name, target in facts["relations"])
    schema = GraphSchema(relations, facts["concepts"], facts.get("parts", {}))
    network = model.network(schema)
    network.load_state_dict(weights)
    batch = (model.training or Training()).batch
    return Member(network.eval(), rows, model.source_[rows], schema, batch, facts.get("epochs"))
