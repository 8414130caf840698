"""A folder is written whole or not at all, and read only if nothing in it was changed."""

import json
import os
import stat

import pytest

from graphmml.data.folder import MANIFEST, read_folder, read_manifest, write_folder
from graphmml.data.seal import sealed
from graphmml.errors import StoreError

SCHEMA = "graphmml.model/1"


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "deep" / "model"
    write_folder(path, SCHEMA, {"a.json": b"{}", "b.npz": b"\x00\x01"}, {"patients": 3})
    return path


def test_what_is_written_is_read_back(stored):
    manifest, files = read_folder(stored, SCHEMA)
    assert files == {"a.json": b"{}", "b.npz": b"\x00\x01"}
    assert manifest["patients"] == 3
    assert manifest["schema"] == SCHEMA


def test_only_the_owner_may_read_it(stored):
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in stored.iterdir())


def test_an_earlier_folder_of_the_kind_is_replaced_whole(stored):
    write_folder(stored, SCHEMA, {"c.json": b"[]"}, {})
    assert sorted(path.name for path in stored.iterdir()) == ["c.json", MANIFEST]
    assert os.listdir(stored.parent) == ["model"]


def test_an_empty_folder_may_be_filled(tmp_path):
    (tmp_path / "model").mkdir()
    write_folder(tmp_path / "model", SCHEMA, {}, {})
    assert read_folder(tmp_path / "model", SCHEMA)[1] == {}


@pytest.mark.parametrize("content", [None, "not json", "[]", '{"schema": "other/1"}', "{}"])
def test_what_is_not_ours_is_never_overwritten(tmp_path, content):
    path = tmp_path / "thesis"
    path.mkdir()
    (path / "thesis.txt").write_text("years of work")
    if content is not None:
        (path / MANIFEST).write_text(content)
    with pytest.raises(StoreError, match="holds something else"):
        write_folder(path, SCHEMA, {"a": b""}, {})
    assert (path / "thesis.txt").read_text() == "years of work"


def test_a_file_in_the_way_is_not_overwritten(tmp_path):
    (tmp_path / "model").write_text("notes")
    with pytest.raises(StoreError, match="holds something else"):
        write_folder(tmp_path / "model", SCHEMA, {}, {})


def test_where_writing_fails_the_old_folder_stays_and_nothing_new(stored, monkeypatch):
    def full(_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="could not be written: no space left; nothing was left behind"):
        write_folder(stored, SCHEMA, {"c.json": b"[]"}, {})
    monkeypatch.undo()
    assert set(read_folder(stored, SCHEMA)[1]) == {"a.json", "b.npz"}
    assert os.listdir(stored.parent) == ["model"]


def changed(path, **facts):
    manifest = json.loads((path / MANIFEST).read_text()) | facts
    (path / MANIFEST).write_text(json.dumps(sealed(manifest)))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: (path / "a.json").write_bytes(b"{ }"), r"a\.json was changed after it was written"),
        (lambda path: (path / "a.json").unlink(), r"lacks its file a\.json"),
        (lambda path: (path / MANIFEST).unlink(), rf"has no {MANIFEST}"),
        (lambda path: (path / MANIFEST).write_text("{"), "is not readable JSON"),
        (lambda path: (path / MANIFEST).write_text("[]"), "is of kind None"),
        (lambda path: changed(path, schema="graphmml.model/2"), r"is of kind graphmml\.model/2; graphmml\.model/1"),
        (lambda path: changed(path, sha256=None), "lists no files"),
        (lambda path: changed(path, sha256={"../secret": "0"}), "names a file outside itself"),
    ],
    ids=["changed", "lost", "no manifest", "no json", "list", "schema", "no files", "outside"],
)
def test_a_spoiled_folder_is_refused_by_name(stored, spoil, words):
    spoil(stored)
    with pytest.raises(StoreError, match=words):
        read_folder(stored, SCHEMA)


def test_a_path_that_is_no_folder_is_refused(tmp_path):
    with pytest.raises(StoreError, match=r"is not a folder; a graphmml\.model folder"):
        read_manifest(tmp_path / "nowhere", SCHEMA)
