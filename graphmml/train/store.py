"""Fitted models on disk: manifest with hashes, safetensors, skops and npz; nothing is ever unpickled."""

import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
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
from graphmml.errors import StoreError
from graphmml.graph.patient_graph import GraphSchema
from graphmml.train.estimator import GraphClassifier
from graphmml.train.loop import Training
from graphmml.train.member import Member

SCHEMA = "graphmml.model/1"
OURS = ("graphmml.", "functools.partial", "sklearn.", "numpy.", "builtins.")
"""Types that a model's settings may name; a plug-in of yours is named in `trust`."""


def save(model: GraphClassifier, path: str | Path) -> None:
    """Write a fitted model to a folder; it holds its training patients, for its graph needs them."""
    model.check_fitted()
    weights: dict[str, torch.Tensor] = {}
    members = []
    arrays = to_arrays(model.source_) | {"codes": model.codes_}
    arrays |= {f"combined/{name}": array for name, array in model.combined_.items()}
    for at, member in enumerate(model.members_):
        weights |= {f"{at}|{name}": tensor.contiguous() for name, tensor in member.network.state_dict().items()}
        arrays[f"rows/{at}"] = member.rows
        members.append(asdict(member.schema))
    files = {
        "settings.skops": skops.io.dumps(clone(model)),
        "encoder.skops": skops.io.dumps(model.encoder_),
        "weights.safetensors": safetensors.torch.save({name: tensor.cpu() for name, tensor in weights.items()}),
        "patients.npz": to_bytes(arrays),
    }
    facts = {
        "contains_patient_level_data": True,
        "model": type(model).__name__,
        "settings": repr(model),
        "setting": model.setting,
        "classes": list(model.classes_),
        "blocks": list(model.blocks_),
        "patients": len(model.source_),
        "members": members,
        "versions": versions(),
    }
    write_folder(Path(path), SCHEMA, files, facts)


def load(path: str | Path, *, trust: Sequence[str] = ()) -> GraphClassifier:
    """Read a model written by `save`; `trust` names types of your own that it may hold, as "module.Class".

    Raises StoreError, naming the file, for whatever is absent, changed, foreign or not trusted.
    """
    folder = Path(path)
    manifest, files = read_folder(folder, SCHEMA)
    model = thaw(files, "settings.skops", folder, trust)
    encoder = thaw(files, "encoder.skops", folder, trust)
    if not isinstance(model, GraphClassifier):
        raise StoreError(f"{folder}/settings.skops holds a {type(model).__name__}; a GraphClassifier is wanted")
    try:
        arrays = from_bytes(files["patients.npz"])
        weights = safetensors.torch.load(files["weights.safetensors"])
        model.source_, model.codes_, model.blocks_ = from_arrays(arrays), arrays["codes"], tuple(manifest["blocks"])
        model.encoder_ = encoder
        model.combined_ = {name[9:]: array for name, array in arrays.items() if name.startswith("combined/")}
        model.classes_ = np.array(manifest["classes"], dtype=object)
        model.members_ = [
            thawed_member(model, facts, arrays[f"rows/{at}"], tensors_of(weights, at))
            for at, facts in enumerate(manifest["members"])
        ]
    except (KeyError, ValueError, TypeError, RuntimeError, safetensors.SafetensorError) as error:
        raise StoreError(f"{folder} does not hold together ({error}); write the model anew") from None
    return model


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


def versions() -> dict[str, str]:
    """Return what the model was made with."""
    names = ("graphmml", "torch", "torch-geometric", "scikit-learn", "numpy", "pandas", "skops")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
