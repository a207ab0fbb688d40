# SPDX-License-Identifier: Apache-2.0
"""What is to be done about a result that may be there already."""

from collections.abc import Callable
from typing import NamedTuple

from ..foreign import shown
from .identity import hash_of_file
from .manifest import Manifest, Origin
from .outcome import Outcome
from .plan import Job
from .settings import Settings


class Standing(NamedTuple):
    """How a job stands before its work."""

    outcome: Outcome | None = None
    """What became of it, where there is nothing to do."""
    again: str | None = None
    """Why a result that is there is made again."""


TO_DO = Standing()


def standing(
    job: Job, settings: Settings, manifest: Manifest | None, origin: Callable[[], Origin]
) -> Standing:
    """Compare a result that is there with what the manifest tells of it.

    Args:
        job: with its references.
        settings: of the batch.
        manifest: of the folder of results, if there is one.
        origin: what the result would be made of now; asked only where it matters.

    Raises:
        OutputError: the manifest is damaged, of another version, or cannot be read.
    """
    if not job.target.is_file():
        return TO_DO
    record = None if manifest is None else manifest.made(job.target)
    if manifest is not None and record is not None and record["run"] == manifest.run:
        # A worker of this run made it, and was lost before it could say so.
        if hash_of_file(job.target) == record["output_hash"]:
            return Standing(Outcome.told(job, record))
    elif settings.on_exists == "skip":
        return _standing_of(job, record, origin)
    return TO_DO


def _standing_of(
    job: Job, record: dict[str, object] | None, origin: Callable[[], Origin]
) -> Standing:
    """Of a result that another run made."""
    if record is None:
        return Standing(Outcome(job, "skipped"))
    try:
        changes = origin().changes_since(record)
        changed_result = changes and hash_of_file(job.target) != record.get("output_hash")
    except OSError as error:
        note = f"{shown(job.source)}: cannot be compared with what is there ({error.strerror})"
        return Standing(Outcome(job, "skipped", warnings=(note,)))
    if not changes:
        return Standing(Outcome(job, "skipped"))
    what = " and ".join(changes)
    if changed_result:
        note = (
            f"output {shown(job.target)}: was made from something else ({what} changed), but "
            "somebody has changed it since, so it was left alone; --on-exists overwrite replaces it"
        )
        return Standing(Outcome(job, "skipped", warnings=(note,)))
    return Standing(again=f"output {shown(job.target)}: made again, for {what} changed")
