# SPDX-License-Identifier: Apache-2.0
"""How far FusionNet has come: held-out crops, each with its reference and without."""

from pathlib import Path
from statistics import mean
from typing import NamedTuple, cast

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from jaxtyping import Float
from torch import Tensor, nn

from ...errors import DataError
from ...evaluation import psnr
from ...networks.fusion_net import Evidence, FusionNet
from ..validation import Scores
from .crops import Crop, crop_file, read_crop, without_evidence

_PERFECT = 100.0  # dB of a picture without any difference, which would be infinite


class _Quality(NamedTuple):
    """PSNR-Y of a crop with its reference and without."""

    kind: str
    useful: bool
    seen: float
    alone: float


class CropValidator:
    """PSNR-Y of crops `with reference`, those whose reference is useful, and of all `alone`.

    `harm` is what a useless reference costs: the difference in dB to the same crops alone.

    Args:
        folder: holds the crops 0 to `crops` - 1 by the time of the first validation.
        crops: how many.
    """

    def __init__(self, folder: Path, crops: int) -> None:
        self.folder, self.crops = folder, crops

    def scores(self, model: nn.Module, accelerator: Accelerator) -> tuple[Scores, list[str]]:
        """See `validation.Validator`.

        Raises:
            DataError: no crop can be used.
        """
        found: list[_Quality] = []
        faults: list[str] = []
        for number in range(accelerator.process_index, self.crops, accelerator.num_processes):
            try:
                crop = read_crop(crop_file(self.folder, number))
            except DataError as error:
                faults.append(str(error))
                continue
            alone = _psnr(model, without_evidence(crop), accelerator)
            seen = alone if crop.kind == "alone" else _psnr(model, crop, accelerator)
            found.append(_Quality(crop.kind, crop.useful, seen, alone))
        gathered = gather_object([(found, faults)])
        rows = [row for part, _ in gathered for row in part]
        faults = [fault for _, part in gathered for fault in part]
        if not rows:
            raise DataError(f"{self.folder}: no held-out crop can be used; {faults[0]}")
        return _scores(rows), faults


def _scores(rows: list[_Quality]) -> Scores:
    helped = [row.seen for row in rows if row.useful]
    harmed = [row.alone - row.seen for row in rows if row.kind == "useless"]
    scores: Scores = {"alone": {"psnr": mean(row.alone for row in rows), "photos": len(rows)}}
    if helped:
        scores["with reference"] = {"psnr": mean(helped), "photos": len(helped)}
    if harmed:
        scores["alone"]["harm"] = mean(harmed)
    return scores


@torch.no_grad()
def _psnr(model: nn.Module, crop: Crop, accelerator: Accelerator) -> float:
    fields = {name: x.to(accelerator.device) for name, x in crop.fields.items()}
    evidence = Evidence(*(fields[name][None] for name in Evidence._fields))
    with accelerator.autocast():
        low, noise = fields["low"][None], fields["noise"][None]
        added = beyond_bicubic(cast(FusionNet, model), low, evidence, noise)[0]
    return min(_PERFECT, psnr((fields["bicubic"] + added).cpu(), crop.fields["hr"]))


def beyond_bicubic(
    network: FusionNet,
    low: Float[Tensor, "b 3 h w"],
    evidence: Evidence,
    noise: Float[Tensor, "b 1 h w"],
) -> Float[Tensor, "b 3 hs ws"]:
    """What the network adds; convolutions as autocast has it, the sum in single precision."""
    return network.beyond_bicubic(evidence, network.correct(low, evidence, noise).float())
