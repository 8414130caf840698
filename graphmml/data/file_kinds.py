"""What a file is that is no CSV, by its first bytes, and how to make one of it."""

from pathlib import Path

from graphmml.errors import CohortError

EXCEL = "open it there and save it as CSV UTF-8"
PANDAS = "write it as a CSV, in Python: pandas.read_{}(path).to_csv(...), or join DataFrames by gm.Cohort.from_frames"
PACKED = (".zip", ".gz", ".bz2", ".xz", ".zst", ".tar")
"""Endings of packed files, which are unpacked as they are read."""
KINDS = {
    b"PK\x03\x04": ("an Excel workbook or another packed file", EXCEL),
    b"\xd0\xcf\x11\xe0": ("an Excel workbook", EXCEL),
    b"PAR1": ("a Parquet file", PANDAS.format("parquet")),
    b"ARROW1": ("a Feather file", PANDAS.format("feather")),
    b"\x89HDF": ("an HDF5 file", PANDAS.format("hdf")),
    b"\x1f\x8b": ("a gzip file", "name it so: .csv.gz"),
    b"\xff\xfe": ("text in UTF-16", "save it as UTF-8, for instance: iconv -f utf-16 -t utf-8"),
    b"\xfe\xff": ("text in UTF-16", "save it as UTF-8, for instance: iconv -f utf-16 -t utf-8"),
}
"""The first bytes of a file -> what it is, and what to do."""


def refuse_foreign(path: Path) -> None:
    """Raise CohortError for a file of another kind, whatever its name says."""
    if path.suffix.lower() in PACKED:
        return
    with path.open("rb") as stream:
        first = stream.read(8)
    for mark, (kind, todo) in KINDS.items():
        if first.startswith(mark):
            raise CohortError(f"{path} is {kind}, and not UTF-8 text, as a CSV is; {todo}")
