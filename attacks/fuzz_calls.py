# SPDX-License-Identifier: Apache-2.0
"""The Python interface, called with one argument replaced by what nobody should give it.

    python -m attacks.fuzz_calls [NAME ...]

Each public callable has one sound call; then each of its arguments in turn is replaced by each of
`STRANGE`. It must answer or raise an error of this package, within ten seconds: no other exception.
"""

import contextlib
import os
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

from searchtransfer import (
    Reference,
    SearchTransfer,
    Upscaler,
    evaluation,
    images,
    inspection,
    networks,
    operators,
    training,
    upscale_each,
)
from searchtransfer.errors import SearchTransferError
from searchtransfer.images.pairs import Pair
from searchtransfer.pictures import inspector

SECONDS = 10

CALLED = {"on_progress", "on_row", "cancelled", "method", "lpips"}
"""Arguments that are called: what they raise is the caller's own."""

PHOTO = torch.rand(3, 32, 40, generator=torch.Generator().manual_seed(0))
SMALL = PHOTO[:, ::4, ::4].contiguous()
CELLS = torch.rand(1, 4, 5, 6)
INDEX = torch.zeros(1, 5, 6, dtype=torch.int64)

STRANGE: list[Any] = [
    *(None, "", "yes", "no/such/file.png", "a\0b", "\udcff", b"bytes", Path("no such"), object()),
    *(True, False, 0, -1, 1, 2, 3, 7, 2**31, -(2**63), 10**30, 0.0, 2.5, -1e300),
    *(float("nan"), float("inf"), 1j, int, len, range(3), ..., NotImplemented),
    *([], [None], ["x"], [[]], (), (1,), (0, 0), (-1, 5), (5, 6, 7), (2**40, 2**40), ("5", "6")),
    *({}, {"a": 1}, set(), iter(()), (x for x in "ab")),
    *(np.zeros(0), np.zeros(3), np.zeros((2, 2, 3), np.uint8), np.zeros((9, 9), object)),
    *(np.float32(2), np.int64(4), np.full((8, 10, 3), np.nan), np.zeros((8, 10, 3), "complex64")),
    *(torch.tensor(3), torch.zeros(0), torch.zeros(3, 0, 5), torch.zeros(2, 3, 4, 5, 6)),
    *(torch.zeros(3, 8, 10, dtype=torch.int32), torch.zeros(3, 8, 10, device="meta")),
    *(torch.full((3, 8, 10), torch.nan), torch.zeros(3, 8, 10).to_sparse(), torch.rand(7, 8, 10)),
    *(torch.zeros(1, 4, 5, 6, dtype=torch.complex64), torch.full((1, 5, 6), -1)),
    *(torch.full((1, 5, 6), 2**62), torch.rand(1, 4, 5, 6).double(), torch.rand(1, 4, 5, 6).bool()),
]

_made: Counter[str] = Counter()

Call = tuple[Callable[..., object], dict[str, Any]]


def calls(folder: Path) -> dict[str, Call]:
    """By name: what is called, and sound arguments."""
    upscaler = Upscaler.from_pretrained("transfer")
    result = upscaler.upscale(SMALL, PHOTO)
    image = images.from_tensor(PHOTO)
    photo, small = folder / "photo.png", folder / "small.png"
    images.write_image(image, photo, on_exists="overwrite")
    images.write_image(images.from_tensor(SMALL), small, on_exists="overwrite")
    reference = Reference.build([PHOTO])
    keys = operators.Keys([CELLS[0]])
    blocks = operators.unfold(CELLS, 3, 1, 1)
    picture = inspection.inspect_result(result, SMALL, [PHOTO])
    module = SearchTransfer()
    small_net = networks.TTSR(blocks=(1, 1, 1, 1), features=8)
    small_net.save_pretrained(folder / "ttsr", licence="apache-2.0")
    weights = folder / "ttsr/model.safetensors"
    ttsr = {
        "lr": SMALL[None],
        "lr_up": torch.rand(1, 3, 32, 40),
        "ref": PHOTO[None],
        "ref_down_up": PHOTO[None],
    }
    levels = {
        "lrsr_lv3": CELLS,
        "refsr_lv3": CELLS,
        "ref_lv1": torch.rand(1, 3, 20, 24),
        "ref_lv2": torch.rand(1, 3, 10, 12),
        "ref_lv3": torch.rand(1, 3, 5, 6),
    }
    size = {"kernel_size": 3, "stride": 1, "padding": 1}
    each: Callable[..., object] = lambda **given: list(upscale_each(**given))  # noqa: E731
    return {
        "search": (
            operators.search,
            {"query": CELLS, "key": CELLS, "patch_size": 3, "backend": "auto"},
        ),
        "search_views": (
            operators.search_views,
            {"query": CELLS, "keys": [CELLS, CELLS], "patch_size": 3, "backend": "auto"},
        ),
        "search_views of Keys": (operators.search_views, {"query": CELLS, "keys": keys}),
        "transfer": (
            operators.transfer,
            {
                **{"value": torch.rand(1, 2, 10, 12), "index": INDEX, "key_size": (5, 6)},
                **{"scale": 2, "overlap": "mean", "patch_size": 3},
            },
        ),
        "Keys": (operators.Keys, {"views": [CELLS[0]], "patch_size": 3, "copy": True}),
        "unfold": (operators.unfold, {"image": CELLS, **size}),
        "fold": (operators.fold, {"blocks": blocks, "output_size": (5, 6), **size}),
        "fold_mean": (operators.fold_mean, {"blocks": blocks, "output_size": (5, 6), **size}),
        "overlap_count": (
            operators.overlap_count,
            {"output_size": (5, 6), **size, "dtype": torch.float32, "device": None},
        ),
        "select_blocks": (
            operators.select_blocks,
            {"blocks": blocks, "index": torch.zeros(1, 4, dtype=torch.int64)},
        ),
        "SearchTransfer": (SearchTransfer, {"overlap": "mean", "backend": "auto"}),
        "SearchTransfer.forward": (module, levels),
        "Reference.build": (Reference.build, {"photos": [PHOTO], "scale": 4, "copy": True}),
        "Reference.save": (
            reference.save,
            {"path": folder / "r.safetensors", "overwrite": True},
        ),
        "Reference.load": (Reference.load, {"path": folder / "r.safetensors"}),
        "Reference.to": (reference.to, {"device": "cpu"}),
        "Upscaler": (Upscaler, {"model": upscaler.model, "device": None, "factor": None}),
        "Upscaler.from_pretrained": (
            Upscaler.from_pretrained,
            {
                **{"source": "transfer", "scale": 4, "search": "auto", "weights": None},
                **{"wear": "auto", "memory": 1 << 30, "look": "faithful", "device": None},
                "revision": None,
            },
        ),
        "Upscaler.prepare": (upscaler.prepare, {"references": [PHOTO], "copy": True}),
        "Upscaler.upscale": (
            upscaler.upscale,
            {
                **{"lr": SMALL, "reference": PHOTO, "tile": "auto", "size": None},
                "on_progress": None,
            },
        ),
        "Upscaler.save_pretrained": (
            Upscaler.from_pretrained().save_pretrained,
            {"folder": folder / "saved", "licence": "apache-2.0", "on_exists": "overwrite"},
        ),
        "upscale_each": (
            each,
            {
                **{"upscaler": upscaler, "images": [SMALL], "reference": PHOTO, "prefetch": 1},
                **{"tile": "auto", "size": None, "on_progress": None, "cancelled": None},
            },
        ),
        "Result.save": (
            result.save,
            {"path": folder / "out.png", "metadata": "keep", "on_exists": "overwrite"},
        ),
        "Matches.corners": (result.matches.corners, {"inner": False}),
        "from_tensor": (images.from_tensor, {"planes": PHOTO, "bits": 8}),
        "to_pil": (images.to_pil, {"image": image}),
        "from_pil": (images.from_pil, {"picture": images.to_pil(image)}),
        "from_numpy": (
            images.from_numpy,
            {"array": np.zeros((8, 10, 3), np.uint8), "bits": 8},
        ),
        "to_numpy": (images.to_numpy, {"image": image}),
        "read_image": (images.read_image, {"path": photo, "max_pixels": 10**6}),
        "write_image": (
            images.write_image,
            {
                **{"image": image, "path": folder / "w.png", "metadata": "keep"},
                **{"on_exists": "overwrite", "quality": None},
            },
        ),
        "degrade": (images.degrade, {"colour": PHOTO, "scale": 4}),
        "down": (images.down, {"image": PHOTO, "scale": 4, "kernel": "bicubic"}),
        "up": (images.up, {"image": SMALL, "scale": 4}),
        "Metadata.resized": (images.Metadata(dpi=(72, 72)).resized, {"down": 4, "across": 4}),
        "Image": (images.Image, {"colour": PHOTO, "alpha": None, "bits": 8, "grey": False}),
        "psnr": (evaluation.psnr, {"image": PHOTO, "target": PHOTO, "profile": "ttsr"}),
        "ssim": (evaluation.ssim, {"image": PHOTO, "target": PHOTO, "profile": "ttsr"}),
        "evaluate": (
            evaluation.evaluate,
            {
                **{"method": evaluation.bicubic(4), "pairs": [Pair(photo, (photo,))], "name": "m"},
                **{"profile": "ttsr", "references": "first", "scale": 4, "lpips": None},
                **{"on_row": None, "stop": None},
            },
        ),
        "inspect_result": (
            inspection.inspect_result,
            {"result": result, "lr": SMALL, "references": [PHOTO], "name": "Result"},
        ),
        "inspector_page": (
            inspector.inspector_page,
            {"picture": picture, "photo_pixels": 10**6},
        ),
        "provenance": (inspector.provenance, {"picture": picture, "row": 3, "column": 3}),
        "TTSR": (
            networks.TTSR,
            {
                **{"blocks": (1, 1, 1, 1), "features": 8, "residual_scale": 1.0},
                **{"overlap": "constant", "global_skip": False},
            },
        ),
        "TTSR.forward": (small_net, ttsr),
        "FusionNet": (networks.FusionNet, {"features": 8}),
        "load_ttsr": (networks.load_ttsr, {"path": weights}),
        "convert_ttsr": (
            networks.convert_ttsr,
            {"source": weights, "target": folder / "more.safetensors", "overwrite": True},
        ),
        "load_config": (
            training.load_config,
            {"path": "fusion-x4", "overrides": ["seed=1"]},
        ),
    }


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """A call that takes too long is a fault too."""

    def over(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"longer than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def shown(value: object) -> str:
    """A value, briefly."""
    if isinstance(value, torch.Tensor | np.ndarray):
        return f"{type(value).__name__}{list(value.shape)} {value.dtype}"
    return repr(value)[:60]


def faults(names: list[str]) -> Iterator[str]:
    """Calls of these (all, if there is none) that raise what they should not."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.chdir(place)  # a name that is taken for a file is made here
        try:
            files = Path(place) / "files"
            files.mkdir()
            for name, (call, sound) in calls(files).items():
                if names and name not in names:
                    continue
                if (told := _fault(call, sound)) or not _works(call, sound):
                    yield f"{name}: its sound call does not work: {told}"
                    continue
                for argument in sound:
                    for value in STRANGE:
                        if argument in CALLED and callable(value):
                            continue
                        if told := _fault(call, {**sound, argument: value}):
                            yield f"{name}({argument}={shown(value)}): {told}"
        finally:
            os.chdir(before)


def _works(call: Callable[..., object], given: dict[str, Any]) -> bool:
    try:
        call(**given)
    except SearchTransferError as error:
        print(error)
        return False
    return True


def _fault(call: Callable[..., object], given: dict[str, Any]) -> str | None:
    try:
        with limited():
            call(**given)
    except SearchTransferError:
        _made["refused"] += 1
        return None
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        return f"{type(error).__name__} at {place}: {str(error)[:100]}"
    _made["answered"] += 1
    return None


def main() -> int:
    found = list(faults(sys.argv[1:]))
    print("\n".join([*found, f"{_made.total() + len(found)} calls, {len(found)} faults"]))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
