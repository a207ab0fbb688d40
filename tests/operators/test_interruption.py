# SPDX-License-Identifier: Apache-2.0
"""A search that runs is ended by a signal or by whoever asked to be asked."""

import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress

import pytest
import torch

from searchtransfer import search
from searchtransfer.operators import Keys, interruptible, search_views
from searchtransfer.operators.backends import BACKENDS, native

LARGE = 400
"""Cells on a side: minutes of searching."""


class Enough(Exception):
    pass


def hard(side: int) -> torch.Tensor:
    """Features that no bound settles."""
    return torch.randn(1, 64, side, side)


@pytest.mark.parametrize("backend", ["tiled", "native"])
def test_ctrl_c_ends_a_search(backend: str) -> None:
    """The process gets SIGINT while it searches, and leaves with KeyboardInterrupt."""
    if backend == "native" and not native.instruction_sets():
        pytest.skip("the compiled kernel is not built")
    script = textwrap.dedent(f"""
        import torch
        from searchtransfer import search
        torch.manual_seed(0)
        torch.set_num_threads(2)
        query, key = (torch.randn(1, 64, {LARGE}, {LARGE}) for _ in range(2))
        print("begun", flush=True)
        search(query, key, backend={backend!r})
    """)
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(1.5)  # into the walk
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    assert process.returncode != 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_whoever_is_asked_ends_a_search(backend: str) -> None:
    if backend == "native" and not native.instruction_sets():
        pytest.skip("the compiled kernel is not built")
    if backend == "literal":
        pytest.skip("literal is one product and not meant for large images")
    stop, threads = threading.Event(), set()

    def ask() -> None:
        threads.add(threading.get_ident())
        if stop.is_set():
            raise Enough

    timer = threading.Timer(0.5, stop.set)
    timer.start()
    query, key = hard(LARGE), hard(LARGE)
    with interruptible(ask), pytest.raises(Enough):
        search(query, key, backend=backend)
    timer.join()
    assert threads == {threading.get_ident()}  # never from a thread of the kernel


def test_asking_changes_nothing_and_ends_with_the_block() -> None:
    query, key = torch.randn(1, 16, 60, 60), torch.randn(1, 16, 60, 60)
    expected = search(query, key)
    asked: list[int] = []
    with interruptible(lambda: asked.append(1)), interruptible(lambda: asked.append(2)):
        match = search(query, key)
    assert torch.equal(match.index, expected.index)
    assert torch.equal(match.score, expected.score)
    assert asked[:2] == [1, 2]
    count = len(asked)
    search(query, key)
    assert len(asked) == count


def test_a_search_within_the_asking() -> None:
    query, key = torch.randn(1, 64, 70, 70), torch.randn(1, 64, 70, 70)
    expected = search(query, key).index
    inner: list[torch.Tensor] = []

    def ask() -> None:
        if not inner:
            inner.append(torch.empty(0))
            inner.append(search(key, query).index)

    with interruptible(ask):
        found = search(query, key).index
    assert torch.equal(found, expected)
    assert torch.equal(inner[1], search(key, query).index)


def test_keys_are_whole_after_an_interruption() -> None:
    keys, query = Keys([torch.randn(40, 60, 60)]), torch.randn(1, 40, 30, 30)
    left: list[int] = []

    def ask() -> None:
        if not left:
            raise Enough
        left.pop()

    for patience in range(1, 12):
        left[:] = range(patience)
        with interruptible(ask), suppress(Enough):
            search_views(query, keys)
    expected = search_views(query, Keys(keys.views))
    assert torch.equal(search_views(query, keys).index, expected.index)
