# SPDX-License-Identifier: Apache-2.0
"""Make the tables of all pages again, or some of them: their commands, one after the other.

    python -m benchmarks tables --list
    python -m benchmarks tables --data DATA --span SPAN --vgg VGG --pair A B
    python -m benchmarks tables quality.worn search-speed --data DATA

What a command prints goes to a file in `--out`, named in the list. A command whose data are not
given is left out, one that fails does not end the others; both are said at the end. Nothing of the
pages themselves is changed.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.commands import NEEDED, ROOT, Command, stated


def named(commands: Sequence[Command]) -> dict[str, Command]:
    """By their modules, with a number where one is asked for several tables."""
    names: dict[str, Command] = {}
    for command in commands:
        module = command.module.removeprefix("benchmarks.")
        count = sum(x.module == command.module for x in names.values())
        names[f"{module}-{count + 1}" if count else module] = command
    return names


def wanted(name: str, command: Command, words: Sequence[str]) -> bool:
    """Whether one of the words is in its name or its pages; all are wanted where there are none."""
    return not words or any(word in x for word in words for x in (name, *command.pages))


def show(name: str, command: Command) -> None:
    """What it is, where it stands, and what it needs."""
    print(f"{name}  ({', '.join(command.pages)})\n    {command.text}")
    for need in command.needs:
        if need != "OUT":
            print(f"    {need}: {NEEDED[need]}")


def run(name: str, command: Command, given: Mapping[str, str], out: Path) -> str | None:
    """Run it; what is wrong, or None."""
    missing = [need for need in command.needs if need not in given]
    if missing:
        return f"left out, needs {', '.join(missing)}"
    print(f"== {name}: {command.text}", flush=True)
    line = [sys.executable, "-m", command.module, *command.arguments(given)]
    settings = dict(x.split("=", 1) for x in command.settings)
    target = out / f"{name}.md"
    with target.open("w", encoding="utf-8") as file:
        done = subprocess.run(line, stdout=file, env=os.environ | settings, cwd=ROOT, check=False)
    print(target.read_text(encoding="utf-8"), flush=True)
    return f"failed with exit code {done.returncode}" if done.returncode else None


def add_options(parser: argparse.ArgumentParser) -> None:
    """What a reader may say."""
    parser.add_argument("names", nargs="*", help="parts of names or pages; all if nothing is said")
    parser.add_argument("--list", action="store_true", help="only say what there is")
    parser.add_argument("--out", type=Path, default=Path("bench"), help=NEEDED["OUT"])
    for need in ("DATA", "SPAN", "VGG", "PHOTOS", "CROPS"):
        parser.add_argument(f"--{need.lower()}", type=Path, help=NEEDED[need])
    parser.add_argument("--pair", type=Path, nargs=2, metavar=("A", "B"))


def given(options: argparse.Namespace) -> dict[str, str]:
    """What stands for the capitals; commands run elsewhere, so paths are whole."""
    a, b = options.pair or (None, None)
    said = {x: getattr(options, x.lower(), None) for x in NEEDED} | {"A": a, "B": b}
    return {need: str(path.resolve()) for need, path in said.items() if path}


def main(options: argparse.Namespace) -> int:
    """1 where a command failed, or none is called so."""
    every = named(stated())
    chosen = {k: v for k, v in every.items() if wanted(k, v, options.names)}
    if not chosen:
        print(f"no table is called {' or '.join(options.names)}: see --list", file=sys.stderr)
        return 1
    if options.list:
        for name, command in chosen.items():
            show(name, command)
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    said = {k: run(k, v, given(options), options.out) for k, v in chosen.items()}
    print("\n".join(f"{name}: {what or 'made'}" for name, what in said.items()))
    return int(any(what and what.startswith("failed") for what in said.values()))
