# SPDX-License-Identifier: Apache-2.0
"""What of torch is about processes, gradients and compilers: nothing of it is here."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NoReturn, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def get_num_threads() -> int:
    """As many as the environment says (OMP_NUM_THREADS), or as there are processors for us."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdecimal() and int(said):
        return int(said)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_num_threads(count: int) -> None:
    """Nothing: there is no pool."""


class no_grad:
    """A context and a decorator that changes nothing."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def __call__(self, function: F) -> F:
        return function


@contextmanager
def autocast(device: str, enabled: bool = True) -> Iterator[None]:
    """Nothing is ever computed in half precision here."""
    yield


def _same(function: F) -> F:
    return function


def _no(*_: object) -> bool:
    return False


def _absent(*_: object, **__: object) -> NoReturn:
    raise NotImplementedError("this needs torch: pip install searchtransfer")


amp = SimpleNamespace(is_autocast_available=_no)
is_autocast_enabled = is_grad_enabled = _no
compiler = SimpleNamespace(is_compiling=_no, is_exporting=_no)
cuda = SimpleNamespace(is_available=_no)
_C = SimpleNamespace(_get_tracing_state=_no)
library = SimpleNamespace(
    define=lambda *_: None,
    impl=lambda *_: _same,
    register_fake=lambda *_: _same,
    register_autograd=lambda *_, **__: None,
)
ops = SimpleNamespace(searchtransfer=SimpleNamespace(search=_absent, transfer=_absent))
func = SimpleNamespace(functional_call=lambda network, state, inputs: network(*inputs))


class Absent:
    """In the place of layers and gradients, which classes of networks are made of."""

    def __init__(self, *_: object, **__: object) -> None:
        _absent()


autograd = SimpleNamespace(Function=Absent)
