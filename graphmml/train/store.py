"""Fitted models on disk: manifest with hashes, safetensors, skops and npz; nothing is ever unpickled."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import skops.io
import torch
from sklearn.base import clone

from graphmml.data.arrays import Arrays, from_arrays, from_bytes, to_arrays, to_bytes
from graphmml.data.folder import read_folder, write_folder
from graphmml.errors import StoreError
from graphmml.graph.patient_graph import GraphSchema
from graphmml.train.calibrated import CalibratedClassifier, uncalibrated
from graphmml.train.calibrated_arrays import calibrate_from, calibration_arrays
from graphmml.train.estimator import GraphClassifier
from graphmml.train.loop import Training
from graphmml.train.member import Member
from graphmml.train.versions import versions

SCHEMA = "graphmml.model/1"
OURS = ("graphmml.", "functools.partial", "sklearn.", "numpy.", "builtins.")
"""Types that a model's settings may name; a plug-in of yours is named in `trust`."""


def save(model: GraphClassifier | CalibratedClassifier, path: str | Path) -> None:
    """Write a fitted model to a folder; it holds its training patients, for its graph needs them."""
    model.check_fitted()
    inner = uncalibrated(model)
    if not isinstance(inner, GraphClassifier):
        raise StoreError(
            f"a {type(inner).__name__} is not written to a folder; a GraphClassifier is, calibrated or not"
        )
    weights: dict[str, torch.Tensor] = {}
    members = []
    arrays = to_arrays(inner.source_) | {"codes": inner.codes_}
    arrays |= {f"combined/{name}": array for name, array in inner.combined_.items()}
    for at, member in enumerate(inner.members_):
        weights |= {f"{at}|{name}": tensor.contiguous() for name, tensor in member.network.state_dict().items()}
        arrays[f"rows/{at}"] = member.rows
        members.append(asdict(member.schema))
    files = {
        "settings.skops": skops.io.dumps(clone(model)),
        "encoder.skops": skops.io.dumps(inner.encoder_),
        "weights.safetensors": safetensors.torch.save({name: tensor.cpu() for name, tensor in weights.items()}),
        "patients.npz": to_bytes(arrays),
    }
    if isinstance(model, CalibratedClassifier):
        files["calibration.npz"] = to_bytes(calibration_arrays(model))
    write_folder(Path(path), SCHEMA, files, {**facts_of(model, inner), "members": members})


def facts_of(model: GraphClassifier | CalibratedClassifier, inner: GraphClassifier) -> dict[str, Any]:
    """Return what the manifest says of a model, for people to read."""
    return {
        "contains_patient_level_data": True,
        "model": type(model).__name__,
        "settings": repr(model),
        "setting": inner.setting,
        "classes": list(inner.classes_),
        "blocks": list(inner.blocks_),
        "patients": len(inner.source_),
        "versions": versions(),
    }


def load(path: str | Path, *, trust: Sequence[str] = ()) -> GraphClassifier | CalibratedClassifier:
    """Read what `save` wrote, a GraphClassifier or a CalibratedClassifier.

    `trust` names types of your own that it may hold, as "module.Class". Raises StoreError, naming the file, for
    whatever is absent, changed, foreign or not trusted.
    """
    folder = Path(path)
    manifest, files = read_folder(folder, SCHEMA)
    model = thaw(files, "settings.skops", folder, trust)
    encoder = thaw(files, "encoder.skops", folder, trust)
    inner = clone(model.model) if isinstance(model, CalibratedClassifier) else model
    if not isinstance(inner, GraphClassifier):
        raise StoreError(f"{folder}/settings.skops holds a {type(inner).__name__}; a GraphClassifier is wanted")
    try:
        fill(inner, manifest, from_bytes(files["patients.npz"]), safetensors.torch.load(files["weights.safetensors"]))
        inner.encoder_ = encoder
        if isinstance(model, CalibratedClassifier):
            calibrate_from(model, inner, from_bytes(files["calibration.npz"]))
    except (KeyError, ValueError, TypeError, RuntimeError, safetensors.SafetensorError) as error:
        raise StoreError(f"{folder} does not hold together ({error}); write the model anew") from None
    return model if isinstance(model, CalibratedClassifier) else inner


def fill(model: GraphClassifier, manifest: Mapping[str, Any], arrays: Arrays, weights: dict[str, torch.Tensor]) -> None:
    """Give an unfitted model back its patients and its networks."""
    model.source_, model.codes_, model.blocks_ = from_arrays(arrays), arrays["codes"], tuple(manifest["blocks"])
    model.combined_ = {name[9:]: array for name, array in arrays.items() if name.startswith("combined/")}
    model.classes_ = np.array(manifest["classes"], dtype=object)
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
    return Member(network.eval(), rows, model.source_[rows], schema, (model.training or Training()).batch)
