# SPDX-License-Identifier: Apache-2.0
"""What `info` reports where something is missing."""

from importlib import metadata

from searchtransfer import about
from searchtransfer.operators.backends import native_kernel


def test_why_there_is_no_compiled_kernel(monkeypatch):
    monkeypatch.setattr(native_kernel, "kernel_module", None)
    monkeypatch.setattr(native_kernel, "MISSING", "no file")
    expected = "not available: the compiled kernel is not installed (no file)"
    assert about.native_backend() == expected


def test_which_instructions(monkeypatch):
    class Kernel:
        @staticmethod
        def kernels():
            return {"avx2": 8, "baseline": 4}

    monkeypatch.setattr(native_kernel, "kernel_module", Kernel)
    assert about.native_backend() == "available, with avx2 instructions (of avx2, baseline)"


def test_extras(monkeypatch):
    lines = [
        "numpy>=1.26",
        'numpy>=1.0; extra == "demo"',
        "no-such-package-at-all>=3; extra == 'demo'",
        'searchtransfer[demo]; extra == "test"',
    ]
    monkeypatch.setattr(metadata, "requires", lambda name: lines)
    found = about.extras()
    assert found == {"demo": {"numpy": metadata.version("numpy"), "no-such-package-at-all": None}}


def test_extras_of_a_package_that_is_not_installed(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", missing)
    assert about.extras() == {}
