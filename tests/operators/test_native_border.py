# SPDX-License-Identifier: Apache-2.0
"""What both sides of the border between Python and C state is the same: structs, walks, version."""

import ctypes
import re
from pathlib import Path

import pytest

from searchtransfer.operators.backends import native_jobs, native_kernel
from searchtransfer.operators.backends.native_attempt import Walk

HEADER = Path(native_jobs.__file__).parent / "_native/kernel.h"
TEXT = re.sub(r"/\*.*?\*/", "", HEADER.read_text(encoding="utf-8"), flags=re.DOTALL)
OURS = {
    name.lower(): kind
    for name, kind in vars(native_jobs).items()
    if isinstance(kind, type) and issubclass(kind, native_jobs.Job) and kind is not native_jobs.Job
}
DTYPES = {
    "float": "float32", "double": "float64", "int64_t": "int64", "uint64_t": "int64",
    "uint16_t": "bfloat16", "uint8_t": "bool",
}  # fmt: skip


def structs(text: str) -> dict[str, list[tuple[str, str]]]:
    """Name and type of each field of each struct that crosses the border."""
    found = {}
    for name, body in re.findall(r"struct (\w+) \{(.*?)\n\};", text, re.DOTALL):
        fields = []
        for line in body.replace("const ", "").split(";")[:-1]:
            kind, _, names = line.strip().partition(" ")
            if kind == "struct":
                inner, _, names = names.partition(" ")
                kind = f"struct {inner}"
            for one in names.split(","):
                pointer = "*" if "*" in one else ""
                fields.append((one.strip(" *\n"), kind + pointer))
        found[name] = fields
    found.pop("kernel")  # the table of functions, which stays in C
    return found


def described(kind: type[native_jobs.Job]) -> list[tuple[str, str]]:
    """The same of a class here, as C would write it."""
    fields = []
    for name, stored in kind._fields_:
        dtype = kind._dtype(name)
        if dtype is not None:
            plain = str(dtype).removeprefix("torch.")
            c = next(c for c, x in DTYPES.items() if x == plain)
            fields.append((name, f"{c}*"))
        elif issubclass(stored, native_jobs.Job):
            fields.append((name, f"struct {stored.__name__.lower()}"))
        else:
            fields.append((name, {ctypes.c_int64: "int64_t", ctypes.c_double: "double"}[stored]))
    return fields


@pytest.mark.parametrize("name", sorted({*structs(TEXT), *OURS}))
def test_structs_have_the_same_fields(name: str) -> None:
    theirs = [
        (field, "int64_t" if kind == "struct map*" else kind.replace("uint64_t*", "int64_t*"))
        for field, kind in structs(TEXT)[name]
    ]
    assert described(OURS[name]) == theirs


def test_another_field_is_noticed() -> None:
    assert structs(TEXT.replace("int64_t first;", ""))["map"] != structs(TEXT)["map"]


def test_walks_have_the_same_numbers() -> None:
    (body,) = re.findall(r"enum walk \{(.*?)\}", TEXT, re.DOTALL)
    names = [x.strip().removeprefix("WALK_") for x in body.split(",")]
    assert {x.name: x.value for x in Walk} == {name: i for i, name in enumerate(names)}


def test_the_version_is_the_same() -> None:
    (stated,) = re.findall(r"#define KERNEL_VERSION (\d+)", TEXT)
    assert int(stated) == native_kernel.VERSION
