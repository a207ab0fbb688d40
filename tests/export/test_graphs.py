# SPDX-License-Identifier: Apache-2.0
"""Exported networks compute what torch does, at sizes that they were not exported at."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from searchtransfer import SearchTransfer, __version__
from searchtransfer.export import program
from searchtransfer.export.graphs import Graph, fusion_graph, search_transfer_graph, ttsr_graph
from searchtransfer.export.program import METADATA, OPSET, as_onnx, as_pt2
from searchtransfer.networks import TTSR, FusionNet

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

CLOSE = 1e-4

# While a graph is traced sides are symbols, which the annotations that only tests check refuse.
pytestmark = pytest.mark.usefixtures("as_users_run")


def awake(network: Any, spread: float = 0.1) -> Any:
    """A network that does something: new ones return the enlarged image."""
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=spread)
    return network


def small_ttsr() -> TTSR:
    """Its extractor tells places well apart: rounding must not choose between them."""
    network = TTSR((1, 0, 0, 0), 4, texture_channels=(6, 8, 12), overlap="constant")
    awake(network.MainNet)
    for part in (network.LTE.slice1, network.LTE.slice2, network.LTE.slice3):
        awake(part, 0.2)
    return network


def fusion_inputs(batch: int, height: int, width: int, scale: int = 4) -> list[Tensor]:
    large = (batch, 3, scale * height, scale * width)
    small = (batch, height, width)
    return [
        torch.rand(batch, 3, height, width),
        torch.rand(large) - 0.5,
        torch.rand(large) - 0.5,
        torch.rand(batch, 7, height, width),
        10 * torch.rand(small)[:, None],
    ]


def ttsr_inputs(batch: int, height: int, width: int) -> list[Tensor]:
    rows, columns = width + 1, height + 3
    return [
        2 * torch.rand(batch, 3, h, w) - 1
        for h, w in (
            (height, width),
            (4 * height, 4 * width),
            (4 * rows, 4 * columns),
            (4 * rows, 4 * columns),
        )
    ]


def operator_inputs(batch: int, height: int, width: int) -> list[Tensor]:
    rows, columns = width + 2, height + 1
    query, key = torch.randn(batch, 4, height, width), torch.randn(batch, 4, rows, columns)
    query[:, :, :3, :3] = 0  # a block of nothing scores 0
    values = (torch.rand(batch, c, s * rows, s * columns) for c, s in ((2, 4), (3, 2), (4, 1)))
    return [query, key, *values]


def outputs(result: Any) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else list(result)


CASES: dict[str, tuple[Callable[[], Graph], Callable[..., list[Tensor]]]] = {
    "fusion": (lambda: fusion_graph(awake(FusionNet(6, 1))), fusion_inputs),
    "ttsr": (
        lambda: ttsr_graph(small_ttsr()),
        ttsr_inputs,
    ),
    "search-transfer": (
        lambda: search_transfer_graph(SearchTransfer(), (2, 3, 4)),
        operator_inputs,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_files_compute_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both kinds from one program: to trace it takes as long as to translate it."""
    make, inputs = CASES[name]
    graph = make()
    traced = program.program_of(graph)
    monkeypatch.setattr(program, "program_of", lambda given: {id(graph): traced}[id(given)])
    check_program(name, graph, inputs)
    check_onnx(name, graph, inputs)


def check_onnx(name: str, graph: Graph, inputs: Callable[..., list[Tensor]]) -> None:
    content = as_onnx(graph, "CC0-1.0")
    session = runtime.InferenceSession(content)
    assert [x.name for x in session.get_inputs()] == list(graph.examples)
    assert [x.name for x in session.get_outputs()] == list(graph.outputs)
    for size in ((1, 5, 4), (1, 13, 7), (3, 8, 21)):
        given = inputs(*size)
        ours = outputs(graph.module(*given))
        theirs = session.run(
            None, {n: x.numpy() for n, x in zip(graph.examples, given, strict=True)}
        )
        for a, b in zip(ours, theirs, strict=True):
            assert tuple(a.shape) == b.shape
            assert (a - torch.from_numpy(b)).abs().max() < CLOSE

    model = onnx.load_from_string(content)
    assert [(x.domain, x.version) for x in model.opset_import if x.domain == ""] == [("", OPSET)]
    said = {x.key: x.value for x in model.metadata_props}
    assert said["architecture"] == name
    assert said["scale"] == "4"
    assert said["licence"] == "CC0-1.0"
    assert said["package_version"] == __version__
    if name == "fusion":
        assert json.loads(said["config"]) == {"features": 6, "blocks": 1, "scale": 4}


@pytest.mark.parametrize("scale", [2, 3, 8])
def test_fusion_of_other_scales(scale: int) -> None:
    graph = fusion_graph(awake(FusionNet(4, 0, scale=scale)))
    session = runtime.InferenceSession(as_onnx(graph, "CC0-1.0"))
    for size in ((1, 5, 4), (1, 13, 7), (3, 8, 11)):
        given = fusion_inputs(*size, scale=scale)
        inputs = {n: x.numpy() for n, x in zip(graph.examples, given, strict=True)}
        (theirs,) = session.run(None, inputs)
        assert (graph.module(*given) - torch.from_numpy(theirs)).abs().max() < CLOSE


def check_program(name: str, graph: Graph, inputs: Callable[..., list[Tensor]]) -> None:
    said: dict[str, Any] = {METADATA: ""}
    loaded = torch.export.load(io.BytesIO(as_pt2(graph, "CC0-1.0")), extra_files=said)
    assert json.loads(said[METADATA])["architecture"] == name
    # Nothing of this package is in it.
    nodes = [str(x.target) for x in loaded.graph.nodes]
    assert not [x for x in nodes if "searchtransfer" in x]
    for size in ((2, 5, 4), (3, 8, 21)):
        given = inputs(*size)
        theirs = outputs(loaded.module()(**dict(zip(graph.examples, given, strict=True))))
        for a, b in zip(outputs(graph.module(*given)), theirs, strict=True):
            torch.testing.assert_close(a, b, atol=CLOSE, rtol=0)


def test_the_callers_network_stays_as_it_is() -> None:
    network = FusionNet(4, 0).train()
    fusion_graph(network)
    assert network.training
    assert all(x.requires_grad for x in network.parameters())
