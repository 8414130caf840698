"""Counts of patients as they may be shown: those of few people only as a bound."""

from collections.abc import Sequence

import numpy as np


def masked(count: int, *, min_cell: int) -> str:
    """Write a count of patients; 1 to min_cell - 1 only as "<min_cell", so that few people stay unseen."""
    return f"<{min_cell}" if 0 < count < min_cell else str(count)


def parts_told(parts: Sequence[tuple[str, int]], *, min_cell: int) -> str:
    """Write the sizes of the parts of a known whole, as in "a 80 or more, b 60, unknown <11".

    Where a part is masked, the whole less the others would give it away; so the largest is written as the least that
    it could be.
    """
    hidden = [size for _, size in parts if 0 < size < min_cell]
    said = [masked(size, min_cell=min_cell) for _, size in parts]
    at = max(range(len(parts)), key=lambda part: parts[part][1], default=0)
    if hidden and parts[at][1] >= min_cell:
        least = parts[at][1] + sum(hidden) - (min_cell - 1) * len(hidden)
        said[at] = f"{max(least, min_cell)} or more"
    return ", ".join(f"{name} {size}" for (name, _), size in zip(parts, said, strict=True))


def with_complements(held: np.ndarray, counts: np.ndarray, lines: Sequence[np.ndarray], least: int) -> np.ndarray:
    """Return which counts are not shown: those held back, and as many beside them that none can be worked out.

    `lines` are positions of counts whose sum is known. Where one count of a line is held back alone, it is the sum
    less the rest; so the next smallest is held back too, until two or more are and their sum is no small cell either
    (complementary suppression, Willenborg and de Waal 2001). Counts of zero are held back last.
    """
    held = held.copy()
    changed = True
    while changed:
        changed = False
        for line in lines:
            shown, behind = line[~held[line]], line[held[line]]
            if len(behind) and len(shown) and (len(behind) == 1 or counts[behind].sum() < least):
                held[shown[np.argmin(np.where(counts[shown] > 0, counts[shown], np.inf))]] = True
                changed = True
    return held
