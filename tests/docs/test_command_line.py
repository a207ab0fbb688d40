# SPDX-License-Identifier: Apache-2.0
"""The command lines of the pages run, and the page lists exactly the options there are."""

import json
import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
from clips import pan, small_of, write_film
from PIL import Image

import searchtransfer
from searchtransfer.images import from_pil, write_image

pytestmark = pytest.mark.skipif(
    find_spec("searchtransfer.cli.upscale") is None,
    reason="the command line is not part of this tree",
)

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/command-line.md"
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
EVERYWHERE = {"--help", "-h"}


def commands() -> dict[str, Any]:
    from searchtransfer.cli import app

    return dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def documented(text: str) -> dict[str, set[str]]:
    """Options in the first column of the tables below each second-level heading."""
    found: dict[str, set[str]] = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        cells = re.findall(r"^\| (`-[^|]*) \|", section, re.MULTILINE)
        options = {option for cell in cells for option in re.findall(r"`(-[^`]+)`", cell)}
        found[section.split("\n", 1)[0]] = options
    return found


def defaults(text: str) -> dict[tuple[str, str], str]:
    """The default that the page gives to each option of each command, if it is a plain value."""
    found = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        name = section.split("\n", 1)[0]
        for row in re.findall(r"^\| `-.*\|$", section, re.MULTILINE):
            cells = [cell.strip() for cell in row.strip("|").split("|")]
            if re.fullmatch(r"`[^`]+`|\d+|required|off", cells[-1]):
                long = re.findall(r"`(--[^`]+)`", cells[0])[0]
                found[name, long] = cells[-1].strip("`")
    return found


def command_lines(text: str) -> list[str]:
    lines = "".join(SHELL.findall(text)).splitlines()
    return [line for line in lines if line.startswith("searchtransfer ")]


def test_the_page_lists_the_options_that_there_are() -> None:
    page = documented(PAGE.read_text(encoding="utf-8"))
    for name, command in commands().items():
        assert name in page, f"the page has no section for the command {name}"
        real = {option for parameter in command.params for option in parameter.opts}
        real = {option for option in real if option.startswith("-")}  # not the arguments
        assert page[name] == real - EVERYWHERE, name


def test_no_option_is_explained_twice() -> None:
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        cells = re.findall(r"^\| (`-[^|]*) \|", section, re.MULTILINE)
        assert len(cells) == len(set(cells)), section.split("\n", 1)[0]


def test_the_page_gives_the_defaults_that_there_are() -> None:
    page = defaults(PAGE.read_text(encoding="utf-8"))
    assert len(page) >= 20
    for (name, option), stated in page.items():
        parameter = next(p for p in commands()[name].params if option in p.opts)
        if stated == "required":
            assert parameter.required, (name, option)
        elif stated == "off":
            assert not parameter.default, (name, option)
        else:
            assert str(parameter.default) == stated, (name, option)


def test_a_missing_and_an_invented_option_are_noticed() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert "--json" in documented(text)["upscale"]
    without = re.sub(r"^\| `--json`.*\n", "", text, flags=re.MULTILINE)
    assert "--json" not in documented(without)["upscale"]
    assert "--fast" in documented(text.replace("`--keep-going`", "`--fast`"))["upscale"]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the pages name, in a working folder."""
    data = pytest.importorskip("skimage.data")
    left, right, _ = (Image.fromarray(x) if x.ndim == 3 else x for x in data.stereo_motorcycle())
    scene, other = left.crop((280, 200, 440, 328)), right.crop((230, 200, 440, 328))
    small = scene.resize((40, 32), Image.Resampling.BICUBIC)
    for folder in ("small", "sharp"):
        (tmp_path / folder).mkdir()
    for name in ("small.png", "small/one.png"):
        small.save(tmp_path / name)
    for name in ("sharp.png", "sharp/one.png", "first.jpg", "second.jpg", "another.jpg"):
        other.save(tmp_path / name)
    scene.save(tmp_path / "photo.jpg")
    frames = pan(1, 2)
    write_film(tmp_path / "sharp.mp4", frames, codec="libx264", pix_fmt="yuv420p")
    write_film(tmp_path / "small.mp4", small_of(frames), codec="libx264", pix_fmt="yuv420p")
    for name in ("key1.png", "key2.png"):
        write_image(from_pil(other), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


ALL_LINES = """
import json, sys
from searchtransfer.cli import app
for arguments in json.load(sys.stdin):
    try:
        app(arguments)
    except SystemExit as end:
        if end.code:
            sys.exit(f"{arguments} ended with {end.code}")
"""
"""One process for all, since loading torch takes longer than most examples."""


@pytest.mark.parametrize("page", ["README.md", "docs/command-line.md"])
def test_the_command_lines_run(page: str, files: Path) -> None:
    lines = command_lines((ROOT / page).read_text(encoding="utf-8"))
    assert len(lines) >= 3
    run = run_all([shlex.split(line)[1:] for line in dict.fromkeys(lines)])
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_command_line_that_fails_is_noticed(files: Path) -> None:
    good = ["info", "--json"]
    run = run_all([good, ["upscale", "-i", "small.png", "-r", "none.png", "-o", "x.png"], good])
    assert run.returncode != 0
    assert "'none.png', '-o', 'x.png'] ended with 2" in run.stderr


def run_all(arguments: list[list[str]]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", ALL_LINES],
        env={**os.environ, "PYTHONPATH": str(Path(searchtransfer.__path__[0]).parent)},
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        check=False,
    )
