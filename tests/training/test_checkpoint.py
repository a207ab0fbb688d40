# SPDX-License-Identifier: Apache-2.0
import errno
import json
import os

import pytest
import safetensors.torch
import torch

from searchtransfer.errors import NonFiniteError, OutputError, WeightsError
from searchtransfer.training.checkpoint import (
    Checkpoint,
    checkpoints,
    latest_checkpoint,
    read_checkpoint,
    set_aside,
    write_checkpoint,
)


def some(step=1):
    tensors = {
        "model/a": torch.arange(6.0).reshape(2, 3) * step,
        "model/empty": torch.zeros(0, 3),
        "optimiser/0/step": torch.tensor(float(step)),
        "average/n_averaged": torch.tensor(step),
        "model/half": torch.ones(2, dtype=torch.bfloat16),
    }
    return Checkpoint(tensors, {"step": step, "ü": [1, None, "x"]})


def test_round_trip(tmp_path):
    written = some()
    read = read_checkpoint(write_checkpoint(tmp_path, 1, written))
    assert read.state == written.state
    assert read.tensors.keys() == written.tensors.keys()
    for key, value in written.tensors.items():
        assert read.tensors[key].dtype == value.dtype
        assert torch.equal(read.tensors[key], value)
    assert set(read.part("model")) == {"a", "empty", "half"}
    assert set(read.part("optimiser")) == {"0/step"}


def test_the_last_two_are_kept(tmp_path):
    for step in (5, 90, 1000):
        write_checkpoint(tmp_path, step, some(step))
    assert [p.name for p in checkpoints(tmp_path)] == [
        "step-000001000.safetensors",
        "step-000000090.safetensors",
    ]
    checkpoint, faults = latest_checkpoint(tmp_path)
    assert (checkpoint.state["step"], faults) == (1000, {})


def test_nothing_is_there(tmp_path):
    assert latest_checkpoint(tmp_path) == (None, {})
    assert latest_checkpoint(tmp_path / "none") == (None, {})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: b"", "truncated or damaged"),
        (lambda b: b[:-1], "truncated or damaged"),
        (lambda b: b[: len(b) // 2], "truncated or damaged"),
        (lambda b: b[:-1] + bytes([b[-1] ^ 1]), "does not have the digest it states"),
        (lambda b: b.replace(b'\\"step\\": 2', b'\\"step\\": 3'), "does not have the digest"),
        (lambda b: b.replace(b"optimiser/0/step", b"optimiser/1/step"), "does not have the digest"),
        (lambda b: b.replace(b"searchtransfer-checkpoint", b"searchtransfer-checkpoinT"), "is no"),
        (lambda b: b.replace(b'"version":"1"', b'"version":"9"'), "is of version 9, .* up to 1"),
    ],
)
def test_damage_of_the_last_one_is_found_and_the_one_before_used(tmp_path, damage, message):
    write_checkpoint(tmp_path, 1, some(1))
    path = write_checkpoint(tmp_path, 2, some(2))
    content = path.read_bytes()
    assert damage(content) != content
    path.write_bytes(damage(content))
    checkpoint, faults = latest_checkpoint(tmp_path)
    assert checkpoint.state["step"] == 1
    assert list(faults) == [path]
    with pytest.raises(WeightsError, match=message):
        read_checkpoint(path)
    set_aside(faults)
    assert [p.name for p in checkpoints(tmp_path)] == ["step-000000001.safetensors"]
    write_checkpoint(tmp_path, 3, some(3))
    assert len(checkpoints(tmp_path)) == 2


def test_weights_are_no_checkpoint(tmp_path):
    path = tmp_path / "step-000000001.safetensors"
    safetensors.torch.save_file({"a": torch.ones(1)}, path)
    with pytest.raises(WeightsError, match="is no checkpoint of a training run"):
        read_checkpoint(path)
    with pytest.raises(WeightsError, match="no such file"):
        read_checkpoint(tmp_path / "none.safetensors")


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_is_not_written(tmp_path, value):
    bad = some()
    bad.tensors["model/a"][0, 0] = value
    with pytest.raises(NonFiniteError, match="checkpoint of step 7: model/a holds NaN"):
        write_checkpoint(tmp_path, 7, bad)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_ones_and_nothing_else(tmp_path, monkeypatch, call):
    write_checkpoint(tmp_path, 1, some(1))
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    if call == "replace":
        monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_checkpoint(tmp_path, 2, some(2))
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_the_header_is_plain(tmp_path):
    path = write_checkpoint(tmp_path, 1, some())
    with safetensors.safe_open(path, framework="pt") as file:
        header = file.metadata()
    assert set(header) == {"format", "version", "state", "digest"}
    assert json.loads(header["state"])["step"] == 1
