"""How far a training is from its machine's limit: operations counted, rates measured."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import FlopCounterMode

# what the names of PyTorch's operations contain, and what we call it; the first that fits counts
KINDS = {
    "convolution_backward": "convolutions, backward",
    "convolution": "convolutions, forward",
    "max_pool": "pooling",
    "batch_norm": "batch norm",
    "threshold_backward": "ReLU",
    "relu": "ReLU",
    "clamp_min": "ReLU",  # what relu calls
    "aten::copy_": "copies between types and layouts",
    "index": "taking batches, shifting them",
    "aten::where": "taking batches, shifting them",
    "aten::flip": "taking batches, shifting them",
    "reflection_pad": "taking batches, shifting them",
}


def count_operations(model: nn.Module, X: torch.Tensor, y: torch.Tensor) -> int:
    """Count additions and multiplications of one training step: convolutions, matrix products."""
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(model(X), y).backward()
    model.zero_grad()
    return counter.get_total_flops()


def operation_rate(work: Callable[[], object], operations: int, seconds: float = 0.5) -> float:
    """Repeat some work for a while, and give its best rate in operations a second.

    The best, and not the median: a limit is what the machine can do when nothing disturbs it.
    """
    timer = Timer("work()", globals={"work": work}, num_threads=torch.get_num_threads())
    return operations / min(timer.blocked_autorange(min_run_time=seconds).times)


def peak_rates(device, dtype: torch.dtype) -> dict[str, float]:
    """Measure a matrix product and a 3 × 3 convolution, forward, in operations a second."""
    n, batch = (2048, 64) if torch.device(device).type == "cpu" else (8192, 1024)
    A = torch.randn(n, n, device=device).to(dtype)
    X = torch.randn(batch, 128, 32, 32, device=device).to(dtype)
    conv = nn.Conv2d(128, 128, kernel_size=3, padding=1, bias=False, device=device, dtype=dtype)
    X, conv = (part.to(memory_format=torch.channels_last) for part in (X, conv))
    with torch.no_grad():
        return {
            "matrix product": operation_rate(lambda: A @ A, 2 * n**3),
            "convolution": operation_rate(lambda: conv(X), 2 * batch * 32**2 * 128**2 * 9),
        }


def time_by_kind(work: Callable[[], object], device) -> dict[str, float]:
    """Run some work under PyTorch's profiler and add up its seconds by kind, the longest first.

    On an NVIDIA or AMD GPU these are seconds of the GPU, else of the CPU.
    """
    cuda = torch.device(device).type == "cuda"
    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if cuda else [])
    with profile(activities=activities) as run:
        work()
    seconds: dict[str, float] = {}
    for event in run.key_averages():
        if event.device_type != DeviceType.CPU:
            continue  # a GPU's kernel: its time is counted where PyTorch's operation starts it
        own = event.self_device_time_total if cuda else event.self_cpu_time_total
        kind = next((KINDS[part] for part in KINDS if part in event.key), "all else")
        seconds[kind] = seconds.get(kind, 0.0) + own / 1e6
    return dict(sorted(seconds.items(), key=lambda item: -item[1]))
