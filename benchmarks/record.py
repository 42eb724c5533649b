"""What every benchmark records: the machine, and one entry of a JSON file for each experiment."""

from __future__ import annotations

import json
import math
import os
import platform
import time
from pathlib import Path

import torch
import torchvision

from helpers.machine import choose_device, fast_bf16


def machine() -> dict:
    """Say what the numbers were measured on."""
    device = choose_device()
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


def record(path: Path, name: str, what: str, runs: list[dict], order: list[str]) -> None:
    """Replace the entry of one experiment: a list of values, one a run, under each key."""
    values = [value for run in runs for value in run.values() if isinstance(value, float)]
    if not all(map(math.isfinite, values)):
        raise SystemExit(f"{name}: a result is not a number, so nothing is recorded")
    entry = {"what": what, "seeds": len(runs)}
    entry |= {key: [run[key] for run in runs] for key in runs[0]}
    entry["machine"] = machine()
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    found = {**results.get("experiments", {}), name: entry}
    results["experiments"] = {key: found[key] for key in order if key in found}
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
