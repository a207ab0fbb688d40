# SPDX-License-Identifier: Apache-2.0
"""Children of a process that used threads search too."""

import os
import subprocess
import sys
import textwrap

import pytest

from searchtransfer.operators.backends import native


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("backend", ["native", "tiled"])
def test_a_forked_child_finds_the_same(backend: str) -> None:
    if backend == "native" and not native.instruction_sets():
        pytest.skip("the compiled kernel is not built")
    script = textwrap.dedent(f"""
        import os, torch
        from searchtransfer import search, transfer
        torch.set_num_threads(2)
        query, key = torch.randn(1, 64, 60, 60), torch.randn(1, 64, 60, 60)
        value = torch.randn(1, 8, 240, 240)
        def work():
            match = search(query, key, backend={backend!r})
            return match.index, transfer(value, match.index, (60, 60), 4)
        expected = work()
        torch.randn(500, 500) @ torch.randn(500, 500)
        child = os.fork()
        if not child:
            torch.randn(500, 500) @ torch.randn(500, 500)
            same = all(torch.equal(a, b) for a, b in zip(expected, work()))
            os._exit(0 if same and torch.get_num_threads() == 1 else 3)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), torch.get_num_threads())
    """)
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.stdout.split() == ["0", "2"], done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_of_a_process_that_used_no_threads_keeps_its_number() -> None:
    script = textwrap.dedent("""
        import os, torch, searchtransfer.operators
        torch.set_num_threads(2)
        child = os.fork()
        if not child:
            os._exit(torch.get_num_threads())
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "2\n", done.stderr
