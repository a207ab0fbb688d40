# SPDX-License-Identifier: Apache-2.0
"""What each part of FusionNet's evidence is worth: small networks, trained without it.

    python benchmarks/fusion_ablation.py DATA/train WORK [--ways "one view, not 16" ...]

Each way prepares the same crops with other evidence, or hides some of it, and trains the same small
network on them for the same steps, from the same seed. Reported on held-out crops (see
`docs/design/fusion.md`): PSNR-Y of those with a useful reference, of all without, what a useless
reference costs, and PSNR-Y of what is transferred before anything is learned. Crops and runs are
kept in WORK; what is there is not made again, so it can be stopped and started.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import safetensors.torch
import torch
from features import found_by
from torch import Tensor

from searchtransfer import Reference
from searchtransfer.evaluation import psnr
from searchtransfer.files import write_file
from searchtransfer.images import degrade, down, up
from searchtransfer.models.fusion import AGREEMENT, raw_evidence
from searchtransfer.models.transfer import Found, Piece, Settings, TransferModel
from searchtransfer.networks.fusion_net import MAPS, Evidence
from searchtransfer.operators.descriptors import coefficients
from searchtransfer.operators.detail import Views
from searchtransfer.training import load_config, train
from searchtransfer.training.config import TrainConfig
from searchtransfer.training.data.pixels import Pixels
from searchtransfer.training.fusion.crops import crop_files, read_crop
from searchtransfer.training.fusion.manifest import NAME, Manifest
from searchtransfer.training.fusion.prepare import eight_bits, tensor_of
from searchtransfer.training.fusion.sources import find_sources
from searchtransfer.training.journal import read_journal

SCALE = 4
TRAIN_SEED, HELD_OUT_SEED, HELD_OUT_CROPS = 2, 1, 80
WHOLE = "all evidence"
DIFFERENCE = 5
"""Which of the maps the difference of the two patches is."""


@dataclass(frozen=True)
class Pair:
    """A small image, a reference photo, and what the model finds in it; without zooms."""

    low: Tensor
    photo: Tensor

    @cached_property
    def reference(self) -> Reference:
        return Reference.build([self.photo], SCALE)

    @cached_property
    def found(self) -> Found:
        return TransferModel().find(self.low, self.reference)

    @cached_property
    def piece(self) -> Piece:
        return TransferModel().piece(self.low, self.found, self.reference)

    @cached_property
    def evidence(self) -> Evidence:
        return raw_evidence(self.piece)


Way = Callable[[Pair], Evidence]


def with_settings(**changed: Any) -> Way:
    """The same matches, used in another way."""
    model = TransferModel(settings=Settings(**changed))
    return lambda pair: raw_evidence(model.piece(pair.low, pair.found, pair.reference))


def one_view(pair: Pair) -> Evidence:
    """The reference reduced from its first pixel only."""
    model, reference = TransferModel(), Reference.build([pair.photo], SCALE, sub_cell=False)
    return raw_evidence(model.piece(pair.low, model.find(pair.low, reference), reference))


def plain_patches(pair: Pair) -> Evidence:
    """Matches by plain correlation, waves not weighed by their frequency."""
    found = found_by(coefficients, pair.low, pair.reference)
    return raw_evidence(TransferModel().piece(pair.low, found, pair.reference))


class RawReference(Reference):
    """Gives the pixels of the photos where others give what a reduced view does not know."""

    @cached_property
    def values(self) -> Views:
        values = super().values
        return values._replace(low=torch.zeros_like(values.low))


def raw_pixels(pair: Pair) -> Evidence:
    """Pixels instead of their residual; maps and fading stay those of the residual."""
    plain = TransferModel(settings=Settings(gain_range=(1, 1)))
    raw = RawReference((pair.photo,), SCALE)
    bicubic = pair.piece.bicubic
    detail = plain.piece(pair.low, pair.found, raw).blend.detail - bicubic
    fade = pair.piece.trust.repeat_interleave(SCALE, 0).repeat_interleave(SCALE, 1)
    sharp = bicubic + fade * detail
    for _ in range(plain.settings.consistency_rounds):
        sharp = sharp + up(pair.low - down(sharp, SCALE), SCALE)
    return Evidence(detail[None], (sharp - bicubic)[None], pair.evidence.maps)


def hiding(detail: bool = False, transferred: bool = False, maps: tuple[int, ...] = ()) -> Way:
    """The whole evidence without some of it. Agreement that is not known counts as full."""

    def way(pair: Pair) -> Evidence:
        seen = pair.evidence.maps.clone()
        for number in maps:
            seen[:, number] = float(number == AGREEMENT)
        textures = pair.evidence[:2]
        return Evidence(
            *(x * (not hidden) for x, hidden in zip(textures, (detail, transferred), strict=True)),
            seen,
        )

    return way


WAYS: dict[str, Way] = {
    WHOLE: lambda pair: pair.evidence,
    "one view, not 16": one_view,
    "plain patches, not whitened": plain_patches,
    "one match, not nine": with_settings(patch_size=1),
    "raw pixels, not residual": raw_pixels,
    "no back-projection": with_settings(consistency_rounds=0),
    "only transferred": hiding(detail=True),
    "only detail": hiding(transferred=True),
    "no difference of patches": hiding(maps=(DIFFERENCE,)),
    "no agreement": hiding(maps=(AGREEMENT,)),
    "no map but agreement": hiding(maps=tuple(i for i in range(MAPS) if i != AGREEMENT)),
}


@torch.no_grad()
def prepare(data: Path, out: Path, wanted: list[str], crops: int) -> None:
    """Crops of all ways; those without a reference are the same files."""
    for part, seed, count in (
        ("train", TRAIN_SEED, crops),
        ("held-out", HELD_OUT_SEED, HELD_OUT_CROPS),
    ):
        sources = find_sources(data, part == "held-out")
        for number, missing in _missing(out, part, wanted, count):
            target, reference, kind = sources.draw(np.random.default_rng([seed, number]))
            pictures, low = _pictures(target)
            pair = None if reference is None else Pair(low, tensor_of(reference))
            for path, way in missing:
                crop = dict(pictures)
                if pair is not None:
                    seen = WAYS[way](pair)
                    crop |= {name: x[0].half() for name, x in seen._asdict().items()}
                path.parent.mkdir(parents=True, exist_ok=True)
                content = safetensors.torch.save(crop, {"kind": kind})
                write_file(path, content, on_exists="overwrite", what="crop")


def _missing(
    out: Path, part: str, names: list[str], count: int
) -> Iterator[tuple[int, list[tuple[Path, str]]]]:
    for number in range(count):
        files = [(out / _folder(way) / part / f"{number:06d}.safetensors", way) for way in names]
        if missing := [(path, way) for path, way in files if not path.exists()]:
            yield number, missing


def _pictures(target: Pixels) -> tuple[dict[str, Tensor], Tensor]:
    sharp = tensor_of(target)
    low = degrade(sharp, SCALE)
    return {"hr": eight_bits(sharp), "low": eight_bits(low)}, low


def _folder(way: str) -> str:
    return way.replace(" ", "-").replace(",", "")


def transferred_quality(crops: Path) -> float:
    """PSNR-Y of what is transferred where the reference is useful, before anything is learned."""
    with torch.no_grad():
        found = []
        for path in crop_files(crops / "held-out"):
            crop = read_crop(path)
            if crop.useful:
                x = crop.fields
                found.append(psnr(x["bicubic"] + x["transferred"], x["hr"]))
    return mean(found)


def settings(options: argparse.Namespace, crops: Path, seed: int) -> TrainConfig:
    """The same short training of a small network for all ways."""
    folder = crops / f"run-{seed}-{options.steps}"
    return load_config(
        "fusion-x4",
        [
            f"model.blocks={options.blocks}",
            f"data={{photos: unused, crops: {options.crops}, prepared: {json.dumps(str(crops))}}}",
            f"phases=[{{name: all, steps: {options.steps}}}]",
            "optimiser.learning_rate=5e-4",
            "ema_decay=0.99",
            "teacher.share=0",
            f"validation={{crops: {HELD_OUT_CROPS}, every: 500}}",
            f"seed={seed}",
            f"run.folder={json.dumps(str(folder))}",
        ],
    )


def trained(config: TrainConfig) -> list[float]:
    """With a useful reference, without any, harm of a useless one; at the last step."""
    train(config, resume=True)
    last = [line["scores"] for line in read_journal(config.run.folder) if "scores" in line][-1]
    return [last["with reference"]["psnr"], last["alone"]["psnr"], last["alone"]["harm"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--ways", nargs="+", help="only these, and the whole")
    parser.add_argument("--crops", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--blocks", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=2, help="of the whole: what chance does")
    options = parser.parse_args()
    wanted = [way for way in WAYS if not options.ways or way in (WHOLE, *options.ways)]
    prepare(options.data, options.work, wanted, options.crops)
    print("| evidence | transferred | with reference | without | harm |")
    print("|---|--:|--:|--:|--:|", flush=True)
    for way in wanted:
        crops = options.work / _folder(way)
        before = transferred_quality(crops)
        for seed in range(options.seeds if way == WHOLE else 1):
            config = settings(options, crops, seed)
            # Crops are the same for all seeds, which only the network begins with.
            (crops / NAME).write_text(json.dumps(asdict(Manifest.of(config))))
            row = trained(config)
            name = f"{way}, other seed" if seed else way
            cells = (f"{x:.3f} |" for x in (before, *row))
            print(f"| {name} |", *cells, flush=True)


if __name__ == "__main__":
    main()
