"""Patients as points of encoded columns: cosine, correlation and euclidean similarity as one inner product."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from graphmml.data.encode import EncodedCohort
from graphmml.graph.chance import uniform

TIE = 1e-4
"""Similarities closer than about this are ties, ordered by a hash of both ids: without it, the first rows of a
file would become everybody's neighbours wherever patients look alike (few binary codes)."""
TIE_COLUMNS = 4
ROWS = 2**12
"""So many rows are laid out at a time, and stay near the processor."""
PAIRS = 2**17
"""So many numbers are gathered at a time to compare pairs."""


@dataclass(frozen=True, eq=False)
class Vectors:
    """Rows whose inner product, divided by how many modalities two patients share, is their similarity.

    `rows` is float32 [patient, column], zero where a modality is absent; `turned` holds the same with the two norm
    columns of the euclidean trick exchanged, so that rows @ turned.T is the sum of similarities. `present` is
    float32 [patient, modality], or None where every patient has the one modality compared. `ties` is float32
    [patient, TIE_COLUMNS]; `norms` says which columns are norms.
    """

    rows: np.ndarray
    turned: np.ndarray
    present: np.ndarray | None
    margin: float
    norms: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: np.ndarray) -> "Vectors":
        present = None if self.present is None else self.present[rows]
        chosen = self.rows[rows]
        return Vectors(
            chosen, chosen if self.turned is self.rows else self.turned[rows], present, self.margin, self.norms
        )

    @property
    def ties(self) -> np.ndarray:
        """The columns that break ties by ids: float32 [patient, TIE_COLUMNS]."""
        return self.rows[:, -TIE_COLUMNS:]

    def embedded(self) -> np.ndarray:
        """Return places whose distances order the patients as similarity does: float32 [patient, column].

        Of several modalities with gaps they do so roughly.
        """
        return np.delete(self.rows, self.norms, axis=1) if self.norms else self.rows

    def block(self, rows: slice | np.ndarray, other: "Vectors", columns: slice | np.ndarray) -> np.ndarray:
        """Return similarities: float32 [row, column], -inf where no modality is shared."""
        similar = self.rows[rows] @ other.turned[columns].T
        if self.present is not None and other.present is not None:
            shared = self.present[rows] @ other.present[columns].T
            with np.errstate(divide="ignore", invalid="ignore"):
                similar /= shared
            similar[shared == 0] = -np.inf
        return np.asarray(similar)

    def pairs(self, rows: np.ndarray, other: "Vectors", columns: np.ndarray) -> np.ndarray:
        """Return the similarity of each pair: float64, the same alone and among others."""
        similar = np.empty(len(rows))
        step = max(1, PAIRS // self.rows.shape[1])
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            mine, theirs = self.rows[rows[part]].astype(np.float64), other.turned[columns[part]].astype(np.float64)
            similar[part] = np.einsum("pd,pd->p", mine, theirs)
            if self.present is not None and other.present is not None:
                shared = np.einsum("pm,pm->p", self.present[rows[part]], other.present[columns[part]])
                with np.errstate(divide="ignore", invalid="ignore"):
                    similar[part] = np.where(shared > 0, similar[part] / shared, -np.inf)
        return similar


def vectors_of(cohort: EncodedCohort, modalities: Sequence[str], metric: str) -> Vectors:
    """Lay out a cohort for the mean similarity over the modalities that two patients share.

    Euclidean similarity is minus half the squared distance per column; its two norm terms take a column each.
    """
    norms = 2 if metric == "euclidean" else 0
    widths = [cohort.features[modality].shape[1] for modality in modalities]
    rows = np.empty((len(cohort), sum(widths) + norms * len(widths) + TIE_COLUMNS), dtype=np.float32)
    exchanged, largest, at = np.arange(rows.shape[1]), 1.0, 0
    for modality, width in zip(modalities, widths, strict=True):
        here, plain = cohort.has(modality), rows[:, at : at + width]
        scale(cohort.features[modality], metric, plain)
        plain[~here] = 0.0
        at += width + norms
        if norms:
            rows[:, at - 2] = here
            rows[:, at - 1] = norm = -0.5 * (plain.astype(np.float64) ** 2).sum(axis=1)
            exchanged[[at - 2, at - 1]] = at - 1, at - 2
            largest = max(largest, float(-norm.min(initial=0.0)))
    rows[:, -TIE_COLUMNS:] = tie_columns(cohort)
    present = np.stack([cohort.has(modality) for modality in modalities], axis=1)
    whole = len(modalities) == 1 and bool(present.all())
    return Vectors(
        rows=rows,
        turned=rows[:, exchanged] if norms else rows,
        present=None if whole else present.astype(np.float32),
        margin=2e-6 * largest * len(modalities),
        norms=tuple(np.flatnonzero(exchanged != np.arange(len(exchanged))).tolist()),
    )


def scale(matrix: np.ndarray, metric: str, into: np.ndarray) -> None:
    """Fill in rows whose inner product is the similarity (cosine, correlation), or rows per root of columns."""
    if metric == "euclidean":
        into[:] = matrix / np.float32(np.sqrt(matrix.shape[1]))
        return
    for part in parts(len(matrix)):
        rows = matrix[part].astype(np.float64)
        if metric == "correlation":
            rows -= rows.mean(axis=1, keepdims=True)
        length = np.sqrt(np.einsum("pd,pd->p", rows, rows))[:, None]
        into[part] = rows / np.where(length > 0, length, 1.0)


def tie_columns(cohort: EncodedCohort) -> np.ndarray:
    """Return columns whose inner product breaks ties by both ids: float32 [patient, TIE_COLUMNS]."""
    columns = np.empty((len(cohort), TIE_COLUMNS), dtype=np.float32)
    for part in parts(len(cohort)):
        ties = np.stack([uniform(cohort.keys[part], salt) for salt in range(TIE_COLUMNS)], axis=1) - 0.5
        ties /= np.linalg.norm(ties, axis=1, keepdims=True)  # of one length, or the longest would be hubs
        columns[part] = ties * np.sqrt(TIE)
    return columns


def parts(rows: int) -> Iterator[slice]:
    """Cut rows into parts that stay near the processor."""
    return (slice(start, start + ROWS) for start in range(0, rows, ROWS))
