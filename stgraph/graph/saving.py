"""Files of one video graph: .pt, .graphml, .gexf and .json, each with every attribute to the bit."""

from __future__ import annotations

import base64
import io
import json
import math
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import networkx as nx
import torch
from torch import Tensor
from torch_geometric.data import Data

from stgraph.errors import DataError, MissingDataError, OptionError, shown
from stgraph.files import atomic_write
from stgraph.graph.consistency import check_frames, check_graph
from stgraph.graph.networkx import attributes_from_networkx, plain_columns
from stgraph.graph.text_writers import PlainGraph, write_gexf, write_graphml, write_json
from stgraph.parsing import read_json

__all__ = ["load_graph", "save_graph"]

KEY = "stgraph"
"""Attribute of the NetworkX graph that holds, as JSON, what plain values cannot."""
VERSION = 1
Kind = TypeVar("Kind", bound=Data)
_PLAIN = {
    "edge_weight": (torch.float32, 1),
    "edge_kind": (torch.int64, 1),
    "frame": (torch.int64, 1),
    "time": (torch.float32, 1),
    "score": (torch.float32, 1),
    "label": (torch.int64, 1),
    "track": (torch.int64, 1),
    "box": (torch.float32, 2),
}
_COLUMNS = {"edge_weight": ("weight",), "edge_kind": ("kind",), "box": ("x1", "y1", "x2", "y2")}
_DTYPES = {
    str(dtype): dtype
    for dtype in (
        torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int8, torch.int16, torch.int32, torch.int64,
        torch.uint8, torch.bool, torch.complex64, torch.complex128,
    )
}  # fmt: skip


def save_graph(
    graph: Data, path: str | Path, label_names: Sequence[str] | Mapping[int, str] | None = None
) -> None:
    """Writes a graph to a file of the kind that its suffix names.

    Args:
        graph: Graph of one video.
        path: File ending in .pt, .graphml, .gexf or .json.
        label_names: Names of the classes for other programs, as the node attribute ``label_name``; they are read back as
            ``label_names`` of the graph.

    Raises:
        OptionError: If the suffix is another.
        DataError: If the graph is a batch or inconsistent, or an attribute cannot be written in this kind of file.
    """
    path = Path(path)
    write = _way(path)[0]
    check_graph(graph)
    attributes = graph.to_dict()
    if label_names is not None:
        named = label_names.items() if isinstance(label_names, Mapping) else enumerate(label_names)
        attributes["label_names"] = {str(number): name for number, name in named}
    with atomic_write(path) as part:
        write(attributes, graph, part)


def load_graph(path: str | Path, make: Callable[..., Kind]) -> Kind:
    """Reads a graph that :func:`save_graph` wrote, or that :func:`to_networkx` and NetworkX did.

    Args:
        path: File ending in .pt, .graphml, .gexf or .json.
        make: Class of the graph, called with the attributes.

    Raises:
        OptionError: If the suffix is none of .pt, .graphml, .gexf and .json.
        MissingDataError: If there is no such file.
        DataError: If the file is not of a video graph, or its nodes, edges and attributes do not fit together.
    """
    path = Path(path)
    read = _way(path)[1]
    if not path.is_file():
        raise MissingDataError(f"No graph at {shown(path)}; check the path.")
    try:
        graph = make(**read(path))
        check_graph(graph)
        check_frames(graph)
        return graph
    except DataError as error:
        raise DataError(f"{shown(path)}: {error}") from error
    except Exception as error:  # what a damaged file raises in NetworkX and torch is not known beforehand
        first = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(
            f"{shown(path)} is not the file of a video graph ({shown(first)}); write it again with VideoGraph.save."
        ) from error


def _way(path: Path) -> tuple[Write, Callable[[Path], dict[str, Any]]]:
    if path.suffix not in _WAYS:
        raise OptionError(f"The file of a graph must end in {', '.join(_WAYS)}, got '{path.name}'.")
    return _WAYS[path.suffix]


def _write_pt(attributes: dict[str, Any], graph: Data, path: Path) -> None:
    content = io.BytesIO()  # torch hides a full disk in an error of its own
    torch.save({"format": "stgraph.VideoGraph", "version": VERSION, "attributes": attributes}, content)
    path.write_bytes(content.getbuffer())


def _read_pt(path: Path) -> dict[str, Any]:
    content = torch.load(path, weights_only=True)
    if not isinstance(content, dict) or content.get("format") != "stgraph.VideoGraph":
        raise DataError("it was not written by VideoGraph.save; write it so.")
    _check_version(content)
    return dict(content["attributes"])


def _plain(attributes: dict[str, Any], graph: Data) -> PlainGraph:
    """The plain values, and all others encoded in one attribute of the graph."""
    nodes, edges = plain_columns(graph)
    names = attributes.get("label_names")
    if isinstance(names, dict) and "label" in nodes:
        nodes["label_name"] = [names.get(str(label)) for label in nodes["label"]]
    plain = {name for name, value in attributes.items() if _is_plain(name, value)} | {"edge_index"}
    pairs = attributes["edge_index"].cpu()
    order = pairs[0].argsort(stable=True)  # a NetworkX graph sorts edges by their first node
    if not torch.equal(pairs[:, order], pairs):
        plain -= {"edge_index", "edge_weight", "edge_kind"}
        edges = {name: [values[place] for place in order.tolist()] for name, values in edges.items()}
    encoded = {name: _encode(name, value) for name, value in attributes.items() if name not in plain}
    known = {name: graph[name] for name in ("num_frames", "video_id") if name in graph}
    if "video_id" in known:  # XML has no control characters; the exact name is among the encoded values
        known["video_id"] = "".join(c if c.isprintable() else " " for c in str(known["video_id"]))
    known[KEY] = json.dumps({"version": VERSION, "plain": sorted(plain), "encoded": encoded})
    for columns in (nodes, edges):  # not all formats have infinite numbers, and an unknown time is NaN
        for name, values in columns.items():
            if any(isinstance(value, float) and not math.isfinite(value) for value in values):
                columns[name] = [value if math.isfinite(value) else None for value in values]
    sources, targets = pairs[:, order].tolist()
    return PlainGraph(known, nodes, edges, sources, targets, graph.num_nodes or 0)


def _from_nx(nx_graph: nx.Graph) -> dict[str, Any]:
    if KEY not in nx_graph.graph:
        return attributes_from_networkx(nx_graph)
    content = json.loads(nx_graph.graph[KEY])
    _check_version(content)
    for name in content["encoded"]:
        for values in _all_values(nx_graph):
            for column in _COLUMNS.get(name, (name,)):
                values.pop(column, None)
    plain = attributes_from_networkx(nx_graph)
    encoded = {name: _decode(value) for name, value in content["encoded"].items()}
    return {name: plain[name] for name in content["plain"] if name in plain} | encoded


def _all_values(nx_graph: nx.Graph) -> list[dict[str, Any]]:
    """The values of all nodes and edges."""
    return [values for _, values in nx_graph.nodes(data=True)] + [
        values for *_, values in nx_graph.edges(data=True)
    ]


def _is_plain(name: str, value: Any) -> bool:
    """Whether plain values of nodes and edges give the attribute back to the bit."""
    if name not in _PLAIN or not isinstance(value, Tensor) or len(value) == 0:
        return False
    dtype, ndim = _PLAIN[name]
    finite = torch.isfinite(value)
    if name == "time" and not bool(value.isnan().all()):
        finite |= value.isnan()
    return (
        value.dtype == dtype
        and value.ndim == ndim
        and (ndim == 1 or value.size(1) == 4)
        and bool(finite.all())
    )


def _encode(name: str, value: Any) -> Any:
    if (
        isinstance(value, Tensor)
        and type(value) in (Tensor, torch.nn.Parameter)
        and value.layout == torch.strided
    ):
        flat = value.detach().cpu().contiguous().reshape(-1)
        if str(value.dtype) in _DTYPES:
            data = base64.b64encode(flat.view(torch.uint8).numpy().tobytes()).decode()
            return {"tensor": data, "dtype": str(value.dtype), "shape": list(value.shape)}
    try:
        same = (
            not isinstance(value, Tensor) and json.loads(json.dumps(value)) == value and not _has_tuple(value)
        )
    except (TypeError, ValueError):
        same = False
    if not same:
        raise DataError(
            f"'{name}' of type {type(value).__name__} cannot be written as text; save the graph as .pt."
        )
    return {"value": value}


def _has_tuple(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_tuple, value.values()))
    return isinstance(value, tuple) or (isinstance(value, list) and any(map(_has_tuple, value)))


def _decode(content: dict[str, Any]) -> Any:
    if "value" in content:
        return content["value"]
    data, shape, dtype = base64.b64decode(content["tensor"]), content["shape"], _DTYPES[content["dtype"]]
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(data):
        raise DataError(
            f"a tensor of {len(data)} bytes must fill its shape, got {shown(shape, 80)}; write it again."
        )
    return (
        torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape)
        if data
        else torch.empty(shape, dtype=dtype)
    )


def _check_version(content: Mapping[str, Any]) -> None:
    if content.get("version") != VERSION:
        raise DataError(
            f"it has version {shown(repr(content.get('version')), 40)}, and this stgraph reads version {VERSION}; write it "
            "again."
        )


def _check_xml(path: Path) -> None:
    """Refuses declarations of entities, which can make a small file large."""
    content = path.read_bytes()
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content or content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError("it declares entities or is not UTF-8, as no file of a graph does; write it again.")


def _read_graphml(path: Path) -> dict[str, Any]:
    _check_xml(path)
    return _from_nx(nx.read_graphml(path, node_type=_node_name))


def _read_gexf(path: Path) -> dict[str, Any]:
    _check_xml(path)
    nx_graph = nx.read_gexf(path, node_type=_node_name)
    for element in ET.parse(path).iter():
        if element.tag.endswith("}description") and element.text:
            nx_graph.graph.update(json.loads(element.text))
    return _from_nx(nx_graph)


def _node_name(name: str) -> int | str:
    return int(name) if name.isdecimal() else name


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except DataError as error:
        raise ValueError(str(error).removeprefix(str(path)).lstrip(", ")) from error
    nx_graph = nx.DiGraph(**content["graph"]) if content["directed"] else nx.Graph(**content["graph"])
    nx_graph.add_nodes_from((node.pop("id"), node) for node in content["nodes"])
    edges = content["edges"] if "edges" in content else content["links"]
    nx_graph.add_edges_from((edge.pop("source"), edge.pop("target"), edge) for edge in edges)
    return _from_nx(nx_graph)


Write = Callable[[dict[str, Any], Data, Path], None]


def _as_text(write: Callable[[PlainGraph, Path], None]) -> Write:
    return lambda attributes, graph, path: write(_plain(attributes, graph), path)


_WAYS: dict[str, tuple[Write, Callable[[Path], dict[str, Any]]]] = {
    ".pt": (_write_pt, _read_pt),
    ".graphml": (_as_text(write_graphml), _read_graphml),
    ".gexf": (_as_text(write_gexf), _read_gexf),
    ".json": (_as_text(write_json), _read_json),
}
