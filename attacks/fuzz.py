# SPDX-License-Identifier: Apache-2.0
"""Hostile and mutated files of weights, references and configurations, in processes with limits.

    python attacks/fuzz.py [weights references configurations] [--count N] [--seconds S] [--seed 0]

Every known attack must raise the error that it states. Then sound files are changed at random; the
budget is a number of files and of seconds of the processor for each kind, whichever is over first.
Each must be read or raise an error of this package: no other exception, no crash, no file that
takes more than ten seconds of the processor, no more than 3 GiB of address space beyond what the
libraries take, no growth beyond 64 MiB. The table says how many were read and refused; exit code 1
if any was neither.
"""

import argparse
import faulthandler
import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import configurations
import numpy as np
import references
import weights

import searchtransfer
from searchtransfer import Reference, errors
from searchtransfer.models.fusion import load_network
from searchtransfer.training import load_config

KINDS: dict[str, tuple[ModuleType, Callable[[Path], object], str]] = {
    "weights": (weights, load_network, ".safetensors"),
    "references": (references, Reference.load, ".safetensors"),
    "configurations": (configurations, load_config, ".yaml"),
}
SECONDS_A_FILE, MEMORY, GROWTH = 10, 3 << 30, 64 << 20
WORDS = (b"[", b"]", b"{", b"}", b":", b"&a", b"*a", b"!!int", b"9" * 50, b"-1", b"null", b'"')


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """A few changes: bytes flipped, cut out, repeated or put in; more often near the beginning."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        limit = min(len(data), 1500) if rng.random() < 0.8 else len(data)
        at = int(rng.integers(limit + 1))
        length = int(rng.integers(1, 40))
        match int(rng.integers(6)):
            case 0 if at < len(data):
                data[at] ^= 1 << int(rng.integers(8))
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = data[at : at + length] * int(rng.integers(1, 30))
            case 3:
                data[at:at] = WORDS[int(rng.integers(len(WORDS)))]
            case 4:
                data[at : at + length] = rng.bytes(length)
            case _:
                data = data[:at] if rng.random() < 0.2 else data
    return bytes(data)


def outcome(read: Callable[[Path], object], path: Path) -> str:
    """What came of a file: "read", or the class of the error.

    Raises:
        Exception: any that is no error of this package.
    """
    signal.setitimer(signal.ITIMER_PROF, SECONDS_A_FILE)
    try:
        read(path)
    except errors.SearchTransferError as error:
        return type(error).__name__
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return "read"


def work(kind: str, count: int, seconds: float, seed: int, folder: Path) -> int:
    """All files of a kind, in this process; the number of faults."""
    module, read, suffix = KINDS[kind]
    resource.setrlimit(resource.RLIMIT_AS, (used("VmSize") + MEMORY,) * 2)
    faulthandler.enable()
    seen: Counter[str] = Counter()
    faults = 0
    for attack in module.attacks():
        path = folder / attack.name
        path.write_bytes(attack.content)
        found = tried(read, path)
        if found != attack.error:
            print(f"{kind}: {attack.name}: {found}, expected {attack.error}")
            faults += 1
        seen["attacks"] += 1
    rng = np.random.default_rng(seed)
    good, path = module.good(), folder / f"current{suffix}"
    begin, before = time.process_time(), used("VmRSS")
    while seen["mutants"] < count and time.process_time() - begin < seconds:
        content = mutated(good, rng)
        path.write_bytes(content)  # what is left there after a crash has caused it
        found = tried(read, path)
        if not found.endswith("Error") and found != "read":
            print(f"{kind}: mutant {seen['mutants']} of seed {seed}: {found}")
            faults += 1
        seen["mutants"] += 1
        seen[found] += 1
    growth = used("VmRSS") - before
    if growth > GROWTH:
        print(f"{kind}: grew by {growth >> 20} MiB")
        faults += 1
    print(json.dumps({"kind": kind, **seen, "growth in MiB": growth >> 20, "faults": faults}))
    return faults


def tried(read: Callable[[Path], object], path: Path) -> str:
    """`outcome`, or in several words what should not have been."""
    try:
        return outcome(read, path)
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {error}"


def used(what: str) -> int:
    """Bytes that this process has now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) << 10
    raise OSError(f"/proc/self/status does not say {what}")


def _took_too_long(number: int, frame: object) -> None:
    raise TimeoutError(f"more than {SECONDS_A_FILE} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], help="default: all")
    parser.add_argument("--count", type=int, default=2000, help="of mutants, for each kind")
    parser.add_argument("--seconds", type=float, default=60, help="for mutants, for each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--here", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        signal.signal(signal.SIGPROF, _took_too_long)
        kind = options.kinds[0]
        return min(1, work(kind, options.count, options.seconds, options.seed, options.here))
    print(f"searchtransfer {searchtransfer.__version__}, seed {options.seed}", flush=True)
    faults = 0
    for kind in options.kinds or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            words = [f"--{x}={getattr(options, x)}" for x in ("count", "seconds", "seed")]
            command = [sys.executable, __file__, kind, *words, f"--here={folder}"]
            code = subprocess.run(command, check=False).returncode
            if code < 0 or code > 1:
                print(f"{kind}: ended by {code}; the file was {folder}")
            faults += bool(code)
    return min(1, faults)


if __name__ == "__main__":
    sys.exit(main())
