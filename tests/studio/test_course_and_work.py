# SPDX-License-Identifier: Apache-2.0
"""Progress as one bar, and jobs that can be ended."""

import threading
import time

import pytest

from searchtransfer.batch import Stopped
from searchtransfer.progress import Progress
from searchtransfer.studio.course import STAGES, Course
from searchtransfer.studio.work import OutOfTime, Work


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_the_shares_of_the_stages_are_all() -> None:
    assert sum(share for _, share in STAGES.values()) == pytest.approx(1)


def test_a_course_goes_from_nothing_to_all_and_never_back() -> None:
    course = Course(Clock())
    assert course.now().done == 0
    seen = []
    for stage in STAGES:
        for done in (0.0, 0.5, 0.25, 1.0):
            course.progressed(stage, done)
            seen.append(course.now().done)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1)
    course.progressed("reading", 0.5)
    assert course.now().done == pytest.approx(1)


def test_the_time_left_is_told_once_it_can_be_known() -> None:
    clock = Clock()
    course = Course(clock)
    course.progressed("search", 0.5)
    assert course.now().seconds_left is None
    clock.seconds += 4
    moment = course.now()
    assert moment.seconds_left == pytest.approx(4 * (1 - moment.done) / moment.done)
    assert moment.stage == STAGES["search"][0]


def test_stages_of_other_names_and_odd_parts_change_nothing() -> None:
    course = Course(Clock())
    course.progressed("search", 1.0)
    before = course.now()
    course.progressed("unheard of", 1.0)
    course.progressed("search", 7.0)
    assert course.now() == before


def test_work_gives_its_result() -> None:
    def job(progress: Progress) -> int:
        progress("search", 0.5)
        return 42

    work = Work(job, 10.0)
    assert work.result() == 42
    assert work.course.now().done > 0.3


def test_work_raises_what_its_job_raises() -> None:
    def job(progress: Progress) -> int:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        Work(job, 10.0).result()


def endless(progress: Progress) -> None:
    while True:
        progress("search", 0.1)
        time.sleep(0.01)


def test_work_is_cancelled() -> None:
    work = Work(endless, 60.0)
    assert not work.done.wait(0.1)
    work.cancel()
    with pytest.raises(Stopped):
        work.result()


def test_work_that_ends_after_it_was_cancelled_counts_as_cancelled() -> None:
    begun, go = threading.Event(), threading.Event()

    def job(progress: Progress) -> int:
        begun.set()
        go.wait()
        return 42

    work = Work(job, 60.0)
    begun.wait()
    work.cancel()
    go.set()
    with pytest.raises(Stopped):
        work.result()


def test_work_ends_in_time() -> None:
    with pytest.raises(OutOfTime, match=r"a job may take 0 seconds here\. Use a smaller image"):
        Work(endless, 0.05).result()


def test_one_at_a_time_and_one_that_waits_can_be_cancelled() -> None:
    first = Work(endless, 60.0)
    wait = Work(endless, 60.0)
    third = Work(lambda progress: "done", 60.0)
    assert not third.done.wait(0.3)
    wait.cancel()
    with pytest.raises(Stopped):
        wait.result()
    assert not third.done.is_set()
    first.cancel()
    assert third.result() == "done"
