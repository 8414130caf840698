"""A cross-validation on disk: one line a finished unit, so that a killed run loses at most one."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphmml.data.seal import SEAL, holds, sealed
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
        record = sealed({"schema": SCHEMA, **facts})
        if folder.config.exists() and not (folder.path / "units.jsonl").exists():
            folder.write(folder.config, json.dumps(record, indent=1).encode())  # it stopped before anything was done
            return folder
        if not folder.config.exists():
            if folder.path.exists() and (not folder.path.is_dir() or any(folder.path.iterdir())):
                raise StoreError(f"{path} exists and is no run; choose another path")
            folder.path.mkdir(parents=True, exist_ok=True)
            folder.write(folder.config, json.dumps(record, indent=1).encode())
            folder.write(folder.path / ".gitignore", b"*\n")
            return folder
        if not resume:
            raise StoreError(f"{path} already holds a run; continue it with --resume, or choose another path")
        try:
            before = json.loads(folder.config.read_text())
        except ValueError:
            raise StoreError(f"{folder.config} is not readable JSON; start the run anew elsewhere") from None
        if not holds(before):
            raise StoreError(f"{folder.config} was changed after it was written; start the run anew elsewhere")
        changed = [key for key, value in record.items() if key != SEAL and before.get(key) != value]
        if changed:
            raise StoreError(f"{path} is a run of another {', '.join(changed)}; start this one in another folder")
        return folder

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
        fresh.write_bytes(content)
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
