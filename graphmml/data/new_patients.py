"""What a cohort file asks of patients who are to be predicted: less than of those who are learned from."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from graphmml.data.cohort_file import CohortFile, GroupPart, ModalityPart
from graphmml.data.tables import first_row
from graphmml.errors import CohortError


def asked_of_new(spec: CohortFile, folder: Path) -> tuple[CohortFile, tuple[str, ...]]:
    """Return the file as it reads for new patients, and in words what of it they lack.

    Outcome and split are not read, and need not be there. A table may be absent or a header alone, as where nobody
    has that modality; so may a group, and a column that is to be left out or holds names. Raises CohortError where
    no table is there.
    """
    modality: dict[str, ModalityPart] = {}
    notes = []
    for name, part in spec.modality.items():
        row = first_row(folder / part.path)
        if row is None:
            notes.append(f"modality {name}: {part.path} is not there or has no row; nobody is taken to have it")
        elif part.long is not None:
            modality[name] = part
        else:
            dropped = {*part.drop, *spec.not_features(part.path)}
            chosen = {"drop": dropped, "categorical": part.categorical}
            here = {key: tuple(one for one in row.columns if one in columns) for key, columns in chosen.items()}
            modality[name] = part.model_copy(update=here)
    if not modality:
        raise CohortError(f"{folder} has none of the tables that its cohort.toml names: {', '.join(spec.modality)}")
    cohort = spec.cohort.model_copy(update={"outcome": None, "split": None})
    group = dict(groups_there(spec.group, folder))
    return spec.model_copy(update={"cohort": cohort, "group": group, "modality": modality}), tuple(notes)


def groups_there(groups: Mapping[str, GroupPart], folder: Path) -> Iterator[tuple[str, GroupPart]]:
    """Yield the groups whose column stands in a file that is there."""
    for name, part in groups.items():
        row = first_row(folder / part.path)
        if row is not None and part.column in row.columns:
            yield name, part
