# SPDX-License-Identifier: Apache-2.0
"""The tests that the page on reliability names are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reliability.md"
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def missing(text: str) -> list[str]:
    faults = []
    for path, name in NAMED.findall(text):
        file = ROOT / "tests" / path
        source = file.read_text(encoding="utf-8") if file.is_file() else ""
        if not re.search(rf"^\s*def {name}\(", source, re.MULTILINE):
            faults.append(f"{path}::{name}")
    return faults


def test_every_test_that_is_named_exists() -> None:
    assert missing(PAGE.read_text(encoding="utf-8")) == []


def test_a_test_that_does_not_exist_is_noticed() -> None:
    assert missing("`docs/test_reliability.py::test_nothing`") == [
        "docs/test_reliability.py::test_nothing"
    ]


def test_every_fault_has_a_row() -> None:
    rows = re.findall(r"^\| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(row) for row in rows] == list(range(1, 79))
