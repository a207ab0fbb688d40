# SPDX-License-Identifier: Apache-2.0
"""Everything from photos to weights; started again, it continues.

    python -m searchtransfer.training.fusion CONFIG.yaml DATA WORK [--teacher STEM]

DATA is a folder of photos (see `sources.find_sources`). WORK receives `crops/`, and `run/` with the
weights and their log (see `run.py`). The configuration says how many crops, and all seeds.
"""

import argparse
import multiprocessing
import sys
from pathlib import Path

from ...errors import ConfigError
from .config import Config, read_config
from .prepare import prepare
from .run import Run
from .sources import find_sources
from .teacher import Teacher


def train_from_photos(
    config: Config, data: Path, work: Path, teacher: Path | None = None, processes: int = 1
) -> Path:
    """Prepare the crops that are missing, then train.

    Args:
        config: its `crops` and `held_out_crops` are prepared.
        data: a folder of photos.
        work: receives crops and run.
        teacher: files of SPAN x4 without their suffix.
        processes: that prepare crops.

    Returns:
        The best weights.

    Raises:
        ConfigError: the configuration does not say how many crops.
        DataError: there are no photos, or the teacher cannot be read.
    """
    if config.crops is None:
        raise ConfigError("crops must be a number: how many to prepare")
    crops = work / "crops"
    jobs = [
        (data, crops / "held-out", range(config.held_out_crops), config.seed + 1, True, None),
        *(
            (
                data,
                crops / "train",
                range(i, config.crops, processes),
                config.seed + 2,
                False,
                teacher,
            )
            for i in range(processes)
        ),
    ]
    if processes == 1:
        for job in jobs:
            _prepare(*job)
    else:
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            pool.starmap(_prepare, jobs, chunksize=1)
    run = Run(config, crops, work / "run")
    run.train()
    return run.folder / "best.safetensors"


def _prepare(
    data: Path, out: Path, numbers: range, seed: int, held_out: bool, teacher: Path | None
) -> None:
    prepare(find_sources(data, held_out), out, numbers, seed, Teacher(teacher) if teacher else None)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("config", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--teacher", type=Path, help="files of SPAN x4, without their suffix")
    parser.add_argument("--processes", type=int, default=1, help="that prepare crops")
    options = parser.parse_args()
    best = train_from_photos(
        read_config(options.config),
        options.data,
        options.work,
        options.teacher,
        options.processes,
    )
    sys.stdout.write(f"{best}\n")


if __name__ == "__main__":
    main()
