# SPDX-License-Identifier: Apache-2.0
"""Pieces of the page as HTML; whatever comes from a visitor or a file is escaped."""

from html import escape
from pathlib import PurePosixPath

from ..batch import Quality
from .course import Moment
from .faults import Fault
from .job import Outcome
from .sessions import Kind, Session

TYPES = ".png,.jpg,.jpeg,.tif,.tiff,.webp"

WELCOME = """<div class="st-welcome">
<h2>Make a small image sharp</h2>
<ol>
<li><b>Drop the small image</b>: the one with too few pixels.</li>
<li><b>Drop one or more references</b>: sharp photos of the same things, such as another
shot of the place, another frame of the film, or a picture by a better camera.</li>
<li><b>Press Upscale</b>. Each place of the image is looked up in the references, and takes its
texture from where it was found.</li>
</ol>
<p>No pictures at hand? <b>Use the example</b> fills in a real stereo pair: one eye is made small,
then sharp again with what the other saw.</p>
</div>"""

NO_INSPECTOR = """<div class="st-welcome">
<h2>Where does each point come from?</h2>
<p>Upscale an image with a reference first. Then click any point of the result here, and see the
place of the reference that its texture comes from.</p>
</div>"""


def drop(session: Session, kind: Kind, reduce: bool = False) -> str:
    """A place for files, with those that are there."""
    many = kind == "reference"
    if many:
        title, hint = "References", "Sharp photos of the same things"
    elif reduce:
        title, hint = "Sharp photo", "It is made small first, and is the truth to compare with"
    else:
        title, hint = "Small image", "The one to make sharp"
    return (
        f'<st-drop data-url="{escape(session.address(kind))}" data-base="/studio/{session.token}/">'
        f'<label class="st-zone"><span class="st-title">{title}</span>'
        f'<span class="st-hint">{hint}. Drop here, or choose: PNG, JPEG, TIFF or WebP.</span>'
        f'<input type="file" accept="{TYPES}" aria-label="{title}"{" multiple" if many else ""}>'
        f'</label><p class="st-message" role="alert" hidden></p>'
        f'<ul class="st-files" aria-label="{title} chosen">{files(session, kind)}</ul></st-drop>'
    )


def files(session: Session, kind: Kind) -> str:
    """The pictures chosen so far."""
    return "".join(
        f'<li><img src="{session.address(x.id)}.png" alt=""><span class="st-name">'
        f'{escape(x.name)}<span class="st-hint">{x.size[1]} x {x.size[0]} pixels</span></span>'
        f'<button type="button" data-remove="{x.id}" aria-label="Remove {escape(x.name)}" '
        f'title="Remove">\N{MULTIPLICATION SIGN}</button></li>'
        for x in session.uploads[kind]
    )


def waiting() -> str:
    """Before a job's turn has come."""
    return _bar("Waiting for its turn", None, "one job runs at a time")


def progress(moment: Moment) -> str:
    """A bar with its stage and the time left."""
    left = "" if moment.seconds_left is None else f"about {duration(moment.seconds_left)} left"
    return _bar(moment.stage, moment.done, left)


def _bar(stage: str, done: float | None, side: str) -> str:
    value = "" if done is None else f' value="{done:.3f}"'
    return (
        f'<div class="st-progress"><div><span>{stage}</span><span>{side}</span></div>'
        f'<progress max="1"{value} aria-label="{stage}"></progress></div>'
    )


def duration(seconds: float) -> str:
    """A time in words, as exact as it can be known."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"


def failed(fault: Fault) -> str:
    """What went wrong."""
    if not fault.id:
        return f'<div class="st-note" role="status"><p>{escape(fault.message)}</p></div>'
    return (
        f'<div class="st-note st-fault" role="alert"><p>{escape(fault.message)}</p>'
        f'<p class="st-hint">Number in the log: {fault.id}</p></div>'
    )


def result(outcome: Outcome) -> str:
    """The picture before and after, figures, remarks and downloads."""
    height, width = outcome.result.image.size
    summary = (
        f'<p class="st-summary" role="status"><b>{width} x {height} pixels</b>, '
        f"{outcome.order.scale} times larger, in {outcome.seconds:.1f} s with model "
        f"{escape(outcome.order.model)}"
        + (f", mean score {outcome.result.score.mean().item():.2f}" if outcome.references else "")
        + "</p>"
    )
    notes = "".join(
        f'<div class="st-note"><p>{escape(note[:1].upper() + note[1:])}</p></div>'
        for note in outcome.notes
    )
    verdict = f"<p class='st-verdict'>{escape(outcome.verdict)}</p>" if outcome.verdict else ""
    return (
        _compare(outcome)
        + summary
        + verdict
        + _quality(outcome.quality)
        + notes
        + _downloads(outcome)
    )


def _compare(outcome: Outcome) -> str:
    height, width = outcome.result.image.size
    pictures = [("before", "Bicubic", "The small image, enlarged by bicubic interpolation")]
    if "truth" in outcome.pictures:
        pictures.append(("truth", "Original", "The sharp photo that was made small"))
    pictures.append(("after", "Result", "The result"))
    images = "".join(
        f'<img src="{outcome.pictures[what]}" data-label="{label}" alt="{alt}">'
        for what, label, alt in pictures
    )
    return f'<st-compare data-width="{width}" data-height="{height}">{images}</st-compare>'


def _quality(quality: Quality | None) -> str:
    if quality is None:
        return ""
    rows = [
        ("Bicubic", quality.psnr_bicubic, quality.ssim_bicubic),
        ("Result", quality.psnr, quality.ssim),
    ]
    cells = "".join(
        f'<tr><th scope="row">{name}</th><td>{psnr:.2f} dB</td>'
        f"<td>{'too small' if ssim is None else f'{ssim:.4f}'}</td></tr>"
        for name, psnr, ssim in rows
    )
    return (
        '<table class="st-quality"><caption>Compared with the original</caption>'
        '<thead><tr><td></td><th scope="col">PSNR</th><th scope="col">SSIM</th></tr></thead>'
        f"<tbody>{cells}</tbody></table>"
    )


def _downloads(outcome: Outcome) -> str:
    stem = PurePosixPath(outcome.order.small.name.replace("\\", "/")).stem or "image"
    name = escape(f"{stem}-x{outcome.order.scale}.png")
    plain = outcome.pictures["after"]
    links = f'<a class="st-button" href="{plain}" download="{name}">Download PNG</a>'
    if "metadata" in outcome.pictures:
        links = (
            f'<a class="st-button" href="{plain}" download="{name}">'
            "Download PNG without metadata</a>"
            f'<a class="st-button" href="{outcome.pictures["metadata"]}" download="{name}">'
            "Download PNG with metadata</a>"
        )
        hint = "Metadata may say when and where a photo was taken."
    else:
        hint = "Full quality. The image has no metadata to keep."
    return f'<div class="st-downloads">{links}<span class="st-hint">{hint}</span></div>'


def inspector(address: str) -> str:
    """The inspector in a frame, and as a file."""
    return (
        f'<div class="st-downloads"><a class="st-button" href="{address}" '
        'download="inspector.html">Download this page</a><span class="st-hint">'
        "One file that works from disk, with no server and no network.</span></div>"
        f'<iframe class="st-inspector" src="{address}" title="Inspector" '
        'sandbox="allow-scripts"></iframe>'
    )
