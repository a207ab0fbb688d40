# SPDX-License-Identifier: Apache-2.0
"""Settings of the transfer model: what other values than the defaults would gain, one at a time.

    python -m benchmarks.quality.settings SCENES --markdown table.md

To choose settings on photos that no result is reported on. Every fourth photo of each scene is a
target, reduced from at most 480 x 480 pixels in its middle, and the next photo is its reference.
Each pair is searched once; only the steps after the search are repeated.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from statistics import mean

from torch import Tensor

from benchmarks.common import tables
from benchmarks.common.scenes import photos_in
from benchmarks.quality.transfer import DEFAULTS, photo, scenes_in
from searchtransfer import Reference
from searchtransfer.evaluation import psnr
from searchtransfer.images import crop_to_multiple, degrade, up
from searchtransfer.models import TransferModel
from searchtransfer.models.transfer import Settings

SIDE, STEP = 480, 4
VALUES: dict[str, tuple[object, ...]] = {
    "lowest_score": (0.0, 0.3, 0.7, 0.8),
    "noise": (0.1, 0.3, 3.0, 10.0),
    "gain_range": ((1.0, 1.0), (0.7, 1.3), (0.3, 2.0), (0.0, 3.0)),
    "dissent": (0.1, 0.6, 1.0),
    "consistency_rounds": (1, 2, 8),
    "patch_size": (1, 5),
}


def variants() -> dict[str, Settings]:
    changed = {
        f"{name} = {value}": replace(DEFAULTS, **{name: value})  # type: ignore[arg-type]
        for name, values in VALUES.items()
        for value in values
    }
    return {"defaults": DEFAULTS} | changed


def middle(image: Tensor) -> Tensor:
    top, left = (max(0, n - SIDE) // 2 for n in image.shape[1:])
    return image[:, top : top + SIDE, left : left + SIDE].contiguous()


def gains(target: Path, reference: Path, scale: int) -> dict[str, float]:
    """Gain over bicubic of each variant, in dB."""
    truth = crop_to_multiple(middle(photo(target)), scale)
    lr = degrade(truth, scale)
    prepared = Reference.build([photo(reference)], scale)
    found = TransferModel(scale).find(lr, prepared)
    before = psnr(up(lr, scale), truth)
    return {
        name: psnr(TransferModel(scale, x).piece(lr, found).sharp, truth) - before
        for name, x in variants().items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="holds one folder of photos for each scene")
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--markdown", type=Path, help="write the table to this file")
    options = parser.parse_args()
    table: dict[str, dict[str, float]] = {name: {} for name in variants()}
    scenes = scenes_in(options.folder, "*")
    for scene in scenes:
        photos = photos_in(scene)
        pairs = list(zip(photos[:-1:STEP], photos[1::STEP], strict=True))
        results = [gains(*pair, options.scale) for pair in pairs]
        for name, row in table.items():
            row[f"{scene.name} ({len(pairs)})"] = mean(x[name] for x in results)
        photo.cache_clear()
        print(f"{scene.name}: {len(pairs)} pairs")
    if not scenes:
        parser.error(f"{options.folder}: holds no folder of two photos or more")
    columns = [*table["defaults"], "mean"]
    rows = ([name, *row.values(), mean(row.values())] for name, row in table.items())
    cells = ([name, *(f"{x:+.3f}" for x in row)] for name, *row in rows)
    text = tables.table(["gain in dB", *columns], cells)
    print(text)
    if options.markdown:
        options.markdown.write_text(text + "\n")


if __name__ == "__main__":
    main()
