"""Folders that say what they hold: a manifest with a hash a file, written whole or not at all, never unpickled."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphmml.data.seal import holds, sealed
from graphmml.errors import StoreError

MANIFEST = "manifest.json"


def write_folder(path: Path, schema: str, files: Mapping[str, bytes], facts: Mapping[str, Any]) -> None:
    """Write files and their manifest beside the target, then put the folder in place in one step.

    An earlier folder of the same kind is replaced; anything else there is refused.
    """
    refuse_foreign(path, schema)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = sealed({"schema": schema, **facts, "sha256": hashes})
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        for name, content in {**files, MANIFEST: json.dumps(manifest, indent=1).encode()}.items():
            with (fresh / name).open("xb") as stream:
                os.fchmod(stream.fileno(), 0o600)  # patient-level data: for its owner alone
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        if path.exists():
            shutil.rmtree(path)
        fresh.replace(path)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise StoreError(f"{path} could not be written: {error}; nothing was left behind") from None


def refuse_foreign(path: Path, schema: str) -> None:
    """Raise unless the path is free, an empty folder, or a folder of the same kind."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    try:
        found = json.loads((path / MANIFEST).read_text())["schema"]
    except (OSError, ValueError, KeyError, TypeError):
        found = None
    if found is None or str(found).split("/")[0] != schema.split("/")[0]:
        raise StoreError(f"{path} exists and holds something else; choose another path or remove it yourself")


def read_folder(path: Path, schema: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the manifest and the files it names, every hash checked before anything is used."""
    manifest = read_manifest(path, schema)
    files = {}
    for name, wanted in manifest["sha256"].items():
        if Path(name).name != name:
            raise StoreError(f"{path} names a file outside itself; it is not ours, do not use it")
        try:
            content = (path / name).read_bytes()
        except OSError:
            raise StoreError(f"{path} lacks its file {name}; copy the whole folder again, or write it anew") from None
        found = hashlib.sha256(content).hexdigest()
        if found != wanted:
            raise StoreError(
                f"{path}/{name} was changed after it was written, or is not of the same folder as {MANIFEST} "
                f"(sha256 {found[:12]}, wanted {str(wanted)[:12]}); copy the folder again, or write it anew"
            )
        files[name] = content
    return manifest, files


def read_manifest(path: Path, schema: str) -> dict[str, Any]:
    """Read the manifest and check that it is of the kind wanted."""
    if not path.is_dir():
        raise StoreError(f"{path} is not a folder; a {schema.split('/')[0]} folder written by graphmml is wanted")
    try:
        manifest = json.loads((path / MANIFEST).read_text())
    except FileNotFoundError:
        raise StoreError(f"{path} has no {MANIFEST}; a {schema.split('/')[0]} folder is wanted") from None
    except (OSError, ValueError):
        raise StoreError(f"{path}/{MANIFEST} is not readable JSON; copy the folder again") from None
    if not isinstance(manifest, dict) or manifest.get("schema") != schema:
        found = manifest.get("schema") if isinstance(manifest, dict) else None
        raise StoreError(f"{path}/{MANIFEST} is of kind {found}; {schema} is wanted")
    if not isinstance(manifest.get("sha256"), dict):
        raise StoreError(f"{path}/{MANIFEST} lists no files; it is damaged, copy the folder again")
    if not holds(manifest):
        raise StoreError(f"{path}/{MANIFEST} was changed after it was written; copy the folder again, or write it anew")
    return manifest
