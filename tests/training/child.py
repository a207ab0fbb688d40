# SPDX-License-Identifier: Apache-2.0
"""A process that trains and may kill itself.

    child.py CONFIG [--resume] [--kill WHEN] [A.B=C ...]

WHEN: `step:N` after step N; `write:N` in the middle of writing the checkpoint of step N, with half
of the bytes on disk; `swap:N` when that file is complete but not yet under its name; `validation:N`
when N photos of all validations have been measured.
"""

import os
import signal
import sys
from pathlib import Path

from searchtransfer.evaluation import protocol
from searchtransfer.training import checkpoint, load_config, train


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def die_writing(step, halved):
    write = checkpoint.write_file

    def instead(path, *args, **options):
        if path.name == f"step-{step:09}.safetensors":
            os.fsync = die_syncing
        write(path, *args, **options)

    def die_syncing(handle):
        if halved:
            os.ftruncate(handle, os.fstat(handle).st_size // 2)
        die()

    checkpoint.write_file = instead


def die_measuring(count):
    measure, seen = protocol.psnr, []

    def instead(*args):
        seen.append(args)
        if len(seen) == count:
            die()
        return measure(*args)

    protocol.psnr = instead


def main(config, *words):
    resume = "--resume" in words
    overrides = [word for word in words if "=" in word]
    when, _, number = (words[words.index("--kill") + 1] if "--kill" in words else "").partition(":")
    if when in ("write", "swap"):
        die_writing(int(number), halved=when == "write")
    elif when == "validation":
        die_measuring(int(number))

    def on_progress(progress):
        if progress.note:
            print(progress.note, flush=True)
        if progress.losses:
            print(f"step {progress.step}", flush=True)
            if when == "step" and progress.step == int(number):
                die()

    outcome = train(load_config(Path(config), overrides), resume=resume, on_progress=on_progress)
    print(f"finished at {outcome.step}, interrupted: {outcome.interrupted}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
