# SPDX-License-Identifier: Apache-2.0
"""Which file is made from which: decided, and checked for collisions, before any work."""

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ImageFileError, OptionError, OutputError
from ..foreign import shown
from ..images.formats import FORMATS
from .files import images_in


@dataclass(frozen=True)
class Job:
    """One image to be made sharp."""

    source: Path
    target: Path
    score_map: Path | None = None
    report: Path | None = None

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The files that it writes."""
        files = self.target, self.score_map, self.report
        return tuple(file for file in files if file is not None)


def plan_batch(
    inputs: Sequence[Path],
    output: str,
    *,
    references: Iterable[Path] = (),
    ext: str = "auto",
    suffix: str = "",
    score_map: str | None = None,
    report: str | None = None,
) -> list[Job]:
    """Pair every input with its output.

    `output` is a folder if it is one, if it ends with a slash, if there are several inputs, or if
    an input is a folder, whose subfolders are then kept. `score_map` and `report` follow `output`:
    a folder, or a file. Files are not opened.

    Args:
        inputs: files and folders.
        output: file or folder.
        references: files that must not be overwritten either.
        ext: extension of the results in a folder without its dot, "auto" for that of the input.
        suffix: put behind the names of the results in a folder.
        score_map: where the score maps go; they are PNG in a folder.
        report: where the inspector's pages go.

    Returns:
        Jobs in the order of the inputs; an input that was given twice has one.

    Raises:
        OptionError: there is no input, or ext or suffix is used with an output file.
        OutputError: two jobs would write one file, or one would overwrite an input or a reference.
        ImageFileError: a folder cannot be listed, or has no images.
    """
    if not inputs:
        raise OptionError("inputs: there must be at least one file or folder, got none")
    _check_name_parts(ext, suffix)
    if not _is_folder(inputs, output):
        if ext != "auto" or suffix:
            raise OptionError(
                f"output {shown(output)}: is a file name, so that ext and suffix have no use; "
                "leave them out, or give a folder (with a slash at its end)"
            )
        extras = (None if path is None else Path(path) for path in (score_map, report))
        jobs = [Job(inputs[0], Path(output), *extras)]
    else:
        folder = Path(output)
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"output {shown(output)}: is a file, expected a folder")
        maps = _folder(score_map, "score map")
        pages = _folder(report, "report")
        jobs = []
        for source, place in _sources(inputs, [x for x in (folder, maps, pages) if x is not None]):
            stem = place.parent / f"{place.stem}{suffix}"
            kind = place.suffix if ext == "auto" else f".{ext}"
            jobs.append(
                Job(
                    source,
                    folder / f"{stem}{kind}",
                    None if maps is None else maps / f"{stem}.png",
                    None if pages is None else pages / f"{stem}.html",
                )
            )
    jobs = list(dict.fromkeys(jobs))
    _check_collisions(jobs, list(references))
    return jobs


def _folder(path: str | None, what: str) -> Path | None:
    folder = None if path is None else Path(path)
    if folder is not None and folder.exists() and not folder.is_dir():
        raise OutputError(f"{what} {shown(folder)}: is a file, expected a folder")
    return folder


def _is_folder(inputs: Sequence[Path], output: str) -> bool:
    ends = (os.sep, "/")
    return (
        len(inputs) > 1
        or output.endswith(ends)
        or Path(output).is_dir()
        or any(path.is_dir() for path in inputs)
    )


def _check_name_parts(ext: str, suffix: str) -> None:
    known = [extension[1:] for format in FORMATS for extension in format.extensions]
    if ext not in ("auto", *known):
        raise OptionError(f"ext must be auto or one of {', '.join(known)}, got {ext!r}")
    if any(mark in suffix for mark in ("/", os.sep, "\0")):
        raise OptionError(f"suffix must be part of a file name, without slashes, got {suffix!r}")


def _sources(inputs: Sequence[Path], outputs: list[Path]) -> Iterable[tuple[Path, Path]]:
    """(input file, its place below the output folder) of each input."""
    for path in inputs:
        if not path.is_dir():
            yield path, Path(path.name)
            continue
        found = images_in(path, leave_out=[x for x in outputs if not _same(x, path)])
        if not found:
            raise ImageFileError(
                f"folder {shown(path)}: has no images (PNG, JPEG, TIFF or WebP, by extension)"
            )
        for file in found:
            yield file, file.relative_to(path)


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _check_collisions(jobs: Sequence[Job], references: Sequence[Path]) -> None:
    made_from: dict[str, Path] = {}
    read = {_key(path): ("input", path) for path in (job.source for job in jobs)}
    read |= {_key(path): ("reference", path) for path in references}
    files = {identity: named for named in read.values() if (identity := _identity(named[1]))}
    faults = []
    for job in jobs:
        for target in job.outputs:
            key = _key(target)
            if key in made_from:
                faults.append(
                    f"{shown(target)} would be made from both {shown(made_from[key])} and "
                    f"{shown(job.source)}"
                )
            made_from[key] = job.source
            identity = _identity(target)
            if hit := read.get(key) or (identity and files.get(identity)):
                faults.append(f"{shown(target)} is the {hit[0]} {shown(hit[1])} itself")
    if faults:
        more = f" (and {len(faults) - 5} more)" if len(faults) > 5 else ""
        raise OutputError(
            f"outputs collide: {'; '.join(faults[:5])}{more}; "
            "choose another output, a suffix, or inputs of different names"
        )


def _key(path: Path) -> str:
    """The same for two names of one file."""
    name = os.path.realpath(path)
    return name.casefold() if sys.platform in ("win32", "darwin") else name


def _identity(path: Path) -> tuple[int, int] | None:
    """The same for two hard links of one file; None where there is none."""
    try:
        state = path.stat()
    except (OSError, ValueError):
        return None
    return state.st_dev, state.st_ino
