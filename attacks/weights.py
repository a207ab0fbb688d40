# SPDX-License-Identifier: Apache-2.0
"""Hostile files of weights: descriptions that cannot be, headers that lie, and other content."""

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Iterator

import torch
from attack import Attack
from safetensors.torch import save

from searchtransfer.networks import FusionNet

_DEEP = "[" * 100_000 + "]" * 100_000
_CONFIGS = {
    "unknown-key": '{"evil": 1}',
    "text": '{"features": "8"}',
    "fraction": '{"features": 8.5}',
    "truth": '{"features": true}',
    "negative": '{"features": -1}',
    "wide": '{"features": 20000}',
    "deep-network": '{"blocks": 10000000}',
    "largest-allowed": '{"features": 4096, "blocks": 1024}',
    "digits": '{"features": ' + "9" * 5000 + "}",
    "not-a-number": '{"features": NaN}',
    "deep": _DEEP,
    "list": "[]",
    "no-json": "{",
}
_HEADERS = {
    "version-digits": {"version": "9" * 5000},
    "version-later": {"version": "2"},
    "scale-text": {"scale": "four"},
    "scale-other": {"scale": "2"},
    "other-network": {"architecture": "span"},
    "escapes": {"architecture": "\x1b]0;owned\x07"},
}


class _Runs:
    """Would run a command where pickles are trusted."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("exit 1",)


def good() -> bytes:
    """A sound file, small."""
    network = FusionNet(4, 1)
    return described(network.state_dict(), config=json.dumps(network.config))


def described(state: dict[str, torch.Tensor], **changes: str) -> bytes:
    """With the header of this package."""
    header = {"format": "searchtransfer", "version": "1", "architecture": "fusion"}
    return save(state, header | {"scale": "4", "config": "{}"} | changes)


def attacks() -> Iterator[Attack]:
    """All of them."""
    state = FusionNet(4, 1).state_dict()
    contents = {f"config-{n}": described(state, config=x) for n, x in _CONFIGS.items()}
    small = '{"features": 4, "blocks": 1}'
    contents |= {n: described(state, **({"config": small} | x)) for n, x in _HEADERS.items()}
    key = next(iter(state))
    changed = {
        "nan": {key: torch.full_like(state[key], torch.nan)},
        "integers": {key: state[key].int()},
        "shape": {key: state[key][:1].contiguous()},
        "empty-tensor": {key: torch.zeros(0)},
        "more": {"\x1b[2J": torch.ones(1)},
        "many": {f"x{i}": torch.zeros(0) for i in range(5000)},
    }
    contents |= {n: described(state | x, config=small) for n, x in changed.items()}
    contents["missing"] = described({key: state[key]}, config=small)
    file = good()
    size = struct.unpack("<Q", file[:8])[0]
    contents |= {
        "truncated": file[:-100],
        "truncated-header": file[: size // 2],
        "longer": file + b"x",
        "huge-header": struct.pack("<Q", 2**40) + file[8:],
        "largest-header": struct.pack("<Q", 2**64 - 1) + file[8:],
        "empty-header": struct.pack("<Q", 2) + b"{}",
        "deep-header": struct.pack("<Q", 200_000) + b'{"a":' + b"[" * 199_995,
        "offsets": file.replace(b'"data_offsets":[0,', b'"data_offsets":[9,'),
        "empty": b"",
        "page": b"<!DOCTYPE html><html></html>",
        "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
    }
    yield from (Attack(f"{n}.safetensors", x, "WeightsError") for n, x in contents.items())
    yield Attack("runs.pt", pickle.dumps(_Runs()), "WeightsError")
    yield Attack("runs-in-a-dictionary.pt", pickle.dumps({"a": _Runs()}), "WeightsError")
    yield Attack("numbers.pt", _torch({"a": 1}), "WeightsError")
    yield Attack("cut.pt", _torch(state)[:-50], "WeightsError")
    yield Attack("compressed.pt", _compressed(_torch(state)), "WeightsError")


def _torch(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def _compressed(content: bytes) -> bytes:
    """The same archive deflated, as archives that unfold to gigabytes are."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry))
    return out.getvalue()
