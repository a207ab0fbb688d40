# SPDX-License-Identifier: Apache-2.0
"""Inputs, references and results at URLs: what is made is what files become."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import fsspec
import numpy as np
import pytest
from batch.folders import UPSCALER, full_disk
from batch.test_processes import Killer
from cli.commands import arguments, command, environment
from scenes import reduced, save, sharp, tree

from searchtransfer.batch import (
    Elsewhere,
    Manifest,
    Settings,
    Shelf,
    paired,
    plan_batch,
    processes,
    run_batch,
)
from searchtransfer.batch.moving import put
from searchtransfer.errors import ImageFileError, MissingExtraError, OptionError, OutputError

needs_no_s3 = pytest.mark.skipif(
    importlib.util.find_spec("s3fs") is not None, reason="the library of S3 is installed"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Small images, one of them bad, each with a reference; as files, and in an archive."""
    for seed in range(4):
        save(tmp_path / "all" / "in" / "sub" / f"{seed}.png", reduced(sharp(seed)))
        save(tmp_path / "all" / "ref" / "sub" / f"{seed}.png", sharp(seed))
    (tmp_path / "all" / "in" / "sub" / "2.png").write_bytes(b"nonsense")
    shutil.make_archive(str(tmp_path / "all"), "zip", tmp_path / "all")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def from_files(out="plain", *more):
    words = "-i", "all/in", "-r", "all/ref", "--pair-by", "name", "-o", out, "-n", "transfer"
    return command("upscale", *words, *more)


def words(folder, out):
    archive = f"file://{folder}/all.zip"
    sources = "-i", f"zip://in::{archive}", "-r", f"zip://ref::{archive}", "--pair-by", "name"
    return "upscale", *sources, "-o", f"dir://{out}::file://{folder}", "-n", "transfer"


def lines(folder, out, twice=()):
    """Of a manifest, by result, without what differs from run to run; URLs as paths.

    Nothing is noted twice, but for results that were lost between note and name.
    """
    text = (folder / out / "searchtransfer.jsonl").read_text("utf-8")
    text = text.replace("zip://", "all/").replace(f"::file://{folder}/all.zip", "")
    told = [json.loads(line) for line in text.splitlines()]
    counts = Counter(x["output"] for x in told)
    assert all(count == 1 or name in twice for name, count in counts.items())
    return {x["output"]: x | {"run": "", "seconds": 0} for x in told}


def same(folder, out, twice=()):
    assert tree(folder / out) == tree(folder / "plain")
    for path in (folder / "plain" / "sub").iterdir():
        assert path.read_bytes() == (folder / out / "sub" / path.name).read_bytes()
    assert lines(folder, out, twice) == lines(folder, "plain")


def test_the_same_as_files(folder):
    plain, done = from_files(), command(*words(folder, "out"))
    assert (plain.exit_code, done.exit_code) == (1, 1)
    same(folder, "out")
    assert f"image 'zip://in/sub/2.png::file://{folder}/all.zip': its content is" in done.stderr
    assert f"-> 'dir://out/sub/0.png::file://{folder}'" in done.stdout
    assert "/tmp" not in (done.stdout + done.stderr).replace(str(folder), "")
    # Once more: all is told of, and nothing is made again.
    stamps = {x: (folder / "out" / x).stat().st_mtime_ns for x in tree(folder / "out")}
    again = command(*words(folder, "out"), "--on-exists", "skip")
    assert "3 skipped, 1 failed" in again.stdout
    assert stamps == {x: (folder / "out" / x).stat().st_mtime_ns for x in stamps}
    refused = command(*words(folder, "out"))
    assert refused.stderr.count("exists already") == 3


def test_nothing_else_stays(folder):
    """Whether a folder or a file is asked for, with a manifest or without."""
    place = f"file://{folder}"
    sources = "-i", "all/in/sub/0.png", "-r", "all/ref/sub/0.png", "-n", "transfer"
    more = "--report", f"dir://rep/::{place}", "--score-map", f"dir://map/::{place}"
    done = command("upscale", *sources, "-o", f"dir://many/::{place}", *more)
    assert done.exit_code == 0, done.stderr
    assert command("upscale", *sources, "-o", f"dir://one/a.png::{place}").exit_code == 0
    assert tree(folder / "many") == ["0.png", "searchtransfer.jsonl"]
    assert tree(folder / "one") == ["a.png"]
    assert (tree(folder / "rep"), tree(folder / "map")) == (["0.html"], ["0.png"])


def test_what_was_made_from_something_else_is_made_again(folder):
    more = "--on-exists", "skip"
    url = f"dir://all/in::file://{folder}"
    line = "upscale", "-i", url, "-r", "all/ref", "--pair-by", "name", "-n", "transfer"
    for _ in range(2):
        out = command(*line, "-o", f"dir://out::file://{folder}", *more)
    save(folder / "all" / "in" / "sub" / "1.png", reduced(sharp(9)))
    out = command(*line, "-o", f"dir://out::file://{folder}", *more)
    again = f"'dir://out/sub/1.png::file://{folder}': made again, for the input changed"
    assert again in out.stderr
    assert from_files("plain").exit_code == 1
    result = "sub/1.png"
    assert (folder / "out" / result).read_bytes() == (folder / "plain" / result).read_bytes()


def test_lost_workers(folder):
    """Killed by the kernel while an item is made: it is made again, once."""
    from_files()
    elsewhere = Elsewhere(folder / "places")
    _, sources, _, photos, *_ = words(folder, "out")[1:]
    inputs, references = elsewhere.inputs([sources], "in"), elsewhere.inputs([photos], "ref")
    out = elsewhere.output(f"dir://out::file://{folder}")
    jobs = paired(plan_batch(inputs, out), references, "name", False)
    shelf, manifest = Shelf(UPSCALER.prepare, 4), Manifest(Path(out))
    killer = Killer("1.png", 1)
    more = {"manifest": manifest, "elsewhere": elsewhere, "watcher": killer}
    run_batch(jobs, UPSCALER, shelf, Settings(), engine=processes(2), **more)
    assert killer.times == 0
    same(folder, "out")


def test_a_command_that_was_killed(folder):
    from_files()
    line = arguments(*words(folder, "out"), "--on-exists", "skip", "--jobs", "2")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = subprocess.Popen(line, env=environment(), start_new_session=True, **quiet)
    notes = folder / "out" / ".searchtransfer"
    while running.poll() is None and not list(notes.glob("*.jsonl")):
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert not (folder / "out" / "searchtransfer.jsonl").exists()
    noted = "".join(x.read_text("utf-8") for x in notes.glob("*.jsonl")).splitlines()
    noted = {json.loads(line)["output"] for line in noted}
    lost = [x for x in noted if not (folder / "out" / x).exists()]
    assert command(*words(folder, "out"), "--on-exists", "skip").exit_code == 1
    if notes.exists():  # of uploads that the kill has ended; by whom, the next run cannot know
        assert all(x.suffix == ".part" for x in notes.iterdir())
        shutil.rmtree(notes)
    same(folder, "out", twice=lost)


def test_a_disk_there_that_is_full(folder):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    save(folder / "all" / "in" / "sub" / "1.png", noise)
    shutil.make_archive(str(folder / "all"), "zip", folder / "all")
    with full_disk(folder / "out", "64k"):
        done = command(*words(folder, "out"))
        left = tree(folder / "out")
    assert done.exit_code == 1
    assert "1.png::file://" in done.stderr and "cannot be written (No space" in done.stderr
    assert "not begun, because the disk is full; free some space" in done.stderr
    assert left == ["searchtransfer.jsonl", "sub", "sub/0.png"]


def test_file_urls_are_paths(folder):
    place = f"file://{folder}"
    sources = "-i", f"{place}/all/in/sub/0.png", "-r", f"{place}/all/ref/sub/0.png"
    done = command("upscale", *sources, "-o", f"{place}/large/", "-n", "transfer")
    assert done.exit_code == 0, done.stderr
    assert tree(folder / "large") == ["0.png", "searchtransfer.jsonl"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("-i", "no://x"), "input 'no://x': cannot be used (Protocol not known: no)"),
        (("-i", "zip://::file:///no.zip"), "input 'zip://::file:///no.zip': is not there"),
        (("-i", "zip://no::{zip}"), "input 'zip://no::{zip}': is not there, or is empty"),
        (("-i", "zip://in/../in::{zip}"), "has '..' in it"),
        (("-i", "zip://in::{zip}", "-o", "zip://out::{zip}"), "cannot be written"),
        (("-i", "zip://in::{zip}"), "say with -o where the results go"),
        (("-i", "zip://in/a.mp4::{zip}"), "films, and what is made of them, are files of"),
        (("-i", "all/in", "--album", "s3://photos"), "--album takes files of this machine, got"),
        (("-i", "all/in", "--weights=s3://x.pt"), "--weights takes files of this machine, got"),
    ],
)
def test_urls_that_cannot_be_used(folder, more, said):
    archive = f"file://{folder}/all.zip"
    line = [x.replace("{zip}", archive) for x in more]
    if "-o" not in line and "say with -o" not in said:
        line += ["-o", "out"]
    done = command("upscale", *line, "-r", "all/ref/sub/0.png", "-n", "transfer")
    assert done.exit_code == 2
    assert said.replace("{zip}", archive) in done.stderr.replace("│", "")
    assert not (folder / "out").exists()


@needs_no_s3
def test_a_kind_of_url_whose_library_is_not_there(tmp_path):
    with pytest.raises(MissingExtraError, match=r"input 's3://b/x': a library .*Install s3fs"):
        Elsewhere(tmp_path).inputs(["s3://b/x"], "input")


def test_other_commands_take_files(folder):
    for line in (
        ("match", "-i", "s3://b/x.png", "-r", "y.png"),
        ("export", "fusion-x4", "-o", "s3://b/x.png"),
    ):
        done = command(*line)
        assert done.exit_code == 2
        assert "takes files of this machine, got 's3://b/x.png'" in done.stderr.replace("│", "")


@pytest.fixture
def store():
    """A store of objects in this process, whose names may be anything."""
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def test_names_that_no_file_can_have(tmp_path, store):
    for name in ("in/a.png", "in/../../b.png", "in/./c.png", "in/sub/d.png"):
        store.store[f"/{name}"] = store.open("x", "wb")
    with pytest.warns(UserWarning, match=r"2 left out, whose names cannot be those of files"):
        (found,) = Elsewhere(tmp_path / "here").inputs(["memory://in"], "input")
    assert tree(found) == ["a.png", "sub", "sub/d.png"]
    assert tree(tmp_path)[0] == "here"


def test_results_among_inputs_are_seen(tmp_path, store):
    store.pipe({"/in/a.png": b"1", "/in/large/a.png": b"2"})
    elsewhere = Elsewhere(tmp_path / "here")
    sources = elsewhere.inputs(["memory://in"], "input")
    jobs = plan_batch(sources, elsewhere.output("memory://in/large/"))
    assert [elsewhere.name_of(x.source) for x in jobs] == ["memory://in/a.png"]
    assert [elsewhere.name_of(x.target) for x in jobs] == ["memory://in/large/a.png"]
    with pytest.raises(OutputError, match="is the input"):
        plan_batch(sources, elsewhere.output("memory://in"))


def test_what_is_put_does_not_replace(tmp_path, store):
    store.pipe("/out/a.png", b"theirs")
    elsewhere = Elsewhere(tmp_path / "here")
    out = Path(elsewhere.output("memory://out"))
    (tmp_path / "ours").write_bytes(b"ours")
    with pytest.raises(OutputError, match=r"output 'memory://out/a.png': appeared while"):
        put(elsewhere, tmp_path / "ours", out / "a.png", "output", replace=False)
    assert store.cat("/out/a.png") == b"theirs"
    put(elsewhere, tmp_path / "ours", out / "a.png", "output", replace=True)
    assert store.find("/out") == ["/out/a.png"]
    assert store.cat("/out/a.png") == b"ours"
    with pytest.raises(ImageFileError, match=r"'memory://none': is not there"):
        elsewhere.inputs(["memory://none"], "input")
    with pytest.raises(OptionError, match="Protocol not known"):
        elsewhere.output("nothing://none")


class Quirky(fsspec.get_filesystem_class("memory")):
    """As some libraries are: errors of their own, names that are not whole, folders made twice."""

    protocol = "quirky"
    store, pseudo_dirs = {}, [""]

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.removeprefix("quirky://"))

    def get_file(self, rpath, lpath, **more):
        try:
            super().get_file(rpath, lpath, **more)
        except FileNotFoundError:
            raise ValueError("550 No such file") from None

    def ls(self, path, detail=True, **more):
        found = super().ls(path, detail=True, **more)
        return found if detail else [x["name"].rpartition("/")[2] for x in found]

    def makedirs(self, path, exist_ok=False):
        if not self.isdir(path):
            super().makedirs(path, exist_ok=True)  # by another worker
            raise ValueError("550 File exists")


def test_libraries_with_quirks(folder):
    fsspec.register_implementation("quirky", Quirky, clobber=True)
    line = "upscale", "-i", "all/in", "-r", "all/ref", "--pair-by", "name", "-n", "transfer"
    there = "-o", "quirky://out"
    assert command(*line, *there).exit_code == 1
    system = Quirky()
    names = ["/out/searchtransfer.jsonl", *(f"/out/sub/{x}.png" for x in (0, 1, 3))]
    assert system.find("/out") == names
    assert system.cat(names[0]).count(b"\n") == 4
    again = command(*line, *there, "--on-exists", "skip")
    assert "3 skipped, 1 failed" in again.stdout
    assert system.find("/out") == names
