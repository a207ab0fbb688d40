# SPDX-License-Identifier: Apache-2.0
"""Quality on folders of photos: each scene's photos made small, then sharp again with a neighbour.

    python -m benchmarks.quality.transfer SCENES --pairs first-last --ablation

A scene is a folder with two photos or more. Each photo is a target once; its reference is its
best-matching neighbour: the one with the highest mean score when the target's low-resolution image
is searched in that of the other (3 x 3 blocks of descriptors). The choice never sees the
full-size target nor a result. `--pairs first-last` takes the first photo (by name) of each scene as
target and the last as reference. The low-resolution image is Pillow's bicubic on 8 bits; PSNR-Y and
SSIM by the `ttsr` profile; the time is that of the processor, the mean of a photo.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor

from benchmarks.common import tables
from benchmarks.common.clock import seconds
from benchmarks.common.scenes import photos_in
from searchtransfer import Reference, search
from searchtransfer.evaluation import psnr, ssim
from searchtransfer.images import crop_to_multiple, degrade, down, read_image, up
from searchtransfer.models import TransferModel
from searchtransfer.models.transfer import Settings
from searchtransfer.operators.descriptors import describe
from searchtransfer.upscaler import TILE

BASELINE = "bicubic"
DEFAULTS = Settings()
ABLATION = {
    "transfer, no affine adaptation": replace(DEFAULTS, gain_range=(1.0, 1.0)),
    "transfer, no fade by dissent": replace(DEFAULTS, dissent=0.0),
    "transfer, no back-projection": replace(DEFAULTS, consistency_rounds=0),
    "transfer, equal weights": replace(DEFAULTS, noise=1e9),
    "transfer, blocks of 3 x 3": replace(DEFAULTS, patch_size=3),
}

Method = Callable[[Tensor, Path], tuple[Tensor, float | None]]
"""From a low-resolution image and the path of its reference to a result and its mean score."""


@dataclass(frozen=True)
class Row:
    """One photo made by one method."""

    scene: str
    target: str
    reference: str
    method: str
    psnr: float
    ssim: float
    seconds: float
    """Of processor time, all threads together, preparing the reference included."""
    score: float | None


@cache
def photo(path: Path) -> Tensor:
    return read_image(path).colour


def small(path: Path, scale: int) -> Tensor:
    return degrade(crop_to_multiple(photo(path), scale), scale)


def best_neighbour(target: Path, others: Sequence[Path], scale: int) -> Path:
    """By mean score on the low-resolution images; of equal ones the first."""
    query = describe(small(target, scale))[None]

    def mean_score(other: Path) -> float:
        return search(query, describe(small(other, scale))[None]).score.mean().item()

    return others[0] if len(others) == 1 else max(others, key=mean_score)


def pairs(scene: Path, how: str, scale: int) -> list[tuple[Path, Path]]:
    photos = photos_in(scene)
    if how == "first-last":
        return [(photos[0], photos[-1])]
    return [(x, best_neighbour(x, [y for y in photos if y != x], scale)) for x in photos]


def scenes_in(folder: Path, pattern: str) -> list[Path]:
    return sorted(x for x in folder.glob(pattern) if x.is_dir() and len(photos_in(x)) > 1)


def methods(names: Sequence[str], scale: int, ablation: bool) -> dict[str, Method]:
    def enlarged(lr: Tensor, _: Path) -> tuple[Tensor, None]:
        return up(lr, scale), None

    def projected(lr: Tensor, _: Path) -> tuple[Tensor, None]:
        result = up(lr, scale)
        for _ in range(DEFAULTS.consistency_rounds):
            result += up(lr - down(result, scale), scale)
        return result, None

    def transferred(settings: Settings) -> Method:
        def run(lr: Tensor, path: Path) -> tuple[Tensor, float]:
            reference = Reference.build([photo(path)], scale)
            result = TransferModel(scale, settings).upscale(lr, reference, tile=TILE)
            return result.colour, result.score.mean().item()

        return run

    known: dict[str, Method] = {BASELINE: enlarged, "transfer": transferred(DEFAULTS)}
    chosen = {name: known[name] for name in names}
    if ablation:
        chosen |= {name: transferred(settings) for name, settings in ABLATION.items()}
        chosen["back-projection alone"] = projected
    return chosen


def measure(scenes: Sequence[Path], how: str, scale: int, chosen: dict[str, Method]) -> list[Row]:
    rows = []
    for scene in scenes:
        for target, reference in pairs(scene, how, scale):
            truth = crop_to_multiple(photo(target), scale)
            lr = small(target, scale)
            photo(reference)  # reading is not timed
            for name, method in chosen.items():
                took, (result, score) = seconds(partial(method, lr, reference), time.process_time)
                quality = psnr(result, truth), ssim(result, truth)
                row = Row(scene.name, target.name, reference.name, name, *quality, took, score)
                rows.append(row)
                print(f"{row.scene} {row.target} {name}: {row.psnr:.2f} dB, {took:.1f} CPU s")
        photo.cache_clear()
    return rows


def groups(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of each scene, then those behind the two means."""
    scenes = sorted({row.scene for row in rows}, key=lambda x: (not x.startswith("flow-"), x))
    result = {scene: [row for row in rows if row.scene == scene] for scene in scenes}
    flow = [row for row in rows if row.scene.startswith("flow-")]
    others = [row for row in rows if not row.scene.startswith("flow-")]
    result |= {"mean over flow-*": flow, "mean over the others": others}
    return {name: some for name, some in result.items() if some}


def of(rows: Sequence[Row], method: str) -> list[Row]:
    return [row for row in rows if row.method == method]


def gains(rows: Sequence[Row], method: str) -> list[tuple[float, Row]]:
    """Gain over bicubic of each photo; the rows of all methods are in the same order."""
    pairs = zip(of(rows, method), of(rows, BASELINE), strict=True)
    return [(ours.psnr - base.psnr, ours) for ours, base in pairs]


def scene_mean(rows: Sequence[Row], value: Callable[[Row], float]) -> float:
    """The mean of the means of the scenes, so that each scene counts once."""
    return mean(
        mean(value(r) for r in rows if r.scene == scene) for scene in {r.scene for r in rows}
    )


def table(rows: Sequence[Row], method: str) -> str:
    names = ["scene", "photos", "bicubic", method, "gain", "worst photo", "SSIM", "CPU s"]
    lines = [tables.head(names)]
    for name, some in groups(rows).items():
        base, ours = of(some, BASELINE), of(some, method)
        before, after = (scene_mean(x, lambda r: r.psnr) for x in (base, ours))
        similar = [scene_mean(x, lambda r: r.ssim) for x in (base, ours)]
        worst = min(gain for gain, _ in gains(some, method))
        cells = [f"{before:.2f}", f"{after:.2f}", f"{after - before:+.2f}", f"{worst:+.2f}"]
        cells += [f"{similar[0]:.3f} to {similar[1]:.3f}", f"{mean(r.seconds for r in ours):.1f}"]
        lines.append(tables.row([name, len(ours), *cells]))
    worst, row = min(gains(rows, method), key=lambda x: x[0])
    lost = sum(gain < 0 for gain, _ in gains(rows, method))
    lines += [
        "",
        f"Smallest gain: {worst:+.2f} dB, {row.scene}/{row.target} with {row.reference}; "
        f"{lost} of {len(of(rows, method))} photos below bicubic.",
    ]
    return "\n".join(lines)


def comparison(rows: Sequence[Row], names: Sequence[str]) -> str:
    """Gain over bicubic of every method, in dB: a row a scene, a column a method."""
    lines = [tables.head(["scene", *names])]
    for scene, some in groups(rows).items():
        cells = [
            scene_mean(of(some, name), lambda r: r.psnr)
            - scene_mean(of(some, BASELINE), lambda r: r.psnr)
            for name in names
        ]
        lines.append(tables.row([scene, *(f"{gain:+.2f}" for gain in cells)]))
    return "\n".join(lines)


def report(rows: Sequence[Row], names: Sequence[str], ablation: bool) -> str:
    others = [name for name in names if name != BASELINE]
    if not others:
        return "\n".join(f"{r.scene} {r.target} {r.psnr:.2f} dB" for r in rows)
    parts = [table(rows, others[0])]
    if ablation or len(others) > 1:
        parts += ["Gain over bicubic in dB:", comparison(rows, others)]
    return "\n\n".join(parts) + "\n"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="holds one folder of photos for each scene")
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--pairs", choices=("best", "first-last"), default="best")
    parser.add_argument("--scenes", default="*", help="only folders like this: 'flow-*'")
    parser.add_argument("--methods", default="bicubic,transfer", help="the first is bicubic")
    parser.add_argument("--ablation", action="store_true", help="also switch parts off, one by one")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    options = parser.parse_args()
    options.names = options.methods.split(",")
    if options.names[0] != BASELINE or not set(options.names) <= {BASELINE, "transfer"}:
        parser.error(f"--methods must be bicubic or bicubic,transfer, got {options.methods!r}")
    if not options.folder.is_dir():
        parser.error(f"{options.folder}: is no folder")
    options.found = scenes_in(options.folder, options.scenes)
    if not options.found:
        parser.error(f"{options.folder}: holds no folder {options.scenes} of two photos or more")
    return options


def main() -> None:
    options = arguments()
    warnings.simplefilter("ignore")
    chosen = methods(options.names, options.scale, options.ablation)
    print(f"x{options.scale}, pairs {options.pairs}, {torch.get_num_threads()} thread(s)")
    rows = measure(options.found, options.pairs, options.scale, chosen)
    text = report(rows, list(chosen), options.ablation)
    print(f"\n{text}")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(text)


if __name__ == "__main__":
    main()
