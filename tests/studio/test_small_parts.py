# SPDX-License-Identifier: Apache-2.0
"""Words, warnings, names, and the address."""

import contextlib
import logging
import re
import socket
import sys
import threading
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from searchtransfer.errors import MissingExtraError, OptionError
from searchtransfer.images import ImageWarning
from searchtransfer.studio import fragments, run_studio, serve
from searchtransfer.studio.course import Moment
from searchtransfer.studio.faults import Cancelled, Fault, OutOfTime, explain
from searchtransfer.studio.folder import studio_folder
from searchtransfer.studio.guard import host_of, names_of
from searchtransfer.studio.job import Outcome
from searchtransfer.studio.limits import Limits
from searchtransfer.studio.notes import heard, listening
from searchtransfer.studio.orders import Order, Upload
from searchtransfer.studio.scrubbing import scrubbed
from searchtransfer.studio.sessions import Session
from searchtransfer.studio.storage import Storage

NAMES = {"/tmp/x/1": "mine.png"}


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
    ],
)
def test_what_the_visitor_can_mend_has_no_number(
    error: Exception, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    # The package's own logger may have been made quieter by a command in this process.
    with caplog.at_level(logging.INFO, logger="searchtransfer.studio.faults"):
        fault = explain(error, NAMES)
    assert words in fault.message
    assert "/tmp" not in fault.message and fault.id == ""
    assert "Number" not in fragments.failed(fault)
    assert caplog.records[0].exc_info[1] is error


def test_a_fault_of_ours_has_a_number_that_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fault = explain(ZeroDivisionError("secret of /tmp/x/1"), NAMES)
    assert "Something went wrong here" in fault.message and "secret" not in fault.message
    assert fault.id and fault.id in caplog.records[0].getMessage()
    assert fault.id in fragments.failed(fault)


def test_an_explained_error_holds_no_pictures() -> None:
    class Picture:
        pass

    def fail() -> None:
        picture = Picture()
        held.append(weakref.ref(picture))
        raise OptionError("no")

    held: list[weakref.ref[Picture]] = []
    caught: list[Exception] = []
    try:
        fail()
    except OptionError as error:
        caught.append(error)
    assert held[0]() is not None
    explain(caught[0], {})
    assert held[0]() is None


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("/tmp/x/1: is odd", "mine.png: is odd"),
        ("no file /home/me/.cache/model.safetensors here", "no file a file of the server here"),
        ("cannot open '/srv/a b/c.png' (/usr/lib/x.so)", "cannot open 'a file of the server' (a"),
        (r"no C:\Users\me\x.png here", "no a file of the server here"),
        ("~/x/y is none, /etc/passwd: neither", "a file of the server is none, a file of the"),
        (
            "JPEG/PNG at 16/9, 3 and/or 4 px; scale 1/2",
            "JPEG/PNG at 16/9, 3 and/or 4 px; scale 1/2",
        ),
    ],
)
def test_no_path_of_the_server_is_said(message: str, words: str) -> None:
    said = scrubbed(message, NAMES)
    assert said.startswith(words)
    assert not re.search(r"/(tmp|home|srv|usr|etc)|Users", said)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("it is large; raise max_pixels (--max-pixels) to allow it", "it is large"),
        (
            "HEIC is missing; install the extra: pip install 'x[heif]'; sorry",
            "HEIC is missing; sorry",
        ),
        (
            "no alpha; write PNG, or paint it first (--background white)",
            "no alpha; write PNG, or paint it first",
        ),
        ("a file is there; name it with --on-exists overwrite", "a file is there"),
        ("use it (a good one); set search='refine'", "use it (a good one)"),
        ("/tmp/x/1; is odd", "a_b --c=d.png; is odd"),
    ],
)
def test_nobody_is_told_to_give_options_to_a_page(message: str, words: str) -> None:
    assert scrubbed(message, {"/tmp/x/1": "a_b --c=d.png"}) == words


def test_a_visitors_name_may_look_like_a_path() -> None:
    assert scrubbed("/tmp/x/1 is odd", {"/tmp/x/1": "/etc/passwd"}) == "/etc/passwd is odd"


def test_what_was_asked_for_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    fault = explain(Cancelled(), {})
    assert fault == Fault("Cancelled.", "", True)
    assert not caplog.records
    html = fragments.failed(fault)
    assert "Number" not in html and "alert" not in html


class TestTheFolder:
    """Of all pictures: gone at the end, and after a kill at the next start."""

    @pytest.fixture(autouse=True)
    def _elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def test_it_is_private_and_goes(self, tmp_path: Path) -> None:
        with studio_folder() as folder:
            assert folder.parent == tmp_path and folder.stat().st_mode & 0o077 == 0
            (folder / "picture").touch()
        assert not folder.exists()

    def test_it_goes_while_somebody_writes_into_it(self, tmp_path: Path) -> None:
        written = threading.Event()

        def write(folder: Path) -> None:
            with contextlib.suppress(OSError):  # the folder is gone
                for number in range(2000):
                    (folder / str(number)).touch()
                    written.set()

        with studio_folder() as folder:
            thread = threading.Thread(target=write, args=(folder,))
            thread.start()
            written.wait(10)
        assert not folder.exists()
        thread.join()
        assert not folder.exists()

    def test_what_nobody_holds_is_cleared_and_what_is_held_stays(self, tmp_path: Path) -> None:
        left = tmp_path / "searchtransfer-studio-left"
        left.mkdir()
        (left / "lock").touch()
        (left / "picture").touch()
        foreign = tmp_path / "searchtransfer-studio-foreign"  # without a lock: not ours to judge
        foreign.mkdir()
        link = tmp_path / "searchtransfer-studio-link"
        link.symlink_to(foreign)
        with studio_folder() as first, studio_folder() as second:
            assert not left.exists()
            assert first.exists() and second.exists() and foreign.exists() and link.is_symlink()


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
    session = Session(tmp_path, Storage(100))
    name = "<script>'\"&"
    session.uploads["small"].append(Upload("0", name, str(tmp_path / "x"), (3, 4), 5))
    html = fragments.files(session, "small")
    assert name not in html and "<script" not in html
    assert html.count("&lt;script&gt;&#x27;&quot;&amp;") == 2
    assert "4 x 3 pixels" in html
    assert "<b>" not in fragments.failed(Fault("a <b> c", "1"))


def test_progress_in_words() -> None:
    html = fragments.progress(Moment("Searching", 0.25, 61.0))
    assert 'value="0.250"' in html and "about 1 min left" in html
    assert "left" not in fragments.progress(Moment("Searching", 0.25, None))
    assert "value=" not in fragments.waiting(1) and "1 before it" in fragments.waiting(1)
    assert [fragments.duration(x) for x in (0.1, 1.4, 59.4, 100.0)] == [
        "1 s",
        "1 s",
        "59 s",
        "2 min",
    ]


def outcome(**changes: object) -> Outcome:
    fields = {
        "number": 0,
        "name": "a.png",
        "model": "fusion",
        "scale": 4,
        "size": (8, 8),
        "score": 0.5,
        "psnr": None,
        "ssim": (None, None),
        "verdict": "",
        "notes": (),
        "seconds": 1.0,
        "pictures": {"before": "b.png", "after": "a.png"},
        "transparent": False,
    }
    return Outcome(**(fields | changes))  # type: ignore[arg-type]


def test_figures_of_a_tiny_picture() -> None:
    assert "too small" in fragments._quality(outcome(psnr=(20.0, 30.0)))
    assert fragments._quality(outcome()) == ""


def test_a_checkerboard_only_under_what_is_transparent_and_no_jpeg_of_it(tmp_path: Path) -> None:
    session = Session(tmp_path, Storage(1))
    assert "st-transparent" not in fragments._compare(session, outcome())
    assert "st-transparent" in fragments._compare(session, outcome(transparent=True))
    assert "JPEG</a>" in fragments._formats(session, outcome(), "after", "")
    assert "JPEG</a>" not in fragments._formats(session, outcome(transparent=True), "after", "")


def test_a_long_job_is_announced() -> None:
    small = Upload("0", "a.png", "x", (10, 20), 5)
    order = Order((small,), (), "fusion", 4, False)
    assert fragments.forecast(order, 3.0, 600.0) == "Result: 80 x 40 pixels, about 3 s."
    said = fragments.forecast(order, 300.0, 600.0)
    assert "This takes a while: 80 x 40 pixels, about 5 min" in said
    reduced = Order((Upload("0", "a.png", "x", (11, 23), 5),) * 2, (), "fusion", 4, True)
    assert "longer than the 2 min that a job may take" in fragments.forecast(order, 300.0, 120.0)
    assert "2 images, the first 20 x 8 pixels" in fragments.forecast(reduced, 3.0, 600.0)


class TestStorage:
    def test_parts_of_a_whole(self) -> None:
        whole = Storage(10)
        one, other = Storage(8, whole), Storage(8, whole)
        assert one.take(6) and not one.take(3) and not other.take(5) and other.take(4)
        one.give(2)
        assert (one.taken, whole.taken) == (4, 8)
        one.close()
        one.give(4)
        assert (whole.taken, other.taken) == (4, 4) and not one.take(0) and one.closed

    def test_it_cannot_be_raced(self) -> None:
        storage = Storage(500)
        with ThreadPoolExecutor(8) as pool:
            taken = list(pool.map(lambda _: storage.take(7), range(400)))
        assert sum(taken) == 500 // 7 and storage.taken == 7 * (500 // 7)


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


def test_without_a_server_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "searchtransfer.studio.server", raising=False)
    with pytest.raises(MissingExtraError, match=r"pip install 'searchtransfer\[studio\]'"):
        run_studio(port=0, limits=Limits())
