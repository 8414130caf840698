"""Counts of patients as they may be shown: those of few people only as a bound."""

from collections.abc import Sequence


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
