# SPDX-License-Identifier: Apache-2.0
"""Reading the package's own files with other libraries in the place of those that are not there.

A module below `searchtransfer.lite.pipeline` is the file of the same name of the package, in which
`import torch` is read as `import searchtransfer.lite.arrays as torch`, and so on. Nobody else sees
any of it: what is `torch` for the rest of the process stays that.
"""

import ast
import importlib
import importlib.abc
import importlib.machinery
import sys
from functools import cache
from types import CodeType, ModuleType
from typing import Any

HERE = "searchtransfer.lite"
PIPELINE = f"{HERE}.pipeline"

STAND_INS = {
    "torch": f"{HERE}.arrays",
    "torch.nn.functional": f"{HERE}.arrays.functional",
    "jaxtyping": f"{HERE}.annotations",
    "safetensors": f"{HERE}.absent",
    "safetensors.torch": f"{HERE}.safetensors",
    "OpenImageIO": f"{HERE}.absent",
}
"""What is read in the place of which import."""

SHARED = ("errors",)
"""Modules that are the same on both sides, so that errors can be caught by the names they have."""


class _Imports(ast.NodeTransformer):
    """Imports of libraries become those of their stand-ins, under the same names."""

    def __init__(self, stand_ins: dict[str, str]) -> None:
        self.stand_ins = stand_ins

    def visit_Import(self, node: ast.Import) -> ast.AST:
        node.names = [self._alias(alias) for alias in node.names]
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if node.level == 0 and node.module in self.stand_ins:
            node.module = self.stand_ins[node.module]
        return node

    def _alias(self, alias: ast.alias) -> ast.alias:
        if alias.name not in self.stand_ins:
            return alias
        name = alias.asname or alias.name.partition(".")[0]
        return ast.copy_location(ast.alias(self.stand_ins[alias.name], name), alias)


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles anew each time: the cache beside the file is that of the file as it is."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        tree = _Imports(_stand_ins()).visit(ast.parse(self.get_data(path), path))
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)


@cache
def _stand_ins() -> dict[str, str]:
    """Those that are always needed, and that of OpenCV where it is not there, or does not work."""
    try:
        importlib.import_module("cv2")
    except ImportError:
        return STAND_INS | {"cv2": f"{HERE}.no_opencv"}
    return STAND_INS


class _Finder(importlib.abc.MetaPathFinder):
    """Answers for modules below `PIPELINE` only."""

    def find_spec(
        self, fullname: str, path: Any, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        # Paths of packages are sequences of text, those of namespaces something like it.
        if not fullname.startswith(f"{PIPELINE}."):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


def load(name: str) -> Any:
    """A module of the pipeline, as `references.matching`."""
    if not any(isinstance(x, _Finder) for x in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
        for shared in SHARED:
            module = importlib.import_module(f"searchtransfer.{shared}")
            sys.modules[f"{PIPELINE}.{shared}"] = module
    return importlib.import_module(f"{PIPELINE}.{name}")
