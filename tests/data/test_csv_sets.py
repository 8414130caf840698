"""Whatever CSVs are written, the way from files to predictions works for everybody in them, or is refused in words."""

import csv
import gzip
import io
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from sklearn.base import clone

import graphmml as gm
from graphmml.errors import GraphmmlError

BOUNDED = settings(
    derandomize=True,
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TINY = gm.GraphClassifier(
    gm.Neighbours(k=2, each=True), members=1, width=4, training=gm.Training(epochs=1, patience=1), device="cpu"
)
TRAINED = settings(BOUNDED, max_examples=8)

ODD_IDS = ["007", "7", "70", "id 1", "ä-1", "a,b", 'q"uote', "=1+1", "NA", "nan", "-9", "1e5", "x" * 60, "P1", "p1"]
IDS = st.one_of(st.sampled_from(ODD_IDS), st.integers(0, 30).map(str), st.text("abc01 ", min_size=1, max_size=4))
NUMBERS = st.one_of(
    st.integers(-3, 9).map(str), st.floats(-1e6, 1e6).map(repr), st.sampled_from(["", "NA", "0", "1e3", "-9", "1.50"])
)
NAMES = st.sampled_from(["", "f", "m", "Male ", "NA", "1", "1.0", "ü", "<0.1", "a;b", "yes", "=2", "multi\nline"])
RARE = st.sampled_from(["", "inf", "1,5", "1e300", "999", "2020-01-01", "\t", "#N/A", "0x1", "True"])
KINDS = [NUMBERS, NUMBERS, NAMES, st.just(""), st.just("3"), st.one_of(NUMBERS, NAMES), st.one_of(NUMBERS, RARE)]
COLUMNS = st.one_of(
    st.sampled_from(["age", "sex", "0", "a b", "ä", "x,y", "label", "p_case"]), st.text("uvw", min_size=1)
)


@dataclass(frozen=True)
class Written:
    """Tables as rows of text, the header first; labels by id; and how the files are spelled."""

    tables: dict[str, list[list[str]]]
    labels: dict[str, str]
    newline: str = "\n"
    mark: str = ","
    bom: bool = False
    zipped: bool = False

    @property
    def ids(self) -> set[str]:
        """Everybody who is in a table."""
        return {row[0] for rows in self.tables.values() for row in rows[1:]}

    def save(self, folder: Path) -> Path:
        """Write the CSVs and their cohort.toml; return the folder."""
        lines = ["[cohort]", 'id = "pid"', 'outcome = { path = "labels.csv", column = "y" }']
        self.put(folder / "labels.csv", [["pid", "y"], *map(list, self.labels.items())])
        for name, rows in self.tables.items():
            file = f"{name}.csv.gz" if self.zipped else f"{name}.csv"
            self.put(folder / file, rows)
            lines += [f"[modality.{name}]", f"path = {json.dumps(file)}"]
        (folder / "cohort.toml").write_text("\n".join(lines))
        return folder

    def put(self, path: Path, rows: list[list[str]]) -> None:
        """Write one file."""
        text = io.StringIO()
        csv.writer(text, delimiter=self.mark, lineterminator=self.newline).writerows(rows)
        content = text.getvalue().encode("utf-8-sig" if self.bom else "utf-8")
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@st.composite
def csv_sets(draw, usual=False):
    """One to three tables of some of the same patients; `usual` ones are never refused for how they are written."""
    pool = st.integers(0, 60).map("P{:03d}".format) if usual or draw(st.booleans()) else IDS
    most = draw(st.sampled_from([10, 10, 1]))
    ids = draw(st.lists(pool, min_size=10 if usual else most, max_size=14, unique=True))
    tables = {}
    for name in draw(st.permutations(["labs", "rna", "codes"]))[: draw(st.integers(1, 3))]:
        some = st.lists(st.sampled_from(ids), min_size=1, unique=draw(st.sampled_from([True] * 9 + [False])))
        mine = ids if usual or draw(st.booleans()) else draw(some)
        columns = draw(st.lists(COLUMNS, min_size=1, max_size=4, unique=True))
        kinds = [draw(st.sampled_from(KINDS[:4] if usual else KINDS)) for _ in columns]
        tables[name] = [["pid", *columns], *([name, *(draw(kind) for kind in kinds)] for name in mine)]
    classes = ["a", "b"] if usual else ["a", "b", "b ", "", "1"]
    labels = {name: draw(st.sampled_from(classes)) for name in ids}
    if usual or draw(st.booleans()):
        labels |= dict(zip(ids[:6], "ababab", strict=False))
    if usual:
        return Written(tables, labels)
    marks = draw(st.sampled_from([","] * 9 + [";", "\t"]))
    return Written(
        tables, labels, draw(st.sampled_from(["\n", "\r\n"])), marks, draw(st.booleans()), draw(st.booleans())
    )


def read(written):
    """Write and read a set of CSVs."""
    with tempfile.TemporaryDirectory() as folder:
        return gm.read_cohort(written.save(Path(folder)))


def refused(step, *words):
    """Run one step; a GraphmmlError is an answer, any other exception is not."""
    try:
        return step(*words)
    except GraphmmlError as error:
        note(str(error))
        return None


@BOUNDED
@given(csv_sets())
def test_any_set_of_csvs_is_read_for_everybody_in_it_or_refused_in_words(written):
    cohort = refused(read, written)
    if cohort is None:
        return
    assert set(cohort.ids) == written.ids
    assert not any(cohort.tables[name].shape[1] != len(rows[0]) - 1 for name, rows in written.tables.items())
    encoder = refused(gm.CohortEncoder().fit, cohort)
    if encoder is None:
        return
    encoded = encoder.transform(cohort)
    for matrix in encoded.features.values():
        assert matrix.shape[0] == len(written.ids)
        assert np.isfinite(matrix).all()
    graph = refused(gm.build_graph, gm.Neighbours(k=3), encoded)
    assert graph is None or graph.patients == len(written.ids)


@TRAINED
@given(st.one_of(csv_sets(usual=True), csv_sets()), st.booleans())
def test_any_set_of_csvs_is_fitted_and_predicted_or_refused_in_words(written, calibrated):
    cohort = refused(read, written)
    model = gm.CalibratedClassifier(TINY, gm.HeldOut(0.5)) if calibrated else TINY
    fitted = None if cohort is None else refused(clone(model).fit, cohort)
    if fitted is not None:
        table = gm.prediction_frame(fitted, cohort)
        assert len(table) == len(written.ids)
        assert np.isfinite(fitted.predict_proba(cohort)).all()


def shuffled(written, seed):
    """The same cells with files, rows and columns in another order."""
    random = np.random.default_rng(seed)
    tables = {}
    for name in random.permutation(list(written.tables)).tolist():
        head, *rows = written.tables[name]
        order = [0, *(1 + random.permutation(len(head) - 1)).tolist()]
        mixed = [rows[at] for at in random.permutation(len(rows))]
        tables[name] = [[row[at] for at in order] for row in [head, *mixed]]
    labels = list(written.labels.items())
    return Written(tables, dict(labels[at] for at in random.permutation(len(labels))))


@TRAINED
@given(csv_sets(usual=True), st.integers(0, 99))
def test_the_order_of_files_rows_and_columns_changes_nothing(written, seed):
    one, two = read(written), read(shuffled(written, seed))
    assert one.fingerprint == two.fingerprint
    same = two[two.rows_of(list(one.ids))]
    first, second = (gm.CohortEncoder().fit(cohort) for cohort in (one, two))
    for matrix, again in zip(
        first.transform(one).features.values(), second.transform(same).features.values(), strict=True
    ):
        assert np.array_equal(matrix, again)
    models = [refused(clone(TINY).fit, cohort) for cohort in (one, two)]
    assert (models[0] is None) == (models[1] is None)
    if models[0] is not None:
        assert np.array_equal(models[0].predict_proba(one), models[1].predict_proba(same))


@BOUNDED
@given(csv_sets(usual=True), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_how_a_file_is_spelled_changes_nothing(written, newline, bom, zipped):
    other = Written(written.tables, written.labels, newline, ",", bom=bom, zipped=zipped)
    assert read(other).fingerprint == read(written).fingerprint


@pytest.mark.parametrize("mark", [";", "\t"])
def test_another_separator_is_named(mark):
    written = Written({"labs": [["pid", "x"], ["a", "1"], ["b", "2"]]}, {"a": "u", "b": "v"}, mark=mark)
    with pytest.raises(GraphmmlError, match="separated by something else than commas"):
        read(written)
