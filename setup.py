# SPDX-License-Identifier: Apache-2.0
"""The compiled search kernel. Optional: without a compiler the search runs in torch."""

from pathlib import Path

from setuptools import Extension, setup

FOLDER = Path("src/searchtransfer/operators/backends/_native")

setup(
    ext_modules=[
        Extension(
            "searchtransfer.operators.backends._kernel",
            sources=sorted(str(path) for path in FOLDER.glob("*.c")),
            depends=sorted(str(path) for path in FOLDER.iterdir()),
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            # No -march: the instruction set is chosen at run time. Contraction gives multiply-adds.
            extra_compile_args=[
                "-std=gnu11",
                "-O3",
                "-ffp-contract=fast",
                "-Wno-psabi",
                "-pthread",
            ],
            extra_link_args=["-pthread"],
            optional=True,
            py_limited_api=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
