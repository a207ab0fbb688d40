# SPDX-License-Identifier: Apache-2.0
"""The inspector of a run, as a file of its session."""

from ..files import write_file
from ..inspection import inspect_result
from ..pictures.inspector import inspector_page
from .job import Outcome
from .sessions import Session


def write_inspector(outcome: Outcome, session: Session) -> str:
    """Write the page that shows where each point comes from; returns its address."""
    order = outcome.order
    picture = inspect_result(
        outcome.result,
        outcome.small,
        outcome.references,
        name=order.small.name,
        names=[upload.name for upload in order.references],
        facts=[("Model", order.model)],
    )
    key = f"run-{session.run}-inspector.html"
    path = session.folder / key
    write_file(path, inspector_page(picture).encode(), what="page")
    return session.serve(key, path, "text/html")
