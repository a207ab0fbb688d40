# SPDX-License-Identifier: Apache-2.0
"""`python -m benchmarks` says what there is; `python -m benchmarks tables` makes tables again."""

import argparse
import ast
import sys
from pathlib import Path

from benchmarks import tables

HERE = Path(__file__).parent


def programs() -> dict[str, str]:
    """Modules that can be run, and the first line that each says of itself."""
    found = {}
    for path in sorted(HERE.glob("*/*.py")):
        text = path.read_text(encoding="utf-8")
        if '__name__ == "__main__"' in text:
            said = ast.get_docstring(ast.parse(text)) or ""
            found[f"benchmarks.{path.parent.name}.{path.stem}"] = said.splitlines()[0]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    first, _, rest = (tables.__doc__ or "").partition("\n")
    tables.add_options(
        commands.add_parser(
            "tables",
            help=first,
            description=f"{first}\n{rest}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )
    options = parser.parse_args()
    if options.command:
        return tables.main(options)
    for name, said in programs().items():
        print(f"python -m {name:32} {said}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
