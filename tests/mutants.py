# SPDX-License-Identifier: Apache-2.0
"""How many small mistakes in `operators/` its tests would notice; needs time, so no test itself.

    python tests/mutants.py [--count 200] [--seed 0] [--tests tests/operators] [--list]

Each mutant is one change of one place in a Python file of `operators/`: an operator, a comparison,
a number, a condition, a returned value. Places are drawn with a seed, evenly over all there are. A
copy of the sources gets the change, and the tests run on it until the first failure, those named
like the changed file first. A mutant that they pass survives and is listed with its line; one that
makes them endless is caught.
"""

import argparse
import ast
import copy
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = Path("src/searchtransfer/operators")
SECONDS = 900  # of a run of the tests; a mutant that makes them endless is caught

_OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The mutants of one node: what is done, and the node as it is then."""
    new = copy.deepcopy(node)
    if isinstance(new, ast.BinOp | ast.AugAssign | ast.BoolOp) and type(new.op) in _OPERATORS:
        before = type(new.op).__name__
        new.op = _OPERATORS[type(new.op)]()
        yield f"{before} becomes {type(new.op).__name__}", new
    elif isinstance(new, ast.Compare) and type(new.ops[0]) in _OPERATORS:
        before = type(new.ops[0]).__name__
        new.ops[0] = _OPERATORS[type(new.ops[0])]()
        yield f"{before} becomes {type(new.ops[0]).__name__}", new
    elif isinstance(new, ast.UnaryOp) and isinstance(new.op, ast.Not | ast.USub):
        yield f"{type(new.op).__name__} is left out", new.operand
    elif isinstance(new, ast.Constant) and isinstance(new.value, bool):
        new.value = not new.value
        yield f"{node.value} becomes {new.value}", new  # type: ignore[attr-defined]
    elif isinstance(new, ast.Constant) and isinstance(new.value, int | float):
        new.value = new.value + 1
        yield f"{new.value - 1} becomes {new.value}", new
    elif isinstance(new, ast.If | ast.IfExp | ast.While):
        new.test = ast.UnaryOp(ast.Not(), new.test)
        yield "the condition is reversed", new
    elif isinstance(new, ast.Return) and new.value is not None:
        new.value = ast.Constant(None)
        yield "None is returned", new


def is_annotation(tree: ast.AST) -> set[int]:
    """Nodes that no program runs: annotations, so mutants of them would all survive."""
    found: set[int] = set()
    for node in ast.walk(tree):
        parts = [getattr(node, name, None) for name in ("annotation", "returns")]
        found |= {id(x) for part in parts if part is not None for x in ast.walk(part)}
    return found


def places(source: str) -> list[tuple[int, str]]:
    """All mutants of a file: the number of the node, as `ast.walk` has it, and what is done."""
    tree = ast.parse(source)
    left_out = is_annotation(tree)
    return [
        (number, f"line {node.lineno}: {what}")  # type: ignore[attr-defined]
        for number, node in enumerate(ast.walk(tree))
        if id(node) not in left_out
        for what, _ in changes(node)
    ]


def mutant(source: str, number: int) -> str:
    """A file with one node changed."""
    tree = ast.parse(source)
    node = list(ast.walk(tree))[number]
    (_, new) = next(changes(node))
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is node:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(x is node for x in value):
                setattr(parent, name, [new if x is node else x for x in value])
    return ast.unparse(ast.fix_missing_locations(tree))


def in_order(tests: list[str], path: Path, root: Path) -> list[str]:
    """The files of tests, those first that are named like the changed file or its first word."""
    files = [
        file.relative_to(root)
        for test in tests
        for file in (sorted((root / test).rglob("test_*.py")) or [root / test])
    ]
    word = path.stem.split("_")[0]

    def distance(file: Path) -> int:
        name = file.stem.removeprefix("test_")
        return 0 if name == path.stem else 1 if name.startswith(word) else 2

    return [str(file) for file in sorted(files, key=distance)]


def survives(path: Path, content: str, tests: list[str], root: Path) -> bool:
    """Whether the tests pass with a file changed, in a copy of the project."""
    target = root / path
    before = target.read_text(encoding="utf-8")
    target.write_text(content, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    command += in_order(tests, path, root)
    environment = os.environ | {"PYTHONPATH": str(root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return run.wait(SECONDS) == 0
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)  # with whatever the tests have started
        run.wait()
        return False
    finally:
        target.write_text(before, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tests", nargs="+", default=["tests/operators"])
    parser.add_argument("--list", action="store_true", help="only say which would be tried")
    options = parser.parse_args()
    files = {
        path.relative_to(ROOT): path.read_text(encoding="utf-8")
        for path in sorted((ROOT / FOLDER).rglob("*.py"))
    }
    known = [(path, *place) for path, source in files.items() for place in places(source)]
    chosen = random.Random(options.seed).sample(known, min(options.count, len(known)))
    print(f"{len(chosen)} of {len(known)} mutants, seed {options.seed}", flush=True)
    if options.list:
        print("\n".join(f"{path}, {what}" for path, _, what in chosen))
        return 0
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("src", "tests", "pyproject.toml"):
            copied = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copied(ROOT / name, root / name)
        first = next(iter(files))
        if not survives(first, ast.unparse(ast.parse(files[first])), options.tests, root):
            print("the tests fail without any change, so they would catch everything")
            return 1
        for count, (path, number, what) in enumerate(chosen, 1):
            if survives(path, mutant(files[path], number), options.tests, root):
                survivors.append(f"{path}, {what}")
                print(f"survives: {survivors[-1]}", flush=True)
            print(f"{count}: {count - len(survivors)} caught", flush=True)
    caught = len(chosen) - len(survivors)
    print(f"caught {caught} of {len(chosen)}: {100 * caught / max(1, len(chosen)):.1f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
