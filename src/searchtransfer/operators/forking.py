# SPDX-License-Identifier: Apache-2.0
"""Children that are forked after threads were used: they would hang in torch's next parallel loop.

The pool of OpenMP does not survive a fork, and torch does not know. One thread needs no pool, so
that is what a child gets if its parent searched or transferred with several. Start processes with
`spawn` or `forkserver` where they shall have more.
"""

import os

import torch

_threads_were_used = False


def note_threads() -> None:
    """To be called where an operator begins to work."""
    global _threads_were_used
    _threads_were_used = _threads_were_used or torch.get_num_threads() > 1


def _in_child() -> None:
    if _threads_were_used:
        torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
