# SPDX-License-Identifier: Apache-2.0
"""Imports go down the floors that `docs/architecture.md` draws, and never in a circle."""

import ast
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/searchtransfer"
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
ANSWER = re.compile(r"^\| (\d+) \|.*\| `([\w/]+\.py)::(\w+)` \|$", re.MULTILINE)


def floors(text: str) -> dict[str, int]:
    """The floor of every room, as the page says."""
    found: dict[str, int] = {}
    for floor, rooms in re.findall(r"^\| (-?\d+) \| ((?:`\w+`(?:, )?)+) \|", text, re.MULTILINE):
        for room in re.findall(r"`(\w+)`", rooms):
            assert room not in found, f"{room} is on two floors"
            found[room] = int(floor)
    return found


def modules() -> dict[str, Path]:
    """Every module of the package by its full name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room(module: str) -> str:
    """The folder, or the file, just below the package; `root` for the package itself."""
    return module.split(".")[1] if "." in module else "root"


def imports(module: str, path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """The modules of the package that one imports, also within functions and for types."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in known)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            home = ".".join(parts[: len(parts) + 1 - node.level]) if node.level else ""
            base = ".".join(part for part in (home, node.module) if part)
            for name in node.names:
                target = f"{base}.{name.name}"
                if target in known or base in known:
                    yield target if target in known else base


def graph() -> dict[str, set[str]]:
    known = modules()
    return {name: set(imports(name, path, known)) - {name} for name, path in known.items()}


def upward(arrows: Mapping[str, set[str]], floor: Mapping[str, int]) -> list[str]:
    """Imports of a room beside or above."""
    return [
        f"{module} imports {target}"
        for module, targets in arrows.items()
        for target in sorted(targets)
        if room(module) != room(target) and floor[room(module)] <= floor[room(target)]
    ]


def test_every_room_has_a_floor() -> None:
    assert {room(module) for module in modules()} == set(floors(PAGE))


def test_imports_go_down() -> None:
    assert upward(graph(), floors(PAGE)) == []


def test_no_circle_among_files() -> None:
    arrows = graph()
    assert sum(map(len, arrows.values())) > 500
    TopologicalSorter(arrows).prepare()


def test_a_circle_and_an_arrow_upward_are_noticed() -> None:
    arrows = graph()
    arrows["searchtransfer.errors"] = {"searchtransfer.upscaler"}
    faults = upward(arrows, floors(PAGE))
    assert faults == ["searchtransfer.errors imports searchtransfer.upscaler"]
    with pytest.raises(CycleError):
        TopologicalSorter(arrows).prepare()


def test_the_ten_answers_are_true() -> None:
    answers = ANSWER.findall(PAGE)
    assert [int(number) for number, _, _ in answers] == list(range(1, 11))
    for _, path, name in answers:
        source = (PACKAGE / path).read_text(encoding="utf-8")
        assert re.search(rf"^(def|class) {name}\b", source, re.MULTILINE), f"{path}::{name}"
