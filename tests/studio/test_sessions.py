# SPDX-License-Identifier: Apache-2.0
"""Visitors, their uploads and their orders."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import torch

from searchtransfer.errors import ImageFileError, OptionError
from searchtransfer.images import Image, write_image
from searchtransfer.pretrained import default_model
from searchtransfer.studio import Limits, uploads
from searchtransfer.studio.job import BEST, make, order_of
from searchtransfer.studio.notes import listening
from searchtransfer.studio.sessions import Kind, Session, Sessions


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path, Limits(sessions=2, idle_seconds=1000.0))


@pytest.fixture
def session(sessions: Sessions) -> Session:
    return sessions.enter("tab")


def test_a_tab_has_one_session_with_a_secret_and_a_folder(sessions: Sessions) -> None:
    first, second = sessions.enter("a"), sessions.enter("b")
    assert sessions.of("a") is sessions.enter("a") is first is not second
    assert sessions.with_token(first.token) is first
    assert sessions.with_token("") is None
    assert len(first.token) >= 22 and first.token != second.token
    assert first.folder != second.folder
    assert first.folder.stat().st_mode & 0o077 == 0


def test_the_number_of_visitors_is_bounded(sessions: Sessions) -> None:
    sessions.enter("a"), sessions.enter("b")
    with pytest.raises(
        OptionError, match="as many visitors as are allowed, 2, are here already; try again later"
    ):
        sessions.enter("c")
    sessions.leave("a")
    sessions.enter("c")


def test_who_is_silent_for_too_long_has_left(sessions: Sessions) -> None:
    silent, lively = sessions.enter("a"), sessions.enter("b")
    silent.seen = lively.seen = -1e9
    sessions.touch("b")
    sessions.touch("nobody")
    sessions.enter("c")
    assert not silent.folder.exists() and lively.folder.exists()
    with pytest.raises(OptionError, match="this page is no longer connected; reload it"):
        sessions.of("a")
    assert sessions.with_token(silent.token) is None


def test_leaving_deletes_everything(sessions: Sessions, session: Session) -> None:
    add(session, "small")
    assert len(list(session.folder.iterdir())) == 2
    sessions.leave("tab")
    sessions.leave("tab")
    assert not session.folder.exists()
    assert session.cancelled and not session.files


def test_the_end_of_the_server_deletes_everything(sessions: Sessions, tmp_path: Path) -> None:
    add(sessions.enter("a"), "small")
    sessions.enter("b")
    sessions.close()
    assert not list(tmp_path.iterdir())


def add(
    session: Session, kind: Kind, size: tuple[int, int] = (8, 10), limits: Limits | None = None
) -> uploads.Upload:
    path = session.folder / f"upload-{uuid.uuid4()}.png"
    write_image(Image(torch.rand(3, *size)), path)
    return uploads.admit(session, kind, path, "a name.png", limits or Limits())


def test_a_new_small_image_replaces_the_old_one_and_references_add_up(session: Session) -> None:
    first = add(session, "small")
    second = add(session, "small")
    add(session, "reference"), add(session, "reference")
    assert session.uploads["small"] == [second]
    assert not first.path.exists()
    assert len(session.uploads["reference"]) == 2
    assert set(session.files) == {f"{x.id}.png" for x in (second, *session.uploads["reference"])}
    assert session.bytes == sum(
        x.path.stat().st_size for x in (second, *session.uploads["reference"])
    )


def test_removing(session: Session) -> None:
    upload = add(session, "reference")
    assert session.remove("nothing") is None
    assert session.remove(upload.id) == "reference"
    assert session.remove(upload.id) is None
    assert not list(session.folder.iterdir()) and not session.files


def receive(session: Session, limits: Limits, *chunks: bytes, kind: Kind = "small") -> Path:
    async def stream() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    # It waits for nothing here, so it needs no event loop; one of a browser may be running.
    with pytest.raises(StopIteration) as end:
        uploads.receive(session, kind, stream(), limits).send(None)
    return Path(end.value.value)


def test_bytes_are_counted_as_they_arrive(session: Session) -> None:
    limits = Limits(file_bytes=2**20)
    path = receive(session, limits, bytes(2**19), bytes(2**19))
    assert path.stat().st_size == 2**20 and path.parent == session.folder
    with pytest.raises(ImageFileError, match="more than the 1 MiB that are allowed"):
        receive(session, limits, bytes(2**20), b"x")
    assert list(session.folder.iterdir()) == [path]


def test_bytes_of_all_files_are_bounded(session: Session) -> None:
    size = add(session, "reference").bytes
    limits = Limits(session_bytes=size + 10)
    receive(session, limits, bytes(10))
    with pytest.raises(ImageFileError, match=r"all your pictures together .*remove one first"):
        receive(session, limits, bytes(11))


def test_references_are_bounded(session: Session) -> None:
    limits = Limits(references=1)
    add(session, "reference", limits=limits)
    with pytest.raises(ImageFileError, match="there are 1 references already"):
        receive(session, limits, b"", kind="reference")
    with pytest.raises(ImageFileError, match="there are 1 references already"):
        add(session, "reference", limits=limits)
    assert len(list(session.folder.glob("upload-*"))) == 1


def test_pixels_are_bounded_and_messages_use_the_visitors_name(session: Session) -> None:
    with pytest.raises(ImageFileError, match=r"a name\.png.*8 x 10") as caught:
        add(session, "small", limits=Limits(photo_pixels=79))
    assert str(session.folder) not in str(caught.value)
    assert not list(session.folder.iterdir())
    add(session, "small", limits=Limits(photo_pixels=80))


def order(session: Session, *, scale: int = 4, reduce: bool = False, limits: Limits | None = None):
    return order_of(session, "transfer", scale, reduce, limits or Limits())


def test_orders_that_cannot_be_met_are_refused_before_any_work(session: Session) -> None:
    with pytest.raises(OptionError, match="there is no small image yet"):
        order(session)
    with pytest.raises(OptionError, match="there is no sharp photo yet"):
        order(session, reduce=True)
    add(session, "small", (3, 10))
    with pytest.raises(ImageFileError, match="too few to be reduced 4 times"):
        order(session, reduce=True)
    with pytest.raises(OptionError, match="12 x 40 = 0 million pixels, more than"):
        order(session, limits=Limits(result_pixels=479))
    assert order(session, limits=Limits(result_pixels=480)).small.size == (3, 10)


@pytest.mark.parametrize("model", ["/etc/passwd", "owner/name", "ttsr", "", "../weights"])
def test_a_model_is_a_name_never_a_file_or_an_address(session: Session, model: str) -> None:
    add(session, "small")
    with pytest.raises(OptionError, match=r"there is no model .* there are: .*transfer"):
        order_of(session, model, 4, False, Limits())


def test_the_best_model_is_that_for_the_scale(session: Session) -> None:
    add(session, "small")
    for scale in (2, 3, 4, 8):
        assert order_of(session, BEST, scale, False, Limits()).model == default_model(scale)


def test_the_pictures_of_a_run_replace_those_of_the_run_before(session: Session) -> None:
    add(session, "small", (16, 20))
    add(session, "reference", (40, 50))
    seen: list[tuple[str, float]] = []
    for reduce in (True, False):
        with listening():
            outcome = make(
                order(session, scale=2, reduce=reduce),
                session,
                Limits(),
                lambda *x: seen.append(x),
            )
        keys = {key for key in session.files if key.startswith("run-")}
        names = {"before", "after", "truth"} if reduce else {"before", "after"}
        assert keys == {f"run-{session.run}-{name}.png" for name in names}
        assert {x.name for x in session.folder.glob("run-*")} == keys
        assert set(outcome.pictures) == names
        assert (outcome.quality is not None) == reduce
        assert outcome.verdict and not outcome.notes
    assert [stage for stage, done in seen if done == 0][:2] == ["reading", "reference"]
    assert ("pictures", 1) in seen
