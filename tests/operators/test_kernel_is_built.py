# SPDX-License-Identifier: Apache-2.0
"""The kernel is optional for users; where a compiler is, a suite without it would test nothing."""

import shutil

import pytest

from searchtransfer.operators.backends import native


@pytest.mark.skipif(not (shutil.which("cc") or shutil.which("gcc")), reason="no compiler here")
def test_kernel_is_built_where_there_is_a_compiler() -> None:
    assert native.instruction_sets(), "the kernel did not compile: run `pip install -v -e .`"
