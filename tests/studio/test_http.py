# SPDX-License-Identifier: Apache-2.0
"""The studio as strangers reach it, over real connections, without a browser."""

import io
import json
import os
import random
import re
import signal
import socket
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import torch
from PIL import Image
from studio.server import Studio, Visitor, running, wait_for

from searchtransfer.images import Image as picture
from searchtransfer.images import read_image, write_image
from searchtransfer.images.formats import HEIC, Format
from searchtransfer.studio.formats import opened

pytest.importorskip("starlette", reason="the studio needs the extra `studio`")

PILLOW = {"JPEG 2000": "jpeg2000", "HEIC": "heif"}
"""Its names of formats where they are others."""

FUZZ = int(os.environ.get("SEARCHTRANSFER_FUZZ", "400"))
"""Requests that nobody would send."""


def png(height: int, width: int, seed: int | None = None) -> bytes:
    """Noise, or for no seed black, which takes few bytes."""
    samples = np.zeros((height, width, 3), np.uint8)
    if seed is not None:
        samples = np.random.default_rng(seed).integers(0, 256, samples.shape, np.uint8)
    file = io.BytesIO()
    Image.fromarray(samples).save(file, "png")
    return file.getvalue()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One for the tests that need no limits of their own."""
    with running(tmp_path_factory.mktemp("http")) as studio:
        yield studio


def begin(visitor: Visitor, side: int, reference: int, scale: int = 4) -> None:
    """A job with pictures of some size."""
    assert visitor.ask("POST", "small", png(side, side, 1))[0] == 200
    assert visitor.ask("POST", "reference", png(reference, reference, 2))[0] == 200
    visitor.choose("transfer", scale)
    assert visitor.ask("POST", "start")[0] == 200


def ended(visitor: Visitor) -> bool:
    return not visitor.sees()["running"]


class TestMemoryAndQuota:
    def test_pictures_are_decoded_one_at_a_time(self, tmp_path: Path) -> None:
        with running(tmp_path) as studio:
            visitor, picture = studio.enter(), png(3000, 3000)
            assert visitor.ask("POST", "reference", picture)[0] == 200
            Path(f"/proc/{studio.process.pid}/clear_refs").write_text("5")
            before = studio.memory()
            assert visitor.ask("POST", "reference", picture)[0] == 200
            one = studio.memory("VmHWM") - before
            with ThreadPoolExecutor(6) as pool:
                replies = list(
                    pool.map(lambda _: visitor.ask("POST", "reference", picture)[0], range(6))
                )
            assert replies == [200] * 6
            assert studio.memory("VmHWM") - before < max(2 * one, 200 * 2**20)

    def test_the_quota_cannot_be_raced(self, tmp_path: Path) -> None:
        picture = png(180, 180, 1)
        most = 4 * len(picture)
        with running(tmp_path, session_bytes=most, references=20) as studio:
            visitor = studio.enter()

            def send(number: int) -> int:
                # Half of them do not say how long they are.
                headers = {"Transfer-Encoding": "chunked"} if number % 2 else {}
                body = (
                    f"{len(picture):x}\r\n".encode() + picture + b"\r\n0\r\n\r\n"
                    if number % 2
                    else picture
                )
                if number % 2:
                    return raw_upload(studio, visitor, body)
                return visitor.ask("POST", "reference", body, **headers)[0]

            with ThreadPoolExecutor(12) as pool:
                replies = list(pool.map(send, range(12)))
            kept = [x for folder in studio.folders() for x in folder.glob("upload-*")]
            assert sum(x.stat().st_size for x in kept) <= most
            assert replies.count(200) == len(kept) >= 1
            # What is refused leaves room for what comes later.
            for id in removals(visitor):
                assert visitor.ask("DELETE", id)[0] == 200
            for _ in range(3):
                assert visitor.ask("POST", "reference", picture)[0] == 200

    def test_all_visitors_together(self, tmp_path: Path) -> None:
        picture = png(100, 100, 1)
        with running(tmp_path, all_bytes=int(2.5 * len(picture)), away_seconds=1) as studio:
            visitors = [studio.enter() for _ in range(3)]
            replies = [visitor.ask("POST", "small", picture) for visitor in visitors]
            assert [status for status, _ in replies] == [200, 200, 422]
            assert "as much as there is room for" in replies[2][1]["message"]
            wait_for(lambda: not studio.folders())  # nobody listens: all have left
            assert studio.enter().ask("POST", "small", picture)[0] == 200

    def test_the_number_of_references_cannot_be_raced(self, tmp_path: Path) -> None:
        picture = png(40, 40, 1)
        with running(tmp_path, references=2) as studio:
            visitor = studio.enter()
            with ThreadPoolExecutor(8) as pool:
                replies = list(
                    pool.map(lambda _: visitor.ask("POST", "reference", picture)[0], range(8))
                )
            assert replies.count(200) <= 2
            assert len(removals(visitor)) == replies.count(200)


def raw_upload(studio: Studio, visitor: Visitor, body: bytes) -> int:
    """A chunked upload; its status."""
    address = urlsplit(studio.address)
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall(
            f"POST /studio/{visitor.token}/reference HTTP/1.1\r\nHost: {address.netloc}\r\n"
            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode()
        )
        connection.sendall(body)
        return int(connection.recv(64).split()[1])


def removals(visitor: Visitor) -> list[str]:
    """The ids of the pictures that are kept."""
    pieces = visitor.sees()
    parts = (pieces["small"] + pieces["reference"]).split('data-remove="')
    return [part[:16] for part in parts[1:]]


class TestTime:
    def test_a_stalled_upload_ends_and_gives_its_place_back(self, tmp_path: Path) -> None:
        with running(tmp_path, stall_seconds=1, references=1) as studio:
            visitor = studio.enter()
            address = urlsplit(studio.address)
            with socket.create_connection((address.hostname, address.port), timeout=60) as slow:
                slow.sendall(
                    f"POST /studio/{visitor.token}/reference HTTP/1.1\r\nHost: {address.netloc}\r\n"
                    "Content-Length: 1000\r\n\r\nsome".encode()
                )
                said = slow.recv(4096)
                assert b" 422 " in said
                assert b"took too long" in said or b"took too long" in slow.recv(4096)
            assert not [x for folder in studio.folders() for x in folder.glob("upload-*")]
            assert visitor.ask("POST", "reference", png(20, 20, 1))[0] == 200

    def test_a_slow_upload_ends_as_a_whole(self, tmp_path: Path) -> None:
        with running(tmp_path, upload_seconds=1.5) as studio:
            visitor = studio.enter()
            address = urlsplit(studio.address)
            with socket.create_connection((address.hostname, address.port), timeout=60) as slow:
                slow.settimeout(0.2)
                slow.sendall(
                    f"POST /studio/{visitor.token}/small HTTP/1.1\r\nHost: {address.netloc}\r\n"
                    "Content-Length: 100000\r\n\r\n".encode()
                )
                said = b""
                for _ in range(200):
                    slow.sendall(b"x")
                    try:
                        said = slow.recv(4096)
                        break
                    except TimeoutError:
                        continue
                assert b" 422 " in said

    def test_a_connection_that_says_nothing_is_closed(self, tmp_path: Path) -> None:
        with running(tmp_path, header_seconds=1) as studio:
            address = urlsplit(studio.address)
            for words in (b"", b"GET / HTTP/1.1\r\nHost: x\r\nA: "):
                with socket.create_connection((address.hostname, address.port), 60) as silent:
                    silent.sendall(words)
                    assert silent.recv(100) == b""
            # Nor does a request that was whole buy time for the next one.
            with socket.create_connection((address.hostname, address.port), 60) as silent:
                silent.sendall(
                    f"HEAD /favicon.ico HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode()
                )
                assert silent.recv(4096).startswith(b"HTTP/1.1 200")
                silent.sendall(b"GET / HTTP/1.1\r\nA: ")
                assert silent.recv(100) == b""
            assert studio.request("GET", "/")[0] == 200

    def test_choices_that_never_arrive_are_not_waited_for(self, tmp_path: Path) -> None:
        with running(tmp_path, stall_seconds=1) as studio:
            visitor, address = studio.enter(), urlsplit(studio.address)
            with socket.create_connection((address.hostname, address.port), timeout=60) as slow:
                slow.sendall(
                    f"POST /studio/{visitor.token}/settings HTTP/1.1\r\nHost: {address.netloc}\r\n"
                    "Content-Length: 100\r\n\r\n{".encode()
                )
                assert b" 408 " in slow.recv(4096)

    @pytest.mark.parametrize("seconds", [0.0, 1.0, 3.0])
    def test_cancel_ends_the_work_whatever_it_is_doing(
        self, server: Studio, seconds: float
    ) -> None:
        visitor = server.enter()
        begin(visitor, 250, 1200)
        signal.sigtimedwait([], seconds)
        assert visitor.ask("POST", "cancel")[0] == 200
        wait_for(lambda: ended(visitor))
        assert "Cancelled." in visitor.sees()["status"]
        # The next one gets a fresh process.
        other = server.enter()
        begin(other, 12, 40, 2)
        wait_for(lambda: ended(other), 600)
        assert len(other.sees()["outcomes"]) == 1


class TestNothingIsLeft:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
    def test_signals(self, tmp_path: Path, number: int) -> None:
        with running(tmp_path, end=number) as studio:  # looks at the folder after the end
            begin(studio.enter(), 60, 240)
            assert studio.folders()
            workers = studio.workers()
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
    def test_impatient_signals(self, tmp_path: Path, number: int) -> None:
        """Closing a terminal or a container may send several; the deletion is not broken off."""
        with running(tmp_path, end=number) as studio:
            begin(studio.enter(), 60, 240)
            while studio.process.poll() is None:
                for each in (number, signal.SIGTERM, signal.SIGHUP):
                    studio.process.send_signal(each)
                signal.sigtimedwait([], 0.002)

    def test_a_kill_is_cleared_by_the_next_start(self, tmp_path: Path) -> None:
        with running(tmp_path, end=None) as killed:
            begin(killed.enter(), 60, 240)
            wait_for(killed.workers)
            workers = killed.workers()
        left = list(killed.temporary.glob("searchtransfer-studio-*"))
        assert len(left) == 1
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
        with running(tmp_path) as other:
            assert left[0] not in list(other.temporary.iterdir())
            beside = tmp_path / "beside"
            beside.mkdir()
            (beside / "tmp").symlink_to(tmp_path / "tmp")
            visitor = other.enter()
            assert visitor.ask("POST", "small", png(9, 9, 1))[0] == 200
            with running(beside, end=None) as third:  # what a living one holds stays
                assert len(removals(visitor)) == 1
                assert other.folders()
                third.process.terminate()
                third.process.wait(60)

    def test_no_picture_lies_beside_the_folder(self, tmp_path: Path) -> None:
        """Not for a moment: a kill at that moment would leave it there."""
        deep = tmp_path / "deep.png"
        write_image(picture(torch.rand(3, 1500, 1500), bits=16), deep)
        seen, over = set(), threading.Event()

        def look() -> None:
            while not over.is_set():
                seen.update(x.name for x in studio.temporary.iterdir())

        with running(tmp_path) as studio:
            watcher = threading.Thread(target=look)
            watcher.start()
            try:
                visitor = studio.enter()
                assert visitor.ask("POST", "small", png(9, 9, 1))[0] == 200
                assert visitor.ask("POST", "reference", deep.read_bytes())[0] == 200
                visitor.choose("transfer", 2)
                assert visitor.ask("POST", "start")[0] == 200
                wait_for(lambda: ended(visitor), 600)
                assert visitor.sees()["outcomes"]
            finally:
                over.set()
                watcher.join()
        assert seen and all(x.startswith("searchtransfer-studio-") for x in seen)

    def test_memory_is_given_back(self, server: Studio) -> None:
        visitor = server.enter()
        begin(visitor, 200, 800)
        wait_for(lambda: ended(visitor), 600)
        assert visitor.sees()["outcomes"]
        before = server.memory()
        for _ in range(3):
            assert visitor.ask("POST", "start")[0] == 200
            wait_for(lambda: ended(visitor), 600)
        assert server.memory() < before + 40 * 2**20  # no picture of a job is in the server


def test_what_is_taken_away_meanwhile_is_still_there_for_the_job(server: Studio) -> None:
    visitor = server.enter()
    for number in range(3):
        sent = visitor.ask("POST", "small", png(12, 14, number), X_More="1" if number else "")
        assert sent[0] == 200
    assert visitor.ask("POST", "reference", png(700, 700, 2))[0] == 200
    visitor.choose("transfer", 2)
    assert visitor.ask("POST", "start")[0] == 200
    for id in removals(visitor):
        assert visitor.ask("DELETE", id)[0] == 200
    assert visitor.ask("POST", "small", png(9, 9, 1))[0] == 200
    wait_for(lambda: ended(visitor), 600)
    pieces = visitor.sees()
    assert len(pieces["outcomes"]) == 3 and "st-fault" not in pieces["status"]
    assert pieces["stale"]
    # Once it is over, nothing of them is kept.
    assert not [x for folder in server.folders() for x in folder.glob("run-*/pictures/*")]


def test_a_job_that_finds_no_place_leaves_nothing(tmp_path: Path) -> None:
    with running(tmp_path, waiting=0) as studio:
        first, second = studio.enter(), studio.enter()
        begin(first, 100, 600)
        assert second.ask("POST", "small", png(9, 9, 1))[0] == 200
        second.choose("fusion")
        status, reply = second.ask("POST", "start")
        assert status == 422 and "0 jobs are waiting already" in reply["message"]
        assert len([x for folder in studio.folders() for x in folder.glob("run-*")]) == 1
        first.ask("POST", "cancel")
        wait_for(lambda: ended(first))
        assert second.ask("POST", "start")[0] == 200
        wait_for(lambda: ended(second), 600)
        assert second.sees()["outcomes"]


class TestFormats:
    """All that can be opened, and all that can be downloaded."""

    @pytest.mark.parametrize("kind", opened(), ids=lambda kind: kind.name)
    def test_pictures_that_are_taken(self, server: Studio, kind: Format) -> None:
        visitor = server.enter()
        accepted = visitor.sees()["accepted"]
        assert kind.name in accepted["names"]
        assert set(kind.extensions) <= set(accepted["endings"].split(","))
        file = io.BytesIO()
        if kind is HEIC:
            pytest.importorskip("pillow_heif").register_heif_opener()
        Image.new("RGB", (24, 16), "teal").save(file, PILLOW.get(kind.name, kind.name))
        name = f"photo{kind.extensions[0]}"
        assert visitor.ask("POST", "small", file.getvalue(), X_Name=name) == (200, {})
        assert "24 x 16 pixels" in visitor.sees()["small"]

    def test_deep_and_transparent_results(self, server: Studio, tmp_path: Path) -> None:
        """Formats that cannot hold a result are not offered, or hold eight bits of it."""
        visitor = server.enter()
        deep, clear = tmp_path / "deep.png", tmp_path / "clear.png"
        write_image(picture(torch.rand(3, 12, 16), bits=16), deep)
        write_image(picture(torch.rand(3, 12, 16), alpha=torch.rand(1, 12, 16)), clear)
        for number, file in enumerate((deep, clear)):
            sent = visitor.ask("POST", "small", file.read_bytes(), X_More=str(number))
            assert sent == (200, {})
        visitor.choose("fusion")
        assert visitor.ask("POST", "start")[0] == 200
        wait_for(lambda: ended(visitor), 600)
        pieces = visitor.sees()
        assert "st-fault" not in pieces["status"]
        for number, outcome in enumerate(pieces["outcomes"]):
            depths = {}
            for address in re.findall(r'href="([^"]*-after\.\w+)"', outcome):
                status, body, _ = server.request("GET", address)
                assert status == 200, (address, body)
                file = tmp_path / address.rpartition("/")[2]
                file.write_bytes(body)
                depths[file.suffix] = read_image(file).bits
            if number == 0:
                assert depths == {".png": 16, ".tif": 16, ".jpg": 8, ".webp": 8, ".avif": 8}
            else:
                assert depths == {".png": 8, ".tif": 8, ".webp": 8, ".avif": 8}
        status, _, _ = server.request("GET", f"/studio/{visitor.token}/run-1-1-after.jpg")
        assert status == 404


class TestWhatIsSaid:
    def test_plain_mistakes_have_no_number(self, server: Studio) -> None:
        visitor = server.enter()
        status, reply = visitor.ask("POST", "start")
        assert (status, reply["id"]) == (422, "")
        assert "no small image yet" in reply["message"]
        status, reply = visitor.ask("POST", "small", b"no picture")
        assert (status, reply["id"]) == (422, "")
        assert str(server.temporary) not in reply["message"]

    def test_a_job_that_fails_says_why_without_a_path(self, server: Studio) -> None:
        visitor = server.enter()
        before = {x for folder in server.folders() for x in folder.glob("upload-*")}
        assert visitor.ask("POST", "small", png(20, 20, 1))[0] == 200
        (file,) = {x for folder in server.folders() for x in folder.glob("upload-*")} - before
        file.unlink()  # as an administrator's broom does
        visitor.choose("fusion")
        assert visitor.ask("POST", "start")[0] == 200
        wait_for(lambda: ended(visitor), 600)
        status = visitor.sees()["status"]
        assert "st-fault" in status
        assert str(server.temporary) not in status and "/tmp" not in status

    def test_other_pages_have_no_business_here(self, server: Studio) -> None:
        host = urlsplit(server.address).netloc
        for origin in ("http://127.0.0.1:1", "http://evil.example", "null"):
            status, _, headers = server.request("POST", "/studio/enter", Origin=origin)
            assert status == 403
            assert headers["Access-Control-Allow-Origin"] is None
        status, _, headers = server.request("POST", "/studio/enter", Origin=f"http://{host}")
        assert status == 200
        assert headers["Access-Control-Allow-Origin"] is None

    def test_choices_that_cannot_be_are_said(self, server: Studio) -> None:
        visitor = server.enter()
        visitor.choose("fusion", 4)
        pieces = visitor.sees()
        reasons = {x["value"]: x["reason"] for x in pieces["scales"]}
        assert all(reasons[x] == "" for x in "2348")
        assert {x["value"]: x["reason"] for x in pieces["models"]}[
            "transfer"
        ] == "needs a reference"
        visitor.choose("transfer", 2)
        assert visitor.ask("POST", "small", png(20, 20, 1))[0] == 200
        status, reply = visitor.ask("POST", "start")
        assert status == 422
        assert "needs a reference" in reply["message"]
        assert visitor.ask("POST", "reference", png(40, 40, 1))[0] == 200
        assert {x["value"]: x["reason"] for x in visitor.sees()["models"]}["transfer"] == ""

    def test_several_images_and_formats(self, server: Studio) -> None:
        visitor = server.enter()
        for number in range(2):
            more = {"X_More": "1"} if number else {}
            sent = visitor.ask(
                "POST", "small", png(10 + number, 12, number), X_Name="a.png", **more
            )
            assert sent[0] == 200
        assert visitor.ask("POST", "reference", png(48, 48, 1))[0] == 200
        visitor.choose("transfer", 2)
        assert visitor.ask("POST", "start")[0] == 200
        assert visitor.ask("POST", "start")[0] in (200, 409)
        wait_for(lambda: ended(visitor), 600)
        pieces = visitor.sees()
        assert len(pieces["outcomes"]) == 2 and len(pieces["pages"]) == 2
        run = pieces["run"]
        get = lambda key: server.request("GET", f"/studio/{visitor.token}/{key}")  # noqa: E731
        for number in range(2):
            for ending, kind in (
                ("png", "PNG"),
                ("tif", "TIFF"),
                ("jpg", "JPEG"),
                ("webp", "WEBP"),
                ("avif", "AVIF"),
            ):
                status, body, _ = get(f"run-{run}-{number}-after.{ending}")
                assert status == 200
                image = Image.open(io.BytesIO(body))
                assert (image.format, image.size) == (kind, (24, 2 * (10 + number)))
        status, body, _ = get(f"run-{run}.zip")
        assert zipfile.ZipFile(io.BytesIO(body)).namelist() == ["a-x2.png", "a-x2-again.png"]
        for key in (f"run-{run}-0-before.jpg", f"run-{run}-7-after.jpg", "run-9-0-after.png"):
            assert get(key)[0] == 404
        assert not pieces["stale"]
        visitor.choose("transfer", 3)
        assert visitor.sees()["stale"]


def test_nonsense_is_answered_and_harms_nothing(server: Studio) -> None:
    """Requests at random, some near to real ones; the number is stated in `FUZZ`."""
    chance = random.Random(1)
    visitor = server.enter()
    words = ["studio", visitor.token, "x", "small", "reference", "start", "cancel", "settings"]
    words += ["enter", "static", "..", "%2e%2e", "", "\u00fc", "a" * 300, "run-1-0-after.png", "\0"]
    words += ["studio.js", "{token}", "favicon.ico", "example%00", "run-1.zip", "-1"]
    bodies = [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"{",
        b"\xff",
        b"[" * 5000,
        b'{"model": 1, "scale": 1e999}',
    ]
    bodies += [b'{"model": [], "scale": "4", "reduce": {}}', png(5, 5, 1), bytes(70000)]
    statuses = set()
    for _ in range(FUZZ):
        near = [f"studio/{visitor.token}/{chance.choice(words)}"]
        path = "/" + "/".join(
            near if chance.random() < 0.6 else chance.choices(words, k=chance.randint(1, 4))
        )
        path = "".join(x if 32 < ord(x) < 127 else "%FC" for x in path)
        method = chance.choice(["GET", "POST", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH"])
        if method == "GET" and path.endswith("events"):
            continue
        headers = {}
        if chance.random() < 0.2:
            headers["X_Name"] = chance.choice(["%00", "%ff%fe", "a" * 5000, "../../x", "<b>"])
        if chance.random() < 0.1:
            headers["Content_Type"] = chance.choice(["", "multipart/form-data", "x/y; charset=zz"])
        try:
            status, _, _ = server.request(method, path, chance.choice(bodies), **headers)
        except OSError:  # refused before its body was read
            continue
        statuses.add(status)
        assert status < 500, (method, path)
    assert {200, 404, 405, 422} <= statuses
    assert server.request("GET", "/")[0] == 200
    assert "ERROR" not in server.log.read_text()
    visitor.ask("POST", "cancel")
    assert json.loads(server.request("POST", "/studio/enter")[1])["token"]
