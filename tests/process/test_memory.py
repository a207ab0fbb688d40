# SPDX-License-Identifier: Apache-2.0
"""Lack of memory: what libraries really say here, and that smaller tiles are tried."""

import subprocess
import sys

import pytest
from cli.commands import environment

from searchtransfer.errors import OutOfMemoryError
from searchtransfer.process.memory import SMALLEST_TILE, lacks_memory, with_smaller_tiles

PROVOKED = """
import resource, threading
import numpy as np, torch, torch.nn.functional as F
from PIL import Image
from searchtransfer.process.memory import lacks_memory
torch.set_num_threads(1)
x, w = torch.rand(1, 64, 400, 400), torch.rand(256, 64, 3, 3)
def many_threads():
    wait = threading.Event()
    try:
        for _ in range(100):
            threading.Thread(target=wait.wait, daemon=True).start()
    finally:
        wait.set()
calls = {
    "torch.empty": lambda: torch.empty(10**9),
    "conv2d": lambda: F.conv2d(x, w, padding=1),
    "expand": lambda: torch.zeros(1).expand(10**9).clone(),
    "numpy": lambda: np.empty(10**9),
    "list": lambda: [0] * 10**9,
    "Pillow": lambda: Image.new("RGB", (30000, 30000)),
    "threads": many_threads,
}
in_use = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (in_use + 10**8,) * 2)
for name, call in calls.items():
    try:
        call()
        print(name, "had enough")
    except Exception as error:
        print(name, lacks_memory(error))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits and /proc are those of Linux")
def test_what_libraries_raise_is_told():
    done = subprocess.run(
        [sys.executable, "-c", PROVOKED],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    lines = dict(line.split() for line in done.stdout.splitlines())
    assert lines == dict.fromkeys(
        ("torch.empty", "conv2d", "expand", "numpy", "list", "Pillow", "threads"), "True"
    ), done.stderr


NARROW = """
import resource, torch, torch.nn.functional as F
from searchtransfer.process.memory import lacks_memory
torch.set_num_threads(1)
F.conv2d(torch.rand(1, 8, 16, 16), torch.rand(8, 8, 3, 3))
size = int(open("/proc/self/status").read().split("VmSize:")[1].split()[0]) * 1024
for step in range(40):
    resource.setrlimit(resource.RLIMIT_AS, (size + step * 2**18, resource.RLIM_INFINITY))
    try:
        image = torch.rand(1, 16 + step, 40 + step, 40 + step)
        F.conv2d(image, torch.rand(16 + step, 16 + step, 3, 3), padding=1)
    except Exception as error:
        print(lacks_memory(error), error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits and /proc are those of Linux")
def test_whatever_a_convolution_says_where_there_is_hardly_any_is_told():
    """Each of another shape, for which code is made anew, in a little more memory than before."""
    done = subprocess.run(
        [sys.executable, "-c", NARROW],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    told = [line for line in done.stdout.splitlines() if line.startswith(("True", "False"))]
    assert told and all(line.startswith("True") for line in told), done.stdout + done.stderr


@pytest.mark.parametrize(
    "error", [RuntimeError("the memory is a strange thing"), ValueError("memory"), OSError(2, "x")]
)
def test_other_errors_are_no_lack_of_memory(error):
    assert not lacks_memory(error)


def test_the_cause_counts():
    try:
        try:
            raise MemoryError
        except MemoryError as cause:
            raise ValueError("what came of it") from cause
    except ValueError as error:
        assert lacks_memory(error)


def test_smaller_tiles_are_tried():
    tried = []

    def make(tile):
        tried.append(tile)
        if tile == 0 or tile > 100:
            return bytearray(2**62)
        return tile

    assert with_smaller_tiles(make, 0, (500, 700)) == 87
    assert tried == [0, 350, 175, 87]


def test_what_never_fits_is_told():
    tried = []

    def make(tile):
        tried.append(tile)
        return bytearray(2**62)

    with pytest.raises(OutOfMemoryError, match=r"100 x 90 pixels .* tiles of 32 .*--search refine"):
        with_smaller_tiles(make, 512, (90, 100))
    assert tried == [512, 50, SMALLEST_TILE]


def test_other_errors_are_not_tried_again():
    tried = []

    def make(tile):
        tried.append(tile)
        raise KeyError("mine")

    with pytest.raises(KeyError):
        with_smaller_tiles(make, 0, (500, 700))
    assert tried == [0]


WHOLE = """
import logging, resource, sys, warnings
import torch, torch.nn.functional as F
from searchtransfer import Upscaler
warnings.simplefilter("ignore")
torch.manual_seed(0)
torch.set_num_threads(1)
small = F.interpolate(torch.rand(1, 3, 30, 30), (240, 240), mode="bicubic").clamp(0, 1)[0]
upscaler = Upscaler.from_pretrained("fusion")
expected = upscaler.upscale(small, tile=80).image
logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
in_use = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (in_use + 140 * 2**20,) * 2)
print("off by", (upscaler.upscale(small, tile=0).image - expected).abs().max().item())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits and /proc are those of Linux")
def test_an_image_that_does_not_fit_whole_is_made_in_pieces():
    """In a process that has 140 MiB beyond what it took for pieces of 80 pixels."""
    done = subprocess.run(
        [sys.executable, "-c", WHOLE],
        # Else what was freed stays in the heap, in pieces, and is no room for others.
        env={**environment(), "MALLOC_MMAP_THRESHOLD_": "131072"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    *told, last = done.stdout.splitlines()
    assert told[:1] == ["not enough memory in tiles of 240 pixels, trying 120"]
    assert last.startswith("off by ")
    assert float(last.split()[-1]) < 1e-5
