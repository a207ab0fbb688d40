# SPDX-License-Identifier: Apache-2.0
"""What `export` refuses, and says, before anything is computed."""

import json

import pytest
import torch
from typer.testing import CliRunner

from searchtransfer.cli import app
from searchtransfer.errors import OptionError, OutputError, WeightsError
from searchtransfer.export import export
from searchtransfer.export.sources import graph_of, licence_of
from searchtransfer.networks import FusionNet
from searchtransfer.weights import save_weights


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "mine.safetensors"
    save_weights(FusionNet(4, 0), path)
    return path


def test_files_that_cannot_be_written(weights, tmp_path):
    with pytest.raises(OutputError, match=r"written as \.onnx or \.pt2, give it one of these"):
        export(weights, tmp_path / "mine.pb")
    (tmp_path / "there.onnx").write_bytes(b"precious")
    with pytest.raises(OutputError, match="exists already"):
        export(weights, tmp_path / "there.onnx")
    assert (tmp_path / "there.onnx").read_bytes() == b"precious"
    with pytest.raises(OutputError, match="does not exist; create it first"):
        export(weights, tmp_path / "no/mine.onnx")
    named = tmp_path / "weights.onnx"
    named.write_bytes(weights.read_bytes())
    with pytest.raises(OutputError, match="an input is never overwritten"):
        export(named, named, on_exists="overwrite")


def test_sources_that_are_none(tmp_path):
    with pytest.raises(OptionError, match=r"search-transfer, .*fusion-x4.*got 'fusion-x5'"):
        export("fusion-x5", tmp_path / "x.onnx")
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"no weights at all")
    with pytest.raises(WeightsError, match=r"bad\.safetensors"):
        export(bad, tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


def test_licences():
    assert licence_of("fusion-x4", None) == licence_of("search-transfer", None) == "Apache-2.0"
    assert licence_of("mine.safetensors", None) == "unknown"
    assert licence_of("mine.safetensors", "MIT") == "MIT"


def test_every_packaged_network_has_a_graph():
    from searchtransfer.weights.packaged import PACKAGED

    for name in PACKAGED:
        about = graph_of(name).about
        assert about["architecture"] == "fusion"
        assert f"x{about['scale']}" in name
        assert int(about["reach"]) > 0


def test_the_command_names_a_model_as_others_do(tmp_path):
    def run(*words):
        return CliRunner().invoke(app, ["export", *words, "-o", str(tmp_path / "mine.pt2")])

    done = run("-n", "fusion")
    assert done.exit_code == 0, done.output
    said = {"searchtransfer.json": ""}
    torch.export.load(tmp_path / "mine.pt2", extra_files=said)
    assert json.loads(said["searchtransfer.json"])["scale"] == "4"
    for words in ((), ("fusion", "-n", "fusion")):
        assert run(*words).exit_code == 2


def test_the_command(weights, tmp_path):
    target = tmp_path / "mine.pt2"
    run = CliRunner().invoke(app, ["export", str(weights), "-o", str(target)])
    assert run.exit_code == 0, run.output
    assert target.stat().st_size > 1000
    again = CliRunner().invoke(app, ["export", str(weights), "-o", str(target)])
    assert again.exit_code == 2
