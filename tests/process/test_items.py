# SPDX-License-Identifier: Apache-2.0
"""An item that fails becomes words; what only watches ends nothing."""

import errno

import pytest

from searchtransfer.errors import OutOfMemoryError, OutputError
from searchtransfer.process.items import Failure, attempt, harmless
from searchtransfer.process.stop import Stop, Stopped


def failing(error):
    def work():
        raise error

    return work


def test_what_is_done_is_returned():
    assert attempt("image 'a'", lambda: 3) == 3


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OutputError("output 'b': is a folder"), "output 'b': is a folder"),
        (OutOfMemoryError("not enough memory for it"), "image 'a': not enough memory for it"),
        (KeyError("x"), "image 'a': unexpected fault, KeyError: 'x'; please report it"),
    ],
)
def test_errors_become_words(error, message):
    assert attempt("image 'a'", failing(error)) == Failure(message)


def test_lack_of_memory_is_told_with_what_to_do():
    failure = attempt("image 'a'", lambda: bytearray(2**62))
    assert isinstance(failure, Failure)
    assert failure.message.startswith(
        "image 'a': not enough memory; use smaller tiles (--tile 128)"
    )


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_from_the_cause(number):
    error = OutputError("output 'b': cannot be written")
    error.__cause__ = OSError(number, "full")
    assert attempt("a", failing(error)) == Failure("output 'b': cannot be written", disk_full=True)


@pytest.mark.parametrize("error", [Stopped(), KeyboardInterrupt(), SystemExit(3)])
def test_what_ends_the_whole_goes_through(error):
    with pytest.raises(type(error)):
        attempt("a", failing(error))


def test_a_watcher_that_fails_is_logged(caplog):
    harmless(failing(ValueError("closed")))()
    assert "a watcher failed: ValueError: closed" in caplog.text


def test_a_watcher_may_ask_to_stop():
    stop = Stop()
    stop.requested.set()
    with pytest.raises(Stopped):
        harmless(stop.check)()
