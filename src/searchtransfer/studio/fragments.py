# SPDX-License-Identifier: Apache-2.0
"""Pieces of the page as HTML; whatever comes from a visitor or a file is escaped."""

from html import escape

from .course import Moment
from .downloads import name_of
from .faults import Fault
from .formats import offered, opened
from .job import Outcome
from .orders import Order
from .sessions import Kind, Session
from .workshop import Job

LONG = 20.0
"""Seconds from which on a job is announced as a long one."""


def titles(reduce: bool) -> list[str]:
    """Title and hint of the place for small images."""
    if reduce:
        return ["Sharp photo", "It is made small first, and is the truth to compare with."]
    return ["Small image", "The one to make sharp; several at once if you like."]


def accepted() -> dict[str, str]:
    """The files that can be chosen, for the browser and for people."""
    *names, last = (kind.name for kind in opened())
    endings = [ending for kind in opened() for ending in kind.extensions]
    return {"endings": ",".join(endings), "names": f"{', '.join(names)} or {last}"}


def files(session: Session, kind: Kind) -> str:
    """The pictures chosen so far."""
    return "".join(
        f'<li><img src="{session.address(x.id)}.png" alt=""><span class="st-name">'
        f'{escape(x.name)}<span class="st-hint">{x.size[1]} x {x.size[0]} pixels</span></span>'
        f'<button type="button" data-remove="{x.id}" aria-label="Remove {escape(x.name)}" '
        f'title="Remove">\N{MULTIPLICATION SIGN}</button></li>'
        for x in list(session.uploads[kind])
    )


def forecast(order: Order, seconds: float, most: float) -> str:
    """What there will be, and about when; jobs are stopped after `most` seconds."""
    height, width = (
        n // order.scale * order.scale if order.reduce else n * order.scale
        for n in order.small[0].size
    )
    many = f"{len(order.small)} images, the first " if len(order.small) > 1 else ""
    words = f"{many}{width} x {height} pixels, about {duration(seconds)}"
    if seconds > most:
        stopped = f"longer than the {duration(most)} that a job may take here"
        return f'<span class="st-long">This may be {stopped}: {words}.</span>'
    if seconds >= LONG:
        return f'<span class="st-long">This takes a while: {words}.</span>'
    return f"Result: {words}."


def not_yet(reason: str) -> str:
    """Why what is chosen cannot be made."""
    return f'<span class="st-long">{escape(reason[:1].upper() + reason[1:])}</span>'


def waiting(ahead: int) -> str:
    """Before a job's turn has come."""
    return _bar("Waiting for its turn", None, f"{ahead} before it; one job runs at a time")


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
    if fault.wanted:
        return f'<div class="st-note" role="status"><p>{escape(fault.message)}</p></div>'
    number = f'<p class="st-hint">Number in the log: {fault.id}</p>' if fault.id else ""
    return (
        f'<div class="st-note st-fault" role="alert"><p>{escape(fault.message)}</p>{number}</div>'
    )


def result(session: Session, job: Job, outcome: Outcome) -> str:
    """The picture before and after, figures, remarks and downloads."""
    height, width = outcome.size
    larger = "" if job.order.reduce else f"{outcome.scale} times larger, "
    summary = (
        f'<p class="st-summary" role="status"><b>{width} x {height} pixels</b>, {larger}'
        f"in {outcome.seconds:.1f} s with model {escape(outcome.model)}"
        + (f", mean score {outcome.score:.2f}" if outcome.score is not None else "")
        + "</p>"
    )
    why = (
        '<button type="button" class="st-button" data-go="inspector">'
        "Where does each point come from?</button>"
        if job.order.references
        else ""
    )
    notes = "".join(
        f'<div class="st-note"><p>{escape(note[:1].upper() + note[1:])}</p></div>'
        for note in outcome.notes
    )
    verdict = f"<p class='st-verdict'>{escape(outcome.verdict)}</p>" if outcome.verdict else ""
    return (
        _compare(session, outcome)
        + summary
        + verdict
        + _quality(outcome)
        + notes
        + _downloads(session, outcome, why)
    )


def _compare(session: Session, outcome: Outcome) -> str:
    height, width = outcome.size
    pictures = [("before", "Bicubic", "The small image, enlarged by bicubic interpolation")]
    if "truth" in outcome.pictures:
        pictures.append(("truth", "Original", "The sharp photo that was made small"))
    pictures.append(("after", "Result", "The result"))
    images = "".join(
        f'<img src="{session.address(outcome.pictures[what])}" data-label="{label}" alt="{alt}">'
        for what, label, alt in pictures
    )
    kind = ' class="st-transparent"' if outcome.transparent else ""
    return (
        f'<st-compare{kind} data-width="{width}" data-height="{height}" '
        f'data-name="{escape(outcome.name)}">{images}</st-compare>'
    )


def _quality(outcome: Outcome) -> str:
    if outcome.psnr is None:
        return ""
    cells = "".join(
        f'<tr><th scope="row">{name}</th><td>{psnr:.2f} dB</td>'
        f"<td>{'too small' if ssim is None else f'{ssim:.4f}'}</td></tr>"
        for name, psnr, ssim in zip(("Bicubic", "Result"), outcome.psnr, outcome.ssim, strict=True)
    )
    return (
        '<table class="st-quality"><caption>Compared with the original</caption>'
        '<thead><tr><td></td><th scope="col">PSNR</th><th scope="col">SSIM</th></tr></thead>'
        f"<tbody>{cells}</tbody></table>"
    )


def _downloads(session: Session, outcome: Outcome, more: str) -> str:
    has_metadata = "metadata" in outcome.pictures
    hint = (
        "Metadata may say when and where a photo was taken."
        if has_metadata
        else "The image has no metadata to keep."
    )
    rows = _formats(session, outcome, "after", " without metadata" if has_metadata else "")
    if has_metadata:
        rows += _formats(session, outcome, "metadata", " with metadata")
    return (
        f'<div class="st-downloads">{more}{rows}<span class="st-hint">PNG and TIFF hold '
        f"everything, WebP all of 8 bits; AVIF and JPEG are small. {hint}</span></div>"
    )


def _formats(session: Session, outcome: Outcome, what: str, words: str) -> str:
    stem = outcome.pictures[what].rpartition(".")[0]
    links = "".join(
        f'<a class="st-button" href="{session.address(f"{stem}.{ending}")}" '
        f'download="{escape(name_of(outcome.name, outcome.scale, ending))}" '
        f'aria-label="Download {kind.name}{words}">{kind.name}</a>'
        for ending, kind in offered(outcome).items()
    )
    return f'<span class="st-formats"><span>Download{words}:</span> {links}</span>'


def all_results(session: Session, job: Job) -> str:
    """Several results in one file."""
    if len(job.outcomes) < 2:
        return ""
    return (
        f'<a class="st-button" href="{session.address(f"run-{job.run}.zip")}" '
        f'download="results.zip">Download all {len(job.outcomes)} as a ZIP of PNGs</a>'
    )


def inspector(address: str) -> str:
    """The inspector in a frame, and as a file."""
    return (
        f'<div class="st-downloads"><a class="st-button" href="{address}" '
        'download="inspector.html">Download this page</a><span class="st-hint">'
        "One file that works from disk, with no server and no network.</span></div>"
        f'<iframe class="st-inspector" src="{address}" title="Inspector" '
        'sandbox="allow-scripts"></iframe>'
    )
