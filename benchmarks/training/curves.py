# SPDX-License-Identifier: Apache-2.0
"""Curves of a training of FusionNet, from its log; needs matplotlib.

    python -m benchmarks.training.curves docs/design/fusion-x4-log.csv curves.svg

A folder of a run is turned into such a table first, which goes where --table says.
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

from searchtransfer.training.journal import read_journal

PANELS = {
    "with reference": "held-out crops with their reference, PSNR-Y in dB",
    "without": "all held-out crops alone, PSNR-Y in dB",
    "loss": "loss (other crops and more evidence from the step on that learning alone ends)",
}


def rows_of(run: Path) -> Iterator[dict[str, float]]:
    """A row for each validation of a run, with the mean loss since the one before."""
    losses: list[float] = []
    last: dict[str, float] = {}
    for line in read_journal(run):
        if "losses" in line:
            losses.append(line["losses"]["total"])
            last = {"seconds": line["seconds"], "rate": line["rate"]}
        else:
            scores = line["scores"]
            yield {
                "step": line["step"],
                **last,
                "loss": mean(losses),
                "with reference": scores["with reference"]["psnr"],
                "without": scores["alone"]["psnr"],
                "harm": scores["alone"].get("harm", 0.0),
            }
            losses.clear()


def written(rows: list[dict[str, float]], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({name: f"{x:.5g}" for name, x in row.items()} for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--alone-until", type=int, default=9000, help="as in the configuration")
    parser.add_argument("--table", type=Path, help="write the table of a run here")
    options = parser.parse_args()
    import matplotlib.pyplot as plt

    if options.log.is_dir():
        rows = list(rows_of(options.log))
        if options.table:
            written(rows, options.table)
    else:
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
