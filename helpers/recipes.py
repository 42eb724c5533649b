"""The recipes of lesson 08: what each step of its ladder changes."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["BIASES", "FAST", "LADDER", "LARGE", "ON_GPU", "Recipe"]


@dataclass(frozen=True)
class Recipe:
    """How a net is trained: the fields are sections of lesson 08, the defaults its plain start.

    ``lr`` is the highest learning rate; with ``muon`` that of the convolutions, and ``bias_lr``
    that of biases and batch norm, by default as low as the last layer's. ``peak`` is where on its
    way the triangle has its top, a share 0-1. ``label_smoothing`` is a share, too.
    ``mirror`` changes how the net is judged, not how it is trained.
    """

    from_memory: bool = False
    bf16: bool = False
    batch_size: int = 64
    lr: float = 0.02
    triangle: bool = False
    peak: float = 0.2
    pool_first: bool = False
    label_smoothing: float = 0.0
    whitening: bool = False
    identity: bool = False
    muon: bool = False
    bias_lr: float | None = None
    mirror: bool = False
    widths: tuple[int, ...] = (32, 64, 128)
    depths: tuple[int, ...] = (1, 2, 2)


def _climb(steps):
    recipe, ladder = Recipe(), {}
    for name, changes in steps.items():
        ladder[name] = recipe = replace(recipe, **changes)
    return ladder


# Each step keeps those before it, but identity is taken back. Up to smoothing: textbook values.
LADDER = _climb(
    {
        "plain loop": {},
        "batches from memory": {"from_memory": True},
        "bfloat16": {"bf16": True},
        "batches of 512": {"batch_size": 512, "lr": 0.16},
        "triangle": {"triangle": True},
        "pool first": {"pool_first": True},
        "label smoothing": {"label_smoothing": 0.2},
        "whitening": {"whitening": True},
        "identity": {"identity": True},
        "Muon": {"identity": False, "muon": True, "lr": 0.12, "peak": 0.02, "batch_size": 384},
        "mirror": {"mirror": True},
    }
)
FAST = LADDER["mirror"]
# the rate: the better of 2 and 8 on validation; that it may be high is from hlb-CIFAR10, 2023
BIASES = replace(FAST, identity=True, bias_lr=8.0)
LARGE = replace(FAST, widths=(64, 128, 256), depths=(2, 2, 2))
# the widths of Jordan's net, 2024; larger batches keep a GPU busy
ON_GPU = replace(FAST, widths=(64, 256, 256), depths=(2, 2, 2), batch_size=2000, lr=0.24)
