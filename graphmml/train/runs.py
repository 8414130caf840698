"""A cross-validation on disk: one line a finished unit, so that a killed run loses at most one.

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
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from graphmml.errors import StoreError
from graphmml.train.splits import Splits
from graphmml.train.store import versions
from graphmml.train.unit import Unit

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
        record, table = {"schema": SCHEMA, **facts, "versions": versions()}, splits.frame().to_csv()
        if folder.config.exists() and (folder.path / "units.jsonl").exists():
            folder.refuse_other(record, table, resume=resume)
            return folder
        if not folder.config.exists():  # else it stopped before anything was done
            if folder.path.exists() and (not folder.path.is_dir() or any(folder.path.iterdir())):
                raise StoreError(f"{path} exists and is no run; choose another path")
            folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.write(folder.path / ".gitignore", "*\n")
        folder.write(folder.path / "splits.csv", table)
        folder.write(folder.config, json.dumps(record, indent=1))
        return folder

    def refuse_other(self, record: Mapping[str, Any], table: str, *, resume: bool) -> None:
        """Raise StoreError unless the folder's run is to be continued and is the one that is asked for."""
        if not resume:
            raise StoreError(f"{self.path} already holds a run; continue it with --resume, or choose another path")
        try:
            before, known = json.loads(self.config.read_text()), (self.path / "splits.csv").read_text()
        except (OSError, ValueError):
            raise StoreError(f"{self.config} or splits.csv is not readable; start the run anew elsewhere") from None
        changed = [key for key, value in record.items() if before.get(key) != value]
        if changed:
            raise StoreError(f"{self.path} is a run of another {', '.join(changed)}; start this one in another folder")
        if known != table:
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
        self.write(self.path / "table.csv", table.to_csv())
        self.write(self.path / "predictions.csv", predictions.to_csv(index=False))

    @property
    def config(self) -> Path:
        """Where the run says what it is."""
        return self.path / "run.json"

    def write(self, path: Path, text: str) -> None:
        """Write a small file whole or not at all."""
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.touch(mode=PRIVATE)
        fresh.write_text(text)
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
            stream.write(json.dumps(record) + "\n")
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
            self.write(file, whole.decode())
        for line in whole.decode().splitlines():
            record: dict[str, Any] = json.loads(line)
            codes = np.array(record.pop("codes"), dtype=np.int64)
            yield Unit(codes=codes, probabilities=np.array(record.pop("probabilities")), **record)
