# SPDX-License-Identifier: Apache-2.0
"""What a weights file may be, and every way in which it may not."""

import os
import pickle
import struct
import zipfile

import pytest
import safetensors.torch
import torch

from searchtransfer.errors import WeightsError
from searchtransfer.weights import read_weights

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}


def saved(path, content):
    torch.save(content, path)
    return path


def same(tensors):
    return tensors.keys() == STATE.keys() and all(torch.equal(tensors[k], STATE[k]) for k in STATE)


def test_safetensors_file(tmp_path):
    path = tmp_path / "w.safetensors"
    safetensors.torch.save_file(STATE, path)
    file = read_weights(path)
    assert same(file.tensors)
    assert file.description is None


def test_content_counts_and_not_the_suffix(tmp_path):
    path = tmp_path / "w.pt"
    safetensors.torch.save_file(STATE, path)
    assert same(read_weights(str(path)).tensors)
    assert same(read_weights(saved(tmp_path / "w.safetensors", STATE)).tensors)


@pytest.mark.parametrize("zipped", [True, False])
def test_both_of_torchs_formats(tmp_path, zipped):
    torch.save(STATE, tmp_path / "w.pt", _use_new_zipfile_serialization=zipped)
    assert same(read_weights(tmp_path / "w.pt").tensors)


@pytest.mark.parametrize("wrapper", ["params_ema", "params", "state_dict", "model"])
def test_wrappers_are_opened(tmp_path, wrapper):
    file = read_weights(saved(tmp_path / "w.pt", {wrapper: STATE, "epoch": 3}))
    assert same(file.tensors)
    assert file.wrapper == wrapper


def test_averaged_weights_are_preferred(tmp_path):
    other = {key: value + 1 for key, value in STATE.items()}
    path = saved(tmp_path / "w.pt", {"params": other, "params_ema": STATE})
    assert same(read_weights(path).tensors)


def test_module_prefix_and_copies_are_taken_away(tmp_path):
    content = {f"module.{key}": value for key, value in STATE.items()}
    content["module.LTE_copy.slice1.0.weight"] = torch.ones(1)
    file = read_weights(saved(tmp_path / "w.pt", content))
    assert same(file.tensors)
    assert file.dropped == ("LTE_copy.slice1.0.weight",)


def test_a_prefix_on_some_keys_only_is_left(tmp_path):
    path = saved(tmp_path / "w.pt", {"module.a": torch.ones(1), "b": torch.ones(1)})
    assert set(read_weights(path).tensors) == {"module.a", "b"}


class Dangerous:
    """Would make a folder if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path, zipped):
    path, trace = tmp_path / "w.pt", tmp_path / "trace"
    torch.save({"a": Dangerous(trace)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match=r"w\.pt: holds more than tensors.*safetensors"):
        read_weights(path)
    assert not trace.exists()


def test_plain_pickle_is_refused(tmp_path):
    (tmp_path / "w.pt").write_bytes(pickle.dumps({"a": Dangerous(tmp_path / "trace")}))
    with pytest.raises(WeightsError, match="refused"):
        read_weights(tmp_path / "w.pt")
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", "Git LFS pointer"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"\n <HTML lang=de>", "is a web page"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "is a web page"),
        (b"garbage, and more of it", "neither a safetensors nor a PyTorch file"),
        (b"\x00", "neither a safetensors nor a PyTorch file"),
        (struct.pack("<Q", 1 << 40) + b"{}", "truncated or damaged safetensors"),
        (struct.pack("<Q", 2) + b"{]", "truncated or damaged safetensors"),
        (struct.pack("<Q", 2) + b"{}", "holds no tensors"),
        (b"PK\x03\x04 and no archive", "truncated or damaged PyTorch"),
    ],
)
def test_other_content_is_recognised(tmp_path, content, message):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=rf"w\.safetensors: .*{message}"):
        read_weights(path)


@pytest.mark.parametrize("kind", ["safetensors", "pt"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.99])
def test_truncation_at_any_place(tmp_path, kind, kept):
    path = tmp_path / f"w.{kind}"
    big = {"a": torch.rand(100, 100)}
    safetensors.torch.save_file(big, path) if kind == "safetensors" else torch.save(big, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(WeightsError, match=str(path)):
        read_weights(path)


def test_compressed_archive(tmp_path):
    source, path = saved(tmp_path / "stored.pt", STATE), tmp_path / "w.pt"
    with (
        zipfile.ZipFile(source) as stored,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as deflated,
    ):
        for name in stored.namelist():
            deflated.writestr(name, stored.read(name))
    with pytest.raises(WeightsError, match="compressed archive"):
        read_weights(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.ones(1)], "holds a list, not a state dict"),
        (torch.ones(1), "holds a Tensor, not a state dict"),
        ({"a": 3}, "'a' is a int, not a tensor"),
        ({3: torch.ones(1)}, "3 is a Tensor, not a tensor|3 is"),
        ({}, "holds no tensors"),
        ({"params": {}}, "holds no tensors"),
    ],
)
def test_checkpoints_of_something_else(tmp_path, content, message):
    with pytest.raises(WeightsError, match=message):
        read_weights(saved(tmp_path / "w.pt", content))


def test_places_that_are_no_file(tmp_path):
    with pytest.raises(WeightsError, match="there is no such file"):
        read_weights(tmp_path / "none.pt")
    with pytest.raises(WeightsError, match="is a folder, and no weights are in it"):
        read_weights(tmp_path)
    saved(tmp_path / "w.pt", STATE)
    with pytest.raises(WeightsError, match=r"is a folder; name one of the files in it: w\.pt"):
        read_weights(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WeightsError, match="is no regular file"):
        read_weights(tmp_path / "pipe")
    with pytest.raises(WeightsError, match="cannot be read"):
        read_weights(tmp_path / ("x" * 300))
