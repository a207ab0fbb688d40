# SPDX-License-Identifier: Apache-2.0
"""Models by name, by file, by folder, and from the hub."""

import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from searchtransfer import Upscaler
from searchtransfer.errors import MissingExtraError, OptionError, WeightsError
from searchtransfer.models import FusionModel, TransferModel, TTSRModel
from searchtransfer.models.pretrained import DEFAULT_MODEL, load_model, next_scale
from searchtransfer.networks import TTSR, FusionNet
from searchtransfer.weights import save_weights


@pytest.fixture(scope="module")
def fusion(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "mine.safetensors"
    save_weights(FusionNet(8, 1), path)
    return path


def test_by_name():
    assert isinstance(load_model("transfer", 2), TransferModel)
    assert isinstance(load_model("transfer", search="refine"), TransferModel)


def test_by_file_and_folder(fusion):
    for source in (fusion, str(fusion), fusion.parent):
        model = load_model(source)
        assert isinstance(model, FusionModel)
        assert model.network.config == {"features": 8, "blocks": 1, "scale": 4}
    assert isinstance(load_model(None, weights=fusion), FusionModel)
    assert isinstance(load_model("fusion", weights=fusion), FusionModel)
    assert Upscaler.from_pretrained(fusion).upscale(torch.rand(3, 6, 5), None).image.shape[1] == 24


def test_ttsr_by_file(tmp_path):
    path = tmp_path / "ttsr.safetensors"
    save_weights(TTSR(features=8, blocks=(1, 1, 1, 1)), path)
    assert isinstance(load_model(path), TTSRModel)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_the_default_has_learned_every_scale(scale):
    model = load_model(None, scale)
    assert isinstance(model, FusionModel)
    assert model.name == DEFAULT_MODEL
    assert model.scale == model.network.scale == model.transfer.scale == scale


def test_weights_of_another_scale(fusion):
    with pytest.raises(WeightsError, match=r"mine.*are of fusion x4, asked for is scale 2"):
        load_model(fusion, 2)


def test_looks(fusion):
    assert load_model(None).vivid is None
    assert load_model(None, look="vivid").vivid.scale == 4
    for arguments in (
        {"scale": 2},
        {"source": "transfer"},
        {"weights": fusion},
        {"source": fusion},
    ):
        with pytest.raises(OptionError, match="look 'vivid' is one of model 'fusion' at scale 4"):
            load_model(**{"source": None, "look": "vivid"} | arguments)
    with pytest.raises((OptionError, TypeError), match=r"faithful'?, '?vivid"):
        load_model(None, look=cast(Any, "bright"))


@pytest.mark.parametrize(("wish", "scale"), [(1.01, 2), (2, 2), (2.5, 3), (3.01, 4), (8, 8)])
def test_the_next_scale(wish, scale):
    assert next_scale(wish) == scale


@pytest.mark.parametrize("wish", [1, 0, -2, 8.1, float("nan"), True])
def test_no_scale_reaches_it(wish):
    with pytest.raises(OptionError, match="scale must be above 1, up to 8"):
        next_scale(cast(Any, wish))


def test_a_folder_of_two(fusion, tmp_path):
    for name in ("a", "b"):
        save_weights(FusionNet(8, 1), tmp_path / f"{name}.safetensors")
    with pytest.raises(WeightsError, match=r"expected one \.safetensors file in it.*found 2"):
        load_model(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError, match="found 0"):
        load_model(tmp_path / "empty")


def test_a_file_without_description(tmp_path):
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match=r"it says nothing; name the model \(-n\)"):
        load_model(tmp_path / "x.safetensors")


def test_unwanted_and_missing_weights(fusion):
    with pytest.raises(OptionError, match="'transfer' takes no weights"):
        load_model("transfer", weights=fusion)
    with pytest.raises(OptionError, match="'ttsr' needs a file of weights"):
        load_model("ttsr")
    with pytest.raises(OptionError, match="go with the name of a model"):
        load_model(fusion, weights=fusion)


def test_no_such_model():
    with pytest.raises(OptionError, match="did you mean 'transfer'"):
        load_model("transfre")


def test_from_the_hub(fusion, monkeypatch):
    asked = []

    def download(repository, revision, allow_patterns):
        asked.append((repository, allow_patterns))
        return str(fusion.parent)

    hub = SimpleNamespace(snapshot_download=download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    assert isinstance(load_model("someone/model"), FusionModel)
    assert asked == [("someone/model", ["*.safetensors"])]


def test_the_hub_fails(monkeypatch):
    def download(repository, revision, allow_patterns):
        raise OSError("no network")

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=download))
    with pytest.raises(WeightsError, match="someone/model: cannot be had from the hub: no network"):
        load_model("someone/model")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"searchtransfer\[hub\]"):
        load_model("someone/model")


@pytest.mark.parametrize("source", ["runs/mymodel", "./x/y", "../x", "a/b.safetensors", "a/b.pth"])
def test_a_mistyped_path_never_goes_to_the_network(tmp_path, monkeypatch, source):
    (tmp_path / "runs" / "my-model").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    def download(*args, **kwargs):
        raise AssertionError("the network was asked")

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=download))
    with pytest.raises(OptionError, match="a file or folder of weights that is there") as fault:
        load_model(source)
    assert ("did you mean 'runs/my-model'" in str(fault.value)) == (source == "runs/mymodel")
    with pytest.raises(OptionError):
        load_model("")


def test_which_files_are_read(fusion, tmp_path):
    from searchtransfer.models.pretrained import model_files
    from searchtransfer.weights.packaged import packaged

    assert model_files(None, 2, None) == [packaged("fusion-x2")]
    names = ("fusion-x4", "fusion-x4-vivid", "fusion-x4-worn")
    assert model_files(None, 4, None) == [packaged(name) for name in names]
    assert model_files("transfer", 4, None) == []
    assert model_files(fusion, 4, None) == model_files(fusion.parent, 4, None) == [fusion]
    assert model_files("fusion", 4, fusion) == model_files(None, 4, fusion) == [fusion]
    assert model_files("someone/model", 4, None) == []
