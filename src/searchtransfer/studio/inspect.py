# SPDX-License-Identifier: Apache-2.0
"""The inspector of a run, as a file of its session."""

from .job import Outcome
from .sessions import Session


def write_inspector(outcome: Outcome, session: Session) -> str:
    """Write the page that shows where each point comes from; returns its address."""
    key = f"run-{session.run}-inspector.html"
    path = session.folder / key
    path.write_text("<!doctype html><p>placeholder", encoding="utf-8")
    return session.serve(key, path, "text/html")
