# SPDX-License-Identifier: Apache-2.0
"""Visitors, their uploads and their orders."""

import asyncio
import json
import threading
import time
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from studio.server import wait_for

from searchtransfer.errors import ImageFileError, OptionError
from searchtransfer.images import Image, read_image, write_image
from searchtransfer.models.pretrained import DEFAULT_MODEL
from searchtransfer.studio import Limits, uploads
from searchtransfer.studio.job import Outcome, Page, make
from searchtransfer.studio.notes import listening
from searchtransfer.studio.orders import BEST, SCALES, Order, Settings, Upload, order_of
from searchtransfer.studio.sessions import Kind, Session, Sessions
from searchtransfer.studio.workshop import Job


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path, Limits(sessions=2, idle_seconds=1000.0))


@pytest.fixture
def session(sessions: Sessions) -> Session:
    return sessions.enter()


def test_a_page_has_a_session_with_a_secret_and_a_folder(sessions: Sessions) -> None:
    first, second = sessions.enter(), sessions.enter()
    assert sessions.of(first.token) is first is not second
    assert sessions.of("") is None
    assert len(first.token) >= 22 and first.token != second.token
    assert first.folder != second.folder
    assert first.folder.stat().st_mode & 0o077 == 0


def test_the_number_of_visitors_is_bounded(sessions: Sessions) -> None:
    first = sessions.enter()
    sessions.enter()
    with pytest.raises(
        OptionError, match="as many visitors as are allowed, 2, are here already; try again later"
    ):
        sessions.enter()
    sessions.leave(first.token)
    sessions.enter()


def test_who_is_away_or_silent_for_too_long_has_left(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path, Limits(idle_seconds=1000.0, away_seconds=10.0))
    away, silent, lively = (sessions.enter() for _ in range(3))
    now = time.monotonic()
    with silent.connected(), lively.connected():
        away.seen, lively.seen, silent.seen = now - 20, now - 20, now - 2000
        sessions.leave_idle()
        assert sessions.of(away.token) is None and not away.folder.exists()
        assert sessions.of(silent.token) is None
        assert sessions.of(lively.token) is lively
    lively.seen = now - 20
    sessions.leave_idle()
    assert sessions.of(lively.token) is None


def test_somebody_sees_to_it(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path, Limits(away_seconds=0.0))
    session = sessions.enter()
    watch = threading.Thread(target=sessions.watch)
    watch.start()
    wait_for(lambda: not session.folder.exists())
    sessions.close()
    watch.join(10)
    assert not watch.is_alive()


def test_leaving_deletes_everything(sessions: Sessions, session: Session) -> None:
    add(session, "small")
    assert len(list(session.folder.iterdir())) == 2
    sessions.leave(session.token)
    sessions.leave(session.token)
    assert not session.folder.exists()
    assert not session.files and sessions.storage.taken == 0
    assert not session.storage.take(1)  # what arrives now is not kept


def test_the_end_of_the_server_deletes_everything(sessions: Sessions, tmp_path: Path) -> None:
    add(sessions.enter(), "small")
    sessions.enter()
    sessions.close()
    assert not list(tmp_path.iterdir())


def add(
    session: Session,
    kind: Kind,
    size: tuple[int, int] = (8, 10),
    limits: Limits | None = None,
    replace: bool = True,
) -> Upload:
    path = session.folder / f"upload-{uuid.uuid4()}.png"
    write_image(Image(torch.rand(3, *size)), path)
    count = path.stat().st_size
    assert session.storage.take(count)
    received = uploads.Received(path, count)
    replace = replace and kind == "small"
    return uploads.admit(session, kind, received, "a name.png", limits or Limits(), replace=replace)


def test_a_new_small_image_replaces_the_old_one_and_references_add_up(session: Session) -> None:
    first = add(session, "small")
    second = add(session, "small")
    add(session, "reference"), add(session, "reference")
    assert session.uploads["small"] == [second]
    assert not Path(first.path).exists()
    assert len(session.uploads["reference"]) == 2
    assert set(session.files) == {f"{x.id}.png" for x in (second, *session.uploads["reference"])}
    assert session.storage.taken == sum(
        Path(x.path).stat().st_size for x in (second, *session.uploads["reference"])
    )


def test_several_small_images_stand_beside_each_other(session: Session) -> None:
    add(session, "small"), add(session, "small", replace=False)
    assert len(session.uploads["small"]) == 2
    with pytest.raises(ImageFileError, match="there are 2 images already"):
        add(session, "small", limits=Limits(images=2), replace=False)
    add(session, "small", limits=Limits(images=2))
    assert len(session.uploads["small"]) == 1


@pytest.mark.parametrize(("size", "shown"), [((3, 9000), (1, 192)), ((1600, 2400), (128, 192))])
def test_a_thumbnail_of_a_large_picture(
    session: Session, size: tuple[int, int], shown: tuple[int, int]
) -> None:
    upload = add(session, "reference", size)
    assert upload.size == size
    assert read_image(session.files[f"{upload.id}.png"].path).size == shown


def test_removing(session: Session) -> None:
    upload = add(session, "reference")
    assert session.remove("nothing") is None
    assert session.remove(upload.id) == "reference"
    assert session.remove(upload.id) is None
    assert not list(session.folder.iterdir()) and not session.files


def receive(
    session: Session,
    limits: Limits,
    *chunks: bytes,
    kind: Kind = "small",
    declared: int | None = None,
) -> uploads.Received:
    async def stream() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    job = uploads.receive(session, kind, stream(), limits, declared)
    with ThreadPoolExecutor(1) as pool:  # an event loop of a browser may be running here
        return pool.submit(asyncio.run, job).result()


def test_bytes_are_counted_as_they_arrive(session: Session) -> None:
    limits = Limits(file_bytes=2**20)
    received = receive(session, limits, bytes(2**19), bytes(2**19))
    assert received.path.stat().st_size == received.bytes == session.storage.taken == 2**20
    assert received.path.parent == session.folder
    for declared in (None, 2**20 + 1):
        with pytest.raises(ImageFileError, match="more than the 1 MiB that are allowed"):
            receive(session, limits, bytes(2**20), b"x", declared=declared)
    assert list(session.folder.iterdir()) == [received.path]
    assert session.storage.taken == 2**20


def test_more_than_was_declared_is_refused(session: Session) -> None:
    with pytest.raises(ImageFileError, match="more than"):
        receive(session, Limits(), bytes(11), declared=10)
    assert not list(session.folder.iterdir()) and session.storage.taken == 0


def test_bytes_of_all_files_are_bounded(tmp_path: Path) -> None:
    session = Sessions(tmp_path, Limits(session_bytes=1000)).enter()
    receive(session, Limits(), bytes(990))
    receive(session, Limits(), bytes(10))
    for declared in (1, None):
        with pytest.raises(ImageFileError, match=r"all your pictures together .*remove one first"):
            receive(session, Limits(), bytes(1), declared=declared)


def test_references_are_bounded(session: Session) -> None:
    limits = Limits(references=1)
    add(session, "reference", limits=limits)
    with pytest.raises(ImageFileError, match="there are 1 references already"):
        receive(session, limits, b"", kind="reference")
    with pytest.raises(ImageFileError, match="there are 1 references already"):
        add(session, "reference", limits=limits)
    assert len(list(session.folder.glob("upload-*"))) == 1
    assert session.storage.taken == session.uploads["reference"][0].bytes


def test_pixels_are_bounded_and_messages_use_the_visitors_name(session: Session) -> None:
    with pytest.raises(ImageFileError, match=r"a name\.png.*10 x 8") as caught:
        add(session, "small", limits=Limits(photo_pixels=79))
    assert str(session.folder) not in str(caught.value)
    assert not list(session.folder.iterdir())
    add(session, "small", limits=Limits(photo_pixels=80))


def order(
    session: Session,
    *,
    model: str = "fusion",
    scale: int = 4,
    reduce: bool = False,
    limits: Limits | None = None,
) -> Order:
    return order_of(
        session.uploads["small"],
        session.uploads["reference"],
        Settings(model, scale, reduce),
        limits or Limits(),
    )


def test_orders_that_cannot_be_met_are_refused_before_any_work(session: Session) -> None:
    with pytest.raises(OptionError, match="there is no small image yet"):
        order(session)
    with pytest.raises(OptionError, match="there is no sharp photo yet"):
        order(session, reduce=True)
    add(session, "small", (3, 10))
    with pytest.raises(ImageFileError, match="too few to be reduced 4 times"):
        order(session, reduce=True)
    with pytest.raises(OptionError, match="40 x 12 = 0 million pixels, more than"):
        order(session, limits=Limits(result_pixels=479))
    assert order(session, limits=Limits(result_pixels=480)).small[0].size == (3, 10)
    with pytest.raises(OptionError, match="transfer needs a reference"):
        order(session, model="transfer")
    assert order(session, model=BEST, scale=2).scale == 2


@pytest.mark.parametrize("model", ["/etc/passwd", "owner/name", "ttsr", "", "../weights"])
def test_a_model_is_a_name_never_a_file_or_an_address(session: Session, model: str) -> None:
    add(session, "small")
    with pytest.raises(OptionError, match=r"there is no model .* there are: .*transfer"):
        order(session, model=model)


def test_the_best_model_is_that_for_the_scale(session: Session) -> None:
    add(session, "small"), add(session, "reference")
    for scale in SCALES:
        assert order(session, model=BEST, scale=scale).model == DEFAULT_MODEL


@pytest.mark.parametrize("reduce", [True, False])
def test_a_job_leaves_files_and_words(session: Session, reduce: bool) -> None:
    add(session, "small", (16, 20)), add(session, "small", (12, 16), replace=False)
    add(session, "reference", (40, 50))
    seen: list[tuple[str, float, int]] = []
    with listening():
        made = list(
            make(
                order(session, model="transfer", scale=2, reduce=reduce),
                session.folder,
                3,
                2**20,
                lambda *x: seen.append(x),
            )
        )
    outcomes = [x for x in made if isinstance(x, Outcome)]
    assert [type(x) for x in made] == [Outcome, Page, Outcome, Page]
    names = {"before", "after", "truth"} if reduce else {"before", "after"}
    for number, outcome in enumerate(outcomes):
        assert outcome.pictures == {x: f"run-3-{number}-{x}.png" for x in names}
        assert all((session.folder / file).is_file() for file in outcome.pictures.values())
        assert (outcome.psnr is not None) == reduce
        assert outcome.verdict and not outcome.notes and not outcome.transparent
        assert json.loads(json.dumps(asdict(outcome)))["size"] == list(outcome.size)
    assert {x.file for x in made if isinstance(x, Page)} == {
        f"run-3-{number}-inspector.html" for number in range(2)
    }
    assert [(stage, part) for stage, done, part in seen if done == 0][:3] == [
        ("reading", 0),
        ("reading", 0),
        ("reference", 0),
    ]
    assert ("pictures", 1, 1) in seen


def test_the_results_of_a_job_replace_those_of_the_one_before(session: Session) -> None:
    order = order_with(session)
    first = Job(order, Settings(), session.new_run(), 1)
    session.begin(first)
    path = first.folder / "run-1-0-after.png"
    path.touch()
    (first.folder / "left by a worker that was killed").touch()
    session.serve(path.name, path)
    second = Job(order, Settings(), session.new_run(), 2)
    session.begin(second)
    assert not first.folder.exists() and path.name not in session.files
    assert second.folder.is_dir() and Path(order.small[0].path).exists()


def order_with(session: Session) -> Order:
    add(session, "small")
    return order(session)
