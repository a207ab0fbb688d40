# SPDX-License-Identifier: Apache-2.0
"""Which file is made from which: decided, and checked for collisions, before any work."""

import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ..errors import OptionError, OutputError
from ..foreign import shown
from ..images import ImageWarning
from ..images.files import MANIFEST, some_images_in
from ..images.formats import WRITTEN, extension_for
from ..images.listing import EXTENSIONS, LeftOut
from .collisions import check_collisions, name_of

NO_FOLDERS = EXTENSIONS | {
    ".html",
    ".htm",
    ".pdf",
    ".svg",
}
"""A name that ends so is that of a file, unless a folder of that name is there."""


@dataclass(frozen=True)
class Job:
    """One image to be made sharp."""

    source: Path
    target: Path
    score_map: Path | None = None
    report: Path | None = None
    place: Path = field(default=Path(), compare=False)
    """The input's name below the folder that it was found in; its own name where it was named."""
    references: tuple[Path, ...] = ()
    """The photos that serve it."""

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The files that it writes."""
        files = self.target, self.score_map, self.report
        return tuple(file for file in files if file is not None)


class _Source(NamedTuple):
    path: Path
    place: Path
    """Below the output folder."""
    listed: bool
    """Found in a folder, not named."""


def plan_batch(
    inputs: Sequence[Path],
    output: str | None,
    *,
    references: Iterable[Path] = (),
    weights: Iterable[Path] = (),
    ext: str = "auto",
    suffix: str = "",
    score_map: str | None = None,
    report: str | None = None,
    go_on: bool = False,
    on_left_out: Callable[[LeftOut], None] | None = None,
) -> list[Job]:
    """Pair every input with its output.

    `output` is a folder if it is one, if it ends with a slash, if there are several inputs, or if
    an input is a folder, whose subfolders are then kept. `score_map` and `report` follow `output`:
    a folder, or a file. Files are not opened.

    An input that is the result of another input is left out: where it was only found in a folder,
    or where a batch goes on.

    Args:
        inputs: files and folders.
        output: file or folder; None: each result beside its input, which takes a suffix.
        references: files that must not be overwritten either.
        weights: likewise.
        ext: extension of the results in a folder without its dot, "auto" for that of the input, or
            PNG where that format is read only.
        suffix: put behind the names of the results in a folder.
        score_map: where the score maps go; they are PNG in a folder.
        report: where the inspector's pages go.
        go_on: with a batch that was begun before, so that its results may be among the inputs.
        on_left_out: hears of each file of a folder that is no image; None: a warning names them.

    Returns:
        Jobs in the order of the inputs; an input that was given twice has one.

    Raises:
        OptionError: there is no input, a path is empty, a file is named where a folder is needed,
            or ext or suffix is used with an output file.
        OutputError: two jobs would write one file, or one would overwrite an input, a reference or
            weights.
        ImageFileError: a folder cannot be listed, or has no images.

    Warns:
        ImageWarning: inputs are left out.
    """
    if not inputs:
        raise OptionError("inputs: there must be at least one file or folder, got none")
    _check_names(ext, suffix, {"output": output, "score map": score_map, "report": report})
    if output is not None and not _is_folder(inputs, output):
        if ext != "auto" or suffix:
            raise OptionError(
                f"output {shown(output)}: is a file name, so that ext and suffix have no use; "
                "leave them out, or give a folder (with a slash at its end)"
            )
        map_path, page = (None if path is None else Path(path) for path in (score_map, report))
        jobs = [Job(inputs[0], Path(output), map_path, page, Path(inputs[0].name))]
    else:
        jobs = _jobs(inputs, output, ext, suffix, score_map, report, go_on, on_left_out)
    read = dict.fromkeys(weights, "file of weights")
    read |= dict.fromkeys(references, "reference")
    read |= {job.source: "input" for job in jobs}
    check_collisions(((target, job.source) for job in jobs for target in job.outputs), read)
    return jobs


def _jobs(
    inputs: Sequence[Path],
    output: str | None,
    ext: str,
    suffix: str,
    score_map: str | None,
    report: str | None,
    go_on: bool,
    on_left_out: Callable[[LeftOut], None] | None,
) -> list[Job]:
    """Jobs whose results go into a folder, or beside their inputs."""
    if output is None and not suffix:
        raise OptionError("suffix: results beside their inputs need one, got none")
    folder = None if output is None else folder_named(output, "output")
    leave_out = [] if folder is None else [folder]

    def target(source: _Source) -> Path:
        where = source.path.parent if folder is None else folder / source.place.parent
        kind = extension_for(source.place.suffix) if ext == "auto" else f".{ext}"
        return where / f"{source.place.stem}{suffix}{kind}"

    def beside(path: str | None, what: str, ending: str) -> Callable[[_Source], Path | None]:
        if path is None:
            return lambda source: None
        if folder is None and not _is_folder(inputs, path):
            return lambda source: Path(path)
        into = folder_named(path, what)
        leave_out.append(into)
        return lambda source: into / source.place.parent / f"{source.place.stem}{suffix}{ending}"

    map_of, page_of = beside(score_map, "score map", ".png"), beside(report, "report", ".html")
    sources = _without_results(list(_sources(inputs, leave_out, on_left_out)), target, go_on)
    return list(
        dict.fromkeys(Job(x.path, target(x), map_of(x), page_of(x), x.place) for x in sources)
    )


def _without_results(
    sources: list[_Source], target: Callable[[_Source], Path], go_on: bool
) -> list[_Source]:
    """Leave out what is the result of another source; what was named stays in a new batch."""
    maker = {name_of(target(x)): name_of(x.path) for x in sources}
    kept: list[_Source] = []
    left: list[_Source] = []
    for source in sources:
        name = name_of(source.path)
        made = maker.get(name, name) != name
        (left if made and (source.listed or go_on) else kept).append(source)
    if left:
        warnings.warn(
            f"{len(left)} of the inputs are results of others and left out, "
            f"the first is {shown(left[0].path)}",
            ImageWarning,
            stacklevel=4,
        )
    return kept


def folder_named(path: str, what: str) -> Path:
    """A folder for results.

    Raises:
        OutputError: it is a file.
        OptionError: it is not there, and its name is that of a file.
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{what} {shown(path)}: is a file, expected a folder")
    if folder.suffix.lower() in NO_FOLDERS and not folder.is_dir() and not _ends_as_folder(path):
        raise OptionError(
            f"{what} {shown(path)}: is the name of a file, and a folder is needed (for several "
            "inputs, or a folder of them); put a slash at its end if it shall be one"
        )
    return folder


def manifest_folder(inputs: Sequence[Path], output: str | None, several: bool) -> Path | None:
    """The folder of results in which a manifest is kept; None where none is.

    Where results lie among the inputs there is none, unless several workers need one or it is there
    already: into a folder of photos come pictures, and nothing else.
    """
    if output is None or not _is_folder(inputs, output):
        return None
    folder = Path(output)
    beside = {os.path.realpath(x if x.is_dir() else x.parent) for x in inputs}
    if several or os.path.realpath(folder) not in beside or (folder / MANIFEST).exists():
        return folder
    return None


def _is_folder(inputs: Sequence[Path], output: str) -> bool:
    return (
        len(inputs) > 1
        or _ends_as_folder(output)
        or Path(output).is_dir()
        or any(path.is_dir() for path in inputs)
    )


def _ends_as_folder(path: str) -> bool:
    return path.endswith((os.sep, "/"))


def _check_names(ext: str, suffix: str, paths: Mapping[str, str | None]) -> None:
    known = [extension[1:] for format in WRITTEN for extension in format.extensions]
    if ext not in ("auto", *known):
        raise OptionError(f"ext must be auto or one of {', '.join(known)}, got {ext!r}")
    if any(mark in suffix for mark in ("/", os.sep, "\0")):
        raise OptionError(f"suffix must be part of a file name, without slashes, got {suffix!r}")
    for name, path in paths.items():
        if path == "":
            raise OptionError(f"{name}: the path is empty; is a variable of the shell not set?")


def _sources(
    inputs: Sequence[Path],
    outputs: list[Path],
    on_left_out: Callable[[LeftOut], None] | None,
) -> Iterable[_Source]:
    for path in inputs:
        if not path.is_dir():
            yield _Source(path, Path(path.name), listed=False)
            continue
        elsewhere = [x for x in outputs if os.path.realpath(x) != os.path.realpath(path)]
        for file in some_images_in(path, leave_out=elsewhere, on_left_out=on_left_out):
            yield _Source(file, file.relative_to(path), listed=True)
