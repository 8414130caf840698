"""An EncodedCohort as plain arrays and back, for files that hold no objects."""

import io
from collections.abc import Mapping

import numpy as np
import pandas as pd

from graphmml.data.columns import is_number
from graphmml.data.encode import EncodedCohort
from graphmml.data.timeline import Timeline

Arrays = dict[str, np.ndarray]


def to_arrays(cohort: EncodedCohort) -> Arrays:
    """Lay out everything in an encoded cohort under keys like "feature/labs" and "table/labs/3"."""
    arrays: Arrays = {"ids": text(cohort.ids), "present": cohort.present, "modalities": text(cohort.modalities)}
    for modality, matrix in cohort.features.items():
        arrays[f"feature/{modality}"] = matrix
        arrays[f"columns/{modality}"] = text(cohort.columns[modality])
        arrays |= table_arrays(f"table/{modality}", cohort.tables[modality])
    return arrays | table_arrays("groups", cohort.groups) | timeline_arrays(cohort.timeline)


def from_arrays(arrays: Mapping[str, np.ndarray]) -> EncodedCohort:
    """Undo `to_arrays`."""
    ids = pd.Index(arrays["ids"].tolist(), dtype="str")
    modalities = arrays["modalities"].tolist()
    return EncodedCohort(
        ids=ids,
        features={modality: arrays[f"feature/{modality}"] for modality in modalities},
        present=arrays["present"],
        columns={modality: tuple(arrays[f"columns/{modality}"].tolist()) for modality in modalities},
        tables={modality: table(arrays, f"table/{modality}", ids) for modality in modalities},
        groups=table(arrays, "groups", ids),
        timeline=timeline(arrays),
    )


def timeline_arrays(known: Timeline) -> Arrays:
    """Lay out visits and events; nothing where there are none."""
    if not len(known):
        return {}
    arrays = {"visits/modalities": text(known.events)} | table_arrays("visits", known.visits)
    for modality, frame in known.events.items():
        arrays |= table_arrays(f"events/{modality}", frame)
    return arrays


def timeline(arrays: Mapping[str, np.ndarray]) -> Timeline:
    """Undo `timeline_arrays`."""
    if "visits/modalities" not in arrays:
        return Timeline()

    def rows(prefix: str) -> pd.DataFrame:
        return table(arrays, prefix, pd.RangeIndex(len(arrays[f"{prefix}/0"])))

    return Timeline(rows("visits"), {name: rows(f"events/{name}") for name in arrays["visits/modalities"].tolist()})


def table_arrays(prefix: str, frame: pd.DataFrame) -> Arrays:
    """Lay out a table's columns; names as text with a mask of what is missing."""
    arrays: Arrays = {f"{prefix}/names": text(frame.columns)}
    for at, column in enumerate(frame.columns):
        values = frame[column]
        if is_number(values):
            arrays[f"{prefix}/{at}"] = values.to_numpy(dtype=np.float64)
        else:
            arrays[f"{prefix}/{at}"] = text(values.fillna(""))
            arrays[f"{prefix}/{at}/missing"] = values.isna().to_numpy(dtype=bool)
    return arrays


def table(arrays: Mapping[str, np.ndarray], prefix: str, ids: pd.Index) -> pd.DataFrame:
    """Undo `table_arrays`."""
    columns = {}
    for at, name in enumerate(arrays[f"{prefix}/names"].tolist()):
        values = pd.Series(arrays[f"{prefix}/{at}"], index=ids)
        missing = arrays.get(f"{prefix}/{at}/missing")
        columns[name] = values if missing is None else values.astype("str").mask(missing)
    return pd.DataFrame(columns, index=ids)


def text(values: object) -> np.ndarray:
    """Return text as a fixed-width array, which needs no pickle."""
    return np.array(list(values), dtype=np.str_)  # type: ignore[call-overload]  # any iterable of text


def to_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Write arrays as one .npz."""
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **{key.replace("/", "|"): value for key, value in arrays.items()})
    return stream.getvalue()


def from_bytes(content: bytes) -> Arrays:
    """Read arrays of one .npz; objects are refused by numpy itself."""
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return {key.replace("|", "/"): stored[key] for key in stored.files}
