# SPDX-License-Identifier: Apache-2.0
"""Processes that begin hear no signals, and then leave them to their parent."""

import multiprocessing
import os
import signal
import sys

import pytest

from searchtransfer.batch.processes import _Flag
from searchtransfer.process.children import deaf_from_the_start, ignore_signals

posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
SPAWN = multiprocessing.get_context("spawn")


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_python_starts_is_not_heard(number):
    process = SPAWN.Process(target=ignore_signals)
    SPAWN.Lock()  # now the tracker of resources runs, as beside every pool
    with deaf_from_the_start():
        process.start()
    os.kill(process.pid, number)  # long before Python has read what it is to do
    process.join()
    assert process.exitcode == 0


@posix
def test_what_comes_meanwhile_is_heard_afterwards():
    with pytest.raises(KeyboardInterrupt), deaf_from_the_start():
        signal.raise_signal(signal.SIGINT)
        reached = True
    assert reached
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@posix
def test_one_that_is_killed_while_it_asks_stops_no_other():
    flag = _Flag(SPAWN)
    with deaf_from_the_start():
        process = SPAWN.Process(target=ask_for_ever, args=(flag,))
        process.start()
    process.join(1)
    process.kill()
    process.join()
    assert not flag.is_set()
    flag.set()
    assert flag.is_set()


def ask_for_ever(flag):
    while True:
        flag.is_set()
