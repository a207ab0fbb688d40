#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tests of the compiled kernel on an emulated 64-bit ARM processor. For Debian, with
#     dpkg --add-architecture arm64 && apt-get update
#     apt-get install gcc-aarch64-linux-gnu qemu-user-static
# It takes Python for ARM from Debian and the rest from PyPI, into $WORK, and keeps both.
#     PYTHON=.venv/bin/python WORK=/tmp/arm sh tests/arm.sh [pytest arguments]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3} # any that has pip, and the headers of Python 3.11
work=${WORK:-$(mktemp -d)}
system=$work/system
mkdir -p "$work/packages" "$system"

if [ ! -e "$system/usr/bin/python3.11" ]; then
    (cd "$work/packages" && apt-get download -q \
        python3.11-minimal:arm64 libpython3.11-minimal:arm64 libpython3.11-stdlib:arm64 \
        libc6:arm64 libexpat1:arm64 zlib1g:arm64 libssl3:arm64 libffi8:arm64 libbz2-1.0:arm64 \
        liblzma5:arm64 libstdc++6:arm64 libgcc-s1:arm64 libgomp1:arm64 libsqlite3-0:arm64 \
        libuuid1:arm64)
    for package in "$work"/packages/*.deb; do dpkg -x "$package" "$system"; done
    # torch 2.9 is the last whose wheel for ARM does without a GPU's libraries.
    "$python" -m pip install -q --target "$work/site" --only-binary=:all: --no-deps \
        --platform manylinux_2_28_aarch64 --platform manylinux2014_aarch64 \
        --implementation cp --python-version 3.11 \
        torch==2.9.0 typing_extensions sympy mpmath networkx jinja2 markupsafe fsspec filelock \
        numpy pillow safetensors jaxtyping wadler_lindig beartype pytest pluggy iniconfig \
        packaging pygments pydantic pydantic_core annotated_types typing_inspection hypothesis \
        sortedcontainers
fi

rm -rf "$work/project"
mkdir "$work/project"
cp -r "$root/src" "$root/tests" "$root/pyproject.toml" "$work/project/"
cd "$work/project"
find . -name '*.so' -delete
backends=src/searchtransfer/operators/backends
aarch64-linux-gnu-gcc -shared -fPIC -pthread -std=gnu11 -O3 -ffp-contract=fast -Wno-psabi \
    -DPy_LIMITED_API=0x030B0000 \
    -I"$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')" \
    "$backends"/_native/*.c -o "$backends/_kernel.abi3.so"
export QEMU_LD_PREFIX="$system" OMP_NUM_THREADS=1
PYTHONPATH="$work/site:$work/project/src" qemu-aarch64-static -L "$system" \
    "$system/usr/bin/python3.11" -m pytest -q -o addopts="" -p no:cacheprovider \
    tests/operators/test_native.py tests/operators/test_native_many.py \
    tests/operators/test_native_transfer.py "$@"
