#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tests of the compiled kernel under AddressSanitizer and UndefinedBehaviorSanitizer (GCC).
# Builds into a temporary copy of the package; leaves the installed kernel alone.
#     PYTHON=.venv/bin/python sh tests/sanitize.sh [pytest arguments]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}  # one that has torch
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/build"
cp -r "$root/src" "$root/tests" "$root/setup.py" "$root/pyproject.toml" "$root/README.md" "$root/LICENSE" "$root/THIRD_PARTY.md" "$work/"
find "$work" -name '*.so' -delete
cd "$work"
CFLAGS="-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer" \
LDFLAGS="-fsanitize=address,undefined" "$python" setup.py -q build_ext --inplace
# No alternate stack: Linux grants tile registers only where their contents fit on one.
# Python itself leaks on purpose; memory that torch hands out is checked at its borders by malloc.
ASAN_OPTIONS=detect_leaks=0:use_sigaltstack=0 LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
    "$python" -m pytest -q -p no:cacheprovider tests/operators/test_native.py tests/operators/test_native_many.py tests/operators/test_native_transfer.py \
    tests/operators/test_native_parts.py tests/operators/test_native_sampling.py tests/operators/test_keys.py tests/operators/test_faint.py tests/operators/test_fuzz.py "$@"
