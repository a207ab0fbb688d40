# SPDX-License-Identifier: Apache-2.0
"""`evaluate`: outputs are checked first, and nothing that is finished is lost."""

import json
import os
import resource
import signal
import subprocess
import time

import pytest
from cli.commands import arguments, command, environment
from scenes import save, sharp

from searchtransfer import evaluation


@pytest.fixture
def groups(tmp_path):
    for group in "ab":
        for number in (0, 1):
            save(tmp_path / "set" / f"{group}_{number}.png", sharp(number, 48, 48))
    return tmp_path / "set"


def measure(groups, *more):
    return "evaluate", groups, "-n", "bicubic", "--lpips", "no", *more


def seen(monkeypatch, act):
    """Bicubic that does something when it is called for the second time."""
    calls = []
    real = evaluation.bicubic

    def patched(scale):
        def method(lr, references):
            calls.append(lr)
            if len(calls) == 2:
                act()
            return real(scale)(lr, references)

        return method

    monkeypatch.setattr(evaluation, "bicubic", patched)
    return calls


def test_files_that_are_left_out_are_named(groups):
    (groups / "notes.txt").write_text("x")
    save(groups / "other.png", sharp(0, 48, 48))
    done = command(*measure(groups))
    assert done.exit_code == 0
    assert "2 left out: 'notes.txt' (not an image format that is read here), 'other.png' (not " in (
        " ".join(done.stderr.split())
    )


def test_outputs_are_checked_before_the_work(groups, monkeypatch):
    calls = seen(monkeypatch, lambda: None)
    photo = groups / "a_1.png"
    before = photo.read_bytes()
    faults = [
        (["--csv", groups / "none" / "a.csv"], "does not exist; create it first"),
        (["--csv", groups / "x", "--json", groups / "." / "x"], "--csv and --json name the same"),
        (["--csv", photo, "--overwrite"], "is the same file as input"),
        (["--html", photo], "is the same file as input"),
        (["--json", groups], "is a folder, expected a file name"),
    ]
    for words, message in faults:
        done = command(*measure(groups, *words))
        assert done.exit_code == 2
        assert message in done.stderr
    assert calls == []
    assert photo.read_bytes() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_is_finished(groups, monkeypatch, number):
    def act():
        os.kill(os.getpid(), number)
        time.sleep(1)  # so that the main thread hears of it

    seen(monkeypatch, act)
    report = groups.parent / "r.json"
    done = command(*measure(groups, "--json", report))
    assert done.exit_code == 130
    assert "interrupted; finished files are kept" in done.stderr
    (content,) = json.loads(report.read_text())
    assert [row["name"] for row in content["rows"]] == ["set/a_0.png"]
    assert "bicubic" in done.stdout


def test_a_report_that_cannot_be_written_does_not_take_the_others_along(groups):
    files = {kind: groups.parent / f"r.{kind}" for kind in ("html", "csv", "json")}
    words = measure(groups, *(x for kind, path in files.items() for x in (f"--{kind}", path)))
    done = subprocess.run(
        arguments(*words),
        capture_output=True,
        env=environment(),
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )
    assert done.returncode == 1
    assert b"report '" in done.stderr and b"r.html': cannot be written" in done.stderr
    assert b"bicubic" in done.stdout
    assert [kind for kind, path in files.items() if path.exists()] == ["csv", "json"]
    assert len(list(groups.parent.iterdir())) == 3  # the photos, and two reports


@pytest.mark.parametrize("redirection", ["| true", "> /dev/full", ">&-"])
def test_reports_do_not_need_a_reader(groups, redirection):
    report = groups.parent / "r.csv"
    done = subprocess.run(
        ["sh", "-c", f'"$@" {redirection}', "sh", *arguments(*measure(groups, "--csv", report))],
        capture_output=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0
    assert report.read_text().count("\n") == 3


def test_markup_in_a_model_name(groups):
    done = command(*measure(groups, "-n", "[/x].safetensors"))
    assert done.exit_code == 2
    assert "got '[/x].safetensors'" in done.stderr


def test_lpips_weights_that_are_not_there(groups):
    done = command("evaluate", groups, "-n", "bicubic", "--lpips-weights", groups / "none")
    assert done.exit_code == 2
    assert "there is no such file" in done.stderr


def test_a_list_without_references(groups):
    (groups / "list.txt").write_text("a_0.png\nb_0.png\n")
    words = "evaluate", groups / "list.txt", "--layout", "list", "-n", "fusion", "--lpips", "no"
    assert command(*words).exit_code == 0
