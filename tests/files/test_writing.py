# SPDX-License-Identifier: Apache-2.0
"""A file is there whole or not at all, whatever happens to the process or the disk."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from searchtransfer.errors import OutputError
from searchtransfer.files import LineFile, check_file, clear_leftovers, whole_file, write_file

LEFT = f".searchtransfer-{'0' * 16}.part"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def python(code, *args):
    """Run code in a process of its own; it may be limited, and killed."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True)


def test_written_and_replaced(tmp_path):
    path = tmp_path / "a"
    write_file(path, b"one")
    with pytest.raises(OutputError, match="appeared while"):
        write_file(path, b"two")
    assert path.read_bytes() == b"one"
    path.chmod(0o600)
    write_file(path, b"three", on_exists="overwrite")
    assert path.read_bytes() == b"three"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(tmp_path) == ["a"]


def test_in_pieces_or_not_at_all(tmp_path):
    with whole_file(tmp_path / "a") as file:
        file.write(b"one ")
        assert not (tmp_path / "a").exists()
        file.write(b"two")
    assert (tmp_path / "a").read_bytes() == b"one two"

    class Stop(Exception): ...

    with pytest.raises(Stop), whole_file(tmp_path / "b") as file:
        file.write(b"half")
        raise Stop
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("on_exists", ["error", "overwrite"])
def test_a_full_disk_leaves_what_was_there(tmp_path, on_exists):
    """The limit on a file's size makes the system refuse in the middle of a write."""
    path = tmp_path / "a"
    if on_exists == "overwrite":
        path.write_bytes(b"old")
    before = names(tmp_path)
    done = python(
        """
        import resource, signal, sys
        from searchtransfer.errors import OutputError
        from searchtransfer.files import write_file
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            write_file(sys.argv[1], bytes(100_000), on_exists=sys.argv[2], what="report")
        except OutputError as error:
            print(error, type(error.__cause__).__name__)
        """,
        path,
        on_exists,
    )
    assert f"report {str(path)!r}: cannot be written (File too large)" in done.stdout, done
    assert "OSError" in done.stdout
    assert names(tmp_path) == before
    assert on_exists == "error" or path.read_bytes() == b"old"


def test_what_a_killed_process_leaves_goes_with_the_next_file(tmp_path):
    done = python(
        """
        import os, signal, sys
        from searchtransfer.files import whole_file
        with whole_file(sys.argv[1] + "/a") as file:
            file.write(b"half")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        tmp_path,
    )
    assert done.returncode == -signal.SIGKILL
    (left,) = names(tmp_path)
    assert left.startswith(".searchtransfer-")
    write_file(tmp_path / "b", b"whole")
    assert names(tmp_path) == ["b"]


def test_a_file_that_somebody_is_at_work_on_stays(tmp_path):
    (tmp_path / LEFT).touch()
    os.utime(tmp_path / LEFT, (0, 0))
    notes = tmp_path / ".searchtransfer-notes.part"
    notes.touch()
    with whole_file(tmp_path / "a") as file:
        file.write(b"half")
        done = python(
            "import sys; from searchtransfer.files import clear_leftovers as c;"
            "from pathlib import Path; c(Path(sys.argv[1]))",
            tmp_path,
        )
        assert done.returncode == 0, done.stderr
        assert not (tmp_path / LEFT).exists()
    assert names(tmp_path) == [notes.name, "a"]


def test_clearing_does_no_harm_where_nothing_can_be_done(tmp_path):
    clear_leftovers(tmp_path / "none")
    (tmp_path / LEFT).mkdir()
    clear_leftovers(tmp_path)
    assert (tmp_path / LEFT).is_dir()
    (tmp_path / LEFT).rmdir()
    (tmp_path / "precious").write_text("x")
    (tmp_path / LEFT).symlink_to("precious")
    clear_leftovers(tmp_path)
    assert (tmp_path / "precious").read_text() == "x"


def test_writers_and_clearers_at_once_lose_nothing(tmp_path):
    stop = threading.Event()

    def clear():
        while not stop.is_set():
            clear_leftovers(tmp_path)

    clearer = threading.Thread(target=clear)
    clearer.start()
    try:
        for i in range(200):
            write_file(tmp_path / str(i), b"x")
    finally:
        stop.set()
        clearer.join()
    assert len(names(tmp_path)) == 200


@pytest.mark.parametrize("name", ["", "a" * 300, "a\0b"])
def test_names_that_cannot_be_used(name):
    with pytest.raises(OutputError, match=r"name is empty|cannot be used"):
        check_file(name)


def test_the_error_says_what_lets_a_file_be_replaced(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(OutputError, match=r"output .*: exists already; .*--on-exists overwrite"):
        check_file(tmp_path / "a")
    with pytest.raises(OutputError, match=r"weights .*overwrite=True"):
        check_file(tmp_path / "a", what="weights", allow="overwrite=True")
    check_file(tmp_path / "a", on_exists="overwrite")


def test_the_folder_a_link_leads_to_is_tried_too(tmp_path):
    (tmp_path / "a").symlink_to("/proc/version")
    with pytest.raises(OutputError, match=r"'/proc' cannot be written to"):
        check_file(tmp_path / "a", on_exists="overwrite")


class TestLines:
    def test_are_appended(self, tmp_path: Path) -> None:
        for text in ("one", "two\udcff"):
            with LineFile(tmp_path / "log") as log:
                log.append(text)
        assert (tmp_path / "log").read_bytes() == b"one\ntwo\\udcff\n"

    @pytest.mark.parametrize("whole", [b"", b"one\n", b"one\n" + b"x" * 9000 + b"\n"])
    @pytest.mark.parametrize("cut", [b"", b"{", b"y" * 9000])
    def test_a_cut_line_is_taken_away(self, tmp_path: Path, whole: bytes, cut: bytes) -> None:
        (tmp_path / "log").write_bytes(whole + cut)
        with LineFile(tmp_path / "log") as log:
            log.append("next")
        assert (tmp_path / "log").read_bytes() == whole + b"next\n"

    def test_on_a_full_disk_are_whole_or_missing(self, tmp_path: Path) -> None:
        done = python(
            """
            import resource, signal, sys
            from searchtransfer.errors import OutputError
            from searchtransfer.files import LineFile
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (25, 25))
            log = LineFile(sys.argv[1])
            try:
                for _ in range(9):
                    log.append("0123456789")
            except OutputError as error:
                print(error)
            """,
            tmp_path / "log",
        )
        assert "journal" in done.stdout and "File too large" in done.stdout, done
        assert (tmp_path / "log").read_bytes() == b"0123456789\n" * 2

    def test_where_nothing_can_be_written(self) -> None:
        with pytest.raises(OutputError, match=r"journal '/proc/none'"):
            LineFile("/proc/none")

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
    def test_to_a_full_device(self) -> None:
        log = LineFile("/dev/full")
        with pytest.raises(OutputError, match=r"journal .*cannot be written .No space left"):
            log.append("x")
        with contextlib.suppress(OutputError):
            log.close()

    def test_of_several_writers_stay_whole(self, tmp_path: Path) -> None:
        with LineFile(tmp_path / "log") as ours, LineFile(tmp_path / "log") as theirs:
            ours.append("one")
            theirs.append("two")
            with (tmp_path / "log").open("ab") as killed:
                killed.write(b"half a li")
            ours.append("three")
        assert (tmp_path / "log").read_bytes() == b"one\ntwo\nthree\n"

    def test_a_last_line_that_is_none_is_taken_away(self, tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(b"one\n\0\0\0\n")
        with LineFile(tmp_path / "log", valid=lambda line: b"\0" not in line) as log:
            assert log.taken_away == 4
        assert (tmp_path / "log").read_bytes() == b"one\n"
