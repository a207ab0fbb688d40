# SPDX-License-Identifier: Apache-2.0
"""A report with pictures: one HTML file that needs nothing else, worst cases first."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image as PILImage
from torch import Tensor

from ..errors import OptionError
from ..foreign import in_html
from ..images import up
from ..images.image import quantise
from .protocol import Evaluation, Pictures, Row
from .report import exact_notes, protocol_text, require_one_protocol, shown

_SHOWN_REFERENCES = 2

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>Evaluation</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2em; color: #222; background: #fff }}
table {{ border-collapse: collapse }} td, th {{ padding: .2em .8em; text-align: right }}
td:first-child, th:first-child {{ text-align: left }} tr {{ border-bottom: 1px solid #ccc }}
.case {{ display: flex; flex-wrap: wrap; gap: .5em; margin-bottom: 2em }}
figure {{ margin: 0 }} img {{ display: block; max-width: 32em; width: 100% }}
.note {{ color: #a40 }}
</style></head><body>
<h1>Evaluation</h1>
<p>{protocol}</p>
{tables}
{cases}
</body></html>
"""


@dataclass
class Gallery:
    """Collects the pictures of the worst photos as they are measured; hand `add` to `evaluate`."""

    limit: int = 20
    """Photos of a method that are shown."""
    _cases: list[tuple[Row, dict[str, bytes]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.limit < 0:
            raise OptionError(f"gallery: the number of photos is at least 0, got {self.limit}")

    def add(self, row: Row, pictures: Pictures) -> None:
        """Keep the pictures if the photo is among the worst so far."""
        if len(self._cases) >= self.limit and (
            not self._cases or row.psnr >= self._cases[-1][0].psnr
        ):
            return
        scale = pictures.truth.shape[1] // pictures.lr.shape[1]
        images = {
            "bicubic": up(pictures.lr, scale),
            "result": pictures.result,
            "truth": pictures.truth,
        }
        for i, reference in enumerate(pictures.references[:_SHOWN_REFERENCES], 1):
            images[f"reference {i}"] = reference
        self._cases.append((row, {name: _png(image) for name, image in images.items()}))
        self._cases.sort(key=lambda case: case[0].psnr)
        del self._cases[self.limit :]

    @property
    def cases(self) -> list[tuple[Row, dict[str, bytes]]]:
        """Rows and their pictures as PNG files, the worst first."""
        return self._cases


def to_html(evaluations: Sequence[Evaluation], galleries: Sequence[Gallery]) -> str:
    """The page.

    Args:
        evaluations: of one protocol.
        galleries: one for each evaluation.

    Raises:
        OptionError: the evaluations do not share a protocol.
    """
    require_one_protocol(evaluations)
    cases = [
        _section(evaluation, gallery)
        for evaluation, gallery in zip(evaluations, galleries, strict=True)
    ]
    protocol = in_html(protocol_text(evaluations[0])) if evaluations else ""
    return _PAGE.format(protocol=protocol, tables=_means(evaluations), cases="\n".join(cases))


def _means(evaluations: Sequence[Evaluation]) -> str:
    rows = [
        f"<tr><td>{in_html(e.method)}</td><td>{shown(e.mean('psnr'), 2)}</td>"
        f"<td>{shown(e.mean('ssim'), 4)}</td><td>{shown(e.mean('lpips'), 4)}</td>"
        f"<td>{shown(e.mean('seconds'), 2)}</td><td>{len(e.rows)}</td></tr>"
        for e in evaluations
    ]
    head = "<th>method</th><th>PSNR (dB)</th><th>SSIM</th><th>LPIPS</th>"
    notes = "".join(f"<p>{in_html(note)}</p>" for note in exact_notes(evaluations))
    return f"<table><tr>{head}<th>seconds</th><th>photos</th></tr>{''.join(rows)}</table>{notes}"


def _section(evaluation: Evaluation, gallery: Gallery) -> str:
    parts = [f"<h2>{in_html(evaluation.method)}</h2>"]
    if evaluation.failures:
        items = "".join(f"<li>{in_html(reason)}</li>" for reason in evaluation.failures)
        parts.append(f'<p class="note">Could not be evaluated:</p><ul class="note">{items}</ul>')
    if len(gallery.cases) < len(evaluation.rows):
        parts.append(f"<p>The {len(gallery.cases)} worst of {len(evaluation.rows)} photos.</p>")
    parts += [_case(row, pictures) for row, pictures in gallery.cases]
    return "\n".join(parts)


def _case(row: Row, pictures: dict[str, bytes]) -> str:
    figures = f"{shown(row.psnr, 2)} dB, SSIM {shown(row.ssim, 4)}, LPIPS {shown(row.lpips, 4)}"
    notes = "".join(f'<p class="note">{in_html(note)}</p>' for note in row.notes)
    images = "".join(
        f'<figure><img alt="{name}" src="data:image/png;base64,'
        f'{base64.b64encode(png).decode()}"><figcaption>{name}</figcaption></figure>'
        for name, png in pictures.items()
    )
    return f'<h3>{in_html(row.name)}</h3><p>{figures}</p>{notes}<div class="case">{images}</div>'


def _png(image: Tensor) -> bytes:
    pixels = quantise(image, 8).byte().permute(1, 2, 0).contiguous().cpu().numpy()
    file = io.BytesIO()
    PILImage.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
