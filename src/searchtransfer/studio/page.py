# SPDX-License-Identifier: Apache-2.0
"""The page: what stands where, and what happens on which event."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from ..pretrained import MODELS
from ..references import SCALES
from . import fragments
from .example import use_example
from .faults import explain
from .inspect import write_inspector
from .job import BEST, make, order_of
from .limits import Limits
from .look import plain
from .sessions import Session, Sessions
from .work import Work

TITLE = "searchtransfer studio"

Changes = dict[Any, Any]

REFRESH_SECONDS = 0.2

MODEL_WORDS = {
    BEST: "the best for the scale",
    "transfer": "transfer: detail of the references",
    "fusion": "fusion: learned, also without any",
}


def build_page(sessions: Sessions, limits: Limits) -> gr.Blocks:
    """The page with its events. Each event is private: there is no API beside the page."""

    def session_of(request: gr.Request) -> Session:
        return sessions.of(str(request.session_hash))

    def arrive(reduce: bool, request: gr.Request) -> Changes:
        try:
            session = sessions.enter(str(request.session_hash))
        except Exception as error:
            return {**complain(error), inputs: gr.update(visible=False)}
        return _drops(session, reduce)

    def _drops(session: Session, reduce: bool) -> Changes:
        return {
            small: fragments.drop(session, "small", reduce),
            references: fragments.drop(session, "reference"),
        }

    def take_example(request: gr.Request) -> Changes:
        try:
            session = session_of(request)
            use_example(session)
        except Exception as error:
            return complain(error)
        return {**_drops(session, True), reduce: True, status: gr.update(visible=False)}

    def complain(error: Exception, names: dict[str, str] | None = None) -> Changes:
        fault = explain(error, names or {})
        return {status: gr.update(value=fragments.failed(fault), visible=True)}

    def restyle(reduce: bool, request: gr.Request) -> str:
        return fragments.drop(session_of(request), "small", reduce)

    def begin(request: gr.Request) -> Changes:
        try:
            session = session_of(request)
            session.cancelled = False
        except Exception as error:
            return complain(error)
        return {
            result: "" if session.run == 0 else gr.skip(),
            status: gr.update(value=fragments.waiting(), visible=True),
            start: gr.update(interactive=False),
            cancel: gr.update(visible=True),
        }

    def end() -> Changes:
        return {start: gr.update(interactive=True), cancel: gr.update(visible=False)}

    def run(model: str, scale: int, reduce: bool, request: gr.Request) -> Iterator[Changes]:
        names: dict[str, str] = {}
        shown = False
        try:
            session = session_of(request)
            shown = session.run > 0
            order = order_of(session, model, scale, reduce, limits)
            names = order.names
            job = Work(lambda say: make(order, session, limits, say), limits.job_seconds)
            yield from follow(session, job)
            outcome = job.result()
            shown = True
            yield {
                result: fragments.result(outcome),
                inspector: fragments.NO_INSPECTOR,
                status: fragments.progress(job.course.now()),
            }
            if outcome.references:
                why = Work(lambda say: write_inspector(outcome, session), limits.job_seconds)
                yield from follow(session, why)
                yield {inspector: fragments.inspector(why.result())}
            yield {**end(), status: gr.update(value="", visible=False)}
        except Exception as error:
            yield {**end(), **complain(error, names)}
            if not shown:
                yield {result: fragments.WELCOME}

    def refuse() -> Changes:
        # Gradio refuses a job where the queue is full, and says so itself.
        return {**end(), status: gr.update(value="", visible=False)}

    def follow(session: Session, work: Work[Any]) -> Iterator[Changes]:
        session.start(work)
        while not work.done.wait(REFRESH_SECONDS):
            yield {status: fragments.progress(work.course.now())}

    def stop(request: gr.Request) -> None:
        session_of(request).cancel()

    def leave(request: gr.Request) -> None:
        sessions.leave(str(request.session_hash))

    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    page: gr.Blocks
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        plain(f"<header class='st-head'><h1>{TITLE}</h1></header>")
        with gr.Tabs():
            with gr.Tab("Upscale"), gr.Row(elem_classes="st-columns"):
                with gr.Column(scale=2, min_width=300, elem_classes="st-inputs") as inputs:
                    small, references = plain(), plain()
                    example = gr.Button("Use the example", size="sm")
                    reduce = gr.Checkbox(
                        label="This is my sharp photo: make it small first",
                        info="Then the result can be measured against it.",
                    )
                    model = gr.Radio(
                        [(MODEL_WORDS.get(name, name), name) for name in (BEST, *MODELS)],
                        value=BEST,
                        label="Model",
                    )
                    scale = gr.Radio([(f"{x} times", x) for x in SCALES], value=4, label="Scale")
                    start = gr.Button("Upscale", variant="primary", elem_id="start")
                    cancel = gr.Button("Cancel", variant="stop", visible=False, elem_id="cancel")
                with gr.Column(scale=5, min_width=320):
                    status = plain("", visible=False)
                    result = plain(fragments.WELCOME)
            with gr.Tab("Inspector"):
                inspector = plain(fragments.NO_INSPECTOR)
        page.load(arrive, [reduce], [small, references, status, inputs], **private)
        page.unload(leave)
        reduce.change(restyle, [reduce], [small], **private)
        example.click(take_example, None, [small, references, reduce, status], **private)
        start.click(begin, None, [result, status, start, cancel], **private).then(
            run,
            [model, scale, reduce],
            [status, result, inspector, start, cancel],
            concurrency_limit=1,
            concurrency_id="jobs",
            **private,
        ).failure(refuse, None, [status, start, cancel], **private)
        cancel.click(stop, None, None, **private)
    page.queue(max_size=limits.waiting, api_open=False, default_concurrency_limit=8)
    return page
