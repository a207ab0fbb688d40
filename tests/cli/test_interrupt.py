# SPDX-License-Identifier: Apache-2.0
"""A signal ends the work at once, but never in the middle of a file."""

import os
import signal
import threading
import time

import pytest

from searchtransfer.cli.interrupt import interruptible


def test_results_and_faults_come_through():
    assert interruptible(lambda stop: 7) == 7

    def fail(stop):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        interruptible(fail)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_work_hears_of_it_and_cannot_write_any_more(number):
    handler = signal.getsignal(signal.SIGTERM)
    heard = threading.Event()
    stops = []

    def work(stop):
        stops.append(stop)
        os.kill(os.getpid(), number)
        if stop.requested.wait(10):
            heard.set()

    with pytest.raises(KeyboardInterrupt):
        interruptible(work)
    assert heard.wait(10)
    assert stops[0].writing.locked()
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_file_being_written_is_finished_first():
    written = []

    def work(stop):
        with stop.writing:
            os.kill(os.getpid(), signal.SIGINT)
            stop.requested.wait(10)
            time.sleep(0.05)
            written.append("whole")

    with pytest.raises(KeyboardInterrupt):
        interruptible(work)
    assert written == ["whole"]


def test_from_another_thread_there_are_no_signals():
    results = []
    thread = threading.Thread(target=lambda: results.append(interruptible(lambda stop: 3)))
    thread.start()
    thread.join()
    assert results == [3]
