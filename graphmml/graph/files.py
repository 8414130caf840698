"""PatientGraph to GraphML and GEXF, which Cytoscape, Gephi and igraph read, and back."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree.ElementTree import ParseError

import networkx as nx
import pandas as pd

from graphmml.errors import GraphError
from graphmml.graph.convert import to_networkx
from graphmml.graph.from_networkx import from_networkx
from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.place import place

UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What XML cannot hold, or gives back as something else."""


def write_graphml(
    graph: PatientGraph, path: str | Path, attributes: pd.DataFrame | None = None, *, ids: bool = False
) -> None:
    """Write GraphML, which Cytoscape, Gephi and igraph read."""
    drawn = writable(to_networkx(graph, attributes, ids=ids))
    place(path, lambda fresh: nx.write_graphml(drawn, fresh))


def read_graphml(path: str | Path) -> PatientGraph:
    """Read GraphML of ours, or of another program: see `from_networkx`."""
    return from_networkx(read_xml(nx.read_graphml, path))


def write_gexf(
    graph: PatientGraph, path: str | Path, attributes: pd.DataFrame | None = None, *, ids: bool = False
) -> None:
    """Write GEXF, which Gephi reads."""
    drawn = writable(to_networkx(graph, attributes, ids=ids))
    drawn.graph["name"] = drawn.graph.pop("graphmml")  # the one word about a graph that GEXF keeps
    place(path, lambda fresh: nx.write_gexf(drawn, fresh))


def read_gexf(path: str | Path) -> PatientGraph:
    """Read GEXF of ours, or of another program: see `from_networkx`."""
    drawn = read_xml(nx.read_gexf, path)
    if str(drawn.graph.get("name", "")).startswith('{"relations"'):
        drawn.graph["graphmml"] = drawn.graph["name"]
    return from_networkx(drawn)


def read_xml(read: Callable[[str | Path], nx.Graph], path: str | Path) -> nx.Graph:
    """Let networkx read the file, and put its complaints in words."""
    try:
        return read(path)
    except (OSError, ParseError, nx.NetworkXError, KeyError, ValueError, TypeError) as error:
        raise GraphError(f"{path} is no graph that can be read ({type(error).__name__}); export it again") from None


def writable(drawn: nx.MultiDiGraph) -> nx.MultiDiGraph:
    """Return the graph, or raise GraphError for text that XML cannot hold."""
    count = sum(bool(UNWRITABLE.search(text)) for text in texts(drawn))
    if count:
        raise GraphError(f"{count} name(s) hold line breaks or control characters, which XML loses; rename them first")
    return drawn


def texts(drawn: nx.MultiDiGraph) -> Iterator[str]:
    """Yield every text that a graph file would hold."""
    for name, known in drawn.nodes(data=True):
        yield name
        yield from (word for pair in known.items() for word in pair if isinstance(word, str))
    yield from {known["relation"] for _, _, known in drawn.edges(data=True)}
