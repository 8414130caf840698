"""What each command does: short functions that read, call one room, and hand the result to a renderer."""

import json as jsonlib
import os
import sys
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import graphmml as gm
from graphmml.cli.choices import links_of
from graphmml.cli.findings import FindingChoice, all_rules
from graphmml.data.cohort import Cohort
from graphmml.data.ids import among
from graphmml.data.thresholds import thresholds
from graphmml.errors import CohortError, GraphmmlError, StoreError
from graphmml.graph.patient_graph import GraphConstructor
from graphmml.report import render, render_findings

LONG = 60
"""Seconds of linking from which on it is worth saying how it would take fewer."""


def out() -> Console:
    """Return a console on stdout; plain text at full width where it is not a terminal."""
    return Console(highlight=False, soft_wrap=False)


def emit(record: dict[str, Any]) -> None:
    """Print one JSON object; NaN has no place in JSON."""
    sys.stdout.write(jsonlib.dumps(record, indent=1, allow_nan=False) + "\n")


def demo(folder: Path, *, patients: int, seed: int, json: bool) -> None:
    """Write the synthetic cohort."""
    write = import_module("graphmml.data.synthetic").write_demo
    files = write(folder, patients=patients, seed=seed)
    if json:
        return emit({"schema": "graphmml.demo/1", "files": [file.name for file in files]})
    out().print(f"wrote {', '.join(file.name for file in files)}   synthetic, safe to share")
    return out().print(f"next: graphmml check {folder}")


def init(tables: Sequence[Path], *, output: Path | None, json: bool) -> None:
    """Write a guessed cohort.toml."""
    target = output or tables[0].parent / "cohort.toml"
    if target.exists():
        raise CohortError(f"{target} exists and is not overwritten; choose another with --output")
    text = import_module("graphmml.data.guess").guess_cohort_file(tables, folder=target.parent)
    target.write_text(text, encoding="utf-8")
    if json:
        return emit({"schema": "graphmml.init/1", "file": str(target), "text": text})
    return out().print(f"wrote {target}; read its comments, then: graphmml check {target}", markup=False)


def check(path: Path, choice: FindingChoice, *, min_cell: int) -> None:
    """Check the tables."""
    if min_cell < 1:
        raise GraphmmlError(f"--min-cell is {min_cell}; choose 1 (every count is shown) or more")
    with progress(count=False) as bar:
        task = bar.add_task("reading", total=None)
        cohort = gm.read_cohort(path, strict=False)
        bar.update(task, description="checking")
        findings = choice.chosen(gm.check(cohort, min_cell=min_cell, limit=choice.limit))
    record = {"schema": "graphmml.check/1", "findings": [finding.to_dict() for finding in findings]}
    choice.show(record, findings, path, [render.cohort_text(cohort, min_cell=min_cell)])


def build(path: Path, *, output: Path, links: str, onto: Path | None, split: bool, json: bool) -> None:
    """Build a graph, join it to an earlier one if that is given, and write it."""
    constructor = links_of(links)
    with progress(count=False) as bar:
        task = bar.add_task("reading", total=None)
        cohort = gm.read_cohort(path)
        train, rest = official(cohort) if split else (cohort, None)
        bar.update(task, description="encoding")
        encoder = gm.CohortEncoder().fit(train)
        attached, linked = None if rest is None else encoder.transform(rest), encoder.transform(train)
        bar.update(task, description="linking")
        began = monotonic()
        graph = gm.build_graph(constructor, linked, attached)
    hint(constructor, len(train), monotonic() - began)
    if onto is not None:
        before, known = import_module("graphmml.graph.store").load_graph(onto)
        graph, links = gm.join_graphs(before, graph), f"{known.get('links', onto.name)} and {links}"
    facts = {
        "links": links,
        "cohort": os.path.relpath(path, output.parent),
        "fingerprint": cohort.fingerprint,
        "learned_from": {"patients": len(train), "fingerprint": train.fingerprint},
    }
    import_module("graphmml.graph.store").save_graph(graph, output, facts)
    if json:
        return emit(
            {
                "schema": "graphmml.build/1",
                "graph": str(output),
                "patients": graph.patients,
                "edges": graph.edges,
                "relations": {relation.name: len(relation) for relation in graph.relations},
            }
        )
    out().print(repr(graph), markup=False)
    return out().print(f"saved {output}   next: graphmml diagnose {output}", markup=False)


def hint(links: GraphConstructor, patients: int, seconds: float) -> None:
    """Say how links that took long would take less."""
    fewest = import_module("graphmml.graph.approximate").FEW
    if seconds > LONG and patients >= fewest and searches_exactly(links):
        Console(stderr=True).print(
            f"linking {patients:,} patients exactly took {seconds:.0f} s; with recall=0.95 neighbours are searched "
            "approximately, and sooner: --links neighbours:recall=0.95"
        )


def searches_exactly(links: object) -> bool:
    """Whether a constructor, or one inside it, compares all pairs of patients for their neighbours."""
    if isinstance(links, gm.Neighbours):
        return links.recall is None
    inner = [getattr(links, item.name) for item in fields(links)] if is_dataclass(links) else []
    return any(searches_exactly(one) for value in inner for one in (value if isinstance(value, tuple) else (value,)))


def official(cohort: Cohort) -> tuple[Cohort, Cohort | None]:
    """Return the training patients of the official split, and the others, who are to be attached to them."""
    if cohort.split is None or not (cohort.split == "train").any():
        raise CohortError("--split wants an official split with training patients; add split = {...} to cohort.toml")
    train = (cohort.split == "train").to_numpy(dtype=bool)
    return cohort[train], None if train.all() else cohort[~train]


def diagnose(
    source: Path, choice: FindingChoice, *, links: str, cohort: Path | None, full: bool, html: Path | None, seed: int
) -> None:
    """Measure a graph of a cohort, or one from a folder."""
    if html is not None and html.suffix != ".html":
        raise GraphmmlError(f"--html is '{html}'; name a file that ends in .html")
    known, result = diagnosed(source, choice, links=links, cohort=cohort, full=full, seed=seed)
    if html is not None:
        made = gm.report_on(known, result, limit=choice.limit)
        made.with_findings(choice.chosen(made.findings)).save(html)
    result = result.with_findings(choice.chosen(result.findings))
    choice.show(result.to_json(), result.findings, source, [result.summary()])


def diagnosed(
    source: Path, choice: FindingChoice, *, links: str, cohort: Path | None, full: bool, seed: int
) -> tuple[Cohort, gm.Diagnosis]:
    """Read a cohort, or a graph from a folder with its cohort, and measure."""
    with progress(count=False) as bar:
        task = bar.add_task("reading", total=None)
        options: dict[str, Any] = {
            "full": full,
            "limit": choice.limit,
            "seed": seed,
            "watch": lambda part: bar.update(task, description=part),
        }
        if not (source / "graph.npz").exists():
            known = gm.read_cohort(source)
            return known, gm.diagnose(known, links_of(links), **options)
        graph, manifest = import_module("graphmml.graph.store").load_graph(source)
        known = matching(gm.read_cohort(cohort or source.parent / manifest["cohort"]), graph.ids)
        measure = import_module("graphmml.report.diagnose").diagnose_graph
        return known, measure(known, graph, facts=manifest, **options)


def matching(cohort: Cohort, ids: pd.Index) -> Cohort:
    """Return the cohort's patients in a graph's order, or say that it is another cohort."""
    known = among(ids, cohort.ids)
    if not known.all():
        raise StoreError(
            f"{int((~known).sum())} of the graph's {len(ids)} patients are not in the cohort; "
            "name the right one with --cohort, or build the graph anew"
        )
    return cohort[cohort.rows_of(list(ids))]


def progress(*, count: bool = True) -> Progress:
    """Return a progress bar on stderr that vanishes when done; nothing where that is no terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *((MofNCompleteColumn(),) if count else ()),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def graph_in(folder: Path) -> tuple[gm.PatientGraph, dict[str, Any]]:
    """Read a graph and its manifest; of a fitted model, the training graph with the weights it is heard by."""
    if (folder / "weights.safetensors").exists():
        return gm.learned_graph(gm.load(folder)), {}
    graph, manifest = import_module("graphmml.graph.store").load_graph(folder)
    return graph, manifest


def export(folder: Path, *, output: Path, to: str, cohort: Path | None, ids: bool, json: bool) -> None:
    """Write a graph in another format, with what its patients have where the format holds that."""
    graph, manifest = graph_in(folder)
    home = import_module("graphmml.graph.export")
    features = None
    if to in home.WITH_FEATURES:
        if cohort is None and "cohort" not in manifest:
            raise CohortError(f"{to} holds what patients have; name their cohort with --cohort")
        features = matching(gm.read_cohort(cohort or folder.parent / manifest["cohort"]), graph.ids)
    home.write(graph, output, to, ids=ids, features=features)
    if json:
        return emit({"schema": "graphmml.export/1", "file": str(output), "format": to, "edges": graph.edges})
    told = "" if features is None else ", with these patients' data: share it as you would share them"
    return out().print(f"wrote {output}: {graph.patients} patients, {graph.edges} edges{told}", markup=False)


def rule(code: str | None, *, json: bool) -> None:
    """Explain one code, or list them all."""
    rules = all_rules()
    if code is not None and code.upper() not in rules:
        raise GraphmmlError(f"no rule '{code}'; there are: {', '.join(rules)}")
    chosen = list(rules) if code is None else [code.upper()]
    if json:
        return emit({"schema": "graphmml.rule/1", "rules": [vars(rules[name]) for name in chosen]})
    if code is None:
        return out().print(render_findings.rules_table([rules[name] for name in chosen]))
    limits = thresholds().limits.get(chosen[0], {})
    return out().print(render_findings.rule_text(rules[chosen[0]], limits), markup=False)


def env(*, json: bool) -> None:
    """Print what the machine and its libraries are."""
    torch = import_module("torch")
    record = {
        **import_module("graphmml.train.versions").versions(),
        "threads": str(torch.get_num_threads()),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
    }
    if json:
        return emit({"schema": "graphmml.env/1", **record})
    return out().print("\n".join(f"{name:<16} {value}" for name, value in record.items()), markup=False)
