# SPDX-License-Identifier: Apache-2.0
"""The page of the search's speed says what was measured, and its plots show it."""

import json
import re
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.search import page as search_page
from benchmarks.search.log_plot import Line, log_plot

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks/results/search.json"
PAGE = ROOT / "docs/search-speed.md"


@pytest.fixture
def report() -> dict[str, Any]:
    return dict(json.loads(RESULTS.read_text()))


def made(report: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The page of a report, with its pictures beside it."""
    file = folder / "results.json"
    file.write_text(json.dumps(report))
    arguments = [str(file), "--page", str(folder / "page.md"), "--pictures", f"{folder}/pictures"]
    monkeypatch.setattr(sys, "argv", ["page", *arguments])
    search_page.main()
    name = str(RESULTS.relative_to(ROOT))
    return (folder / "page.md").read_text().replace(str(file), name)


def test_page_and_plots_are_those_of_the_results(
    report: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = made(report, tmp_path, monkeypatch)
    assert page == PAGE.read_text()
    names = re.findall(r"\((pictures/[^)]+)\)", page)
    assert len(names) == len({case["features"] for case in report["cases"]})
    for name in names:
        assert (tmp_path / name).read_text() == (PAGE.parent / name).read_text()


def test_another_result_makes_another_page(
    report: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report["cases"][0]["seconds"]["native"] = [123.0]
    page = made(report, tmp_path, monkeypatch)
    assert "| 123 s |" in page
    assert page != PAGE.read_text()


def test_every_case_was_measured_or_says_why_not(report: dict[str, Any]) -> None:
    ways = {"article", "chunked", "faiss", "tiled", "native"}
    for case in report["cases"]:
        assert case["seconds"].keys() | case["skipped"].keys() == ways
        assert "native" in case["seconds"]
        assert all(runs for runs in case["seconds"].values())


def test_points_lie_where_their_logarithms_do() -> None:
    svg = ElementTree.fromstring(
        log_plot([Line("a & b", [(1, 1), (10, 10), (100, 100)])], "x", "y")
    )
    circles = [x for x in svg.iter() if x.tag.endswith("circle")]
    places = [(float(c.get("cx", 0)), float(c.get("cy", 0))) for c in circles]
    (x0, y0), (x1, y1), (x2, y2) = places
    assert x0 < x1 < x2
    assert y0 > y1 > y2
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y1 - y0 == pytest.approx(y2 - y1, abs=0.2)
    assert any(x.text == "a & b" for x in svg.iter())


def test_one_point_and_names_that_would_cover_each_other() -> None:
    lines = [Line(name, [(5, 2)]) for name in ("one", "two", "three")]
    svg = ElementTree.fromstring(log_plot(lines, "x", "y"))
    heights = [float(x.get("y", 0)) for x in svg.iter() if x.text in ("one", "two", "three")]
    assert sorted(b - a for a, b in pairwise(heights)) == [15, 15]
