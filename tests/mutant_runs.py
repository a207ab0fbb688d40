# SPDX-License-Identifier: Apache-2.0
"""Runs of a few tests on a changed copy of the project: those of a changed line, cheapest first.

One run of all tests tells which of them run which lines, and how long each takes. Every run is a
fork of a process that has imported what is slow to import, so that a mutant costs seconds.
"""

import ast
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy  # noqa: F401  (slow to import, as torch is)
import pytest
import torch

QUIET = ["-q", "-p", "no:cacheprovider", "--tb=no"]
LEAST = 120.0  # seconds that a run may take at least


@dataclass(frozen=True)
class Known:
    """What one run of all tests told."""

    seconds: dict[str, float]
    """Of each test by its id."""
    lines: dict[str, dict[str, list[str]]]
    """File (as below the project's root) -> line -> ids of the tests that run it."""

    def tests_of(self, path: Path, first: int, last: int) -> list[str]:
        """Tests that run lines of a file, cheapest first; all of the file's where none is told.

        What runs at import (defaults, constants) is run by no test in particular.
        """
        of_file = self.lines.get(str(path), {})
        found = {test for line in range(first, last + 1) for test in of_file.get(str(line), [])}
        found = found or {test for tests in of_file.values() for test in tests}
        return sorted(found or self.seconds, key=lambda test: (self.seconds[test], test))


class _Watch:
    """Of pytest: tells coverage which test runs, and measures it."""

    def __init__(self, coverage: Any) -> None:
        self.coverage = coverage
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid)
        began = time.perf_counter()
        result = yield
        self.seconds[item.nodeid] = time.perf_counter() - began
        self.coverage.switch_context("")
        return result


class _Only:
    """Of pytest: runs some tests in their order."""

    def __init__(self, tests: list[str]) -> None:
        self.place = {test: place for place, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        kept = [item for item in items if item.nodeid in self.place]
        items[:] = sorted(kept, key=lambda item: self.place[item.nodeid])


def statement(tree: ast.AST, node: ast.AST) -> tuple[int, int]:
    """The lines, of the statement that a node is in, down to the node's end."""
    first, last = node.lineno, node.end_lineno or node.lineno  # type: ignore[attr-defined]
    around = [
        one.lineno
        for one in ast.walk(tree)
        if isinstance(one, ast.stmt) and one.lineno <= first and (one.end_lineno or 0) >= last
    ]
    return max(around, default=first), last


def learn(root: Path, folder: Path, tests: list[str], file: Path) -> Known:
    """What the tests run, kept in a file."""
    if not file.exists():
        done = _forked(lambda: _learn(root, folder, tests, file), seconds=7200)
        if done != 0 or not file.exists():
            raise SystemExit("the tests fail without any change, so they would catch everything")
    return Known(**json.loads(file.read_text(encoding="utf-8")))


def passes(root: Path, known: Known, tests: list[str]) -> bool:
    """Whether tests pass in the copy; endless ones do not."""
    files = sorted({test.split("::")[0] for test in tests})
    expected = sum(known.seconds[test] for test in tests)
    run = lambda: _pytest(root, ["-x", *files], _Only(tests))  # noqa: E731
    return _forked(run, max(LEAST, 10 * expected)) == 0


def _learn(root: Path, folder: Path, tests: list[str], file: Path) -> int:
    from coverage import Coverage

    watched = root / folder
    coverage = Coverage(data_file=None, include=[f"{watched}/*"], config_file=False)
    watch = _Watch(coverage)
    coverage.start()
    code = _pytest(root, tests, watch)
    coverage.stop()
    data = coverage.get_data()
    lines = {
        str(Path(name).relative_to(root)): {
            str(line): [test for test in found if test]
            for line, found in data.contexts_by_lineno(name).items()
        }
        for name in data.measured_files()
    }
    if code == 0:
        file.write_text(json.dumps({"seconds": watch.seconds, "lines": lines}), encoding="utf-8")
    return code


def _pytest(root: Path, words: list[str], plugin: object) -> int:
    os.chdir(root)
    for name in ("tests", "src"):
        sys.path.insert(0, str(root / name))
    os.environ["PYTHONPATH"] = str(root / "src")
    return int(pytest.main([*QUIET, *words], plugins=[plugin]))


def _forked(work: Callable[[], int], seconds: float) -> int:
    """The code of a piece of work in a process and a group of its own; -1 if it is endless."""
    torch.set_num_threads(1)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setsid()
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nothing, stream)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            code = work()
        finally:
            os._exit(code)
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.05)
        return -1
    finally:
        _end(child)


def _end(group: int) -> None:
    """Whatever the tests have started goes with them."""
    try:
        os.killpg(group, signal.SIGKILL)
        os.waitpid(group, 0)
    except (ProcessLookupError, ChildProcessError):
        pass
