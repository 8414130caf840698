"""What training costs: one step over its bare products, a whole fit, memory, and where cross-validation spends time.

python benchmarks/training.py [step mogonet memory cv together] [--threads N] [--patients N]

step: GCNStack on 10,000 patients x 200 features, k = 10, width 64, forward and backward, over the sum of its matrix
and sparse products by themselves. mogonet: a fit with early stopping on 250 patients, three modalities of 200 features,
a graph each, late fusion by VCDN. memory: the peak of a process that fits and predicts 100,000 patients x 64 features
with sampled neighbours, and what sampling does to accuracy where the whole graph fits too. cv: cross-validation of
heart and hancock with and without what folds share. together: the members of 1, 5 and 25 folds on heart, one by one
and as one program: how many operations an epoch takes, each a kernel to start on a GPU, and how long; on a GPU also the
whole cross-validation.
"""

import argparse
import pkgutil
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
from torch.profiler import ProfilerActivity, profile

import graphmml as gm
from graphmml.data.folds import Fold
from graphmml.graph.relations import PATIENT
from graphmml.model.tensors import GraphTensors
from graphmml.model.towers import network_for
from graphmml.train.batches import Part
from graphmml.train.chance import chosen_device
from graphmml.train.loop import step, train_network
from graphmml.train.members import Lesson, lessons
from graphmml.train.tasks import ClassTask
from graphmml.train.together import may_train_together, train_together

DATA = Path(__file__).parents[2] / "shared" / "data"
CPU = torch.device("cpu")
Work = Callable[[], object]
FREE = {
    "view",
    "empty",
    "as_strided",
    "reshape",
    "detach",
    "detach_",
    "expand",
    "t",
    "empty_strided",
    "unsqueeze",
    "_unsafe_view",
    "select",
    "slice",
    "transpose",
    "permute",
    "alias",
    "empty_like",
    "squeeze",
    "_reshape_alias",
    "resolve_conj",
    "resolve_neg",
    "result_type",
    "movedim",
    "view_as",
    "flatten",
    "unflatten",
    "lift_fresh",
}
"""Operations that compute nothing."""


def drawn(patients: int, columns: Mapping[str, int], signal: float = 0.3, seed: int = 0) -> gm.Cohort:
    """Draw patients whose class moves a tenth of every modality's columns."""
    random = np.random.default_rng(seed)
    ids = pd.Index([f"p{at}" for at in range(patients)], dtype="str")
    case = random.integers(0, 2, patients)
    frames = {}
    for name, count in columns.items():
        values = random.standard_normal((patients, count)).astype(np.float32)
        values[:, : max(count // 10, 1)] += signal * (2 * case[:, None] - 1)
        frames[name] = pd.DataFrame(values, index=ids).rename(columns=str)
    return gm.Cohort.from_frames(frames, pd.Series(np.where(case, "case", "control"), index=ids, name="y"))


def medians(works: Mapping[str, Work], rounds: int = 40) -> dict[str, float]:
    """Return the median milliseconds of each, taken in turn, so that what else the machine does slows all alike.

    By the clock on the wall: the processor's counts threads that wait for others as if they worked.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 2):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            if turn > 1:
                times[name].append(1000 * (time.perf_counter() - began))
    return {name: float(np.median(each)) for name, each in times.items()}


def one_step() -> Iterator[str]:
    """Yield a step's milliseconds over those of its products."""
    patients, columns, width = 10_000, 200, 64
    cohort = drawn(patients, {"rna": columns})
    encoded = gm.CohortEncoder(components=None).fit(cohort).transform(cohort)
    graph = gm.build_graph(gm.Neighbours(k=10), encoded)
    task = ClassTask.of(cohort)
    part = Part(GraphTensors.of(graph, encoded, device=CPU), torch.from_numpy(task.codes(cohort)))
    parts = {"encoder": gm.LinearEncoder, "conv": gm.GCNStack, "fusion": gm.GatedFusion}
    network = network_for({"rna": columns}, graph.schema, outputs=2, width=width, **parts)
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    encoder, stack = gm.LinearEncoder(columns, width), gm.GCNStack(width, graph.schema.relations)
    given = torch.randn(patients, width)

    def stacked() -> None:
        stack({PATIENT: encoder(part.graph.features["rna"])}, part.graph.edges).backward(given)

    products = bare_products(part.graph, columns, width)
    took = medians(
        products
        | {
            "encoder and GCNStack": stacked,
            "whole training step": lambda: step(network, optimizer, task, part, None, pretraining=False),
        }
    )
    bare = sum(took[name] for name in products)
    yield f"{'step, 10,000 x 200, k = 10, width 64':<52}{'ms':>8}{'over bare':>12}"
    yield from (f"  {name:<50}{took[name]:8.2f}" for name in products)
    yield f"{'bare products':<52}{bare:8.2f}{1:12.2f}"
    yield from (f"{name:<52}{took[name]:8.2f}{took[name] / bare:12.2f}" for name in took if name not in products)


def bare_products(graph: GraphTensors, columns: int, width: int) -> dict[str, Work]:
    """Return the products of a step, forward and backward: the encoder's, and those of two maps and one relation."""
    patients = len(graph.present)
    x, state, gradient = graph.features["rna"], torch.randn(patients, width), torch.randn(patients, width)
    inward, map_ = torch.randn(columns, width), torch.randn(width, width)
    index, value = graph.edges[0].looped
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
        to, back = (
            torch.sparse_coo_tensor(pairs, value, (patients, patients), check_invariants=False)
            .coalesce()
            .to_sparse_csr()
            for pairs in (index.flip(0), index)
        )
    return {
        "columns to width": lambda: torch.mm(x, inward),
        "its weights' gradient": lambda: torch.mm(x.T, gradient),
        "two maps of width to width": lambda: (torch.mm(state, map_), torch.mm(state, map_)),
        "their weights' gradients": lambda: (torch.mm(state.T, gradient), torch.mm(state.T, gradient)),
        "their inputs' gradients": lambda: (torch.mm(gradient, map_), torch.mm(gradient, map_)),
        "neighbours to patients (CSR)": lambda: torch.mm(to, state),
        "its input's gradient (CSR of the transpose)": lambda: torch.mm(back, gradient),
    }


def mogonet() -> Iterator[str]:
    """Yield the seconds of whole fits."""
    cohort = drawn(250, {"mrna": 200, "meth": 200, "mirna": 200})
    yield f"{'fit, 250 x 3 x 200, a graph each, GCN, VCDN':<52}{'seconds':>8}{'processor':>12}{'epochs':>8}"
    for members in (1, 5):
        seen: list[int] = []
        model = gm.GraphClassifier(
            gm.Neighbours(each=True),
            conv=gm.GCNStack,
            fusion=gm.Late(gm.VCDN()),
            prepare=gm.CohortEncoder(components=None),
            members=members,
        )
        began, spent = time.perf_counter(), time.process_time()
        model.fit(cohort, watch=lambda epoch, seen=seen: seen.append(epoch.number))
        took = f"{time.perf_counter() - began:8.2f}{time.process_time() - spent:12.2f}"
        yield f"{f'  {members} member(s)':<52}{took}{len(seen):8}"


def memory(patients: int) -> Iterator[str]:
    """Yield the peak of a process that fits and predicts many patients, and what sampling does to accuracy."""
    yield f"{'neighbour sampling':<52}{'seconds':>8}{'peak GB':>12}"
    for part in ("cohort alone", "fit and predict, batches of 1,024"):
        began = time.perf_counter()
        called = [sys.executable, __file__, "large", "--patients", str(patients if part[0] == "f" else -patients)]
        peak = float(subprocess.run(called, check=True, capture_output=True, text=True).stdout)
        yield f"{f'  {part}, {patients:,} x 64':<52}{time.perf_counter() - began:8.1f}{peak:12.2f}"
    train, test = (gm.make_cohort(4_000, seed=seed) for seed in (0, 1))
    yield f"{'make_cohort(4000), another 4,000 predicted':<52}{'accuracy':>8}{'seconds':>12}"
    for name, training in (("whole graph", gm.Training()), ("batches of 512", gm.Training(batch=512, neighbours=5))):
        began = time.perf_counter()
        accuracy = gm.GraphClassifier(members=2, training=training).fit(train).score(test)
        yield f"{f'  {name}':<52}{accuracy:8.4f}{time.perf_counter() - began:12.1f}"


def large(patients: int) -> Iterator[str]:
    """Yield the peak of this process in GB after a fit on so many patients; below zero, of their tables alone."""
    cohort = drawn(abs(patients), {"labs": 64})
    if patients > 0:
        training = gm.Training(epochs=2, batch=1024)
        model = gm.GraphClassifier(conv=partial(gm.SAGEStack, depth=2), members=1, training=training).fit(cohort)
        model.predict_proba(cohort)
    yield f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.3f}"


@dataclass(frozen=True)
class First:
    """The first of five folds."""

    def split(self, cohort: gm.Cohort) -> Iterator[Fold]:
        """Yield it."""
        yield from islice(gm.Folds(5).split(cohort), 1)


def folds() -> Iterator[str]:
    """Yield what one fold with all its rows takes in one process, and where the time goes."""
    shares = "".join(f"{part:>10}" for part in ("encoding", "linking", "training"))
    yield f"{'one fold, one process':<24}{'seconds':>8}{'without sharing':>18}{shares}"
    hancock = DATA / "hancock" / "cohort.toml"
    cohorts = {"heart": gm.load_heart()} | ({"hancock": gm.read_cohort(hancock)} if hancock.exists() else {})
    for name, cohort in cohorts.items():
        alone, _ = watched(cohort, share=False)
        seconds, where = watched(cohort, share=True)
        parts = "".join(f"{where[part] / seconds:10.0%}" for part in ("encoding", "linking", "training"))
        yield f"{name:<24}{seconds:8.1f}{alone:18.1f}{parts}"


def watched(cohort: gm.Cohort, *, share: bool) -> tuple[float, dict[str, float]]:
    """Return the seconds of a fold, and those spent in single parts of it."""
    spent = dict.fromkeys(("encoding", "linking", "training"), 0.0)

    def timed(part: str, work: Callable[..., object]) -> Callable[..., object]:
        def run(*given: object) -> object:
            began = time.perf_counter()
            done = work(*given)
            spent[part] += time.perf_counter() - began
            return done

        return run

    with ExitStack() as stack:
        for place, part in (
            ("graphmml.data.encode.CohortEncoder.fit", "encoding"),
            ("graphmml.data.encode.CohortEncoder.transform", "encoding"),
            ("graphmml.graph.neighbours.Neighbours.link", "linking"),
            ("graphmml.train.members.train_network", "training"),
        ):
            stack.enter_context(patch(place, timed_method(timed, part, place)))
        if not share:
            stack.enter_context(patch("graphmml.train.cross_validate.sharing", nullcontext))
        began = time.perf_counter()
        gm.cross_validate(gm.GraphClassifier(), cohort, First(), jobs=1)
        return time.perf_counter() - began, spent


def timed_method(timed: Callable[[str, Work], Work], part: str, place: str) -> Work:
    """Wrap what stands at a place, as a plain function that also serves as a method."""
    return timed(part, pkgutil.resolve_name(place))


def together() -> Iterator[str]:
    """Compare networks that are trained as one program with the same one after the other."""
    device, cohort = chosen_device("auto"), gm.load_heart()
    for count in (1, 5, 25):
        lessons = [one for fold in islice(gm.Folds(5, repeats=5).split(cohort), count) for one in of_fold(fold, device)]
        every = f"{len(lessons)} members of {count} fold{'s' * (count > 1)}"
        for how in (one_by_one, as_one):
            how(lessons, device, 1)
            number = (operations(partial(how, lessons, device, 3)) - operations(partial(how, lessons, device, 1))) / 2
            began = time.perf_counter()
            how(lessons, device, 50)
            seconds = (time.perf_counter() - began) / 50
            yield (
                f"{every}, {how.__name__.replace('_', ' ')}: {number:.0f} operations an epoch, {1e3 * seconds:.1f} ms"
                f" on {device.type}"
            )
    if device.type == "cuda":
        yield from whole_table(cohort)


def of_fold(fold: Fold, device: torch.device) -> Iterator[Lesson]:
    """Yield what the members of a fold learn from."""
    model = gm.GraphClassifier(gm.Neighbours(each=True), device=str(device)).meet(gm.load_heart()[fold.train])
    return lessons(model, device)


def one_by_one(lessons: Sequence[Lesson], device: torch.device, epochs: int) -> None:
    """Train each network by itself."""
    for one in lessons:
        train_network(one.network(device), one.task, one.train, one.stop, gm.Training(epochs=epochs, patience=epochs))


def as_one(lessons: Sequence[Lesson], device: torch.device, epochs: int) -> None:
    """Train all networks as one program."""
    how, parts = gm.Training(epochs=epochs, patience=epochs), [(one.train, one.stop) for one in lessons]
    networks = [one.network(device) for one in lessons]
    if not may_train_together(networks, parts, how):
        raise SystemExit("these networks cannot be trained as one program")
    train_together(networks, lessons[0].task, parts, how)


def whole_table(cohort: gm.Cohort) -> Iterator[str]:
    """Yield the seconds of the graph's own rows on a GPU, in one process and in several, folds together and apart."""
    for jobs in (1, -1):
        for apart in (True, False):
            with ExitStack() as stack:
                if apart:
                    stack.enter_context(patch("graphmml.train.cross_validate.fits_beside", lambda *_: False))
                began = time.perf_counter()
                result = gm.cross_validate(gm.GraphClassifier(), cohort, jobs=jobs)
                seconds = time.perf_counter() - began
            mine = sum(unit.seconds for unit in result.units if unit.kind != "baseline")
            yield (
                f"cv of heart, jobs={jobs}, folds {'apart' if apart else 'together'}: {seconds:.1f} s, the networks "
                f"{mine:.1f} s of work"
            )


def operations(work: Work) -> int:
    """Count the operations of torch that compute something: those that no view and no memory alone explains."""
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        work()
    inner = [event for event in seen.events() if event.name.startswith("aten::")]
    leaves = [event for event in inner if not any(child.name.startswith("aten::") for child in event.cpu_children)]
    return sum(event.name.removeprefix("aten::") not in FREE for event in leaves)


def main() -> None:
    """Print the lines asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", nargs="*", default=["step", "mogonet", "memory", "cv", "together"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--patients", type=int, default=100_000)
    asked = parser.parse_args()
    parts: dict[str, Callable[[], Iterator[str]]] = {
        "step": one_step,
        "mogonet": mogonet,
        "memory": lambda: memory(asked.patients),
        "cv": folds,
        "large": lambda: large(asked.patients),
        "together": together,
    }
    torch.set_num_threads(asked.threads)
    for name in asked.lines:
        for line in parts[name]():
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
