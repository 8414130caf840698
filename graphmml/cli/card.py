"""The command that writes a model card."""

from collections.abc import Sequence
from pathlib import Path

import graphmml as gm
from graphmml.cli.commands import emit, out


def card(model: Path, *, output: Path, run: Path | None, cohort: Path | None, trust: Sequence[str], json: bool) -> None:
    """Fill in what is known and say what is left."""
    known = None if cohort is None else gm.read_cohort(cohort)
    made = gm.model_card(model, run, known, trust=trust)
    made.save(output)
    if json:
        return emit({**made.to_json(), "file": str(output)})
    left = len(made.blanks)
    out().print(
        f"wrote {output}: {left} of {len(made.entries)} parts of items wait for you, look for 'to be filled'",
        markup=False,
    )
    return None
