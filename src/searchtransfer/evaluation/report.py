# SPDX-License-Identifier: Apache-2.0
"""Evaluations as a table on the screen, CSV and JSON."""

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from ..errors import OptionError, OutputError
from ..files import OnExists, check_file, write_file
from ..foreign import in_line
from ..foreign import shown as quoted
from .protocol import Evaluation

_COLUMNS = ("method", "profile", "scale", "photo", "psnr", "ssim", "lpips", "seconds")


def require_one_protocol(evaluations: Sequence[Evaluation]) -> None:
    """Refuse to put figures side by side that do not compare.

    Raises:
        OptionError: profile, number of references or scale differ.
    """
    protocols = {(e.profile, e.references, e.scale) for e in evaluations}
    if len(protocols) > 1:
        raise OptionError(f"evaluations of different protocols share no report: {protocols}")


def protocol_text(evaluation: Evaluation) -> str:
    """The protocol in words, for the head of a report."""
    border = "no border cropped" if evaluation.profile == "ttsr" else "4 pixels of border cropped"
    which = "first reference" if evaluation.references == "first" else "all references"
    return (
        f"x{evaluation.scale}, profile {evaluation.profile}: PSNR and SSIM of luma, {border}; "
        f"{which} of each photo"
    )


def table(evaluations: Sequence[Evaluation]) -> list[str]:
    """Means in lines of text, one for each method under a heading."""
    require_one_protocol(evaluations)
    rows = [("method", "PSNR (dB)", "SSIM", "LPIPS", "seconds", "photos")]
    rows += [
        (
            in_line(e.method),
            shown(e.mean("psnr"), 2),
            shown(e.mean("ssim"), 4),
            shown(e.mean("lpips"), 4),
            shown(e.mean("seconds"), 2),
            str(len(e.rows)),
        )
        for e in evaluations
    ]
    first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines = [protocol_text(evaluations[0])] if evaluations else []
    for name, *figures in rows:
        cells = (x.rjust(width) for x, width in zip(figures, others, strict=True))
        lines.append("  ".join([name.ljust(first), *cells]))
    return lines + exact_notes(evaluations)


def exact_notes(evaluations: Sequence[Evaluation]) -> list[str]:
    """A sentence for each method that restored photos exactly."""
    return [
        f"{in_line(e.method)}: {e.exact} of {len(e.rows)} photos restored exactly, whose PSNR is "
        "in no mean"
        for e in evaluations
        if e.exact
    ]


def to_csv(evaluations: Sequence[Evaluation]) -> str:
    """A line for each method and photo."""
    require_one_protocol(evaluations)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_COLUMNS, "references", "notes"])
    for e in evaluations:
        for row in e.rows:
            figures = [row.psnr, row.ssim, "" if row.lpips is None else row.lpips, row.seconds]
            lists = ["|".join(row.references), "|".join(row.notes)]
            writer.writerow([e.method, e.profile, e.scale, row.name, *figures, *lists])
    return text.getvalue()


def to_json(evaluations: Sequence[Evaluation]) -> str:
    """Everything, with means; an infinite PSNR is null, which JSON has no number for."""
    require_one_protocol(evaluations)
    content = []
    for evaluation in evaluations:
        means = {figure: evaluation.mean(figure) for figure in ("psnr", "ssim", "lpips", "seconds")}
        content.append({**asdict(evaluation), "mean": means, "exact": evaluation.exact})
    return json.dumps(_finite(content), indent=1, allow_nan=False) + "\n"


def check_reports(
    reports: Mapping[str, Path], inputs: Iterable[Path], overwrite: bool = False
) -> None:
    """Find out before any work whether reports can be written.

    Args:
        reports: by the options that ask for them.
        inputs: files that are read, which must not be replaced.
        overwrite: replace reports that exist.

    Raises:
        OutputError: two are one file; or one exists, is an input, or cannot be written.
    """
    options: dict[str, str] = {}
    for option, path in reports.items():
        name = os.path.realpath(path)
        if name in options:
            raise OutputError(
                f"report {quoted(path)}: {options[name]} and {option} name the same file; "
                "give each its own"
            )
        options[name] = option
    read = list(inputs)
    on_exists: OnExists = "overwrite" if overwrite else "error"
    for path in reports.values():
        check_file(path, on_exists=on_exists, inputs=read, what="report", allow="--overwrite")


def write_report(path: Path, text: str, overwrite: bool = False) -> None:
    """Write a report, whole or not at all.

    Raises:
        OutputError: the file exists, or cannot be written.
    """
    on_exists: OnExists = "overwrite" if overwrite else "error"
    check_file(path, on_exists=on_exists, what="report", allow="--overwrite")
    write_file(path, text.encode("utf-8", "backslashreplace"), on_exists=on_exists, what="report")


def shown(value: float | None, digits: int) -> str:
    """A figure for people."""
    return "-" if value is None else f"{value:.{digits}f}"


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
