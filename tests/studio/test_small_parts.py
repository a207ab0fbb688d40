# SPDX-License-Identifier: Apache-2.0
"""Words, warnings, names, and the address."""

import logging
import socket
import sys
import threading
import warnings
from pathlib import Path

import pytest

from searchtransfer.batch import Quality, Stopped
from searchtransfer.errors import MissingExtraError, OptionError
from searchtransfer.images import ImageWarning
from searchtransfer.studio import fragments, run_studio, serve
from searchtransfer.studio.course import Moment
from searchtransfer.studio.faults import Fault, explain
from searchtransfer.studio.guard import host_of, names_of
from searchtransfer.studio.limits import Limits
from searchtransfer.studio.notes import heard, listening
from searchtransfer.studio.sessions import Session, Upload
from searchtransfer.studio.work import OutOfTime


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OutOfTime("Too long."), "Too long."),
        (OptionError("image '/tmp/x/1' is odd"), "Image 'mine.png' is odd"),
        (MemoryError(), "There is not enough memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
            "not enough memory",
        ),
        (ZeroDivisionError("secret of /tmp/x/1"), "Something went wrong here"),
    ],
)
def test_errors_in_words_with_an_id_that_is_in_the_log(
    error: Exception, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    # The package's own logger may have been made quieter by a command in this process.
    with caplog.at_level(logging.INFO, logger="searchtransfer.studio.faults"):
        fault = explain(error, {"/tmp/x/1": "mine.png"})
    assert words in fault.message
    assert "/tmp" not in fault.message
    (record,) = caplog.records
    assert fault.id in record.getMessage()
    assert record.exc_info is not None and record.exc_info[1] is error


def test_what_was_asked_for_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    assert explain(Stopped(), {}) == Fault("Cancelled.", "")
    assert not caplog.records
    html = fragments.failed(Fault("Cancelled.", ""))
    assert "Number" not in html and "alert" not in html


def test_warnings_are_heard_by_their_own_thread() -> None:
    others = []

    def elsewhere() -> None:
        with heard() as notes:
            warnings.warn("other", ImageWarning, stacklevel=1)
        others.extend(map(str, notes))

    with listening(), heard() as notes:
        warnings.warn("mine", ImageWarning, stacklevel=1)
        warnings.warn("somebody else's", UserWarning, stacklevel=1)
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        warnings.warn("mine", ImageWarning, stacklevel=1)
    assert list(map(str, notes)) == ["mine", "mine"]
    assert others == ["other"]


def test_without_a_listener_warnings_are_what_they_were() -> None:
    with listening():
        pass
    with pytest.warns(ImageWarning, match="again"):
        warnings.warn("again", ImageWarning, stacklevel=1)


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("127.0.0.1:7860", "127.0.0.1"),
        ("LOCALHOST", "localhost"),
        ("[::1]:80", "::1"),
        ("[::1]", "::1"),
        ("evil.example:127", "evil.example"),
        ("", ""),
    ],
)
def test_the_host_of_a_header(header: str, host: str) -> None:
    assert host_of(header) == host


def test_loopback_answers_to_its_names_only() -> None:
    for host in ("127.0.0.1", "localhost", "::1", "127.0.0.2"):
        names = names_of(host)
        assert names is not None and {"localhost", host} <= names and "" not in names
    assert names_of("0.0.0.0") is None
    assert names_of("192.168.1.5") is None
    assert names_of("machine.example") is None


def test_a_file_name_is_text_wherever_it_stands(tmp_path: Path) -> None:
    session = Session(tmp_path)
    name = "<script>'\"&"
    session.uploads["small"].append(Upload("0", name, tmp_path / "x", (3, 4), 5))
    html = fragments.drop(session, "small")
    assert name not in html and "<script" not in html
    assert html.count("&lt;script&gt;&#x27;&quot;&amp;") == 2
    assert "4 x 3 pixels" in html
    assert "<b>" not in fragments.failed(Fault("a <b> c", "1"))


def test_progress_in_words() -> None:
    html = fragments.progress(Moment("Searching", 0.25, 61.0))
    assert 'value="0.250"' in html and "about 1 min left" in html
    assert "left" not in fragments.progress(Moment("Searching", 0.25, None))
    assert "value=" not in fragments.waiting()
    assert [fragments.duration(x) for x in (0.1, 1.4, 59.4, 100.0)] == [
        "1 s",
        "1 s",
        "59 s",
        "2 min",
    ]


def test_figures_of_a_tiny_picture() -> None:
    assert "too small" in fragments._quality(Quality(30.0, 20.0, None, None))
    assert fragments._quality(None) == ""


def test_a_taken_port_is_passed_over_unless_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve.listen("127.0.0.1", 0) as first:
        taken = first.getsockname()[1]
        with pytest.raises(OptionError, match=f"port {taken} of 127.0.0.1 cannot be used .*free"):
            serve.listen("127.0.0.1", taken)
        monkeypatch.setattr(serve, "PORT", taken)
        if taken < 65535:
            with serve.listen("127.0.0.1", None) as second:
                assert second.getsockname()[1] > taken
        monkeypatch.setattr(serve, "TRIES", 1)
        with pytest.raises(OptionError, match="are all taken; choose another"):
            serve.listen("127.0.0.1", None)


def test_hosts_and_ports_that_cannot_be() -> None:
    with pytest.raises(OptionError, match="host 'no such host' cannot be used"):
        serve.listen("no such host", 0)
    for port in (-1, 65536):
        with pytest.raises(OptionError, match=f"port must be from 0 to 65535, got {port}"):
            serve.listen("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "name"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]")]
)
def test_the_address_can_be_typed_into_a_browser(host: str, name: str) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        assert serve.address_of(host, listener) == f"http://{name}:{port}/"


def test_without_gradio_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    for name in ("GRADIO_ANALYTICS_ENABLED", "HF_HUB_DISABLE_TELEMETRY", "GRADIO_TEMP_DIR"):
        monkeypatch.setenv(name, "")  # put back afterwards
    with pytest.raises(MissingExtraError, match=r"pip install 'searchtransfer\[studio\]'"):
        run_studio(port=0, limits=Limits())
