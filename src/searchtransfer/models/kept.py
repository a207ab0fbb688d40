# SPDX-License-Identifier: Apache-2.0
"""What a model computed from references, kept while it may be asked for again."""

import threading
import weakref
from collections.abc import Callable, Hashable
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import torch
from torch import nn

T = TypeVar("T")


class KeptByOwner(Generic[T]):
    """The results for the latest few owners, dropped with them.

    An owner is known by its identity, so pickles and copies of it take nothing along; a pickle or
    copy of this begins empty. Threads that ask at once wait for one computation.

    Args:
        room: how many owners at most.
    """

    def __init__(self, room: int = 2) -> None:
        self._room = room
        self._lock = threading.RLock()
        self._entries: dict[int, tuple[weakref.ref[Any], Hashable, T]] = {}

    def get(self, owner: object, version: Hashable, compute: Callable[[], T]) -> T:
        """The result for an owner: computed the first time, and again when the version changes."""
        with self._lock:
            entry = self._entries.pop(id(owner), None)
            if entry is not None and entry[0]() is owner and entry[1] == version:
                result = entry[2]
            else:
                del entry  # its memory, before more is asked for
                while len(self._entries) >= self._room:
                    del self._entries[next(iter(self._entries))]
                result = compute()
            key = id(owner)
            gone = weakref.ref(owner, lambda _: self._entries.pop(key, None))
            self._entries[key] = (gone, version, result)
            return result

    def __len__(self) -> int:
        return len(self._entries)

    def __reduce__(self) -> tuple[type["KeptByOwner[T]"], tuple[int]]:
        return type(self), (self._room,)


def fingerprint(network: nn.Module) -> bytes:
    """A digest of all weights: it changes when they do, in whatever way they are written."""
    digest = blake2b(digest_size=16)
    for name, tensor in network.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        plain = tensor.detach().cpu().contiguous().flatten()
        digest.update(memoryview(plain.view(torch.uint8).numpy()))
    return digest.digest()
