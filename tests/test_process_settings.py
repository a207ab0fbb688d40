# SPDX-License-Identifier: Apache-2.0
"""What a process sets for itself changes no picture: dtype, device, autocast, inference mode.

The same of the operators is in `operators/test_process_settings.py`.
"""

import ast
import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from operators.test_process_settings import default_dtype
from PIL import Image
from scenes import reduced, sharp

import searchtransfer
from searchtransfer import Reference, Upscaler
from searchtransfer.networks import FusionNet
from searchtransfer.training.degradations.optics import Blur
from searchtransfer.wear.compression import noise_of_quality, quality_of

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
    "NumPy's errors raised": lambda: np.errstate(all="raise"),
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


def test_random_numbers_of_the_process_go_on(tmp_path):
    """As if nothing of ours had been made or done in between."""
    photo = sharp()
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    upscaler = Upscaler.from_pretrained()
    upscaler.upscale(reduced(photo), upscaler.prepare([photo]))
    upscaler.save_pretrained(tmp_path / "model", licence="apache-2.0")
    FusionNet.from_pretrained(tmp_path / "model")
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])


@pytest.mark.parametrize("quality", [15, 60, 95])
def test_numpys_errors_are_none_of_ours(quality):
    """What vanishes or overflows where we compute with NumPy is meant to."""
    file = io.BytesIO()
    Image.fromarray(sharp()).save(file, "JPEG", quality=quality)
    colour = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1) / 255
    wide = Blur(0.0)
    expected = quality_of(colour), noise_of_quality(colour, quality), wide.kernel()
    with np.errstate(all="raise"):
        found = quality_of(colour), noise_of_quality(colour, quality), wide.kernel()
    assert found[:2] == expected[:2]
    assert np.array_equal(found[2], expected[2])


def test_numpys_errors_are_none_of_arrays_without_torch():
    from searchtransfer.lite import arrays

    tiny = arrays.full((1, 1, 4, 4), 1e-38) * 1e-4
    with np.errstate(all="raise"):
        found = [
            arrays.functional.conv2d(tiny, tiny),
            arrays.functional.avg_pool2d(tiny, 3, 1, 1),
            arrays.linalg.vector_norm(tiny, 1),
            arrays.einsum("abij,abij->ab", tiny, tiny),
            arrays.tensordot(tiny[0, 0], tiny[0, 0], 1),
            arrays.lerp(tiny, tiny * 2, tiny),
            tiny / 0,
        ]
    assert np.isinf(found[-1]).all() and float(found[0].sum()) == 0


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.py")), ids=lambda x: x.stem)
def test_whatever_is_made_states_dtype_and_device(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if ast.unparse(node.func.value) == "torch" and node.func.attr in FACTORIES:
            stated = {keyword.arg for keyword in node.keywords}
            needed = {"device"} if node.func.attr in WHOLE else {"dtype", "device"}
            assert needed <= stated, f"{path.name}:{node.lineno}: {ast.unparse(node)}"
