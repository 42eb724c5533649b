"""What the lessons run on: choose a device, set the seeds, report what is missing."""

from __future__ import annotations

import ctypes
import importlib
import platform
import random
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the report goes on where torch cannot be imported
    import torch

__all__ = ["choose_device", "fast_bf16", "keep_memory", "report", "set_seed"]

PACKAGES = ("torch", "torchvision", "numpy", "matplotlib", "cv2", "ipywidgets", "pooch")

# PyTorch's own questions to a CPU, private but stable since 2.5; a missing one counts as "no".
CPU_BF16 = ("avx512_bf16", "amx_tile")

# glibc's numbers for two of its settings (malloc.h)
TRIM_THRESHOLD, MMAP_MAX = -1, -4


def choose_device(wanted: str | None = None) -> torch.device:
    """Return the `torch.device` to compute on, or the one that is wanted, such as "cpu".

    It is `cuda` for an NVIDIA or AMD GPU, `mps` for Apple's, else `cpu`. Raises ValueError if this
    machine does not have the device that is wanted.
    """
    import torch

    there = ["cpu"]
    if torch.backends.mps.is_available():
        there.insert(0, "mps")
    if torch.cuda.is_available():
        there.insert(0, "cuda")
    if wanted is not None and wanted not in there:
        raise ValueError(
            f"there is no {wanted!r} on this machine: PyTorch sees {', '.join(there)} here"
        )
    return torch.device(wanted or there[0])


def set_seed(seed: int) -> None:
    """Start all random numbers (Python, NumPy, torch) from one seed.

    The same seed repeats the same numbers on the same machine with the same versions.
    Nothing is promised across machines, versions, or from CPU to GPU.
    """
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries that use NumPy's global state need this one
    torch.manual_seed(seed)


def fast_bf16(device: torch.device | str) -> bool:
    """Say whether a device computes with bfloat16 numbers itself.

    bfloat16 has 16 bits: the range of float32 with about 3 digits. Where the device has no
    instructions for it, PyTorch imitates it, slowly. False also if PyTorch cannot tell.
    """
    import torch

    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    known = [getattr(torch.cpu, f"_is_{name}_supported", None) for name in CPU_BF16]
    return any(ask() for ask in known if ask)


def keep_memory() -> bool:
    """Let freed memory stay with this process, ready for the next tensor; say whether it was done.

    Usually the C library hands large blocks back to the system as soon as they are free, and the
    system fills every new one with zeros: at each step of a training, for each layer's output.
    Afterwards the process keeps up to 2 GB that are free. Where there is no glibc (Windows, macOS,
    Alpine), nothing happens. Source: the manual of `mallopt`.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    return mallopt(MMAP_MAX, 0) == 1 == mallopt(TRIM_THRESHOLD, 2**31 - 1)


def report() -> None:
    """Print one line for each thing the lessons need, and what to do about what is missing.

    Ends with "Ready." if the lessons can run. Datasets that are missing come on first use.
    """
    from helpers.sources.terminal import shown

    lines = [_python_line()] + [_package_line(name) for name in PACKAGES]
    if not any(advice for _, _, advice in lines):  # what follows needs the packages
        lines += [_device_line(), *_data_lines()]
    good, bad = "✓→" if shown("✓→") == "✓→" else "+>"
    for name, found, advice in lines:
        print(shown(f"{bad if advice else good} {name:<14} {found}"))
        if advice:
            print(shown(f"  {'':<14} {advice}"))
    ready = not any(advice for _, _, advice in lines)
    print("\nReady." if ready else "\nNot ready: follow the arrows, then restart the kernel.")


def _python_line() -> tuple[str, str, str]:
    advice = "The lessons need Python 3.10 or later: install one from python.org."
    too_old = sys.version_info < (3, 10)
    return "Python", platform.python_version(), advice if too_old else ""


def _package_line(name: str) -> tuple[str, str, str]:
    try:
        module = importlib.import_module(name)
    except Exception as error:  # whatever goes wrong, the report goes on
        return name, f"{type(error).__name__}: {error}", _advice(name, error)
    return name, getattr(module, "__version__", "installed").removeprefix("v"), ""


def _advice(name: str, error: Exception) -> str:
    if name == "torchvision" and "nms" in str(error):
        return "torch and torchvision do not match: pip install --upgrade torch torchvision"
    if name == "cv2" and "libGL" in str(error):
        return (
            "This machine has no graphics libraries: pip uninstall -y opencv-python, "
            "then pip install --force-reinstall opencv-python-headless"
        )
    return f"pip install {'opencv-python-headless' if name == 'cv2' else name}"


def _device_line() -> tuple[str, str, str]:
    import torch

    device = choose_device()
    if device.type == "cuda":
        return "device", f"cuda ({torch.cuda.get_device_name()})", ""
    threads = torch.get_num_threads()
    return "device", str(device) + (f" ({threads} threads)" if device.type == "cpu" else ""), ""


def _data_lines() -> list[tuple[str, str, str]]:
    from helpers.sources import datasets, folder

    words, advice = folder.where()
    states = datasets.status()
    lines = [("data folder", words, "" if {*states.values()} == {"whole"} else advice)]
    for name, state in states.items():
        if state.startswith("unreadable"):
            lines.append((name, *state.split(": ", 1)))
        else:
            lines.append((name, state if state == "whole" else f"{state}: mended on first use", ""))
    return lines
