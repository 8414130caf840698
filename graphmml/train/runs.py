"""A cross-validation on disk: one line a finished unit, so that a killed run loses at most one.

On a GPU it may lose those that train together.
A run's folder holds `run.json` (what is run on what, with which versions), `splits.csv` (one row a patient, one
column a fold: train, test or nothing), `units.jsonl` (one finished unit a line) and, once all are done, `table.csv`
(`CVResult.frame()` without seconds) and `predictions.csv` (`CVResult.predictions()`). The last two and the splits
name patients; all files are the owner's alone to read.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from graphmml.data.seal import SEAL, holds, sealed
from graphmml.errors import StoreError
from graphmml.train.splits import Splits
from graphmml.train.unit import Unit
from graphmml.train.versions import versions

SCHEMA = "graphmml.run/2"
PRIVATE = 0o600


@dataclass(frozen=True)
class RunFolder:
    """The folder that a run is kept in."""

    path: Path

    @classmethod
    def open(cls, path: str | Path, facts: Mapping[str, str], splits: Splits, *, resume: bool) -> "RunFolder":
        """Start a run, or take one up whose facts (cohort, folds, models, versions) are still the same."""
        folder = cls(Path(path))
        table = splits.frame().to_csv().encode()
        record = sealed({"schema": SCHEMA, **facts, "versions": versions(), "splits": sha256(table).hexdigest()})
        if folder.config.exists() and (folder.path / "units.jsonl").exists():
            folder.refuse_other(record, resume=resume)
            return folder
        if not folder.config.exists():  # else it stopped before anything was done
            if folder.path.exists() and (not folder.path.is_dir() or any(folder.path.iterdir())):
                raise StoreError(f"{path} exists and is no run; choose another path")
            folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.write(folder.path / ".gitignore", b"*\n")
        folder.write(folder.path / "splits.csv", table)
        folder.write(folder.config, json.dumps(record, indent=1).encode())
        return folder

    def refuse_other(self, record: Mapping[str, Any], *, resume: bool) -> None:
        """Raise StoreError unless the folder's run is to be continued and is the one that is asked for."""
        if not resume:
            raise StoreError(f"{self.path} already holds a run; continue it with --resume, or choose another path")
        try:
            before = json.loads(self.config.read_text())
        except ValueError:
            raise StoreError(f"{self.config} is not readable JSON; start the run anew elsewhere") from None
        if not holds(before):
            raise StoreError(f"{self.config} was changed after it was written; start the run anew elsewhere")
        changed = [key for key, value in record.items() if key not in (SEAL, "splits") and before.get(key) != value]
        if changed:
            raise StoreError(f"{self.path} is a run of another {', '.join(changed)}; start this one in another folder")
        if before["splits"] != record["splits"]:
            raise StoreError(
                f"{self.path}: the rows of the cohort's files are in another order than in its splits.csv; put them "
                "back in that order, or start anew in another folder"
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes out for as long as this one writes."""
        lock = FileLock(self.path / ".lock", mode=PRIVATE)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise StoreError(f"{self.path} is being written by another process; wait for it, or stop it") from None
        try:
            yield
        finally:
            lock.release()

    def keep(self, table: pd.DataFrame, predictions: pd.DataFrame) -> None:
        """Write what a finished run found."""
        self.write(self.path / "table.csv", table.to_csv().encode())
        self.write(self.path / "predictions.csv", predictions.to_csv(index=False).encode())

    @property
    def config(self) -> Path:
        """Where the run says what it is."""
        return self.path / "run.json"

    @property
    def seal(self) -> str:
        """The seal of run.json, which every unit is bound to; "" where there is none."""
        return str(json.loads(self.config.read_text()).get(SEAL, "")) if self.config.exists() else ""

    def write(self, path: Path, content: bytes) -> None:
        """Write a small file whole or not at all."""
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.touch(mode=PRIVATE)
        fresh.write_bytes(content)
        fresh.replace(path)

    def append(self, unit: Unit) -> None:
        """Add a finished unit and see it onto the disk."""
        record = {
            **{name: getattr(unit, name) for name in ("model", "kind", "repeat", "fold", "seconds", "trained")},
            "scores": dict(unit.scores),
            "chosen": dict(unit.chosen),
            "codes": unit.codes.tolist(),
            "probabilities": unit.probabilities.tolist(),
        }
        file = self.path / "units.jsonl"
        file.touch(mode=PRIVATE)
        with file.open("a") as stream:
            stream.write(json.dumps(sealed(record, of=self.seal)) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def units(self) -> Iterator[Unit]:
        """Yield the finished units; a last line that was cut off by a kill is ignored, and cut away."""
        file = self.path / "units.jsonl"
        if not file.exists():
            return
        whole = file.read_bytes().rpartition(b"\n")[0]
        if whole:
            whole += b"\n"
        if len(whole) < file.stat().st_size:
            self.write(file, whole)
        seal = self.seal
        for number, line in enumerate(whole.splitlines(), 1):
            record = unit_record(line, seal, f"{file}, line {number}")
            codes = np.array(record.pop("codes"), dtype=np.int64)
            yield Unit(codes=codes, probabilities=np.array(record.pop("probabilities")), **record)


def unit_record(line: bytes, seal: str, where: str) -> dict[str, Any]:
    """Read one finished unit, or raise StoreError where it is not as it was written, or is of another run."""
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict) or not holds(record, of=seal):
        raise StoreError(f"{where} was changed, or is of another run than run.json; remove the line, or start anew")
    record.pop(SEAL)
    return record
