# SPDX-License-Identifier: Apache-2.0
"""Pictures of the pages: each is shown, none is missing, and the scripts that make them load."""

import importlib
import re
from pathlib import Path

import pytest
from test_house import PAGE, floors

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *DOCS.rglob("*.md")]
SCRIPTS = sorted(path.stem for path in DOCS.glob("make_*.py"))


def shown() -> set[Path]:
    """What the pages show."""
    return {
        (page.parent / target).resolve()
        for page in PAGES
        for target in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    }


def test_every_picture_is_shown_and_there() -> None:
    unused = {"truth.png"}  # to compare the others with
    there = {x.resolve() for x in (DOCS / "pictures").iterdir() if x.name not in unused}
    assert shown() == there


def test_every_picture_is_described() -> None:
    for page in PAGES:
        assert "![](" not in page.read_text(encoding="utf-8"), page.name


def test_the_drawn_house_has_all_rooms() -> None:
    drawn = (DOCS / "pictures/house.svg").read_text(encoding="utf-8")
    assert set(re.findall(r">(\w+)</text>", drawn)) == set(floors(PAGE))


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_load(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for needed in ("skimage", "playwright"):
        pytest.importorskip(needed)
    monkeypatch.syspath_prepend(str(DOCS))
    script = importlib.import_module(name)
    assert callable(script.make)
    assert f"python docs/{name}.py" in str(script.__doc__)
    said = [page.name for page in PAGES if f"docs/{name}.py" in page.read_text(encoding="utf-8")]
    assert said, "no page says that it makes its pictures"
