# SPDX-License-Identifier: Apache-2.0
"""Curves of a training of FusionNet, from its log; needs matplotlib.

python benchmarks/plot_training.py docs/design/fusion-x4-log.csv docs/pictures/fusion-training.svg
"""

import argparse
import csv
from pathlib import Path

import matplotlib.pyplot as plt

PANELS = {
    "with reference": "held-out crops with their reference, PSNR-Y in dB",
    "without": "all held-out crops alone, PSNR-Y in dB",
    "loss": "loss (other crops and more evidence from the step on that learning alone ends)",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("log", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--alone-until", type=int, default=9000, help="as in the configuration")
    options = parser.parse_args()
    with options.log.open(encoding="utf-8") as file:
        rows = [{name: float(x) for name, x in row.items()} for row in csv.DictReader(file)]
    # The same file from the same log: no date, no random names.
    plt.rcParams["svg.hashsalt"] = "searchtransfer"
    figure, panels = plt.subplots(len(PANELS), 1, figsize=(7, 8), sharex=True)
    for panel, (name, title) in zip(panels, PANELS.items(), strict=True):
        # What a network makes of evidence that it has not learned to read says nothing.
        first = options.alone_until if name == "with reference" else 0
        shown = [row for row in rows if row["step"] > first]
        panel.plot([row["step"] for row in shown], [row[name] for row in shown], color="#2e9e5b")
        panel.axvline(options.alone_until, color="#808080", linestyle=":")
        panel.set_title(title, fontsize=9, loc="left")
        panel.grid(alpha=0.3)
    panels[-1].set_xlabel("step")
    figure.tight_layout()
    figure.savefig(options.picture, metadata={"Date": None})


if __name__ == "__main__":
    main()
