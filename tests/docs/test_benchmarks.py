# SPDX-License-Identifier: Apache-2.0
"""Commands that stand above figures exist, and take the options that they are stated with."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks import __main__ as overview
from benchmarks import tables
from benchmarks.commands import NEEDED, ROOT, STATED, Command, first, stated

ELSEWHERE = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "Makefile"]
SAID = [path for folder in ("src", "docs") for path in (ROOT / folder).rglob("*.md")]


class Parsed(Exception):
    """The words were understood."""


def understood(module: str, words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An error unless the program takes these words; nothing is measured."""
    whole = argparse.ArgumentParser.parse_args

    def parse(parser: argparse.ArgumentParser) -> None:
        whole(parser)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    monkeypatch.setattr(sys, "argv", [module, *words])
    with pytest.raises(Parsed):
        importlib.import_module(module).main()


@pytest.mark.parametrize("name", tables.named(stated()))
def test_a_stated_command_takes_its_options(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tables.named(stated())[name]
    understood(command.module, command.words, monkeypatch)


@pytest.mark.parametrize("module", overview.programs())
def test_every_program_says_how_it_is_used(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = importlib.import_module(module)
    monkeypatch.setattr(sys, "argv", [module, "--help"])
    with pytest.raises(SystemExit) as end:
        program.main()
    assert end.value.code == 0
    assert "usage:" in capsys.readouterr().out
    assert f"python -m {module}" in program.__doc__, "the head says how it is run"


@pytest.mark.parametrize("path", [*SAID, *ELSEWHERE], ids=lambda x: str(x.relative_to(ROOT)))
def test_named_programs_exist(path: Path) -> None:
    named = {module for _, module, _ in STATED.findall(path.read_text())}
    assert named <= {*overview.programs(), "benchmarks"}
    assert "python benchmarks/" not in path.read_text()


def test_capitals_are_explained() -> None:
    words = {first(word) for command in stated() for word in command.words}
    assert {word for word in words if word.isupper() and word.isalpha()} <= NEEDED.keys()


def test_pages_state_what_is_read_of_them(tmp_path: Path) -> None:
    command = "X=1 python -m benchmarks.c DATA/x \\\n    --n 3  # so"
    page = f"Text `python -m benchmarks.a.b`.\n```sh\n{command}\n```"
    (tmp_path / "one.md").write_text(page)
    (tmp_path / "two.md").write_text("`python -m benchmarks.a.b`")
    assert stated(tmp_path) == [
        Command("benchmarks.a.b", (), (), ("one.md", "two.md")),
        Command("benchmarks.c", ("DATA/x", "--n", "3"), ("X=1",), ("one.md",)),
    ]
    assert stated(tmp_path)[1].needs == ["DATA"]
    assert stated(tmp_path)[1].arguments({"DATA": "/photos"}) == ["/photos/x", "--n", "3"]


def test_a_bad_table_does_not_end_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    results = "benchmarks/results/search.json"
    to = ("--page", "OUT/page.md", "--pictures", "OUT/pictures")
    commands = [
        Command("benchmarks.search.page", ("missing.json", *to), (), ("bad.md",)),
        Command("benchmarks.search.sweep", ("--vgg", "VGG"), (), ("data.md",)),
        Command("benchmarks.search.page", (results, *to), (), ("good.md",)),
    ]
    monkeypatch.setattr(tables, "stated", lambda: commands)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "tables", "--out", str(tmp_path)])
    assert overview.main() == 1
    assert (tmp_path / "page.md").read_text().startswith("<!-- made by")
    said = capfd.readouterr().out
    assert "search.page: failed with exit code 1" in said
    assert "search.sweep: left out, needs VGG" in said
    assert "search.page-2: made" in said


def test_tables_are_chosen_by_name_or_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "tables", "--list", "worn", "studio.md"])
    assert overview.main() == 0
    said = capsys.readouterr().out
    assert "quality.worn" in said
    assert "speed.studio" in said
    assert "search.sweep" not in said
    monkeypatch.setattr(sys, "argv", ["benchmarks", "tables", "nothing"])
    assert overview.main() == 1
