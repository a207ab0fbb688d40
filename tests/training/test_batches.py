# SPDX-License-Identifier: Apache-2.0
import math
import multiprocessing
import os
import signal
import threading

import pytest
from torch.utils.data import Dataset

from searchtransfer.errors import ConfigError
from searchtransfer.training.batches import Chunks, Division, ReadersDied, steps_of
from searchtransfer.training.config import Optimiser
from searchtransfer.training.schedule import rate_share, stretch_at, stretches
from searchtransfer.training.ttsr.config import Losses, TTSRPhase


class Numbers(Dataset):
    """Each sample is its own number."""

    def __getitem__(self, draw):
        return draw


def draws(batch, parts=1, processes=1, start=0, stop=5, length=7):
    """Draws of each step, over all processes and parts, in the order of the batch."""
    divisions = [Division(batch, parts, processes, p) for p in range(processes)]
    lists = [iter(Chunks(d, length, start, stop, seed=3)) for d in divisions]
    steps = []
    for _ in range(start, stop):
        step = [None] * batch
        for division, chunks in zip(divisions, lists, strict=True):
            for place in division.slices():
                step[place] = next(chunks)
        steps.append(step)
    assert all(next(chunks, None) is None for chunks in lists)
    return steps


@pytest.mark.parametrize(("parts", "processes"), [(1, 1), (2, 1), (1, 2), (3, 2), (1, 12), (12, 1)])
def test_the_same_draws_however_divided(parts, processes):
    assert draws(12, parts, processes) == draws(12)


def test_going_on_takes_the_draws_that_would_have_come():
    assert draws(4, 2, 2, start=3) == draws(4)[3:]


def test_each_photo_once_an_epoch():
    flat = [draw for step in draws(3, stop=14) for draw in step]
    for epoch in range(6):
        part = flat[7 * epoch : 7 * (epoch + 1)]
        assert sorted(part) == list(range(7 * epoch, 7 * (epoch + 1)))


@pytest.mark.parametrize(("parts", "processes"), [(2, 1), (1, 3), (4, 4)])
def test_an_uneven_division_is_refused(parts, processes):
    with pytest.raises(ConfigError, match=f"over {processes} processes and {parts} parts"):
        Division(5, parts, processes)


def test_steps_of_a_loader():
    chunks = Chunks(Division(4, 2), 6, 1, 3, seed=0)
    steps = list(steps_of(Numbers(), tuple, chunks, workers=0))
    assert [[len(part) for part in step] for step in steps] == [[2, 2], [2, 2]]
    assert [[d for part in step for d in part] for step in steps] == [
        [d for part in list(chunks)[i : i + 2] for d in part] for i in (0, 2)
    ]


class Gone(Dataset):
    """A reader that is dead when its first sample is asked for."""

    def __getitem__(self, draw):
        os.kill(os.getpid(), signal.SIGKILL)


class Lost:
    """What a reader sends that dies meanwhile: its files are closed before it is dead."""

    def __init__(self, reader):
        self.reader = reader

    def __reduce__(self):
        return _lose, (self.reader,)


def _lose(reader):
    threading.Timer(0.2, os.kill, (reader, signal.SIGKILL)).start()
    raise ConnectionResetError("Connection reset by peer")


def lost(samples):
    return Lost(os.getpid())


@pytest.mark.parametrize(("dataset", "collate"), [(Gone(), tuple), (Numbers(), lost)])
def test_a_reader_that_dies(dataset, collate):
    """Afterwards nothing of torch tells it again, wherever the program is when the others end."""
    steps = steps_of(dataset, collate, Chunks(Division(4, 2), 6, 0, 3, seed=0), workers=2)
    before = set(multiprocessing.active_children())
    with pytest.raises(ReadersDied, match=r"died \(signal 9: Killed\)\. .* lower it and resume"):
        next(steps)
    assert set(multiprocessing.active_children()) <= before


class Faulty(Dataset):
    def __getitem__(self, draw):
        raise ValueError("of the data")


def test_an_error_of_a_living_reader_stays_itself():
    chunks = Chunks(Division(4, 2), 6, 0, 3, seed=0)
    with pytest.raises(ValueError, match="of the data"):
        next(steps_of(Faulty(), tuple, chunks, workers=1))


def test_phases_in_steps():
    phases = [
        TTSRPhase(name="a", epochs=2.0),
        TTSRPhase(name="b", steps=3),
        TTSRPhase(name="c", epochs=0.001, losses=Losses(l1=2.0)),
    ]
    plan = stretches(phases, samples=10, batch=4)
    assert [(s.phase.name, s.stop) for s in plan] == [("a", 5), ("b", 8), ("c", 9)]
    assert [stretch_at(plan, step).phase.name for step in range(9)] == list("aaaaabbbc")
    assert stretch_at(plan, 8).phase.losses.l1 == 2


def test_rates():
    assert [rate_share(Optimiser(), step, 5) for step in range(5)] == [1] * 5
    warm = Optimiser(warm_up_steps=4)
    assert [rate_share(warm, step, 9) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]
    cosine = Optimiser(schedule="cosine", final_share=0.1, warm_up_steps=2)
    shares = [rate_share(cosine, step, 12) for step in range(2, 13)]
    assert shares[0] == 1
    assert shares[5] == pytest.approx(0.55)
    assert shares[10] == pytest.approx(0.1)
    assert shares == sorted(shares, reverse=True)
    assert shares[2] == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 5)) / 2)
    assert rate_share(cosine, 2, 2) == 1  # no step is left after the warm-up
