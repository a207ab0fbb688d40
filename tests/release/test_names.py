# SPDX-License-Identifier: Apache-2.0
"""What is public stays: names, arguments and defaults are those of `public_names.txt`.

The names are those of the page `docs/api.md`. After a change that is meant:
`PYTHONPATH=src:tests python tests/release/test_names.py` writes the list anew; `docs/versions.md`
says how a name may go away.
"""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest
from pages import read_blocks

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("public_names.txt")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_EMPTY = inspect.Parameter.empty


def names() -> list[str]:
    """Those that the page shows, in order of the alphabet."""
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    return sorted(set(re.findall(r"^::: (searchtransfer[\w.]+)$", page, re.MULTILINE)))


def described(name: str) -> list[str]:
    """Lines: the name with its arguments, and those of its public methods."""
    home, _, last = name.rpartition(".")
    thing = getattr(importlib.import_module(home), last)
    if inspect.ismodule(thing):
        errors = [x for x in vars(thing).values() if inspect.isclass(x)]
        return [
            f"{name}.{x.__name__}({', '.join(b.__name__ for b in x.__bases__)})" for x in errors
        ]
    lines = [f"{name}{arguments(thing)}"]
    if inspect.isclass(thing):
        for method, value in methods(thing).items():
            if not method.startswith("_"):
                plain = getattr(value, "__func__", value)
                lines.append(f"{name}.{method}{arguments(plain)}")
    return lines


def methods(kind: type) -> dict[str, object]:
    """Its own, and those of the classes of this package that it is based on."""
    found: dict[str, object] = {}
    for base in reversed(kind.__mro__):
        if base is kind or base.__module__.startswith("searchtransfer."):
            found |= vars(base)
    return found


def arguments(thing: object) -> str:
    """Names, kinds and plain defaults, without annotations."""
    if not callable(thing):
        return ""
    try:
        signature = inspect.signature(thing)
    except ValueError:
        return ""
    parameters = [
        x.replace(annotation=_EMPTY, default="..." if _long(x.default) else x.default)
        for x in signature.parameters.values()
    ]
    return str(signature.replace(parameters=parameters, return_annotation=_EMPTY))


def _long(default: object) -> bool:
    return default is not _EMPTY and not isinstance(default, (bool, int, float, str, type(None)))


def listed() -> str:
    """The whole list."""
    return "".join(f"{line}\n" for name in names() for line in sorted(described(name)))


def test_public_names_and_their_arguments_are_those_that_are_listed() -> None:
    stated = LIST.read_text(encoding="utf-8").splitlines()
    hint = "if this is meant: PYTHONPATH=src:tests python tests/release/test_names.py"
    assert listed().splitlines() == stated, hint


def test_the_names_of_the_package_itself_are_among_them() -> None:
    import searchtransfer

    assert {f"searchtransfer.{name}" for name in searchtransfer.__all__} <= set(names())


def imported(page: Path) -> set[str]:
    """What the Python blocks of a page import from the package."""
    found = set()
    for block in read_blocks(page.read_text(encoding="utf-8")):
        for node in ast.walk(ast.parse(block.code)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("searchtransfer"):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_what_the_pages_import_is_public(page: Path) -> None:
    modules = {name.rpartition(".")[0] for name in names()}
    assert imported(page) <= {*names(), *modules}


def test_another_argument_is_noticed() -> None:
    def before(image: object, *, scale: int = 4) -> None: ...
    def after(image: object, *, factor: int = 4) -> None: ...

    assert arguments(before) == "(image, *, scale=4)"
    assert arguments(after) != arguments(before)


if __name__ == "__main__":
    LIST.write_text(listed(), encoding="utf-8")
