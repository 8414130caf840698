"""A file is opened as text, cell by cell, or refused by name; long tables become patients x codes."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from graphmml.data import tables
from graphmml.errors import CohortError

HERE = Path("labs.csv")


def written(folder, content, name="labs.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def frame(**columns):
    return pd.DataFrame(columns, dtype="str")


def test_every_cell_is_text_as_written(tmp_path):
    path = written(tmp_path, "\ufeffpatient_id,x\n007,NA\n08, 1.50\n")
    table = tables.open_table(path)
    assert table.columns.tolist() == ["patient_id", "x"]
    assert table.to_numpy().tolist() == [["007", "NA"], ["08", " 1.50"]]
    assert len(tables.open_table(path, rows=1)) == 1


def test_a_compressed_table_reads_the_same(tmp_path):
    plain = "patient_id,x\n1,2\n"
    packed = written(tmp_path, gzip.compress(plain.encode()), "labs.csv.gz")
    assert tables.open_table(packed).equals(tables.open_table(written(tmp_path, plain)))


def test_quotes_hold_commas_and_lines_together(tmp_path):
    table = tables.open_table(written(tmp_path, 'patient_id,note\n1,"a, b\nc"\n'))
    assert table["note"].tolist() == ["a, b\nc"]


BAD = {
    "empty": (b"", "labs.csv is empty"),
    "header only": (b"patient_id,x\n", "labs.csv has a header and no row"),
    "latin-1": ("patient_id,x\npat77,M\u00fcller\n".encode("latin-1"), r"labs.csv is not UTF-8 \(byte 0xfc"),
    "utf-16": ("patient_id,x\npat77,1\n".encode("utf-16"), r"labs.csv is text in UTF-16, .* iconv -f utf-16"),
    "excel": (b"PK\x03\x04\x14\x00\x06\x00pat77", "is an Excel workbook .* save it as CSV UTF-8"),
    "old excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1pat77", "is an Excel workbook, .* save it as CSV UTF-8"),
    "parquet": (b"PAR1\x15\x04pat77", r"is a Parquet file, .* pandas.read_parquet\(path\).to_csv"),
    "gzip": (gzip.compress(b"patient_id,x\npat77,1\n"), "is a gzip file, .* name it so: .csv.gz"),
    "utf-16 big": ("\ufeffpatient_id,x\npat77,1\n".encode("utf-16-be"), "UTF-16, .* iconv -f utf-16"),
    "a name twice": (b"patient_id,crp,crp,ldh,ldh,ldh\npat77,1,2,3,4,5\n", r"2 column name\(s\) repeat \(crp, ldh\)"),
    "semicolons": (b"patient_id;x\npat77;1\n", "separated by something else than commas"),
    "tabs": (b"patient_id\tx\npat77\t1\n", "separated by something else than commas"),
    "one long row": (b"patient_id,x\npat77,1\npat78,1,2\n", "labs.csv is not a regular CSV: .* line 3"),
    "all rows long": (b"patient_id,x\npat77,1,2\npat78,1,2\n", "more cells in its rows than in its header"),
    "all rows longer": (b"patient_id,x\npat77,1,2,3\npat78,1,2,3\n", "more cells in its rows than in its header"),
    "git-lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0a\nsize 9\n", "git-lfs pointer"),
}


def test_names_that_only_look_like_those_pandas_makes_are_kept(tmp_path):
    table = tables.open_table(written(tmp_path, "patient_id,crp,crp.1,g.2\n1,2,3,4\n"))
    assert table.columns.tolist() == ["patient_id", "crp", "crp.1", "g.2"]


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_file_is_named_with_its_fault_and_no_patient(tmp_path, fault):
    content, words = BAD[fault]
    with pytest.raises(CohortError, match=words) as error:
        tables.open_table(written(tmp_path, content))
    assert "labs.csv" in str(error.value)
    assert "pat7" not in str(error.value)


def test_a_folder_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(CohortError, match="is a folder; a CSV file is wanted"):
        tables.open_table(tmp_path)
    with pytest.raises(CohortError, match=r"nowhere\.csv is not there"):
        tables.open_table(tmp_path / "nowhere.csv")


@pytest.mark.parametrize("fault", ["cut", "not packed", "bent"])
def test_a_broken_gz_is_named(tmp_path, fault):
    packed = gzip.compress(b"patient_id,x\n" + b"pat77,1\n" * 500)
    content = {"cut": packed[:-20], "not packed": b"patient_id,x\npat77,1\n", "bent": packed[:12] + b"\xff" * 20}[fault]
    with pytest.raises(CohortError, match=r"labs.csv.gz is not a readable .gz file"):
        tables.open_table(written(tmp_path, content, "labs.csv.gz"))


def test_a_gz_that_unpacks_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "LARGEST_GZIP", 1000)
    with pytest.raises(CohortError, match="unpacks to over"):
        tables.open_table(written(tmp_path, gzip.compress(b"1" * 2000), "labs.csv.gz"))


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError("permission denied")

    path = written(tmp_path, "patient_id,x\n1,2\n")
    monkeypatch.setattr(pd, "read_csv", refuse)
    with pytest.raises(CohortError, match=r"labs.csv cannot be read: permission denied"):
        tables.open_table(path)


def test_a_column_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(CohortError, match=r"no column 'age' in labs.csv; it has: a, b"):
        tables.want(frame(a=["1"], b=["2"]), ["a", "age"], HERE)
    many = frame(**{f"c{at}": ["1"] for at in range(20)})
    with pytest.raises(CohortError, match=r"c11 \.\.\. \(\+8\)"):
        tables.want(many, ["age"], HERE)


def test_ids_index_a_table_as_text():
    table = tables.index_by_id(frame(patient_id=["007", "8"], x=["1", "2"]), "patient_id", HERE)
    assert table.index.tolist() == ["007", "8"]
    assert table.columns.tolist() == ["x"]


@pytest.mark.parametrize(
    ("ids", "words"),
    [(["pat1", " "], r"labs.csv has 1 row\(s\) without an id"),
     (["pat1", "pat1", "pat2"], r"labs.csv: 1 id\(s\) stand on more than one row \(2 rows, .*lines?.* 2, 3 of "),
     (["pat1", "pat1"], "remove a row that is a mistake")],
)  # fmt: skip
def test_blank_and_repeated_ids_are_counted_not_named(ids, words):
    with pytest.raises(CohortError, match=words) as error:
        tables.index_by_id(frame(patient_id=ids), "patient_id", HERE)
    assert "pat1" not in str(error.value)


def test_rows_with_a_repeated_id_are_named_by_their_lines(tmp_path):
    path = tmp_path / "labs.csv"
    lines = ["patient_id,note", "pat1,x", 'pat2,"two', 'lines"', "pat3,x", "pat1,y", *["pat2,y"] * 9]
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(CohortError, match=r"line\(s\) 2, 3, 6, 7 \.\.\. \(\+8\) of the file") as error:
        tables.index_by_id(tables.open_table(path), "patient_id", path)
    assert "pat1" not in str(error.value)


def test_events_are_counted_wide():
    events = frame(id=["b", "a", "b", "b", " ", "a"], code=["x", "x ", "y", "x", "x", ""])
    wide = tables.count_events(events, "id", "code", HERE)
    assert wide.loc["b"].to_dict() == {"x": 2.0, "y": 1.0}
    assert wide.loc["a"].to_dict() == {"x": 1.0, "y": 0.0}
    assert wide.to_numpy().sum() == 4


def test_a_table_too_wide_to_lay_out_is_refused(monkeypatch):
    monkeypatch.setattr(tables, "LARGEST_WIDE", 3)
    with pytest.raises(CohortError, match=r"2 patients x 2 values of 'code' are too many"):
        tables.count_events(frame(id=["a", "b"], code=["x", "y"]), "id", "code", HERE)


@pytest.mark.parametrize("when", [["3", "1", "2", "10"], ["2024-05-03", "2024-05-01", "2024-05-02", "2024-06-10"]])
def test_the_latest_measurement_counts(when):
    events = frame(id=["a", "a", "a", "b"], code=["crp", "crp", "ldh", "crp"], value=["9", "1", "5", "4"], time=when)
    wide = tables.last_values(events, "id", "code", "value", "time", HERE)
    assert wide.loc["a"].to_dict() == {"crp": 9.0, "ldh": 5.0}
    assert wide.loc["b", "crp"] == 4.0
    assert np.isnan(wide.loc["b", "ldh"])


def test_without_a_time_measurements_are_averaged_and_empty_ones_left_out():
    events = frame(id=["a", "a", "a", " "], code=["crp"] * 4, value=["1", "3", "", "7"])
    assert tables.last_values(events, "id", "code", "value", None, HERE).loc["a", "crp"] == 2.0


@pytest.mark.parametrize(
    ("column", "cells", "words"),
    [("value", ["1", "high"], r"labs.csv: 1 value\(s\) of 'value' are not numbers"),
     ("value", ["1", "inf"], r"labs.csv: 'value' holds 1 infinite"),
     ("time", ["1", "yesterday"], r"labs.csv: 2 value\(s\) of 'time' are neither numbers nor dates|labs.csv: 1 value")],
)  # fmt: skip
def test_measurements_that_cannot_be_read_are_counted(column, cells, words):
    events = frame(id=["a", "b"], code=["crp", "crp"], value=["1", "2"], time=["1", "2"])
    with pytest.raises(CohortError, match=words):
        tables.last_values(events.assign(**{column: cells}), "id", "code", "value", "time", HERE)


def test_only_an_empty_cell_of_an_outcome_is_missing():
    column = tables.text_column(frame(dx=[" NA ", "", "no"]), "dx", HERE)
    assert column.isna().tolist() == [False, True, False]
    assert column[0] == "NA"
