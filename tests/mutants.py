# SPDX-License-Identifier: Apache-2.0
"""How many small mistakes in `operators/` its tests would notice; needs time, so no test itself.

    python tests/mutants.py [--count 200] [--seed 0] [--tests tests/operators] [--most 60] [--again]

Each mutant is one change of one place in a Python file of `operators/`: an operator, a comparison,
a number, a condition, a returned value. Places are drawn with a seed, evenly over all there are. A
copy of the sources gets the change, and the tests that run its line run, cheapest first, until the
first failure or as many as `--most` seconds allow. A mutant that they pass survives and is listed
with its line; one that makes them endless is caught. What is known of the present sources is kept
below `--journal`, so that a run that was stopped goes on; `--again` tries what survived once more,
after tests were added.
"""

import argparse
import ast
import copy
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mutant_runs import Known, learn, passes

ROOT = Path(__file__).parents[1]
FOLDER = Path("src/searchtransfer/operators")

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


def statement(tree: ast.AST, node: ast.AST) -> tuple[int, int]:
    """The lines, of the statement that a node is in, down to the node's end."""
    first, last = node.lineno, node.end_lineno or node.lineno  # type: ignore[attr-defined]
    around = [
        one.lineno
        for one in ast.walk(tree)
        if isinstance(one, ast.stmt) and one.lineno <= first and (one.end_lineno or 0) >= last
    ]
    return max(around, default=first), last


def is_caught(path: Path, number: int, root: Path, known: Known, count: int, most: float) -> bool:
    """Whether the tests fail with a node changed, in a copy of the project."""
    target = root / path
    before = target.read_text(encoding="utf-8")
    tree = ast.parse(before)
    lines = statement(tree, list(ast.walk(tree))[number])
    try:
        target.write_text(mutant(before, number), encoding="utf-8")
        _made_at(target, 2 * count)
        return not passes(root, known, known.tests_of(path, *lines, most))
    finally:
        target.write_text(before, encoding="utf-8")
        _made_at(target, 2 * count + 1)


def _made_at(path: Path, number: int) -> None:
    """No two contents of a file have one time, by which Python knows what it compiled."""
    os.utime(path, (1e9 + number, 1e9 + number))


def copied(folder: Path) -> Path:
    """A copy of what the tests need."""
    for name in ("src", "tests", "pyproject.toml"):
        copy_it = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy_it(ROOT / name, folder / name)
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tests", nargs="+", default=["tests/operators"])
    parser.add_argument("--most", type=float, default=60.0, help="seconds of tests for a mutant")
    parser.add_argument("--journal", type=Path, default=Path("mutants"), help="a folder")
    parser.add_argument("--again", action="store_true", help="try once more what survived")
    parser.add_argument("--list", action="store_true", help="only say which would be tried")
    options = parser.parse_args()
    files = {
        path.relative_to(ROOT): path.read_text(encoding="utf-8")
        for path in sorted((ROOT / FOLDER).rglob("*.py"))
    }
    everything = [(path, *place) for path, source in files.items() for place in places(source)]
    chosen = random.Random(options.seed).sample(everything, min(options.count, len(everything)))
    print(f"{len(chosen)} of {len(everything)} mutants, seed {options.seed}", flush=True)
    if options.list:
        print("\n".join(f"{path}, {what}" for path, _, what in chosen))
        return 0
    digest = hashlib.sha256("".join(files.values()).encode()).hexdigest()[:8]
    journal = options.journal.resolve() / digest
    journal.mkdir(parents=True, exist_ok=True)
    told = outcomes(journal / "mutants.jsonl")
    with tempfile.TemporaryDirectory() as folder, (journal / "mutants.jsonl").open("a") as log:
        root = copied(Path(folder).resolve())
        known = learn(root, FOLDER, options.tests, journal)
        for count, (path, number, what) in enumerate(chosen):
            name = f"{path}, {number}, {what}"
            if name not in told or (options.again and not told[name]):
                told[name] = is_caught(path, number, root, known, count, options.most)
                print(json.dumps([name, told[name]]), file=log, flush=True)
            if not told[name]:
                print(f"survives: {name}", flush=True)
    caught = sum(told[f"{path}, {number}, {what}"] for path, number, what in chosen)
    print(f"caught {caught} of {len(chosen)}: {100 * caught / max(1, len(chosen)):.1f} %")
    return 0


def outcomes(journal: Path) -> dict[str, bool]:
    """What earlier runs found: the last word on each mutant."""
    if not journal.exists():
        return {}
    lines = journal.read_text(encoding="utf-8").splitlines()
    return dict(json.loads(line) for line in lines if line.endswith("]"))


if __name__ == "__main__":
    sys.exit(main())
