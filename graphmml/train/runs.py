"""A cross-validation on disk: one line a finished unit, so that a killed run loses at most one."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphmml.errors import StoreError
from graphmml.train.result import Unit

SCHEMA = "graphmml.run/1"


@dataclass(frozen=True)
class RunFolder:
    """A folder with run.json (what is run on what) and units.jsonl (one finished unit a line)."""

    path: Path

    @classmethod
    def open(cls, path: str | Path, facts: Mapping[str, str], *, resume: bool) -> "RunFolder":
        """Start a run, or take one up whose facts (cohort, folds, models) are still the same."""
        folder = cls(Path(path))
        record = {"schema": SCHEMA, **facts}
        if folder.config.exists() and not (folder.path / "units.jsonl").exists():
            folder.write(folder.config, json.dumps(record, indent=1))  # it stopped before anything was done
            return folder
        if not folder.config.exists():
            if folder.path.exists() and (not folder.path.is_dir() or any(folder.path.iterdir())):
                raise StoreError(f"{path} exists and is no run; choose another path")
            folder.path.mkdir(parents=True, exist_ok=True)
            folder.write(folder.config, json.dumps(record, indent=1))
            folder.write(folder.path / ".gitignore", "*\n")
            return folder
        if not resume:
            raise StoreError(f"{path} already holds a run; continue it with --resume, or choose another path")
        try:
            before = json.loads(folder.config.read_text())
        except ValueError:
            raise StoreError(f"{folder.config} is not readable JSON; start the run anew elsewhere") from None
        changed = [key for key, value in record.items() if before.get(key) != value]
        if changed:
            raise StoreError(f"{path} is a run of another {', '.join(changed)}; start this one in another folder")
        return folder

    @property
    def config(self) -> Path:
        """Where the run says what it is."""
        return self.path / "run.json"

    def write(self, path: Path, text: str) -> None:
        """Write a small file whole or not at all."""
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.write_text(text)
        fresh.replace(path)

    def append(self, unit: Unit) -> None:
        """Add a finished unit and see it onto the disk."""
        record = {
            **{name: getattr(unit, name) for name in ("model", "kind", "repeat", "fold", "seconds", "trained")},
            "scores": dict(unit.scores),
            "codes": unit.codes.tolist(),
            "probabilities": unit.probabilities.tolist(),
        }
        with (self.path / "units.jsonl").open("a") as stream:
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
