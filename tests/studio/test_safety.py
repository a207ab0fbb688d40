# SPDX-License-Identifier: Apache-2.0
"""What strangers may try, and what they get."""

import re
import struct
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from studio.server import Studio, Visitor, running, wait_for
from studio.steps import choose, refused, upscale


def bomb(path: Path) -> Path:
    """A PNG of a few bytes that claims 60000 x 60000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def token_of(page: Any) -> str:
    base = page.locator("st-drop").first.get_attribute("data-base")
    return str(base).strip("/").rpartition("/")[2]


def test_files_that_cannot_be_used_are_refused_with_a_reason(
    visit: Any, studio: Studio, tmp_path: Path, shoot: Any
) -> None:
    page = visit(refusals=True)
    large, text, empty = (tmp_path / name for name in ("large.png", "text.png", "empty.png"))
    large.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(2**20))
    text.write_text("no picture\n")
    empty.touch()
    for path, words in (
        (large, "more than the 1 MiB"),
        (
            bomb(tmp_path / "bomb.png"),
            "60000 x 60000 = 3600.0 million pixels, more than the limit of 2.1 million; make it",
        ),
        (text, "plain text"),
        (empty, "0 bytes"),
    ):
        said = refused(page, "small", path)
        assert words in said
        assert "number in the log" not in said  # the visitor can mend it
        assert words.partition(";")[0] in studio.log.read_text()
        assert "max" not in said and "--" not in said  # nobody can give options to a page
        assert str(studio.temporary) not in said and "Traceback" not in said
        shoot(page, f"refused-{path.stem}")
    assert page.locator(".st-files li").count() == 0
    assert not [x for folder in studio.folders() for x in folder.glob("upload-*")]


def test_too_many_references(visit: Any, pictures: Path) -> None:
    page = visit(refusals=True)
    choose(page, "reference", *[pictures / "second.png"] * 3)
    assert "3 references already" in refused(page, "reference", pictures / "first.png")
    page.locator("[data-remove]").first.click()
    page.locator(".st-files li").nth(2).wait_for(state="detached")
    choose(page, "reference", pictures / "first.png")


def test_names_are_only_text(visit: Any, pictures: Path, tmp_path: Path, shoot: Any) -> None:
    name = "<img src=x onerror=alert(1)> \"'&; .png"
    path = tmp_path / name
    path.write_bytes((pictures / "small.png").read_bytes())
    page = visit()
    page.on("dialog", lambda dialog: page.faults.append("a dialog"))
    choose(page, "small", path)
    choose(page, "reference", pictures / "first.png")
    assert name in page.locator(".st-name").first.inner_text()
    upscale(page)
    page.get_by_role("tab", name="Inspector").click()
    page.frame_locator("iframe").locator("body[data-ready]").wait_for()
    assert page.frame_locator("iframe").locator("h1").inner_text() == name
    shoot(page, "odd-name", whole=False)


@pytest.mark.parametrize(
    "name", ["../../evil.png", "/etc/passwd", "..%2fevil", "\0", "", "x" * 999]
)
def test_a_name_is_never_a_path(visit: Any, studio: Studio, pictures: Path, name: str) -> None:
    wait_for(lambda: not studio.folders())  # of tests before
    visitor, before = Visitor(studio, token_of(visit())), set(studio.temporary.parent.rglob("*"))
    body = (pictures / "small.png").read_bytes()
    assert visitor.ask("POST", "small", body, X_Name=quote(name)) == (200, {})
    shown = visitor.sees()["small"]
    assert "40 x 32 pixels" in shown and len(shown) < 1000
    (folder,) = {x.parent for x in studio.temporary.rglob("thumbnail-*")}
    made = set(studio.temporary.parent.rglob("*")) - before
    assert made and {x.parent for x in made} <= {folder, folder.parent}
    written = {x.name for x in folder.iterdir()}
    assert all(re.fullmatch(r"(upload|thumbnail)-[0-9a-f]{16}(\.png)?", x) for x in written)


PATHS = [
    "/studio/{token}/../../etc/passwd",
    "/studio/{token}/..%2f..%2f..%2fetc%2fpasswd",
    "/studio/{token}/%2e%2e/%2e%2e/etc/passwd",
    "/studio/{token}//etc/passwd",
    "/studio/{token}/upload-0000000000000000",
    "/studio//etc/passwd",
    "/studio/../etc/passwd",
    "/static/../../../../../../../../etc/passwd",
    "/assets/..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/svelte/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/static/page.html",
    "/static/..%2fserver.py",
    "/static/server.py",
    "/studio/{token}/lock",
    "/monitoring",
    "/login",
    "/docs",
    "/openapi.json",
]


@pytest.mark.parametrize("path", PATHS)
def test_no_address_reaches_a_file_of_the_server(visit: Any, studio: Studio, path: str) -> None:
    token = token_of(visit()) if "{token}" in path else ""
    status, body, _ = studio.request("GET", path.format(token=token))
    assert status == 404
    assert b"root:" not in body and len(body) < 200


def test_large_bodies_are_refused_unread(studio: Studio) -> None:
    path = "/studio/enter"
    for headers in (
        {"Content-Length": str(2**21)},
        {"Transfer-Encoding": "chunked"},
        {"Content-Length": "x"},
    ):
        try:
            status, _, _ = studio.request("POST", path, **headers)
        except ConnectionError:
            continue
        assert status in (400, 413)


def test_other_names_of_the_server_are_not_answered(studio: Studio) -> None:
    assert studio.request("GET", "/", Host="evil.example")[0] == 421
    assert studio.request("GET", "/", Host="localhost:1")[0] == 200


def test_headers_keep_the_page_to_itself(studio: Studio) -> None:
    _, _, headers = studio.request("GET", "/")
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "http" not in policy and "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Server"] is None


def test_two_visitors_do_not_see_each_other(
    visit: Any, studio: Studio, pictures: Path, shoot: Any
) -> None:
    first, second = visit(), visit()
    choose(first, "small", pictures / "small.png")
    choose(first, "reference", pictures / "first.png")
    upscale(first)
    tokens = [token_of(page) for page in (first, second)]
    assert tokens[0] != tokens[1] and all(len(token) >= 22 for token in tokens)
    addresses = [first.locator("st-compare img").nth(i).get_attribute("src") for i in (0, 1)]
    addresses.append(first.locator(".st-files img").first.get_attribute("src"))
    for address in addresses:
        assert studio.request("GET", address)[0] == 200
        assert studio.request("GET", address.replace(tokens[0], tokens[1]))[0] == 404
        assert studio.request("GET", address.replace(tokens[0], "x"))[0] == 404
    assert second.locator(".st-files li").count() == 0
    assert second.locator("st-compare").count() == 0
    shoot(second, "second-visitor")
    # A removal with another secret removes nothing.
    id = first.locator("[data-remove]").first.get_attribute("data-remove")
    assert studio.request("DELETE", f"/studio/{tokens[1]}/{id}")[0] == 404
    assert first.locator(".st-files li").count() == 2


def test_all_is_deleted_when_the_visitor_leaves(visit: Any, studio: Studio, pictures: Path) -> None:
    wait_for(lambda: not studio.folders())
    page = visit()
    choose(page, "small", pictures / "small.png")
    choose(page, "reference", pictures / "first.png")
    upscale(page)
    (folder,) = studio.folders()
    address = page.locator("st-compare img").first.get_attribute("src")
    assert len(list(folder.rglob("*"))) >= 7
    page.close()
    wait_for(lambda: not folder.exists())
    assert studio.request("GET", address)[0] == 404


def test_a_reload_begins_anew(visit: Any, studio: Studio, pictures: Path) -> None:
    wait_for(lambda: not studio.folders())
    page = visit()
    choose(page, "small", pictures / "small.png")
    before = token_of(page)
    page.reload()
    page.wait_for_selector("st-drop")
    assert token_of(page) != before
    assert page.locator(".st-files li").count() == 0
    wait_for(lambda: len(studio.folders()) == 1)


def test_the_time_of_a_job_is_limited(
    chromium: Any, pictures: Path, tmp_path: Path, shoot: Any
) -> None:
    with running(tmp_path, job_seconds=0.5, sessions=1) as studio:
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.goto(studio.address)
        page.wait_for_selector("st-drop")
        choose(page, "small", pictures / "whole.png")
        choose(page, "reference", pictures / "other.png")
        page.locator("#start").click()
        said = page.locator(".st-fault")
        said.wait_for(timeout=60_000)
        assert "a job may take" in said.inner_text()
        page.locator("#start:enabled").wait_for()
        shoot(page, "out-of-time")
        other = chromium.new_page()
        other.goto(studio.address)
        fault = other.locator(".st-fault")
        fault.wait_for(timeout=60_000)
        assert "As many visitors as are allowed" in fault.inner_text()
        shoot(other, "too-many-visitors")
        other.close()
        page.close()
