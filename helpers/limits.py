"""How far a training is from its machine's limit: operations counted, rates measured."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import contextmanager

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from helpers.plotting import COLORS, show_figure

__all__ = ["count_operations", "operation_rate", "peak_rates", "show_shares", "time_by_kind"]

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
    """Count the additions and multiplications of one training step. Built in lesson 08.

    Those of convolutions and matrix products, forward and backward, as PyTorch's
    ``FlopCounterMode`` counts them; all else is left out. X is float (N, ...), y int64 (N,), on
    the model's device; the model gives scores (N, classes). Its gradients are cleared; batch norm
    takes part of this batch into its running mean, as in any training step.
    """
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(model(X), y).backward()
    model.zero_grad()
    return counter.get_total_flops()


def operation_rate(work: Callable[[], object], operations: int, device, seconds=0.5) -> float:
    """Repeat some work for a while, and give its best rate in operations a second. Lesson 08.

    ``operations`` is how many one ``work()`` makes, ``seconds`` how long to go on; two runs that
    are not counted come first. The best, and not the median: a limit is what the machine can do
    when nothing disturbs it.
    """
    waits = {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}
    wait = waits.get(torch.device(device).type, lambda: None)
    for _ in range(2):  # the first times prepare things
        work()
    wait()
    end, best = time.perf_counter() + seconds, float("inf")
    while (start := time.perf_counter()) < end or best == float("inf"):
        work()
        wait()
        best = min(best, time.perf_counter() - start)
    return operations / best


def peak_rates(device, dtype: torch.dtype) -> dict[str, float]:
    """Measure what a device can do at best: a matrix product, and a convolution, in one precision.

    Returns
    -------
    dict {"matrix product": rate, "convolution": rate}
        In operations a second, forward only. The product is of two square matrices, the
        convolution 3 × 3 from 128 to 128 maps in the layout `channels_last`; both larger on a GPU.
    """
    big = torch.device(device).type != "cpu"
    n, batch = (8192, 1024) if big else (2048, 64)
    A = torch.randn(n, n, device=device).to(dtype)
    X = torch.randn(batch, 128, 32, 32, device=device).to(dtype)
    X = X.contiguous(memory_format=torch.channels_last)
    conv = nn.Conv2d(128, 128, kernel_size=3, padding=1, bias=False, device=device, dtype=dtype)
    conv.to(memory_format=torch.channels_last)
    with torch.no_grad():
        return {
            "matrix product": operation_rate(lambda: A @ A, 2 * n**3, device),
            "convolution": operation_rate(
                lambda: conv(X), 2 * batch * 32 * 32 * 128 * 128 * 9, device
            ),
        }


def time_by_kind(work: Callable[[], object], device) -> dict[str, float]:
    """Run some work under PyTorch's profiler and add up its seconds by kind of operation.

    Returns
    -------
    dict {kind: seconds}
        The longest first. On an NVIDIA or AMD GPU these are seconds of the GPU, else of the CPU.
    """
    cuda = torch.device(device).type == "cuda"
    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if cuda else [])
    with _quiet(), profile(activities=activities) as run:
        work()
    seconds: dict[str, float] = {}
    for event in run.key_averages():
        if event.device_type != DeviceType.CPU:
            continue  # a GPU's kernel: its time is counted where PyTorch's operation starts it
        own = event.self_device_time_total if cuda else event.self_cpu_time_total
        kind = next((KINDS[part] for part in KINDS if part in event.key), "all else")
        seconds[kind] = seconds.get(kind, 0.0) + own / 1e6
    return dict(sorted(seconds.items(), key=lambda item: -item[1]))


@contextmanager
def _quiet():
    """Drop what the profiler's own library writes to the terminal, past Python's stderr."""
    terminal, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(nothing)


def show_shares(values: dict[str, float], *, unit: str, alt: str, mark: str | None = None) -> None:
    """Draw one bar a name; the bar ``mark`` in another colour.

    ``values`` are numbers from 0 on, ``unit`` names them below the axis, ``alt`` is the figure's
    text alternative. Raises what `show_figure` raises.
    """
    _, ax = plt.subplots(figsize=(8, 0.9 + 0.4 * len(values)))
    colors = [COLORS["validation" if name == mark else "train"] for name in values]
    ax.barh(list(values), list(values.values()), color=colors)
    for k, value in enumerate(values.values()):
        ax.text(value, k, f" {value:,.3g}", va="center")
    ax.set_xlabel(unit)
    ax.set_xlim(0, 1.15 * max(values.values()))
    ax.invert_yaxis()
    show_figure(alt)
