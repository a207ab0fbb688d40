# SPDX-License-Identifier: Apache-2.0
"""Evaluations as a table on the screen, CSV and JSON."""

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from ..errors import OptionError
from ..files import OnExists, check_file, write_file
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


def table(evaluations: Sequence[Evaluation]) -> Table:
    """Means, a line for each method."""
    require_one_protocol(evaluations)
    result = Table(title=protocol_text(evaluations[0]) if evaluations else None)
    for i, heading in enumerate(("method", "PSNR (dB)", "SSIM", "LPIPS", "seconds", "photos")):
        result.add_column(heading, justify="right" if i else "left")
    for evaluation in evaluations:
        result.add_row(
            evaluation.method,
            shown(evaluation.mean("psnr"), 2),
            shown(evaluation.mean("ssim"), 4),
            shown(evaluation.mean("lpips"), 4),
            shown(evaluation.mean("seconds"), 2),
            str(len(evaluation.rows)),
        )
    return result


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
    """Everything, with means; an infinite PSNR is the text "inf", which JSON has no number for."""
    require_one_protocol(evaluations)
    content = []
    for evaluation in evaluations:
        means = {figure: evaluation.mean(figure) for figure in ("psnr", "ssim", "lpips", "seconds")}
        content.append({**asdict(evaluation), "mean": means})
    return json.dumps(_finite(content), indent=1, allow_nan=False) + "\n"


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
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
