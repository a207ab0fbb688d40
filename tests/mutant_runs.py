# SPDX-License-Identifier: Apache-2.0
"""Runs of a few tests on a changed copy of the project: those of a changed line, cheapest first.

One run of each file of tests tells which of them run which lines, and how much of the processor
each takes; of each test the first few sets of parameters count. Every run is a fork of a fresh
process that has imported what is slow to import (and nothing of the project), so that a mutant
costs seconds, whatever the caller has done before.
"""

import contextlib
import hashlib
import itertools
import json
import multiprocessing
import os
import resource
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

# No failure is made smaller here, and whatever is found once is found again.
settings.register_profile(
    "mutants",
    deadline=None,
    max_examples=30,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
QUIET = ["-q", "-p", "no:cacheprovider", "--tb=no", "--hypothesis-profile=mutants"]
QUIET += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of what is imported already
MEMORY = 8 << 30  # bytes of addresses that a run may take
SETS = 4  # of parameters, that each test is tried with
LEAST = 60  # seconds of the processor that a run may take at least

_fresh = multiprocessing.get_context("forkserver")
_fresh.set_forkserver_preload(["numpy", "torch", "pytest", "hypothesis", "beartype", "jaxtyping"])


@dataclass
class Known:
    """What one run of tests told."""

    seconds: dict[str, float] = field(default_factory=dict)
    """Of the processor, of each test by its id; without those that fail."""
    lines: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """File (as below the project's root) -> line -> ids of the tests that run it."""

    def tests_of(self, path: Path, first: int, last: int, most: float = 1e9) -> list[str]:
        """Tests that run lines of a file, cheapest first, as many as `most` seconds allow.

        What runs at import (defaults, constants) is run by no test in particular: then all of the
        file's.
        """
        of_file = self.lines.get(str(path), {})
        found = {test for line in range(first, last + 1) for test in of_file.get(str(line), [])}
        found = found or {test for tests in of_file.values() for test in tests}
        chosen, total = [], 0.0
        cost = self.seconds
        for test in sorted(found & set(cost) or cost, key=lambda test: (cost[test], test)):
            total += cost[test]
            if chosen and total > most:
                break
            chosen.append(test)
        return chosen

    def add(self, other: "Known") -> None:
        self.seconds |= other.seconds
        for path, lines in other.lines.items():
            here = defaultdict(list, self.lines.get(path, {}))
            for line, tests in lines.items():
                here[line] = here[line] + tests
            self.lines[path] = dict(here)


class _Watch:
    """Of pytest: tells coverage which test runs, and measures it."""

    def __init__(self, coverage: Any) -> None:
        self.coverage = coverage
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        seen = Counter[str]()
        kept = []
        for item in items:
            name = item.nodeid.partition("[")[0]
            seen[name] += 1
            if seen[name] <= SETS:
                kept.append(item)
        items[:] = kept

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid)
        began = sum(os.times()[:4])
        result = yield
        self.seconds[item.nodeid] = sum(os.times()[:4]) - began
        self.coverage.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.add(report.nodeid)


class _Only:
    """Of pytest: runs some tests in their order."""

    def __init__(self, tests: list[str]) -> None:
        self.place = {test: place for place, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        kept = [item for item in items if item.nodeid in self.place]
        items[:] = sorted(kept, key=lambda item: self.place[item.nodeid])


def learn(root: Path, folder: Path, tests: list[str], journal: Path) -> Known:
    """What each file of tests runs; kept in the journal, a folder, until the file changes."""
    everything = Known()
    places = [root / place for place in tests]
    files = [sorted(place.rglob("test_*.py")) if place.is_dir() else [place] for place in places]
    for path in itertools.chain(*files):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        kept = journal / f"{path.stem}-{digest}.json"
        if not kept.exists():
            _run(_learn, (root, folder, path, kept), seconds=3600)
        if not kept.exists():
            raise SystemExit(f"{path.name} cannot be run without any change")
        everything.add(Known(**json.loads(kept.read_text(encoding="utf-8"))))
    return everything


def passes(root: Path, known: Known, tests: list[str]) -> bool:
    """Whether tests pass in the copy; endless ones and those that take all memory do not."""
    expected = sum(known.seconds[test] for test in tests)
    return _run(_try, (root, tests), max(LEAST, int(5 * expected))) == 0


def _try(root: Path, tests: list[str]) -> int:
    return _pytest(root, ["-x", *sorted({test.split("::")[0] for test in tests})], _Only(tests))


def _learn(root: Path, folder: Path, test: Path, kept: Path) -> int:
    from coverage import Coverage

    watched = root / folder
    coverage = Coverage(data_file=None, include=[f"{watched}/*"], config_file=False)
    watch = _Watch(coverage)
    coverage.start()
    code = _pytest(root, [str(test)], watch)
    coverage.stop()
    data = coverage.get_data()
    lines = {
        str(Path(name).relative_to(root)): {
            str(line): sorted({test for test in found if test} - watch.failed)
            for line, found in data.contexts_by_lineno(name).items()
        }
        for name in data.measured_files()
    }
    seconds = {test: cost for test, cost in watch.seconds.items() if test not in watch.failed}
    if code in (0, 1, 5):  # all pass; or some fail, which would catch everything; or there are none
        kept.write_text(json.dumps(asdict(Known(seconds, lines))), encoding="utf-8")
    return code


def _pytest(root: Path, words: list[str], plugin: object) -> int:
    os.chdir(root)
    for name in ("tests", "src"):
        sys.path.insert(0, str(root / name))
    os.environ["PYTHONPATH"] = str(root / "src")
    return int(pytest.main([*QUIET, f"--rootdir={root}", *words], plugins=[plugin]))


def _child(work: Callable[..., int], arguments: tuple[Any, ...], seconds: int) -> None:
    """In a process and a group of its own, without a word."""
    code = 1
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        code = work(*arguments)
    finally:
        os._exit(code)


def _run(work: Callable[..., int], arguments: tuple[Any, ...], seconds: int) -> int:
    """The code of a piece of work; -1 if it waits for ever, that of a signal if it was ended."""
    process = _fresh.Process(target=_child, args=(work, arguments, seconds))
    process.start()
    try:
        process.join(10 * seconds)
        return -1 if process.exitcode is None else process.exitcode
    finally:
        with contextlib.suppress(ProcessLookupError):  # whatever the tests have started goes too
            os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()
