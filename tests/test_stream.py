# SPDX-License-Identifier: Apache-2.0
"""Iterating over images: the same pictures, errors as items, read ahead by so many and no more."""

import threading

import pytest
import torch
from scenes import reduced, save, scene, sharp

from searchtransfer import Upscaler, upscale_each
from searchtransfer.errors import OptionError
from searchtransfer.images import read_image

UPSCALER = Upscaler.from_pretrained("transfer")


def test_the_pictures_are_those_of_the_upscaler_and_errors_are_items(tmp_path):
    lr, ref = scene(tmp_path)
    tensor = read_image(lr).colour
    (tmp_path / "bad.png").write_bytes(b"nonsense")
    sources = [lr, str(tmp_path / "bad.png"), tensor, torch.zeros(7)]
    items = list(upscale_each(UPSCALER, sources, str(ref)))
    expected = UPSCALER.upscale(lr, str(ref))
    assert [x.number for x in items] == [0, 1, 2, 3]
    assert all(x.source is y for x, y in zip(items, sources, strict=True))
    assert torch.equal(items[0].result.image.colour, expected.image.colour)
    assert torch.equal(items[2].result.image, expected.image.colour)
    assert "its content is plain text" in items[1].error and items[1].result is None
    assert items[3].error
    assert items[0].error is None and items[0].seconds > 0


@pytest.mark.parametrize("prefetch", [0, 1, 3])
def test_so_many_are_taken_early_and_no_more(prefetch):
    taken = []

    def endless():
        while True:
            taken.append(None)
            yield torch.rand(3, 4, 4)

    items = upscale_each(UPSCALER, endless(), [torch.rand(3, 24, 24)], prefetch=prefetch)
    for number in range(3):
        assert next(items).number == number
        assert len(taken) == number + prefetch + 1
    items.close()
    assert not [x for x in threading.enumerate() if x.name.startswith("read ahead") and not wait(x)]


def wait(thread: threading.Thread) -> bool:
    thread.join(5)
    return not thread.is_alive()


def test_progress_and_cancelling(tmp_path):
    small = [torch.rand(3, 6, 8) for _ in range(3)]
    heard, stop = [], threading.Event()

    def progress(number, stage, done):
        heard.append((number, stage))
        if (number, stage) == (1, "search"):
            stop.set()

    items = upscale_each(
        UPSCALER, small, [torch.rand(3, 24, 24)], on_progress=progress, cancelled=stop.is_set
    )
    assert [x.number for x in items] == [0]
    assert (0, "search") in heard and (1, "search") in heard


def test_an_error_of_the_callers_own_function_is_passed_on():
    def fail(number, stage, done):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        next(
            upscale_each(UPSCALER, [torch.rand(3, 4, 4)], [torch.rand(3, 24, 24)], on_progress=fail)
        )


@pytest.mark.filterwarnings("ignore::searchtransfer.upscaler.WeakReferenceWarning")
def test_threads_share_an_upscaler_and_a_reference(tmp_path):
    reference = UPSCALER.prepare([torch.from_numpy(sharp()).permute(2, 0, 1) / 255])
    paths = [save(tmp_path / f"{seed}.png", reduced(sharp(seed))) for seed in range(3)]
    expected = [x.result.image.colour for x in upscale_each(UPSCALER, paths, reference)]
    results = {}

    def work(name):
        results[name] = [x.result.image.colour for x in upscale_each(UPSCALER, paths, reference)]

    threads = [threading.Thread(target=work, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    for found in results.values():
        assert all(torch.equal(x, y) for x, y in zip(found, expected, strict=True))


@pytest.mark.parametrize("prefetch", [-1, True, 1.5])
def test_wrong_numbers(prefetch, as_users_run):
    with pytest.raises(OptionError, match="prefetch must be 0 or a positive whole number"):
        upscale_each(UPSCALER, [], prefetch=prefetch)
