"""Where the results of all benchmarks are kept: one schema, one writer.

`helpers/recorded/TOPIC.json` is {"schema": 2, "experiments": {NAME: entry}}. An entry says `what`
was done and on which `machine` (with versions and date), and has one list for each result, with one
value a run; `seeds` names the runs, where chance played a part. What is the same for all of them
(`settings`, `parameters`) stands there once.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import torch
import torchvision

from helpers.machine import choose_device, fast_bf16
from helpers.sources.writing import write

SCHEMA = 2
RECORDED = Path(__file__).resolve().parents[1] / "helpers" / "recorded"
RSS_BYTES = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss
# Ends a name, and what was done: so no kind of machine replaces the entries of another.
KINDS = {"": "", " 32 bits": ", in 32 bits", " mps": ", on an Apple GPU", " cuda": ", on a GPU"}


def kind(device: torch.device) -> str:
    """Give the end of a name for this kind of machine: nothing for a CPU that has bfloat16."""
    if device.type != "cpu":
        return f" {device.type}"
    return "" if fast_bf16(device) else " 32 bits"


def device_named(name: str) -> torch.device:
    """Give the device of a name, for argparse, which says what is wrong with it."""
    try:
        return choose_device(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def card(device: torch.device) -> dict:
    """Say which driver and clocks an NVIDIA GPU has, as far as its own program tells."""
    asked = ("driver_version", "clocks.sm", "clocks.max.sm", "clocks.mem", "power.limit")
    command = ["nvidia-smi", "--format=csv,noheader", "--query-gpu=" + ",".join(asked)]
    if device.type != "cuda" or not shutil.which(command[0]):
        return {}
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return dict(zip(asked, (part.strip() for part in found.split(",")), strict=False))


def machine(device: torch.device) -> dict:
    """Say what the numbers are measured on."""
    return card(device) | {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else str(device),
        "processor": platform.machine(),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "bf16": fast_bf16(device),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "opencv": cv2.__version__,
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


def read(topic: str) -> dict[str, dict]:
    """Give the experiments of a topic by name; a file that cannot be used ends the program."""
    path = RECORDED / f"{topic}.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SystemExit(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SystemExit(f"{path} is damaged ({error}): put back the one of git") from None
    schema = found.get("schema", 1) if isinstance(found, dict) else 1
    if schema != SCHEMA:
        raise SystemExit(
            f"{path} is of schema {schema}: this program knows {SCHEMA}; take the program and "
            "the file from one version of the project"
        )
    return found["experiments"]


def begin(topic: str) -> None:
    """Write a file as it is: what goes wrong then, goes wrong before hours of training.

    From here on Ctrl-C ends the program: `fit` would end a training early, and that be recorded.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _write(topic, _known(topic))


def record(topic, name, what, runs, seeds=None, device=None, **same) -> None:
    """Replace the entry of one experiment on this kind of machine; all others stay.

    Parameters
    ----------
    topic, name, what : str
        The file, the entry, and a few words about what was done.
    runs : list of dict
        The results of each run by name, all with the same names.
    seeds : list of int, optional
        One for each run.
    device : torch.device, optional
        Where it ran; by default the one that is chosen.
    **same
        What is the same for all runs.
    """
    device = device or choose_device()
    entry = {"what": what + KINDS[kind(device)]} | ({"seeds": seeds} if seeds else {}) | same
    entry |= {key: [run[key] for run in runs] for key in runs[0]} | {"machine": machine(device)}
    _write(topic, _known(topic) | {name + kind(device): entry})


def _known(topic):
    return read(topic) if (RECORDED / f"{topic}.json").exists() else {}


def _write(topic, experiments):
    path = RECORDED / f"{topic}.json"
    try:  # a stop while writing must not spoil the record
        content = {"schema": SCHEMA, "experiments": experiments}
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        write(path, text + "\n")
    except (OSError, ValueError) as error:  # a number that is none is a ValueError
        raise SystemExit(f"{path} stays as it was, nothing is recorded: {error}") from None
