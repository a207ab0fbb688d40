# SPDX-License-Identifier: Apache-2.0
"""Progress as one bar, and jobs in a process that can be ended."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from studio.server import wait_for

from searchtransfer.errors import OptionError
from searchtransfer.images import Image, write_image
from searchtransfer.studio.course import STAGES, Course
from searchtransfer.studio.limits import Limits
from searchtransfer.studio.orders import Order, Settings, Upload
from searchtransfer.studio.workshop import Job, Workshop


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_the_shares_of_the_stages_are_all() -> None:
    assert sum(share for _, share in STAGES.values()) == pytest.approx(1)


@pytest.mark.parametrize("parts", [1, 3])
def test_a_course_goes_from_nothing_to_all_and_never_back(parts: int) -> None:
    course = Course(parts, clock=Clock())
    assert course.now().done == 0
    seen = []
    for part in range(parts):
        for stage in STAGES:
            for done in (0.0, 0.5, 0.25, 1.0):
                course.progressed(stage, done, part)
                seen.append(course.now().done)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1)
    course.progressed("reading", 0.5)
    assert course.now().done == pytest.approx(1)


def test_the_image_of_several_is_said() -> None:
    course = Course(3, clock=Clock())
    course.progressed("search", 0.5, 1)
    assert course.now().stage.startswith("Image 2 of 3: searching")


def test_the_time_left_is_told_once_it_can_be_known() -> None:
    clock = Clock()
    course = Course(1, 40.0, clock)
    course.progressed("search", 0.5)
    assert course.now().seconds_left is None
    clock.seconds += 4
    moment = course.now()
    assert moment.seconds_left == pytest.approx(40 * (1 - moment.done))
    assert moment.stage == STAGES["search"][0]
    clock.seconds += 100  # longer than was foreseen
    assert course.now().seconds_left == pytest.approx(104 * (1 - moment.done))


def test_stages_of_other_names_and_odd_parts_change_nothing() -> None:
    course = Course(1, clock=Clock())
    course.progressed("search", 1.0)
    before = course.now()
    course.progressed("unheard of", 1.0)
    course.progressed("search", 7.0)
    assert course.now() == before


def upload(folder: Path, size: tuple[int, int], name: str) -> Upload:
    path = folder / name
    write_image(Image(torch.rand(3, *size)), path)
    return Upload(name, name, str(path), size, path.stat().st_size)


def job(folder: Path, side: int = 10, reference: int = 48, model: str = "transfer") -> Job:
    folder.mkdir(exist_ok=True)
    small = upload(folder, (side, side), "small.png")
    photo = upload(folder, (reference, reference), "photo.png")
    order = Order((small,), (photo,), model, 4, False)
    return Job(order, Settings(model), folder, 1)


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    made = Workshop(Limits(waiting=2))
    yield made
    made.close()


def done(*jobs: Job) -> None:
    for each in jobs:
        assert each.done.wait(600)


def test_work_gives_files_and_words(workshop: Workshop, tmp_path: Path) -> None:
    work = job(tmp_path)
    workshop.begin(work)
    done(work)
    assert work.fault is None
    (outcome,) = work.outcomes
    assert outcome.size == (40, 40)
    assert all((tmp_path / file).is_file() for file in (*outcome.pictures.values(), work.pages[0]))
    assert work.moment is not None and work.moment.done == pytest.approx(1)
    assert workshop.expected(work.order) > 0


def test_how_long_it_takes_is_known_about(tmp_path: Path) -> None:
    """From the sizes, and from jobs before; those that took a moment say little."""
    workshop = Workshop(Limits())
    small = Upload("", "", "", (32, 40), 0)
    photo = Upload("", "", "", (500, 741), 0)
    huge = Upload("", "", "", (4000, 6000), 0)

    def expected(
        *small: Upload, references: tuple[Upload, ...] = (photo,), scale: int = 4
    ) -> float:
        return workshop.expected(Order(small, references, "transfer", scale, False))

    assert expected(small) < 2 < expected(photo) < expected(photo, photo)
    assert expected(photo, scale=2) < expected(photo)
    assert expected(small) < expected(small, references=(huge,)) < 5 * expected(photo)
    before = expected(photo)
    order = Order((photo,), (photo,), "transfer", 4, False)
    workshop._learn(order, 3 * before)
    assert expected(photo) == pytest.approx(3 * before)
    workshop._learn(order, 0.01)
    assert expected(photo) == pytest.approx(3 * before, rel=0.01)
    workshop.close()


def test_a_worker_that_died_while_it_waited_is_replaced(workshop: Workshop, tmp_path: Path) -> None:
    workshop.warm()
    process = workshop._process
    assert process is not None
    os.kill(process.popen.pid, signal.SIGKILL)
    process.popen.wait()
    work = job(tmp_path)
    workshop.begin(work)
    done(work)
    assert work.fault is None and work.outcomes


def test_a_refusal_is_told_in_the_visitors_words(workshop: Workshop, tmp_path: Path) -> None:
    work = job(tmp_path)
    Path(work.order.small[0].path).write_text("no picture")
    workshop.begin(work)
    done(work)
    assert work.fault is not None and work.fault.id == ""
    assert "Small.png" in work.fault.message or "small.png" in work.fault.message
    assert str(tmp_path) not in work.fault.message
    again = job(tmp_path / "again")
    workshop.begin(again)
    done(again)
    assert again.fault is None


def test_one_at_a_time_and_all_can_be_cancelled(workshop: Workshop, tmp_path: Path) -> None:
    first, second, third = (
        job(tmp_path / name, side, reference)
        for name, side, reference in (("a", 300, 1500), ("b", 10, 48), ("c", 10, 48))
    )
    for each in (first, second, third):
        workshop.begin(each)
    assert [workshop.ahead(x) for x in (first, second, third)] == [0, 1, 2]
    with pytest.raises(OptionError, match="2 jobs are waiting already"):
        workshop.begin(job(tmp_path / "d"))
    second.cancel()
    done(second)
    assert second.fault is not None and second.fault.wanted
    assert not first.done.is_set() and not third.done.is_set() and third.moment is None
    first.cancel()
    done(first, third)
    assert first.fault is not None and first.fault.wanted
    assert third.fault is None and third.outcomes


def test_work_ends_in_time(tmp_path: Path) -> None:
    workshop = Workshop(Limits(job_seconds=0.2))
    work = job(tmp_path, 300, 1500)
    workshop.begin(work)
    done(work)
    workshop.close()
    assert work.fault is not None
    assert "a job may take 0 seconds here. Use a smaller image" in work.fault.message


def test_work_that_needs_too_much_memory_is_ended(tmp_path: Path) -> None:
    workshop = Workshop(Limits(job_bytes=50 * 2**20))  # less than torch alone
    work = job(tmp_path)
    workshop.begin(work)
    done(work)
    workshop.close()
    assert work.fault is not None and "not enough memory" in work.fault.message


def test_a_worker_that_is_killed_is_told_and_replaced(workshop: Workshop, tmp_path: Path) -> None:
    work = job(tmp_path, 300, 1500)
    workshop.begin(work)
    wait_for(lambda: work.moment is not None and work.moment.done > 0, 120)
    process = workshop._process
    assert process is not None
    os.kill(process.popen.pid, signal.SIGKILL)
    done(work)
    assert work.fault is not None and work.fault.id and "not enough memory" in work.fault.message
    again = job(tmp_path / "again")
    workshop.begin(again)
    done(again)
    assert again.fault is None
