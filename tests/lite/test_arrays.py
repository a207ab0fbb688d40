# SPDX-License-Identifier: Apache-2.0
"""Each piece of torch that the pipeline uses does on arrays what torch does."""

import ast
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional

from searchtransfer import lite
from searchtransfer.lite import arrays
from searchtransfer.lite.arrays import functional
from searchtransfer.lite.loading import PIPELINE, load

Libraries = tuple[ModuleType, ModuleType, Callable[[np.ndarray], Any]]
TORCH: Libraries = (torch, torch.nn.functional, torch.from_numpy)
ARRAYS: Libraries = (arrays, functional, arrays.from_numpy)


def image(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def whole(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 5, shape)


WAYS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "whole numbers and fractions": lambda t, F, a: a(whole(3, 4)) * 0.3 + 1.5,
    "whole numbers over another": lambda t, F, a: a(whole(3, 4)) / 3,
    "a number without dimensions": lambda t, F, a: (
        a(image(3, 4)) * t.tensor(0.1, dtype=t.float64) + a(image(4).astype(np.float64)).sum()
    ),
    "doubles stay": lambda t, F, a: a(image(3).astype(np.float64)) * 0.1,
    "votes": lambda t, F, a: a(image(3)).add_(a(image(3)) > 0.5),
    "where": lambda t, F, a: t.where(a(image(3, 4)) > 0.5, a(image(3, 4)), 1.0),
    "where whole": lambda t, F, a: t.where(a(whole(3, 4)) > 2, a(whole(3, 4)), 0),
    "lerp": lambda t, F, a: t.lerp(a(image(3)), a(image(3)) * 2, a(np.float32([0, 0.3, 1]))),
    "facts": lambda t, F, a: a(
        np.array([a(image(3)).is_meta, a(image(3)).layout == t.strided, a(whole(3)).dim()])
    ),
    "clamp": lambda t, F, a: a(image(9)).clamp(min=0.2, max=0.8),
    "clamp by others": lambda t, F, a: a(image(9)).clamp(min=a(image(9)).square() + 0.1),
    "round": lambda t, F, a: a(np.float32([0.5, 1.5, -0.5, 2.4])).round(),
    "median": lambda t, F, a: a(image(6, 2)).median(0).values,
    "median of all": lambda t, F, a: a(image(6, 3)).median(),
    "topk": lambda t, F, a: a(image(5, 9)).topk(2, dim=1).values,
    "places of topk": lambda t, F, a: a(image(5, 9)).topk(2, dim=1).indices,
    "argsort": lambda t, F, a: a(image(9)).argsort(descending=True),
    "largest": lambda t, F, a: a(image(5, 9)).max(1).values,
    "places of the largest": lambda t, F, a: a(image(5, 9)).max(1).indices,
    "variance": lambda t, F, a: a(image(5, 9)).var(1),
    "means": lambda t, F, a: a(image(3, 5, 9)).mean((0, 2)),
    "nonzero": lambda t, F, a: (a(image(5, 9)) > 0.5).nonzero(),
    "scalars": lambda t, F, a: a(image(3, 3))[1, 2],
    "masks": lambda t, F, a: a(image(5, 2))[a(image(5)) > 0.3],
    "masked fill": lambda t, F, a: a(image(2, 5)).masked_fill_(a(image(5)) > 0.3, 7),
    "unfold of a dimension": lambda t, F, a: a(image(7, 5)).unfold(0, 3, 2),
    "expand": lambda t, F, a: a(image(3, 1)).expand(2, -1, 4),
    "flatten": lambda t, F, a: a(image(2, 3, 4, 5)).flatten(1, 2),
    "flatten the end": lambda t, F, a: a(image(2, 3, 4, 5)).flatten(2),
    "repeat": lambda t, F, a: a(image(2, 3)).repeat_interleave(3, 1),
    "rot90": lambda t, F, a: t.rot90(a(image(2, 3, 4)), 3, (-2, -1)),
    "flip": lambda t, F, a: a(image(2, 3, 4)).flip(-1),
    "split": lambda t, F, a: t.cat(t.split(a(image(7, 2)), 3)[::-1]),
    "unique": lambda t, F, a: t.stack(
        [x.sum() for x in t.unique(a(whole(9)), return_inverse=True)]
    ),
    "bucketize": lambda t, F, a: t.bucketize(a(whole(9)), a(np.array([1, 3, 5])), right=True),
    "searchsorted": lambda t, F, a: t.searchsorted(a(np.array([1, 3, 5])), a(whole(9))),
    "quantile": lambda t, F, a: t.quantile(a(image(9, 2)), 0.05, dim=0),
    "cartesian": lambda t, F, a: t.cartesian_prod(a(image(3)), a(image(2))),
    "einsum": lambda t, F, a: t.einsum("...ab,kb->...ka", a(image(4, 2, 2)), a(image(3, 2))),
    "tensordot": lambda t, F, a: t.tensordot(a(image(3)), a(image(3, 4, 5)), 1),
    "sinc": lambda t, F, a: t.sinc(a(image(9)) - 0.5),
    "floor of a quotient": lambda t, F, a: t.div(a(whole(9)) - 3, 2, rounding_mode="floor"),
    "norm": lambda t, F, a: t.linalg.vector_norm(a(image(3, 4)), dim=0, keepdim=True),
    "determinant": lambda t, F, a: t.linalg.det(a(image(5, 2, 2))),
    "inverse": lambda t, F, a: t.linalg.inv(a(image(3, 3).astype(np.float64))),
    "singular values": lambda t, F, a: t.linalg.svdvals(a(image(2, 2))),
    "eigenvalues": lambda t, F, a: t.linalg.eigvalsh(a(np.cov(image(4, 9)))),
    "scatter": lambda t, F, a: t.full_like(a(whole(5)), 99).scatter_reduce_(
        0, a(whole(9)), a(whole(9)), "amin"
    ),
    "pad": lambda t, F, a: F.pad(a(image(1, 3, 4)), (1, 2, 0, 3), value=-1),
    "pad less": lambda t, F, a: F.pad(a(image(3, 6)), (-1, 2, 1, -1)),
    "pad by the border": lambda t, F, a: F.pad(a(image(1, 2, 3, 4)), (2,) * 4, mode="replicate"),
    "mean of windows": lambda t, F, a: F.avg_pool2d(a(image(1, 1, 7, 9)), 3, 1, 1),
    "mean of what is inside": lambda t, F, a: F.avg_pool2d(
        a(image(1, 1, 7, 9)), 5, 1, 2, count_include_pad=False
    ),
    "mean of windows that are cut": lambda t, F, a: F.avg_pool2d(
        a(image(1, 2, 7, 8)), 2, ceil_mode=True, count_include_pad=False
    ),
    "mean of cut windows of three": lambda t, F, a: F.avg_pool2d(
        a(image(1, 1, 8, 9)), 3, ceil_mode=True, count_include_pad=False
    ),
    "larger by lines": lambda t, F, a: F.interpolate(
        a(image(1, 2, 4, 5)), (8, 9), mode="bilinear", align_corners=False
    ),
    "smaller by lines": lambda t, F, a: F.interpolate(
        a(image(1, 2, 9, 8)), (3, 5), mode="bilinear", align_corners=False
    ),
    "mean of large windows": lambda t, F, a: F.avg_pool2d(a(image(1, 1, 17, 19)), [8, 9], stride=4),
    "largest of windows": lambda t, F, a: F.max_pool2d(a(image(1, 2, 8, 9)), 3, 1, 1),
    "largest of lines": lambda t, F, a: F.max_pool2d(a(image(1, 2, 8, 9)), (1, 3), 1),
    "windows": lambda t, F, a: F.unfold(a(image(1, 2, 8, 9)), 3, dilation=2, padding=2),
    "filters": lambda t, F, a: F.conv2d(a(image(1, 3, 8, 9)), a(image(4, 3, 3, 2)), stride=2),
    "filters of lines": lambda t, F, a: F.conv2d(
        a(image(2, 1, 8, 9)), a(image(4, 1, 1, 5)), stride=(1, 2)
    ),
    "filters of rows": lambda t, F, a: F.conv1d(a(image(1, 1, 9)), a(image(2, 1, 4)), stride=3),
    "linear": lambda t, F, a: F.linear(a(image(2, 3)), a(image(4, 3)), a(image(4))),
    "area": lambda t, F, a: F.interpolate(a(image(1, 1, 9, 10)), (4, 3), mode="area"),
    "nearest": lambda t, F, a: F.interpolate(a(image(1, 1, 9, 10)), (19, 7), mode="nearest"),
}
for _mode in ("bilinear", "bicubic"):
    WAYS[f"sampled, {_mode}"] = lambda t, F, a, mode=_mode: F.grid_sample(  # type: ignore[misc]
        a(image(1, 3, 8, 9)),
        a(3 * image(1, 40, 5, 2) - 1.5),
        mode=mode,
        padding_mode="border",
        align_corners=True,
    )
for _size in ((4, 21), (20, 5), (9, 10)):
    WAYS[f"resized to {_size}"] = lambda t, F, a, size=_size: F.interpolate(  # type: ignore[misc]
        a(image(1, 3, 9, 10)), size, mode="bicubic", align_corners=False, antialias=True
    )


@pytest.mark.parametrize("name", WAYS)
def test_the_same_as_torch(name: str) -> None:
    ours, theirs = WAYS[name](*ARRAYS), WAYS[name](*TORCH)
    assert isinstance(ours, arrays.Tensor)
    assert str(ours.dtype) == str(theirs.dtype).removeprefix("torch.")
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_allclose(np.asarray(ours), theirs.numpy(), rtol=1e-5, atol=2e-6)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(AttributeError, match="arrays has no 'fft' yet"):
        _ = arrays.fft
    with pytest.raises(NotImplementedError, match="this needs torch"):
        arrays.nn.Conv2d(3, 3, 3)
    with pytest.raises(NotImplementedError, match="interpolate: trilinear"):
        functional.interpolate(arrays.from_numpy(image(1, 1, 3, 3)), (6, 6), mode="trilinear")


def test_memory_is_shared_where_torch_shares_it() -> None:
    plain = image(4, 6)
    view = arrays.from_numpy(plain)[1:3].view(12)
    view.mul_(0)
    assert not plain[1:3].any()
    assert plain[0].any()


NOT_REACHED = "networks.", "models.look", "models.ttsr", "operators.blocks", "weights."
"""What runs in onnxruntime, or not at all."""


def test_whatever_the_pipeline_calls_is_there() -> None:
    """Each call of a function of torch in the pipeline's files, with its arguments."""
    lite.upscaler()
    load("models.fusion")
    places = {"torch": arrays, "F": functional, "torch.linalg": arrays.linalg}
    faults: list[str] = []
    seen = 0
    for name, module in sorted(sys.modules.items()):
        inside, file = name.removeprefix(f"{PIPELINE}."), getattr(module, "__file__", None) or ""
        if inside == name or inside.startswith(NOT_REACHED) or not file.endswith(".py"):
            continue
        for call in ast.walk(ast.parse(Path(file).read_text("utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
                continue
            place = places.get(ast.unparse(call.func.value))
            if place is None:
                continue
            seen += 1
            where = f"{inside}, line {call.lineno}: {ast.unparse(call.func)}"
            function = getattr(place, call.func.attr, None)
            if function is None:
                faults.append(f"{where} is not there")
                continue
            given = [x for x in call.args if not isinstance(x, ast.Starred)]
            named = {x.arg: 0 for x in call.keywords if x.arg is not None}
            whole = len(given) + len(named) == len(call.args) + len(call.keywords)
            try:
                said = inspect.signature(function)
                (said.bind if whole else said.bind_partial)(*given, **named)
            except (TypeError, ValueError) as error:
                if "no signature" not in str(error):
                    faults.append(f"{where}: {error}")
    assert not faults
    assert seen > 200
