# SPDX-License-Identifier: Apache-2.0
"""What a page shows of a session, as pieces that the page puts in their places."""

from typing import Any

from ..errors import SearchTransferError
from . import fragments
from .limits import Limits
from .orders import looks, models, order_of, scales
from .sessions import Session
from .workshop import Job, Workshop


def pieces(session: Session, workshop: Workshop, limits: Limits) -> dict[str, Any]:
    """All pieces: HTML, and choices and states of buttons."""
    settings, job = session.settings, session.job
    has_reference = bool(session.uploads["reference"])
    running = job is not None and not job.done.is_set()
    return {
        "base": session.address(""),
        "accepted": fragments.accepted(),
        "small": fragments.files(session, "small"),
        "reference": fragments.files(session, "reference"),
        "titles": fragments.titles(settings.reduce),
        "settings": {
            "model": settings.model,
            "scale": str(settings.scale),
            "reduce": settings.reduce,
            "look": settings.look,
            "change": session.change,
        },
        "models": [choice._asdict() for choice in models(settings, has_reference)],
        "scales": [choice._asdict() for choice in scales(settings, has_reference)],
        "looks": [choice._asdict() for choice in looks(settings)],
        "forecast": _forecast(session, workshop, limits),
        "running": running,
        "run": 0 if job is None else job.run,
        "status": _status(job, workshop) if job is not None else "",
        "stale": job is not None and _is_stale(session, job),
        "outcomes": []
        if job is None
        else [fragments.result(session, job, outcome) for outcome in list(job.outcomes)],
        "expected": 0 if job is None else len(job.order.small),
        "all": fragments.all_results(session, job) if job is not None else "",
        "pages": {}
        if job is None
        else {
            str(number): fragments.inspector(session.address(file))
            for number, file in sorted(job.pages.items())
        },
    }


def _status(job: Job, workshop: Workshop) -> str:
    if job.fault is not None:
        return fragments.failed(job.fault)
    if job.done.is_set():
        return ""
    moment = job.moment
    return fragments.waiting(workshop.ahead(job)) if moment is None else fragments.progress(moment)


def _is_stale(session: Session, job: Job) -> bool:
    """Whether what is shown came of other pictures or settings than those that are chosen now."""
    if not job.outcomes:
        return False
    order, settings = job.order, session.settings
    now = [x.id for kind in ("small", "reference") for x in session.uploads[kind]]
    return [x.id for x in (*order.small, *order.references)] != now or (job.settings != settings)


def _forecast(session: Session, workshop: Workshop, limits: Limits) -> str:
    """What there will be, and when; or why it cannot be."""
    small, references = session.uploads["small"], session.uploads["reference"]
    try:
        order = order_of(small, references, session.settings, limits)
    except SearchTransferError as error:
        return fragments.not_yet(str(error)) if small else ""
    return fragments.forecast(order, workshop.expected(order), limits.job_seconds)
