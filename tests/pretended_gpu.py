"""A pretended GPU: finds device faults, and counts waits, on a machine that has none.

    with pretended("cuda") as gpu:  # or "mps"
        model.to("cuda")
        …
    gpu.waits  # how often the program waited for the GPU, by what it waited at

All tensors stay in the CPU's memory; what lies on the GPU has a mark at its storage, which its
views share. As on a GPU, `.device` says cuda:0, operations on tensors of both places raise, and so
does NumPy. Where PyTorch would wait for a GPU, that is counted. Not pretended: speed, rounding
(TF32), other random numbers, streams, CUDA graphs, `torch.compile`; autocast is the CPU's.
"""

import contextlib
from collections import Counter
from unittest import mock

import torch
import torch._dynamo  # the modes import it, but it must not meet what stands in below
import torch.utils.benchmark  # it looks for a GPU when it is imported
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# operations whose result, or whose result's size, is read from the GPU, and a name for the wait
WAITS = {
    "_local_scalar_dense": "item",  # also bool(), int(), float()
    "_linalg_check_errors": "linalg",
    **dict.fromkeys(["_unique", "_unique2", "unique_consecutive", "unique_dim"], "unique"),
}
for name in "allclose bincount equal masked_select nonzero repeat_interleave".split():
    WAITS[name] = name
INDEXING = ("index", "index_put", "index_put_", "_index_put_impl_")
COPYING = ("tensor", "as_tensor", "asarray", "new_tensor")  # bring data from the CPU


def is_on(tensor):
    """Say whether a tensor lies on the pretended GPU."""
    try:
        return getattr(tensor.untyped_storage(), "on_pretended_gpu", False)
    except (NotImplementedError, RuntimeError):  # it has no storage, such as a sparse one
        return False


def _tensors(tree):
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


class Operations(TorchDispatchMode):
    """Sees each operation: refuses tensors of both places, marks results, counts waits."""

    def __init__(self, gpu):
        super().__init__()
        self.gpu = gpu
        self.inside = False  # in a call with tensors of the GPU, which may make others itself

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, func._schema.name.removeprefix("aten::")
        tensors = _tensors((args, kwargs))
        there = [is_on(tensor) for tensor in tensors]
        if any(there):
            self._look_at(name, tensors, there, args, kwargs)
        result = func(*args, **kwargs)
        if (any(there) and name != "copy_") or (self.inside and not tensors):
            self.gpu.mark(result)
        return result

    def _look_at(self, name, tensors, there, args, kwargs):
        cpu = [tensor for tensor, on in zip(tensors, there, strict=True) if not on]
        both = f"Expected all tensors to be on the same device, but found {self.gpu.device} and cpu"
        if name in WAITS:
            self.gpu.waits[WAITS[name]] += 1
        if name == "copy_":
            waits = cpu and not (kwargs.get("non_blocking") or args[2:] == (True,))
            self.gpu.waits["copy_"] += bool(waits)
        elif name in INDEXING:
            indices, value = _tensors(args[1]), args[2] if len(args) > 2 else None
            if not there[0]:
                raise RuntimeError("indices should be on the same device as the tensor (cpu)")
            if value is not None and value.ndim and not is_on(value):
                raise RuntimeError(f"{both} (in {name})")
            masks = any(i.dtype in (torch.bool, torch.uint8) for i in indices)
            fills = value is not None and value.numel() == 1  # needs no size
            self.gpu.waits["index"] += (masks and not fills) or not all(map(is_on, indices))
        elif cpu and name != "set_":  # a number of the CPU may come along, but is never the result
            changed = name.endswith("_") and not there[0]
            if changed or any(tensor.ndim for tensor in cpu) or name == "stack":
                raise RuntimeError(f"{both} (in {name})")


class _Move(torch.autograd.Function):
    @staticmethod
    def forward(ctx, tensor, gpu, on):
        ctx.gpu, ctx.on = gpu, on
        return gpu.mark(tensor.clone(), on)

    @staticmethod
    def backward(ctx, gradient):
        return ctx.gpu.mark(gradient.clone(), not ctx.on), None, None


class PretendedGpu(TorchFunctionMode):
    """Sees each call of a function or attribute of PyTorch: all that speaks of devices."""

    def __init__(self, kind):
        super().__init__()
        self.device, self.waits, self.operations = torch.device(kind, 0), Counter(), None
        get = {name: getattr(torch.Tensor, name).__get__ for name in ("device", "is_cpu")}
        get["here"] = getattr(torch.Tensor, f"is_{kind}").__get__
        self.asked = {get["device"]: self.device, get["is_cpu"]: False, get["here"]: True}
        self.asked[torch.Tensor.get_device] = 0

    def mark(self, result, on=True):
        """Say of the tensors in a result where they lie; give the result."""
        for tensor in _tensors(result):
            if on and self.device.type == "mps" and tensor.dtype == torch.float64:
                raise TypeError("Cannot convert a MPS Tensor to float64 dtype: not supported")
            with contextlib.suppress(NotImplementedError, RuntimeError):
                tensor.untyped_storage().on_pretended_gpu = on
        return result

    def is_here(self, device):
        """Say whether a device is the pretended one."""
        return torch.device(device).type == self.device.type

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = dict(kwargs or {}), getattr(func, "__name__", "")
        on = bool(args) and isinstance(args[0], torch.Tensor) and is_on(args[0])
        if name == "__get__" or func in self.asked:
            return self.asked[func] if on and func in self.asked else func(*args, **kwargs)
        if on and name in ("numpy", "__array__"):
            raise TypeError(
                f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() first"
            )
        if on and name in ("tolist", "__repr__"):
            self.waits[name] += 1
        if func in (torch.Tensor.cpu, torch.Tensor.cuda):
            return self._to(args[0], name)
        if func is torch.Tensor.to:
            return self._to(*args, **kwargs)
        device, generator = kwargs.get("device"), kwargs.get("generator")
        here = on if device is None else self.is_here(device)
        if generator is not None and self.is_here(generator.device) != here:
            raise RuntimeError(f"Expected another device for generator, found {generator.device}")
        if device is not None and (here or on):
            result = func(*args, **{**kwargs, "device": "cpu"})
            return self._move(result, here) if name in COPYING else self.mark(result, here)
        before = self.operations.inside
        self.operations.inside = before or on or any(map(is_on, _tensors((args, kwargs))))
        try:
            return func(*args, **kwargs)
        finally:
            self.operations.inside = before

    def _to(self, tensor, *args, copy=False, **kwargs):
        if args and isinstance(args[0], torch.Tensor):
            args = (self.device if is_on(args[0]) else "cpu", args[0].dtype, *args[1:])
        device, dtype, non_blocking, layout = torch._C._nn._parse_to(*args, **kwargs)
        if device is not None and not self.is_here(device):  # back first: it has all types
            tensor = self._move(tensor.to(device) if device.type != "cpu" else tensor, False)
            return tensor.to(dtype=dtype, memory_format=layout, copy=copy)
        on = device is not None or is_on(tensor)
        result = tensor.to(dtype=dtype, memory_format=layout, copy=copy)
        return self._move(result, on, non_blocking)

    def _move(self, tensor, on, non_blocking=False):
        if is_on(tensor) == on or not (on or is_on(tensor)):
            return tensor
        self.waits["to" if on else "cpu"] += not (on and non_blocking)
        return _Move.apply(tensor, self, on)


class Generator(torch.Generator):
    """A generator that says it lies on the pretended GPU."""

    def __new__(cls, device="cpu"):
        return super().__new__(cls)

    def __init__(self, device="cpu"):
        self._device = torch.device(device)

    @property
    def device(self):
        return self._device


def _replacements(gpu):
    """Give what a machine with the pretended GPU has: (owner, names and what stands for them)."""

    def synchronize(*_):
        gpu.waits["synchronize"] += 1

    class Event:
        def __init__(self, *_, **__):
            pass

        def record(self, *_):
            pass

        def wait(self, *_):
            pass

        def query(self):
            return True

        def elapsed_time(self, _):
            return 1.0

        def synchronize(self):
            synchronize()

    class autocast(torch.autocast):
        def __init__(self, device_type, *args, **kwargs):
            super().__init__("cpu" if gpu.is_here(device_type) else device_type, *args, **kwargs)

    def always(value):
        return lambda *_, **__: value

    memory = "memory_allocated max_memory_allocated memory_reserved max_memory_reserved"
    yield torch, {"autocast": autocast, "Generator": Generator}
    yield torch.amp, {"autocast": autocast}
    accelerator = {"is_available": always(True), "current_accelerator": always(gpu.device)}
    yield torch.accelerator, {**accelerator, "synchronize": synchronize}
    for name in ("_accelerator_graph_capture_health_check", "_cuda_graph_capture_health_check"):
        if hasattr(torch.optim.Optimizer, name):
            yield torch.optim.Optimizer, {name: always(None)}
    yield torch.backends.mps, {"is_available": always(gpu.device.type == "mps")}
    yield torch.cuda, {"is_available": always(gpu.device.type == "cuda")}
    if gpu.device.type == "mps":
        nothing = dict.fromkeys(["empty_cache", "manual_seed"], always(None))
        yield torch.mps, {"synchronize": synchronize, "Event": Event, **nothing}
        yield torch.mps, {"current_allocated_memory": always(0)}
    else:
        nothing = ["set_device", "empty_cache", "reset_peak_memory_stats", "manual_seed_all"]
        yield torch.cuda, {"synchronize": synchronize, "Event": Event}
        yield torch.cuda, dict.fromkeys(nothing, always(None))
        yield torch.cuda, dict.fromkeys(memory.split(), always(0))
        yield torch.cuda, dict.fromkeys(["current_device"], always(0))
        yield torch.cuda, {"device_count": always(1), "mem_get_info": always((8 * 10**10,) * 2)}
        yield torch.cuda, {"is_bf16_supported": always(True)}
        yield torch.cuda, {"get_device_name": always("a pretended GPU")}
        yield torch.cuda, {"get_device_capability": always((9, 0))}


@contextlib.contextmanager
def pretended(kind="cuda"):
    """Within this context the machine has a GPU of a kind, "cuda" or "mps"."""
    gpu = PretendedGpu(kind)
    gpu.operations = Operations(gpu)

    def tag(storage):  # so `torch.save` notes the place, and `torch.load` puts it back there
        return str(gpu.device) if getattr(storage, "on_pretended_gpu", False) else None

    def restore(storage, location):
        if gpu.is_here(location):
            storage.on_pretended_gpu = True
            return storage
        return None

    registry = [(0, tag, restore), *torch.serialization._package_registry]
    with contextlib.ExitStack() as stack:
        stack.enter_context(
            mock.patch.object(
                torch.serialization, "_package_registry", [(0, tag, restore), *registry]
            )
        )
        for owner, names in _replacements(gpu):
            stack.enter_context(mock.patch.multiple(owner, **names))
        stack.enter_context(gpu)
        stack.enter_context(gpu.operations)
        yield gpu
