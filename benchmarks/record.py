"""What every benchmark records: the machine, and one entry of a JSON file for each experiment."""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import time
from pathlib import Path

import torch
import torchvision

from helpers.machine import choose_device, fast_bf16

RSS_BYTES = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss


def machine(device: torch.device | None = None) -> dict:
    """Say what the numbers were measured on; without a device, on the one that is chosen."""
    device = device or choose_device()
    return {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else str(device),
        "processor": platform.machine(),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "bf16": fast_bf16(device),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "date": time.strftime("%Y-%m-%d"),
    }


def peak_memory_gb(device: torch.device) -> float:
    """Give the largest memory so far in 10**9 bytes: of the GPU, or of this process.

    Of this process on Linux and macOS only.
    """
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated() / 1e9, 2)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * RSS_BYTES / 1e9, 2)


def record(
    path: Path,
    name: str,
    what: str,
    runs: list[dict],
    order: list[str],
    device: torch.device | None = None,
) -> None:
    """Replace the entry of one experiment: a list of values, one a run, under each key."""
    values = [value for run in runs for value in run.values() if isinstance(value, float)]
    if not all(map(math.isfinite, values)):
        raise SystemExit(f"{name}: a result is not a number, so nothing is recorded")
    entry = {"what": what, "seeds": len(runs)}
    entry |= {key: [run[key] for run in runs] for key in runs[0]}
    entry["machine"] = machine(device)
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    found = {**results.get("experiments", {}), name: entry}
    results["experiments"] = {key: found[key] for key in order if key in found}
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
