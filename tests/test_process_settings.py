# SPDX-License-Identifier: Apache-2.0
"""What a process sets for itself changes no picture: dtype, device, autocast, inference mode.

The same of the operators is in `operators/test_process_settings.py`.
"""

import ast
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from operators.test_process_settings import default_dtype
from scenes import reduced, sharp

import searchtransfer
from searchtransfer import Reference, Upscaler

SOURCES = Path(searchtransfer.__file__).parent
FACTORIES = {"empty", "zeros", "ones", "full", "arange", "eye", "tensor", "rand", "randn"}
FACTORIES |= {"randint", "linspace", "logspace", "as_tensor", "asarray", "scalar_tensor"}
WHOLE = {"arange", "randint"}
"""Whole numbers, where no dtype is stated."""

SETTINGS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "default float64": lambda: default_dtype(torch.float64),
    "default float16": lambda: default_dtype(torch.float16),
    "default bfloat16": lambda: default_dtype(torch.bfloat16),
    "default device meta": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "inference mode": torch.inference_mode,
}
MODELS: dict[str, dict[str, object]] = {
    "transfer": {"name": "transfer"},
    "transfer, scale 3, refined": {"name": "transfer", "scale": 3, "search": "refine"},
    "fusion": {},
    "fusion, scale 2": {"scale": 2},
    "vivid": {"look": "vivid"},
}


def made(model: str) -> np.ndarray:
    """A picture by a model that is built, with a reference that is prepared, under the setting."""
    options = dict(MODELS[model])
    upscaler = Upscaler.from_pretrained(*filter(None, [options.pop("name", None)]), **options)
    photo = sharp()
    return np.asarray(upscaler.upscale(reduced(photo), upscaler.prepare([photo[:, 8:]])).image)


@cache
def expected(model: str) -> np.ndarray:
    return made(model)


@pytest.mark.usefixtures("as_users_run")
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("model", MODELS)
def test_no_setting_changes_a_picture(model, setting):
    wanted = expected(model)
    with SETTINGS[setting]():
        found = made(model)
    assert np.array_equal(found, wanted)


@pytest.mark.usefixtures("as_users_run")
@pytest.mark.parametrize("setting", SETTINGS)
def test_no_setting_changes_what_a_file_of_references_holds(tmp_path, setting):
    whole = torch.from_numpy(sharp()).permute(2, 0, 1)
    Reference.build([whole / 255], 4).save(tmp_path / "r.safetensors")
    with SETTINGS[setting]():
        (photo,) = Reference.load(tmp_path / "r.safetensors").photos
    assert (photo.dtype, photo.device.type) == (torch.float32, "cpu")
    assert torch.equal(photo, whole / 255)


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.py")), ids=lambda x: x.stem)
def test_whatever_is_made_states_dtype_and_device(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if ast.unparse(node.func.value) == "torch" and node.func.attr in FACTORIES:
            stated = {keyword.arg for keyword in node.keywords}
            needed = {"device"} if node.func.attr in WHOLE else {"dtype", "device"}
            assert needed <= stated, f"{path.name}:{node.lineno}: {ast.unparse(node)}"
