"""A net in one page: every map of every layer, and how each number in it comes about.

`write_page` makes a single HTML file of a trained net, for a browser without network. From a
terminal, with a net of Fashion-MNIST whose weights `save_weights` wrote:

    python -m helpers.lessons.net_page net.pt my_net.html
"""

from __future__ import annotations

import argparse
import base64
import copy
import html
import json
import math
import operator
from collections.abc import Sequence
from pathlib import Path

from helpers.sources.terminal import command, imports_may_be_interrupted

if __name__ == "__main__":  # torch takes a while
    imports_may_be_interrupted()

import numpy as np
import torch
from torch import fx, nn

from helpers.data import as_tensors, fashion_mnist
from helpers.models import BlockNet, FourConvNet, TinyNet
from helpers.sources.writing import write
from helpers.training import load_weights

__all__ = ["FASHION_NETS", "render", "write_page"]

TEMPLATE = Path(__file__).with_suffix(".html")
MOST_NUMBERS = 400_000  # all nets of the series but those for hands; about 1 MB of page
MOST_PIXELS = 64 * 64
MOST_PICTURES = 12
KNOWN = "Conv2d, Linear, BatchNorm, ReLU, Tanh, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d, Flatten"
KNOWN += ", Dropout, a sum of two, and a softmax at the end"

# The nets that the command line knows by the names and shapes of their weights. The first is the
# one to begin with: it has few enough numbers for a page of 150 kB, and 91 % right.
FASHION_NETS = {
    "BlockNet()": BlockNet,
    "BlockNet(depths=(1, 1, 2))": lambda: BlockNet(depths=(1, 1, 2)),
    "BlockNet(widths=(32, 64, 128), depths=(1, 1, 2))": lambda: BlockNet(
        widths=(32, 64, 128), depths=(1, 1, 2)
    ),
    "TinyNet()": TinyNet,
    "FourConvNet()": FourConvNet,
}


def write_page(
    model: nn.Module,
    X: torch.Tensor,
    y: torch.Tensor,
    classes: Sequence[str],
    path: str | Path,
    *,
    title: str = "A net, number by number",
    about: str = "",
    numbers: str = "float16",
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
) -> Path:
    """Write a net as one HTML file that runs in a browser, and return its path.

    Batch norm is folded into the layer before it. What is dropped while training is not there.
    The page also says how far its probabilities are from PyTorch's, on the pictures it carries.

    Parameters
    ----------
    model : nn.Module
        A net of up to 400,000 numbers, made of the layers listed in `KNOWN`. It stays as it is.
    X : float tensor (N, channels, height, width)
        Pictures as the net takes them, with 1 or 3 channels and up to 64 × 64 pixels. The page
        carries 12 of them at most: the first of each class, then the first of the others.
    y : int64 tensor (N,)
        Their classes.
    classes : sequence of str
        The names of the classes, one for each score of the net.
    path : str or Path
        An old file is replaced.
    title, about : str
        The heading, and a sentence below it; signs of HTML in them are shown as they are.
    numbers : {"float16", "int8"}
        How the weights are written. "int8" takes half the room, with a scale for each filter, and
        moves probabilities by a few hundredths.
    mean, std : sequence of float
        What was subtracted from pictures in 0-1, and what they were divided by afterwards: one
        number for each channel, or one for all.

    Raises
    ------
    ValueError
        For a layer that the page cannot show, a net or picture that is too large, weights that are
        not finite, pictures that do not fit the net or are not in 0-1 without `mean` and `std`,
        labels or classes that do not fit.
    """
    if numbers not in ("float16", "int8"):
        raise ValueError(f"numbers is {numbers!r}: give 'float16' or 'int8'")
    _check_model(model)
    X, y = _few(X, y, classes)
    channels, height, width = X.shape[1:]
    mean, std = (_each_channel(name, v, channels) for name, v in (("mean", mean), ("std", std)))
    pixels = X * std + mean
    if not (pixels.min() > -0.01 and pixels.max() < 1.01):
        raise ValueError(
            f"the pictures have values from {pixels.min():.3g} to {pixels.max():.3g}, not 0-1: "
            "give the mean and std that they were normalized with"
        )
    model = copy.deepcopy(model).cpu().float().eval()
    pixels = (255 * pixels).round().clip(0, 255)
    X = (pixels / 255 - mean) / std  # just what the page will compute with
    steps, logits = _steps(model, X)
    if logits.ndim != 2 or logits.shape[1] != len(classes) or len(classes) < 2:
        raise ValueError(
            f"the net gives {tuple(logits.shape[1:])} scores, and there are {len(classes)} "
            "classes: give the name of each class"
        )
    data = {
        "title": title,
        "about": about,
        "classes": list(classes),
        "input": [channels, height, width],
        "mean": mean.flatten().tolist(),
        "std": std.flatten().tolist(),
        "numbers": numbers,
        "count": sum(p.numel() for p in model.parameters()),
        "pictures": _base64(pixels.byte().numpy()),
        "labels": y.tolist(),
        "expected": [[round(p, 6) for p in row] for row in logits.softmax(1).tolist()],
        "steps": [_written(step, numbers) for step in steps],
    }
    return write(path, render(data))


def render(data: dict) -> str:
    """Put what a page holds, as `write_page` gathers it, into the template."""
    # no "<" in a script: neither a class name nor a title can end it
    content = json.dumps(data, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")
    before, after = TEMPLATE.read_text(encoding="utf-8").split("{data}")
    return before.replace("{title}", html.escape(data["title"])) + content + after


def _check_model(model):
    if not isinstance(model, nn.Module):
        raise ValueError(f"model is a {type(model).__name__}: give the net itself")
    count = sum(p.numel() for p in model.parameters())
    if count > MOST_NUMBERS:
        name, most = max(
            ((n, sum(p.numel() for p in m.parameters(recurse=False))) for n, m in _named(model)),
            key=lambda pair: pair[1],
        )
        raise ValueError(
            f"this {type(model).__name__} has {count:,} numbers ({most:,} of them in {name}), and "
            f"a page shows nets of up to {MOST_NUMBERS:,}: train one with fewer channels, or on "
            "smaller pictures, such as SignsNet(size=32, channels=16) with 171,526"
        )
    for name, values in model.state_dict().items():
        if values.is_floating_point() and not values.isfinite().all():
            bad = int((~values.isfinite()).sum())
            raise ValueError(
                f"{name} holds {bad:,} numbers that are nan or infinite: the training went wrong, "
                "so train again (with a smaller learning rate) before you look into the net"
            )


def _named(model):
    return [(f"{name or 'the net'} ({type(m).__name__})", m) for name, m in model.named_modules()]


def _few(X, y, classes):
    """Check pictures and labels, and choose the few that the page carries."""
    if not torch.is_tensor(X) or X.ndim != 4 or not X.is_floating_point() or not len(X):
        shape = tuple(X.shape) if torch.is_tensor(X) else type(X).__name__
        raise ValueError(f"X is {shape}: give a float tensor (N, channels, height, width)")
    if X.shape[1] not in (1, 3) or X.shape[2] * X.shape[3] > MOST_PIXELS:
        raise ValueError(
            f"a picture has the shape {tuple(X.shape[1:])}: a page shows pictures of 1 or 3 "
            "channels and up to 64 × 64 pixels"
        )
    y = torch.as_tensor(y).cpu()
    if y.shape != X.shape[:1] or y.is_floating_point() or not (0 <= y.min() <= y.max()):
        raise ValueError(f"labels have the shape {tuple(y.shape)}: give a whole number a picture")
    if y.max() >= len(classes):
        raise ValueError(f"a label is {int(y.max())}, but there are {len(classes)} classes")
    first = [int((y == k).nonzero()[0]) for k in y.unique()]
    others = [i for i in range(min(len(y), 2 * MOST_PICTURES)) if i not in first]
    chosen = (first + others)[:MOST_PICTURES]
    return X[chosen].detach().cpu().float(), y[chosen]


def _each_channel(name, values, channels):
    values = torch.as_tensor(values, dtype=torch.float32).flatten()
    if len(values) not in (1, channels) or (name == "std" and not (values > 0).all()):
        raise ValueError(f"{name} is {values.tolist()}: give a number for each channel")
    return values.expand(channels).reshape(1, channels, 1, 1)


# From a net to a list of steps

_POOLS = {
    "max_pool2d": nn.MaxPool2d,
    "avg_pool2d": nn.AvgPool2d,
    "adaptive_avg_pool2d": nn.AdaptiveAvgPool2d,
}


class _Recorder(fx.Interpreter):
    """Runs a traced net, and writes each layer down as a step of the page."""

    def __init__(self, traced):
        super().__init__(traced)
        self.steps = [{"kind": "picture", "name": "", "from": []}]
        self.step_of = {}  # the node of the trace: its place in the list
        self.ended_by = ""

    def run_node(self, node):
        result = super().run_node(node)
        if node.op == "placeholder":
            self.step_of[node] = 0
            self.steps[0]["shape"] = list(result.shape[1:])
        elif torch.is_tensor(result) and node.op not in ("output", "get_attr"):
            self.step_of[node] = self._step(node, result)
        return result

    def _step(self, node, result):
        sources = [self.step_of[n] for n in node.all_input_nodes if n in self.step_of]
        shape = list(result.shape[1:])
        name, layer = str(node.target), None
        if node.op == "call_module":
            layer = self.module.get_submodule(node.target)
            name = f"{node.target} ({type(layer).__name__})"
        elif node.op == "call_function":
            name = getattr(node.target, "__name__", name)
        if self.ended_by:
            _refuse(self.ended_by, "stands before the end of the net")
        part = self._read(node, layer, name, self.steps[sources[0]]["shape"], shape)
        if part.pop("softmax", False):  # the page makes probabilities of scores by itself
            self.ended_by = name
        if not part:  # dropped: what comes next reads what came before
            return sources[0]
        if len(sources) != (2 if part["kind"] == "add" else 1):
            _refuse(name, f"takes {len(sources)} inputs")
        if len(shape) not in (1, 3):
            _refuse(name, f"makes the shape {tuple(shape)} of a picture")
        self.steps.append({"name": name, "from": sources, "shape": shape, **part})
        return len(self.steps) - 1

    def _read(self, node, layer, name, before, shape):
        """Give the step of one node: its kind, and what this kind needs."""
        if layer is not None:
            return _read_layer(layer, name, before, shape)
        target, args = node.target, node.args
        called = str(target) if node.op == "call_method" else getattr(target, "__name__", "")
        if target in (operator.add, torch.add):
            return {"kind": "add"}
        if called in ("relu", "tanh"):
            return {"kind": called}
        if called in ("flatten", "view", "reshape"):
            if len(shape) == 1 and math.prod(before) == shape[0]:
                return {"kind": "flatten"} if before != shape else {}
            _refuse(name, "flattens to something else than one row of numbers")
        if called in ("dropout", "dropout2d", "contiguous"):
            return {}
        if called in ("log_softmax", "softmax"):
            return {"softmax": True}
        if called in _POOLS:
            options = {k: v for k, v in node.kwargs.items() if k not in ("input", "return_indices")}
            return _read_layer(_POOLS[called](*args[1:], **options), name, before, shape)
        _refuse(name, "is not among what the page knows")


def _read_layer(layer, name, before, shape):
    kind = type(layer)
    if kind in (nn.Dropout, nn.Dropout2d, nn.Identity):
        return {}
    if kind in (nn.LogSoftmax, nn.Softmax):
        return {"softmax": True}
    if kind in (nn.ReLU, nn.Tanh):
        return {"kind": kind.__name__.lower()}
    if kind is nn.Flatten:
        return {"kind": "flatten"} if len(shape) == 1 else _refuse(name, "flattens only in part")
    if kind is nn.Linear:
        if len(before) != 1:
            _refuse(name, f"takes the shape {tuple(before)}: put a Flatten before it")
        return {"kind": "linear", **_weights(layer)}
    if kind is nn.Conv2d:
        plain = layer.groups == 1 and layer.dilation == (1, 1) and layer.padding_mode == "zeros"
        if not plain or isinstance(layer.padding, str):
            _refuse(name, "has groups, dilation, or a padding that is not a number of zeros")
        place = {"stride": list(layer.stride), "padding": list(layer.padding)}
        return {"kind": "conv", "size": list(layer.kernel_size), **place, **_weights(layer)}
    if kind in (nn.BatchNorm1d, nn.BatchNorm2d) and layer.running_mean is not None:
        scale = (layer.running_var.double() + layer.eps).rsqrt()
        shift = -layer.running_mean.double() * scale
        if layer.affine:
            scale, shift = scale * layer.weight, shift * layer.weight + layer.bias
        return {"kind": "scale", "weight": scale.detach(), "bias": shift.detach()}
    if kind is nn.AdaptiveAvgPool2d:
        if any(b % s for b, s in zip(before[1:], shape[1:], strict=True)):
            _refuse(name, "averages windows of different sizes")
        size = [b // s for b, s in zip(before[1:], shape[1:], strict=True)]
        return {"kind": "avgpool", "size": size, "stride": size, "padding": [0, 0]}
    if kind in (nn.MaxPool2d, nn.AvgPool2d):
        size, stride, padding = (_pair(v) for v in (layer.kernel_size, layer.stride, layer.padding))
        if layer.ceil_mode or _pair(getattr(layer, "dilation", 1)) != [1, 1]:
            _refuse(name, "has ceil_mode or dilation")
        if kind is nn.AvgPool2d and (padding != [0, 0] or layer.divisor_override):
            _refuse(name, "has padding or divisor_override")
        kind = "maxpool" if kind is nn.MaxPool2d else "avgpool"
        return {"kind": kind, "size": size, "stride": stride, "padding": padding}
    _refuse(name, "is not among what the page knows")


def _refuse(name, why):
    raise ValueError(f"the page cannot show {name}, which {why}: it knows {KNOWN}")


def _pair(value):
    return list(value) if isinstance(value, (tuple, list)) else [value, value]


def _weights(layer):
    weight = layer.weight.detach().double()
    bias = torch.zeros(len(weight)) if layer.bias is None else layer.bias.detach()
    return {"weight": weight, "bias": bias.double()}


def _steps(model, X):
    """Give the steps of a net, batch norm folded, and its scores for X."""
    try:
        traced = fx.symbolic_trace(model)
    except Exception as error:  # whatever the forward of a reader's class does
        raise ValueError(
            f"the forward of this {type(model).__name__} cannot be followed ({error}): write it "
            "without branches and loops that look at the numbers"
        ) from error
    recorder = _Recorder(traced)
    try:
        with torch.no_grad():
            logits = recorder.run(X)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"the net does not take pictures of the shape {tuple(X.shape[1:])}: {reason}"
        ) from error
    if recorder.ended_by and "Log" not in recorder.ended_by and "log" not in recorder.ended_by:
        logits = logits.log()  # so that the softmax of it gives the net's own probabilities
    return _folded(recorder.steps), logits


def _folded(steps):
    """Fold each batch norm into the convolution or linear layer before it, where that can be.

    Pooling may stand between: the largest of numbers that are scaled is the largest, scaled, if
    the scale is positive. A batch norm that has nothing to go into stays, as a step of its own.
    """
    sources = [step["from"] for step in steps]
    readers = [sum(s.count(i) for s in sources) for i in range(len(steps))]
    moved, kept = {}, []
    for i, step in enumerate(steps):
        into = _before(steps, sources, readers, i) if step["kind"] == "scale" else None
        if into:
            scale = step["weight"]
            into["weight"] = into["weight"] * scale.reshape(-1, *[1] * (into["weight"].ndim - 1))
            into["bias"] = into["bias"] * scale + step["bias"]
            into["folded"] = True
            moved[i] = moved[sources[i][0]]
        else:
            step["from"] = [moved[j] for j in sources[i]]
            moved[i] = len(kept)
            kept.append(step)
    return kept


def _before(steps, sources, readers, i):
    """Give the layer that batch norm i can be folded into, or None."""
    at = sources[i][0]
    positive = bool((steps[i]["weight"] > 0).all())
    while readers[at] == 1 and (
        steps[at]["kind"] == "avgpool" or (steps[at]["kind"] == "maxpool" and positive)
    ):
        at = sources[at][0]
    return steps[at] if steps[at]["kind"] in ("conv", "linear") and readers[at] == 1 else None


def _written(step, numbers):
    """Replace the tensors of a step by text."""
    step = dict(step)
    if step["kind"] in ("conv", "linear"):
        weight = step["weight"].numpy()
        if numbers == "int8":
            scale = np.abs(weight.reshape(len(weight), -1)).max(1) / 127
            scale = np.where(scale > 0, scale, 1).astype("<f4")
            weight = weight / scale.reshape(-1, *[1] * (weight.ndim - 1))
            step["scale"] = _base64(scale)
            weight = weight.round().astype("i1")
        else:
            with np.errstate(over="ignore"):
                weight = weight.astype("<f2")
            if not np.isfinite(weight).all():
                raise ValueError(
                    f"{step['name']} holds weights beyond 65,504, with batch norm folded in: they "
                    "do not fit into float16, so write with numbers='int8'"
                )
        step["weight"] = _base64(weight)
        step["bias"] = _base64(step["bias"].numpy().astype("<f4"))
    elif step["kind"] == "scale":
        step["weight"] = _base64(step["weight"].numpy().astype("<f4"))
        step["bias"] = _base64(step["bias"].numpy().astype("<f4"))
    return step


def _base64(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page of a net for Fashion-MNIST, from the file of its weights."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers.lessons.net_page",
        description="Write one HTML file of a net for Fashion-MNIST, to look into in a browser.",
        epilog="For other nets and pictures call write_page of this module.",
    )
    parser.add_argument("weights", help="what save_weights wrote, such as net.pt")
    parser.add_argument("page", help="the file to write, such as my_net.html")
    parser.add_argument("--title", help="the page's heading")
    parser.add_argument("--int8", action="store_true", help="half the size, a little less exact")
    given = parser.parse_args(arguments)
    name, model = _recognized(given.weights)
    test_set = fashion_mnist(train=False)
    X, y = as_tensors(test_set, 200)
    title = given.title or f"{name}, number by number"
    numbers = "int8" if given.int8 else "float16"
    try:
        path = write_page(model, X, y, test_set.classes, given.page, title=title, numbers=numbers)
    except ValueError as error:  # such as weights that are nan
        raise RuntimeError(error) from error
    print(f"{path}: a {name}, {path.stat().st_size / 1000:.0f} kB. Open it in a browser.")
    return 0


def _recognized(path):
    """Give the net whose weights a file holds, and its name."""
    for name, make in FASHION_NETS.items():
        model = make()
        try:
            load_weights(model, path)
        except ValueError as error:
            if "does not hold the weights" not in str(error):
                raise RuntimeError(error) from error  # damaged, or no weights at all
        else:
            return name, model
    raise RuntimeError(
        f"{path} holds the weights of another net than {', '.join(FASHION_NETS)}: make the net in "
        "Python and call write_page with it, and with a few of its pictures"
    )


if __name__ == "__main__":
    command(main)
