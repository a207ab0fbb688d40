# SPDX-License-Identifier: Apache-2.0
"""Strictness of loading, atomicity of writing, and TTSR from a file."""

import json

import pytest
import safetensors
import safetensors.torch
import torch

from searchtransfer.errors import OutputError, WeightsError
from searchtransfer.networks import TTSR, convert_ttsr, load_ttsr
from searchtransfer.weights import Description, convert, load_weights, read_weights, save_weights

SMALL = {"blocks": (1, 2, 1, 1), "features": 4, "texture_channels": (2, 3, 4)}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return TTSR(**SMALL, overlap="mean")


@pytest.fixture
def checkpoint(tmp_path, model):
    torch.save(model.state_dict(), tmp_path / "released.pt")
    return tmp_path / "released.pt"


def fresh():
    torch.manual_seed(1)
    return TTSR(**SMALL)


def equal(a, b):
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def refuses(change, checkpoint, message):
    """Loading the checkpoint after a change is an error, and leaves the module as it was."""
    state = torch.load(checkpoint, weights_only=True)
    change(state)
    torch.save(state, checkpoint)
    target, before = fresh(), fresh()
    with pytest.raises(WeightsError, match=message):
        load_weights(target, checkpoint)
    assert equal(target, before)


def test_checkpoint_round_trip(model, checkpoint):
    target = fresh()
    assert not equal(target, model)
    assert load_weights(target, checkpoint).description is None
    assert equal(target, model)


def test_missing_keys(checkpoint):
    def change(state):
        for key in [key for key in state if ".RB11." in key]:
            del state[key]

    refuses(change, checkpoint, r"8 missing: MainNet\.RB11\.0\.conv1\.weight; .*; and 3 more\.")


def test_unexpected_and_misshapen_keys(checkpoint):
    def change(state):
        state["extra"] = torch.ones(1)
        state["MainNet.conv12.bias"] = torch.ones(3)

    refuses(
        change,
        checkpoint,
        r"1 unexpected: extra\. 1 misshapen: MainNet\.conv12\.bias \[3\], expected \[16\]\.",
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_values_that_are_not_finite(checkpoint, value):
    def change(state):
        state["LTE.slice2.5.bias"][1] = value

    refuses(change, checkpoint, r"LTE\.slice2\.5\.bias holds NaN or infinity")


@pytest.mark.parametrize("dtype", [torch.int32, torch.int8, torch.bool, torch.float8_e4m3fn])
def test_dtypes_that_are_not_plain_floats(checkpoint, dtype):
    def change(state):
        state["LTE.slice2.5.bias"] = torch.ones(3).to(dtype)

    refuses(change, checkpoint, rf"LTE\.slice2\.5\.bias is {dtype}")


def test_sparse_tensors(checkpoint):
    def change(state):
        state["LTE.slice2.5.bias"] = torch.ones(3).to_sparse()

    refuses(change, checkpoint, r"slice2\.5\.bias is .*sparse")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_converted(model, checkpoint, dtype):
    state = {k: v.to(dtype) for k, v in model.state_dict().items()}
    torch.save(state, checkpoint)
    target = fresh()
    load_weights(target, checkpoint)
    assert all(torch.equal(v, state[k].float()) for k, v in target.state_dict().items())
    assert {v.dtype for v in target.state_dict().values()} == {torch.float32}


def test_save_and_load_with_description(tmp_path, model):
    path = tmp_path / "w.safetensors"
    save_weights(model, path)
    with safetensors.safe_open(path, "pt") as file:
        header = file.metadata()
    assert header["format"] == "searchtransfer"
    assert json.loads(header["config"])["blocks"] == [1, 2, 1, 1]
    loaded = load_ttsr(path)
    assert equal(loaded, model)
    assert loaded.config == model.config
    assert loaded.SearchTransfer.overlap == "mean"
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_shape_of_a_released_checkpoint_is_found(model, checkpoint):
    loaded = load_ttsr(checkpoint)
    assert equal(loaded, model)
    assert loaded.config == {**model.config, "overlap": "constant"}


def test_published_configuration_from_a_file(tmp_path):
    model = TTSR()
    torch.save(model.state_dict(), tmp_path / "TTSR.pt")
    assert load_ttsr(tmp_path / "TTSR.pt").config == model.config


def test_convert(tmp_path, model, checkpoint):
    before = checkpoint.read_bytes()
    target = tmp_path / "w.safetensors"
    convert_ttsr(checkpoint, target)
    assert equal(load_ttsr(target), model)
    assert checkpoint.read_bytes() == before
    with pytest.raises(OutputError, match="exists already"):
        convert_ttsr(checkpoint, target)
    convert_ttsr(checkpoint, target, overwrite=True)


def test_convert_never_overwrites_its_source(tmp_path, model):
    path = tmp_path / "w.safetensors"
    save_weights(model, path)
    with pytest.raises(OutputError, match="is the source itself"):
        convert(path, path, fresh(), overwrite=True)


def test_writing_that_cannot_work(tmp_path, model):
    with pytest.raises(OutputError, match=r"written as \.safetensors"):
        save_weights(model, tmp_path / "w.pt")
    with pytest.raises(OutputError, match=r"its folder .* does not exist"):
        save_weights(model, tmp_path / "none" / "w.safetensors")
    with pytest.raises(WeightsError, match="a Linear lacks architecture, scale or config"):
        save_weights(torch.nn.Linear(1, 1), tmp_path / "w.safetensors")
    with torch.no_grad():
        model.MainNet.conv12.bias[0] = float("nan")
    with pytest.raises(WeightsError, match=r"MainNet\.conv12\.bias holds NaN"):
        save_weights(model, tmp_path / "w.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_failed_writing_leaves_the_old_file_and_nothing_else(tmp_path, model, monkeypatch):
    path = tmp_path / "w.safetensors"
    save_weights(model, path)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        save_weights(fresh(), path, overwrite=True)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_overwriting_puts_a_new_file_in_place_of_the_old(tmp_path, model):
    path, link = tmp_path / "w.safetensors", tmp_path / "link"
    save_weights(model, path)
    before = path.read_bytes()
    link.hardlink_to(path)  # whoever has the old file open keeps it whole
    save_weights(fresh(), path, overwrite=True)
    assert link.read_bytes() == before != path.read_bytes()


def described(path, model, **changes):
    header = Description.of(model).to_header() | changes
    safetensors.torch.save_file(model.state_dict(), path, {k: v for k, v in header.items() if v})
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "span"}, "holds weights of span x4, needed are those of ttsr x4"),
        ({"scale": "2"}, "holds weights of ttsr x2, needed are those of ttsr x4"),
        ({"version": "2"}, "written in version 2 of the format"),
        ({"version": "one"}, "description in its header is damaged"),
        ({"scale": ""}, "description in its header is damaged"),
        ({"config": "{"}, "description in its header is damaged"),
        ({"config": "[]"}, "is no mapping"),
        ({"config": '{"blocs": [1, 2, 1, 1]}'}, "'blocs' is no argument"),
        ({"config": '{"blocks": [1, 2, 1]}'}, "blocks must be a list of 4 values"),
        ({"config": '{"features": 1000000}'}, "features must be a whole number from 2 to 4096"),
        ({"config": '{"features": 64}'}, "misshapen"),
        ({"config": '{"features": 63}'}, "cannot be built: .*must be even"),
    ],
)
def test_descriptions_are_checked_before_building(tmp_path, model, changes, message):
    path = described(tmp_path / "w.safetensors", model, **changes)
    with pytest.raises(WeightsError, match=rf"w\.safetensors: .*{message}"):
        load_ttsr(path)


def test_description_is_checked_when_loading_into_a_module(tmp_path, model):
    path = described(tmp_path / "w.safetensors", model, scale="2")
    with pytest.raises(WeightsError, match="ttsr x2"):
        load_weights(fresh(), path)


def test_checkpoint_of_another_network(tmp_path):
    torch.save({"conv_first.weight": torch.ones(1)}, tmp_path / "w.pt")
    with pytest.raises(WeightsError, match=r"no TTSR checkpoint \(its first key is conv_first"):
        load_ttsr(tmp_path / "w.pt")


def test_wrapped_checkpoint_with_copies(tmp_path, model):
    state = {f"module.{key}": value for key, value in model.state_dict().items()}
    copies = {k.replace("LTE.", "LTE_copy."): v for k, v in state.items() if "LTE." in k}
    torch.save({"params": state | copies}, tmp_path / "w.pt")
    assert equal(load_ttsr(tmp_path / "w.pt"), model)
    assert len(read_weights(tmp_path / "w.pt").dropped) == 12


def test_names_of_tensors_cannot_act_on_a_terminal(tmp_path, model):
    """Nor flood it: they are escaped, and cut where they are long."""
    state = {"\x1b[2Jgone": torch.ones(1), "x" * 5000: torch.ones(1), **model.state_dict()}
    safetensors.torch.save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match=r"2 unexpected: .*\\x1b\[2Jgone") as caught:
        load_weights(model, tmp_path / "w.safetensors")
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 600
