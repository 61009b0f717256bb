"""Writes plain graphs as GraphML, GEXF and JSON, column by column; NetworkX reads them as it reads its own files.

NetworkX's writers make an object of every value, which takes a minute for two million edges.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

__all__ = ["PlainGraph", "write_gexf", "write_graphml", "write_json"]

Columns = Mapping[str, Sequence[Any]]
Field = tuple[str, Sequence[Any], str]
"""What stands before a value, the value of each record (None leaves all three out), and what stands after it."""
_CHUNK = 50_000
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HEAD = "<?xml version='1.0' encoding='utf-8'?>\n"
_SCHEMA = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation'


@dataclass(frozen=True)
class PlainGraph:
    """A directed graph whose nodes are 0, 1, ... and whose attributes are numbers and words.

    Args:
        attributes: Attributes of the graph.
        nodes: Values of the nodes by attribute, None where a node has none.
        edges: Values of the edges by attribute, likewise.
        sources: First node of each edge.
        targets: Second node of each edge.
        num_nodes: Number of nodes.
    """

    attributes: Mapping[str, Any]
    nodes: Columns
    edges: Columns
    sources: Sequence[int]
    targets: Sequence[int]
    num_nodes: int


def write_graphml(graph: PlainGraph, path: Path) -> None:
    """Writes the layout of GraphML that NetworkX writes."""
    keys: list[str] = []
    fields: dict[str, list[Field]] = {"graph": [], "node": [], "edge": []}
    single = {name: [value] for name, value in graph.attributes.items()}
    for part, columns in {"graph": single, "node": graph.nodes, "edge": graph.edges}.items():
        for name, values in columns.items():
            key = f"d{len(keys)}"
            keys.append(
                f'<key id="{key}" for="{part}" attr.name={quoteattr(name)} attr.type="{_type(values)}"/>\n'
            )
            fields[part].append((f'<data key="{key}">', values, "</data>"))
    nodes: list[Field] = [('<node id="', range(graph.num_nodes), '">')]
    edges: list[Field] = [('<edge source="', graph.sources, '"'), (' target="', graph.targets, '">')]
    space = "http://graphml.graphdrawing.org/xmlns"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f'{_HEAD}<graphml xmlns="{space}" {_SCHEMA}="{space} {space}/1.0/graphml.xsd">\n')
        file.writelines([*keys, '<graph edgedefault="directed">\n'])
        file.writelines(_records(fields["graph"], "\n", _xml))
        file.writelines(_records([*nodes, *fields["node"]], "</node>\n", _xml))
        file.writelines(_records([*edges, *fields["edge"]], "</edge>\n", _xml))
        file.write("</graph>\n</graphml>\n")


def write_gexf(graph: PlainGraph, path: Path) -> None:
    """Writes the layout of GEXF that NetworkX writes, with the attributes of the graph as JSON in its description."""
    lines: list[str] = []
    fields: dict[str, list[Field]] = {"node": [], "edge": []}
    own = {"node": "label", "edge": "weight"}  # GEXF has attributes for these
    for part, columns in {"node": graph.nodes, "edge": graph.edges}.items():
        others = {name: values for name, values in columns.items() if name != own[part]}
        lines.append(f'<attributes mode="static" class="{part}">\n')
        for number, (name, values) in enumerate(others.items()):
            lines.append(f'<attribute id="{part}{number}" title={quoteattr(name)} type="{_type(values)}"/>\n')
            fields[part].append((f'<attvalue for="{part}{number}" value="', values, '"/>'))
        lines.append("</attributes>\n")
    ids, numbers = range(graph.num_nodes), range(len(graph.sources))
    nodes: list[Field] = [
        ('<node id="', ids, '"'),
        (' label="', graph.nodes.get("label", ids), '"><attvalues>'),
    ]
    edges: list[Field] = [('<edge id="', numbers, '"'), (' source="', graph.sources, '"')]
    if "weight" in graph.edges:
        edges.append((' weight="', graph.edges["weight"], '"'))
    edges.append((' target="', graph.targets, '"><attvalues>'))
    space = "http://www.gexf.net/1.2draft"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f'{_HEAD}<gexf xmlns="{space}" {_SCHEMA}="{space} {space}/gexf.xsd" version="1.2">\n')
        description = _xml(json.dumps(dict(graph.attributes)))
        file.write(f"<meta><creator>stgraph</creator><description>{description}</description></meta>\n")
        file.writelines(['<graph defaultedgetype="directed" mode="static" name="">\n', *lines, "<nodes>\n"])
        file.writelines(_records([*nodes, *fields["node"]], "</attvalues></node>\n", _xml))
        file.write("</nodes>\n<edges>\n")
        file.writelines(_records([*edges, *fields["edge"]], "</attvalues></edge>\n", _xml))
        file.write("</edges>\n</graph>\n</gexf>\n")


def write_json(graph: PlainGraph, path: Path) -> None:
    """Writes the node-link layout of NetworkX."""
    nodes: list[Field] = [('{"id": ', range(graph.num_nodes), "")]
    edges: list[Field] = [('{"source": ', graph.sources, ""), (', "target": ', graph.targets, "")]
    nodes += [(f", {json.dumps(name)}: ", values, "") for name, values in graph.nodes.items()]
    edges += [(f", {json.dumps(name)}: ", values, "") for name, values in graph.edges.items()]
    attributes = json.dumps(dict(graph.attributes), allow_nan=False)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f'{{"directed": true, "multigraph": false, "graph": {attributes}, "nodes": [')
        file.writelines(_separated(_records(nodes, "}", json.dumps)))
        file.write('], "edges": [')
        file.writelines(_separated(_records(edges, "}", json.dumps)))
        file.write("]}")


def _records(fields: Sequence[Field], end: str, quote: Callable[[str], str]) -> Iterator[str]:
    """Yields the text of each record; no record has all of its values at once in memory."""
    count = len(fields[0][1]) if fields else 0
    for start in range(0, count, _CHUNK):
        parts = [
            _texts(before, values[start : start + _CHUNK], after, quote) for before, values, after in fields
        ]
        yield from map("".join, zip(*parts, repeat(end)))


def _texts(before: str, values: Sequence[Any], after: str, quote: Callable[[str], str]) -> list[str]:
    if not any(isinstance(value, str) for value in values):
        return [f"{before}{value!r}{after}" if value is not None else "" for value in values]
    words = {word: f"{before}{quote(word)}{after}" for word in {*values} - {None}}  # most occur often
    return [words.get(word, "") for word in values]


def _separated(texts: Iterator[str]) -> Iterator[str]:
    yield next(texts, "")
    for text in texts:
        yield f", {text}"


def _type(values: Sequence[Any]) -> str:
    """Name of the type of a column in XML."""
    kinds = {type(value) for value in values if value is not None}
    return "long" if kinds == {int} else "double" if kinds == {float} else "string"


def _xml(text: str) -> str:
    """Escapes text for XML, where most control characters can't be written: they become spaces."""
    return escape(_NOT_IN_XML.sub(" ", text), {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"})
