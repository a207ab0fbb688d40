# SPDX-License-Identifier: Apache-2.0
"""What a wheel and an sdist must hold, exactly: `python tests/distribution.py dist/*`.

The wheel holds every file of the package's folder but the sources of the kernel, and the licences;
the sdist holds those sources too, and what a build needs. Neither holds tests or photos.
"""

import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
LICENCES = {"LICENSE", "THIRD_PARTY.md"}
BUILD = {
    *LICENCES,
    *("CHANGELOG.md", "CITATION.cff", "MANIFEST.in", "README.md"),
    *("constraints.txt", "pyproject.toml", "setup.py"),
}
LARGEST = 40_000_000
"""Bytes of a wheel."""
_MADE = {"PKG-INFO", "setup.cfg"}
_COMPILED = (".so", ".pyd")


def package_files() -> set[str]:
    """The files of the package's folder, relative to `src`."""
    files = {path.relative_to(SOURCE) for path in SOURCE.rglob("*") if path.is_file()}
    return {
        path.as_posix()
        for path in files
        if "__pycache__" not in path.parts
        and ".egg-info" not in path.parts[0]
        and path.suffix not in _COMPILED
    }


def faults_of_wheel(path: Path) -> list[str]:
    """What is missing from a wheel, too much in it, or too large."""
    with zipfile.ZipFile(path) as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
    inside = {name for name in names if not name.endswith(_COMPILED)}
    told = {name for name in inside if name.split("/")[0].endswith(".dist-info")}
    licences = {name.partition(".dist-info/licenses/")[2] for name in told} - {""}
    expected = {name for name in package_files() if "/_native/" not in name}
    faults = _difference(inside - told, expected) + _difference(licences, LICENCES)
    compiled = {name for name in names if name.endswith(_COMPILED)}
    if not all(name.startswith("searchtransfer/operators/backends/_kernel.") for name in compiled):
        faults.append(f"compiled files: {sorted(compiled)}")
    if path.stat().st_size > LARGEST:
        faults.append(f"{path.stat().st_size} bytes, more than {LARGEST}")
    return faults


def faults_of_sdist(path: Path) -> list[str]:
    """What is missing from an sdist, or too much in it."""
    with tarfile.open(path) as archive:
        names = {x.name.partition("/")[2] for x in archive.getmembers() if x.isfile()}
    inside = {name for name in names if ".egg-info/" not in name} - _MADE
    return _difference(inside, BUILD | {f"src/{name}" for name in package_files()})


def faults_of(path: Path) -> list[str]:
    """Those of either, by the name of the file."""
    return faults_of_wheel(path) if path.suffix == ".whl" else faults_of_sdist(path)


def _difference(found: set[str], expected: set[str]) -> list[str]:
    return [f"missing: {name}" for name in sorted(expected - found)] + [
        f"too much: {name}" for name in sorted(found - expected)
    ]


if __name__ == "__main__":
    paths = [Path(name) for name in sys.argv[1:]]
    if not paths:
        sys.exit("no files named")
    failed = False
    for each in paths:
        faults = faults_of(each)
        failed |= bool(faults)
        print(
            f"{each}: {each.stat().st_size / 1e6:.1f} MB,", "; ".join(faults) or "as it should be"
        )
    sys.exit(int(failed))
