# SPDX-License-Identifier: Apache-2.0
"""The page of the search's speed, with its plots, from what `benchmarks.search.sweep` measured.

python -m benchmarks.search.page RESULTS.json [--page docs/search-speed.md] [--pictures FOLDER]
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from benchmarks.common import tables
from benchmarks.search.log_plot import Line, log_plot

NAMES = {
    "article": "article",
    "chunked": "chunks",
    "faiss": "FAISS",
    "tiled": "tiled",
    "native": "native",
}
MARK = "<!-- made by benchmarks.search.page: do not edit -->"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [*tables.table(head, rows).splitlines(), ""]


def duration(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def time_of(case: dict[str, Any], way: str) -> float | None:
    taken = case["seconds"].get(way)
    return statistics.median(taken) if taken else None


def time_cell(case: dict[str, Any], way: str) -> str:
    if way in case["skipped"]:
        return f"*{case['skipped'][way]}*"
    took = time_of(case, way)
    return "-" if took is None else duration(took)


def ratio(case: dict[str, Any], way: str) -> str:
    other, ours = time_of(case, way), time_of(case, "native")
    return "-" if other is None or ours is None else f"{other / ours:.2g}x"


def times(cases: list[dict[str, Any]], ways: list[str]) -> list[str]:
    head = ["cells", *(NAMES[way] for way in ways)]
    head += [f"{NAMES[way]} / native" for way in ways if way != "native"]
    rows = [
        [
            case["size"].replace("x", " x "),
            *(time_cell(case, way) for way in ways),
            *(ratio(case, way) for way in ways if way != "native"),
        ]
        for case in cases
    ]
    return table(head, rows)


def work(cases: list[dict[str, Any]]) -> list[str]:
    """What the compiled search did: prepared time, depth, evaluations."""
    rows = []
    for case in cases:
        if did := case.get("statistics"):
            queries = did["queries"]
            rows.append(
                [
                    case["size"].replace("x", " x "),
                    duration(case["prepared_seconds"]),
                    str(did["depth"]) if did["depth"] else "all",
                    f"{did['open'] / queries:.1f}",
                    f"{did['exact'] / queries:.1f}",
                ]
            )
    head = [
        "cells",
        "time with keys prepared before",
        "components",
        "left open a query",
        "evaluated a query",
    ]
    return table(head, rows)


def growth(report: dict[str, Any], ways: list[str]) -> list[str]:
    rows = [
        [name, *("-" if fit.get(w) is None else f"{fit[w]:.2f}" for w in ways)]
        for name, fit in report["growth"].items()
    ]
    return table(["features", *(NAMES[way] for way in ways)], rows)


def memory(report: dict[str, Any], ways: list[str]) -> list[str]:
    rows = [
        [
            case["features"],
            case["size"].replace("x", " x "),
            *(f"{max(0, case['peak_mib'][w])}" if w in case["peak_mib"] else "-" for w in ways),
        ]
        for case in report["cases"]
        if "peak_mib" in case
    ]
    return table(["features", "cells", *(f"{NAMES[way]}, MiB" for way in ways)], rows)


def large(report: dict[str, Any]) -> list[str]:
    rows = []
    for case in report["views"]:
        took = statistics.median(case["seconds"]["native"])
        rows.append(["83 x 125", "exact, 75 channels, 3 x 3 blocks", duration(took), "-"])
    for case in report["large"]:
        rows.append(
            [
                "{} x {}".format(*case["cells"]),
                case["mode"],
                duration(case["seconds"]),
                str(case["peak_mib"]),
            ]
        )
    head = ["cells", "search", "time", "peak of the process, MiB"]
    return table(head, rows)


def page(report: dict[str, Any], source: str, pictures: dict[str, str]) -> str:
    machine = report["machine"]
    ways = [way for way in NAMES if any(way in case["seconds"] for case in report["cases"])]
    faiss = f", FAISS {machine['faiss']}" if machine["faiss"] else ""
    lines = [
        MARK,
        "# Speed of the search",
        "",
        f"{machine['cpu']}, {machine['threads']} threads, {machine['instruction_sets'][0]}; "
        f"torch {machine['torch']}{faiss}, Python {machine['python']}. All runs of a size are "
        "interleaved, figures are medians; 3 x 3 blocks, as many key as query cells. A way is left "
        "out (*italic*: the reason) where it would have taken much longer or much more memory.",
        "",
        "* *article*: the article's search as written: unfold, normalise, one product, maximum.",
        "* *chunks*: the same, 1024 query blocks at a time.",
        "* *FAISS*: `IndexFlatIP` on the unfolded blocks, adding them included.",
        "* *tiled*, *native*: the backends of this package. *Native* includes preparing the keys, "
        "which a second search with the same reference does not need.",
        "",
        "Photos are scikit-image's: two views of a stereo pair, or one of them and another photo "
        "(dissimilar), cut and enlarged where they are too small. Random features have no "
        "structure, so that nothing can be pruned.",
        "",
        "```sh",
        "make bench    # or, with VGG19:",
        "python -m benchmarks.search.sweep --vgg VGG --json OUT/search.json",
        "python -m benchmarks.search.page OUT/search.json --page OUT/search-speed.md "
        "--pictures OUT/pictures",
        "```",
        "",
        f"All of it took {report['total_seconds'] / 60:.0f} minutes. Every figure of this page, "
        f"and each single run, is in `{source}`.",
        "",
    ]
    for name in dict.fromkeys(case["features"] for case in report["cases"]):
        cases = [case for case in report["cases"] if case["features"] == name]
        lines += [f"## {name[0].upper()}{name[1:]} ({cases[0]['channels']} channels)", ""]
        lines += [f"![Time against pairs of cells]({pictures[name]})", ""]
        lines += times(cases, ways)
        lines += ["What the compiled search did:", "", *work(cases)]
    if "growth" in report:
        lines += [
            "## Growth",
            "",
            "Time grows with this power of queries x keys (fitted in logarithms, from 64 x 64 "
            "cells on):",
            "",
            *growth(report, ways),
        ]
    lines += [
        "## Memory",
        "",
        "What one search adds to the peak of a process that has made the features (of VGG19, which",
        "itself takes a few hundred MiB; 0: no more than that). -: not run.",
        "",
        *memory(report, ways),
    ]
    if gflops := report.get("gflops"):
        lines += [
            "## Product stage",
            "",
            f"The walk over 256 channels, sums and comparison included, reaches "
            f"{gflops['walk']:.0f} GFLOP/s; torch's largest matrix product on this machine "
            f"{gflops['matmul']:.0f}: {100 * gflops['walk'] / gflops['matmul']:.0f} %.",
            "",
        ]
    if "large" in report:
        lines += [
            "## Sub-cell search and large pictures",
            "",
            "16 views. The first row searches blocks as the other tables do; the others are the "
            "search of the model `transfer` (42 channels, single cells), from photos to matches, "
            "each in a process of its own.",
            "",
            "```sh",
            "python -m benchmarks.search.compare --views",
            "python -m benchmarks.search.matching --size 540x960 --mode refine",
            "```",
            "",
            *large(report),
        ]
    return "\n".join(lines).rstrip() + "\n"


def plot(cases: list[dict[str, Any]]) -> str:
    lines = []
    for way, label in NAMES.items():
        points = [(c["pairs"], t) for c in cases if (t := time_of(c, way)) is not None]
        if points:
            lines.append(Line(label, points))
    return log_plot(lines, "pairs of cells", "seconds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--page", type=Path, default=Path("docs/search-speed.md"))
    parser.add_argument("--pictures", type=Path, default=Path("docs/pictures"))
    options = parser.parse_args()
    report = json.loads(options.results.read_text())
    pictures = {}
    options.pictures.mkdir(parents=True, exist_ok=True)
    for name in dict.fromkeys(case["features"] for case in report["cases"]):
        file = "search-" + "-".join(name.replace(",", "").lower().split()) + ".svg"
        cases = [case for case in report["cases"] if case["features"] == name]
        (options.pictures / file).write_text(plot(cases))
        pictures[name] = f"{options.pictures.name}/{file}"
    options.page.write_text(page(report, str(options.results), pictures))


if __name__ == "__main__":
    main()
