"""Write the numbers of the explorer in the page: python tools/explorer_data.py

site/_static/explorer-data.js   its picture, a drawn hand in grey, and the named kernels
tests/explorer.json             what PyTorch answers in many cases: the page must answer the same
"""

from __future__ import annotations

import json

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from helpers.lessons.filters import KERNELS
from helpers.sources.hands import draw_hand
from helpers.sources.terminal import command
from helpers.sources.writing import write
from notebooks import ROOT, parser

DATA = ROOT / "site" / "_static" / "explorer-data.js"
CASES = ROOT / "tests" / "explorer.json"


def picture() -> list[list[int]]:
    """Draw an open hand, 48 × 48, 0-255."""
    hand = draw_hand(5, np.random.default_rng(2), variety=0.6)
    return cv2.cvtColor(hand, cv2.COLOR_RGB2GRAY)[8:56, 8:56].tolist()


def answer(picture, kernel, stride: int, padding: int) -> list[list[float]]:
    """Let PyTorch filter a picture with a 3 × 3 kernel, in 64-bit numbers."""
    X, w = (torch.tensor(a, dtype=torch.float64)[None, None] for a in (picture, kernel))
    return F.conv2d(X, w, stride=stride, padding=padding)[0, 0].tolist()


def cases(seed: int = 0) -> list[dict]:
    """Give random pictures and kernels, with each stride and padding, and PyTorch's answers."""
    rng = np.random.default_rng(seed)
    found = []
    for stride in (1, 2, 3):
        for padding in (0, 1, 2):
            for _ in range(3):
                size = rng.integers(3, 12, 2)  # often not square, and down to one single patch
                case = {
                    "picture": rng.integers(0, 256, size).tolist(),
                    "kernel": rng.normal(0, 2, (3, 3)).round(2).tolist(),
                    "stride": stride,
                    "padding": padding,
                }
                found.append(case | {"output": answer(**case)})
    return found


def main() -> None:
    """Write both files."""
    rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in picture())
    named = json.dumps(KERNELS, indent=1)
    head = "// Written by tools/explorer_data.py: change it there."
    text = f"{head}\nconst PICTURE = [\n{rows}\n];\nconst KERNELS = {named};\n"
    write(DATA, text)
    lines = ",\n".join(json.dumps(case) for case in cases())
    write(CASES, f"[\n{lines}\n]\n")


if __name__ == "__main__":
    parser(__doc__).parse_args()
    command(main)
