# SPDX-License-Identifier: Apache-2.0
"""A device that is none: an accelerator without float64, whose tensors lie on the CPU.

Within `Pretended` a tensor that is made on, or moved to, `mps` says that it is there, and takes
part in operations with others that are there only, as on the real one. What goes to the CPU and
what the program waits for is counted: that is what makes real ones slow.
"""

from collections import Counter
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

_setup_privateuseone_for_python_backend("pretended")
DEVICE = torch.device("pretended", 0)
torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(..., device=) is to come to Pretended too
EAGER = torch._C.DispatchKey.CompositeExplicitAutograd
COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd
aten = torch.ops.aten

WAITS = {
    aten._local_scalar_dense.default: "a number is read",
    aten.nonzero.default: "the size depends on values",
    aten.masked_select.default: "the size depends on values",
    aten._unique2.default: "the size depends on values",
    aten.unique_dim.default: "the size depends on values",
    aten.unique_consecutive.default: "the size depends on values",
    aten.equal.default: "a number is read",
}
"""Operations whose results the program cannot go on without."""
INDEXED = {aten.index.Tensor, aten.index_put_.default, aten._index_put_impl_.default}
"""So have these, with a mask."""


class There(Tensor):
    """A tensor on the device; `here` holds its values."""

    here: Tensor

    @staticmethod
    def __new__(cls, here: Tensor) -> "There":
        if here.dtype in (torch.float64, torch.complex128):
            raise TypeError("the pretended device has no float64")
        there = Tensor._make_wrapper_subclass(
            cls,
            here.shape,
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            device=DEVICE,
            requires_grad=here.requires_grad,
        )
        there.here = here
        return there

    def __repr__(self) -> str:  # type: ignore[override]
        return f"There({self.here})"

    def tolist(self) -> Any:
        return self.cpu().tolist()  # torch's own takes no wrapped tensor

    def new_tensor(self, data: Any, **how: Any) -> Tensor:
        return torch.tensor(data, **{"dtype": self.dtype, "device": self.device, **how})

    @classmethod
    def __torch_dispatch__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        raise RuntimeError(f"{function} outside of Pretended")


class Pretended(TorchDispatchMode):
    """The device is there within this; `counts` are the copies and waits so far."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if function.namespace == "searchtransfer":  # which is made of others
            with self:
                return function._op_dk(EAGER, *args, **kwargs)
        tensors = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, Tensor)]
        asked = kwargs.get("device")
        on = any(isinstance(x, There) for x in tensors)
        goes = on if asked is None else torch.device(asked).type == DEVICE.type
        if not on and not goes:
            return function(*args, **kwargs)
        if function.has_kernel_for_dispatch_key(COMPOSITE):
            with self:
                return function.decompose(*args, **kwargs)
        if function in (aten._to_copy.default, aten.copy_.default):
            places = {isinstance(x, There) for x in tensors}
            if function is aten.copy_.default and len(places) == 2:
                self.counts["to the CPU" if not isinstance(args[0], There) else "from the CPU"] += 1
            if function is aten._to_copy.default and on != goes:
                self.counts["to the CPU" if on else "from the CPU"] += 1
        else:
            self._refuse_mixture(function, tensors)
        if function in INDEXED and any(x.dtype == torch.bool for x in tensors[1:]):
            self.counts["the size depends on values"] += 1
        if function in WAITS:
            self.counts[WAITS[function]] += 1
        if asked is not None:
            kwargs["device"] = torch.device("cpu")
        plain_args, plain_kwargs = tree_map(
            lambda x: x.here if isinstance(x, There) else x, (args, kwargs)
        )
        result = function(*plain_args, **plain_kwargs)
        if function is aten.copy_.default:
            return args[0]
        known = {id(x.here): x for x in tensors if isinstance(x, There)}
        if not goes:
            return result
        return tree_map(
            lambda x: known.get(id(x), There(x)) if isinstance(x, Tensor) else x, result
        )

    def _refuse_mixture(self, function: Any, tensors: list[Tensor]) -> None:
        """As torch does; only single numbers may lie on the CPU, and positions to index with."""
        if not any(isinstance(x, There) for x in tensors):
            return
        if "index" in str(function):
            return
        for x in tensors:
            if not isinstance(x, There) and x.dim():
                raise RuntimeError(f"{function}: tensors on {DEVICE} and on {x.device}")
