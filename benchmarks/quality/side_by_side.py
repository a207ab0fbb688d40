# SPDX-License-Identifier: Apache-2.0
"""How often neighbouring cells are found side by side, in photos of the same things and of others.

    python -m benchmarks.quality.side_by_side DATA [--groups flow landmark set5 set14]

Photos and pairs as in `benchmarks.quality.fusion`: those of Set5 and Set14 go with a photo of
something else. Of each cell the mean agreement of 15 x 15 cells is taken, as `shown` does; the
table has its quantiles over all cells of a group. `coherence` is what the warning goes by.
"""

import argparse
import warnings

import torch
import torch.nn.functional as F

from benchmarks.common import tables
from benchmarks.common.scenes import GROUPS, add_choice, chosen
from searchtransfer import Reference
from searchtransfer.images import crop_to_multiple, degrade, read_image
from searchtransfer.models import TransferModel
from searchtransfer.operators.agreement import AROUND
from searchtransfer.references.usefulness import coherence

SCALE = 4
QUANTILES = (0.5, 0.9, 0.99, 0.999)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_choice(parser, *GROUPS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    model = TransferModel(SCALE)
    means: dict[str, list[torch.Tensor]] = {}
    shares: dict[str, list[float]] = {}
    for case in chosen(options):
        low = degrade(crop_to_multiple(read_image(case.target).colour, SCALE), SCALE)
        seen = model.find(low, Reference.build([read_image(case.other).colour], SCALE))
        around = F.avg_pool2d(
            seen.found.agreement[None], 2 * AROUND + 1, 1, AROUND, count_include_pad=False
        )
        means.setdefault(case.group, []).append(around.flatten())
        shares.setdefault(case.group, []).append(coherence(seen.score, seen.found.matches))
    head = [f"{100 * q:g} %" for q in QUANTILES]
    print(tables.head(["of the cells of", *head, "coherence, least", "most"]))
    for group, parts in means.items():
        quantiles = torch.quantile(torch.cat(parts), torch.tensor(QUANTILES)).tolist()
        row = [f"{x:.3f}" for x in (*quantiles, min(shares[group]), max(shares[group]))]
        print(tables.row([f"{group} ({len(parts)})", *row]))


if __name__ == "__main__":
    main()
