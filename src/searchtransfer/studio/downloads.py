# SPDX-License-Identifier: Apache-2.0
"""Files that a visitor may fetch: those that are there, and results in other formats."""

import zipfile
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Literal

from ..images import read_image, write_image
from .formats import DOWNLOADS, offered
from .sessions import Served, Session
from .workshop import Job


def find(session: Session, key: str) -> Served | None:
    """The file of an address, if it is there."""
    with session.lock:
        if session.job is not None and key not in session.files:
            _serve_results(session, session.job)
        served = session.files.get(key)
    return served if served is not None and served.path.is_file() else None


def make(session: Session, key: str) -> Served | None:
    """The file of an address, made now if it can be; to be called by one at a time."""
    job = session.job
    if job is None:
        return None
    return find(session, key) or _all_in_one(session, job, key) or _converted(session, job, key)


def _serve_results(session: Session, job: Job) -> None:
    """Let addresses reach what a job has made so far."""
    for outcome in list(job.outcomes):
        for file in outcome.pictures.values():
            session.serve(file, job.folder / file)
    for file in list(job.pages.values()):
        session.serve(file, job.folder / file, "text/html")


def _converted(session: Session, job: Job, key: str) -> Served | None:
    """A result in another format."""
    stem, _, ending = key.rpartition(".")
    for outcome in job.outcomes:
        for what in ("after", "metadata"):
            kind = offered(outcome).get(ending)
            if outcome.pictures.get(what) != f"{stem}.png" or kind is None:
                continue
            path = job.folder / key
            picture = read_image(job.folder / f"{stem}.png")
            if not kind.deep:
                picture = replace(picture, bits=8)
            keeps: Literal["keep", "strip"] = "keep" if what == "metadata" else "strip"
            write_image(picture, path, metadata=keeps, on_exists="overwrite")
            session.serve(key, path, DOWNLOADS[ending][1])
            return session.files[key]
    return None


def _all_in_one(session: Session, job: Job, key: str) -> Served | None:
    """All results of a job in one archive."""
    if key != f"run-{job.run}.zip" or len(job.outcomes) < 2:
        return None
    path, part = job.folder / key, job.folder / f"{key}.part"
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        taken: set[str] = set()
        for outcome in list(job.outcomes):
            name = name_of(outcome.name, outcome.scale, "png")
            while name in taken:
                name = f"{PurePosixPath(name).stem}-again.png"
            taken.add(name)
            archive.write(Path(job.folder, outcome.pictures["after"]), name)
    part.replace(path)  # somebody may be fetching the one before
    if not job.done.is_set():  # there will be more in it
        return Served(path, "application/zip")
    session.serve(key, path, "application/zip")
    return session.files[key]


def name_of(image: str, scale: int, ending: str) -> str:
    """What a result is called when it is saved."""
    stem = PurePosixPath(image.replace("\\", "/")).stem or "image"
    return f"{stem}-x{scale}.{ending}"
