"""Tests of the limits a benchmark measures: operations by hand, rates by stand-ins. No times."""

import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.autograd import DeviceType
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
import limits
from ladder import whitening_layer
from limits import count_operations, operation_rate, peak_rates, time_by_kind


def by_formula(pictures, before, after, kernel, height, width):
    return 2 * pictures * before * after * kernel**2 * height * width


def averaged(*layers):
    """A net whose only operations that count are those of its convolutions."""
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


# ---------------------------------------------------------------- operations


def test_one_convolution_is_counted_as_the_formula_says():
    X, y = torch.rand(5, 3, 8, 6), torch.arange(5) % 4
    model = averaged(nn.Conv2d(3, 4, 3))
    forward = by_formula(5, 3, 4, 3, 6, 4)
    # backward: as many for the gradient of the weights; X needs none
    assert count_operations(model, X, y) == 2 * forward
    # with a gradient of its input, as inside of a net, as many once more
    assert count_operations(model, X.requires_grad_(), y) == 3 * forward


def test_layers_add_up_and_frozen_weights_need_no_gradient():
    X, y = torch.rand(7, 3, 9, 9), torch.arange(7) % 5
    frozen = whitening_layer(X, keep=12)  # 3 → 24, 8 × 8 pixels out
    model = averaged(frozen, nn.ReLU(), nn.Conv2d(24, 5, 3, padding=1))
    first, second = by_formula(7, 3, 24, 2, 8, 8), by_formula(7, 24, 5, 3, 8, 8)
    # nothing before the second layer is trained: it needs no gradient of its input
    assert count_operations(model, X, y) == first + 2 * second


def test_matrix_products_count_and_gradients_are_cleared():
    model = nn.Sequential(nn.Flatten(), nn.Linear(20, 3))
    X, y = torch.rand(6, 1, 4, 5), torch.arange(6) % 3
    assert count_operations(model, X, y) == 2 * (2 * 6 * 20 * 3)
    assert all(p.grad is None for p in model.parameters())


# ---------------------------------------------------------------- rates


def test_the_rate_is_that_of_the_fastest_run(monkeypatch):
    asked = {}

    class Timer:
        def __init__(self, stmt, globals, num_threads):
            exec(stmt, globals)
            asked["threads"] = num_threads

        def blocked_autorange(self, min_run_time):
            return SimpleNamespace(times=[0.4, 0.2, 0.5])

    monkeypatch.setattr(limits, "Timer", Timer)
    runs = []
    assert operation_rate(lambda: runs.append(1), 100) == pytest.approx(500)
    assert runs == [1] and asked["threads"] == torch.get_num_threads()  # not 1, as by default


def test_the_rate_of_real_work_is_finite():
    assert 0 < operation_rate(lambda: sum(range(1000)), 1000, seconds=0.01) < float("inf")


def test_peak_rates_count_what_they_run(monkeypatch):
    def counted(work, operations):
        with FlopCounterMode(display=False) as counter:
            result = work()
        assert counter.get_total_flops() == operations > 0
        assert result.dtype == torch.float32
        return operations

    monkeypatch.setattr(limits, "operation_rate", counted)
    rates = peak_rates("cpu", torch.float32)
    assert list(rates) == ["matrix product", "convolution"]


# ---------------------------------------------------------------- seconds by kind


def test_a_step_of_a_net_takes_its_kinds():
    model = nn.Sequential(
        *(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(36, 2)),
    )
    X = torch.rand(4, 3, 8, 8)
    seconds = time_by_kind(lambda: model(X[torch.randperm(4)]).sum().backward(), "cpu")
    assert set(seconds) >= {
        *("convolutions, forward", "convolutions, backward", "batch norm", "ReLU", "pooling"),
        *("taking batches, shifting them", "all else"),
    }
    assert set(seconds) <= {*limits.KINDS.values(), "all else"}
    assert list(seconds.values()) == sorted(seconds.values(), reverse=True)
    assert all(value >= 0 for value in seconds.values())


def test_each_kind_is_found_by_its_operation(monkeypatch):
    def event(key, gpu, cpu, kernel=False):
        kind = DeviceType.CUDA if kernel else DeviceType.CPU
        return SimpleNamespace(
            key=key, device_type=kind, self_device_time_total=gpu, self_cpu_time_total=cpu
        )

    events = [
        event("aten::cudnn_convolution", 3e6, 1e6),
        event("void cudnn::winograd(float)", 3e6, 0, kernel=True),  # the same three seconds
        event("aten::convolution_backward", 5e6, 1e6),
        event("aten::max_pool2d_with_indices", 2e6, 1e6),
        event("aten::index", 1e6, 4e6),
        event("aten::flip", 1e6, 4e6),
        event("aten::relu", 0, 1e6),
        event("aten::clamp_min", 0.5e6, 1e6),  # which relu calls
        event("cudaLaunchKernel", 0, 1e6),
    ]

    @contextmanager
    def profile(activities):
        yield SimpleNamespace(key_averages=lambda: events)

    monkeypatch.setattr(limits, "profile", profile)
    on_gpu = time_by_kind(lambda: None, "cuda")
    assert on_gpu == {
        "convolutions, backward": 5,
        "convolutions, forward": 3,
        "pooling": 2,
        "taking batches, shifting them": 2,
        "ReLU": 0.5,
        "all else": 0,
    }
    on_cpu = time_by_kind(lambda: None, "cpu")
    assert next(iter(on_cpu.items())) == ("taking batches, shifting them", 8)
    assert on_cpu["ReLU"] == 2 and sum(on_cpu.values()) == 14
