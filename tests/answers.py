"""Answers that the tables of the checks do not say: other right ones, and other wrong ones."""

import itertools
import math
import random
import re
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, random_split
from torch.utils.flop_counter import FlopCounterMode
from torchvision.transforms import v2

# ---------------------------------------------------------------- right in another way


def step_with(update, returns=lambda loss: loss.item()):
    """A training step whose `update(model, optimizer, loss)` comes after the loss."""

    def step(model, loss_function, optimizer, X, y):
        loss = loss_function(model(X), y)
        update(model, optimizer, loss)
        return returns(loss)

    return step


def right_update(model, optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def update_that_clears_at_the_end(model, optimizer, loss):
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()


def correlate_by_conv2d(picture, kernel):
    X = torch.tensor(picture, dtype=torch.float32)[None, None]
    return F.conv2d(X, torch.tensor(kernel)[None, None], padding="same")[0, 0]


def edge_layer_with_zero_bias(kernels):
    layer = nn.Conv2d(1, kernels.shape[0], kernel_size=(3, 3), padding="same")
    layer.weight.data = kernels.unsqueeze(1).clone()
    nn.init.zeros_(layer.bias)
    return layer


def average_with_zero_bias(patch):
    layer = nn.Conv2d(1, 1, patch, stride=patch)
    layer.weight.data.fill_(1 / (patch * patch))
    layer.bias.data.zero_()
    return layer


def field_from_behind(layers):
    field = 1
    for kernel, stride in reversed(layers):
        field = (field - 1) * stride + kernel
    return field


class BlockOfLayers(nn.Module):
    def __init__(self, channels):
        super().__init__()
        conv = nn.Conv2d(1, channels, 3, padding="same", bias=False)
        self.layers = nn.Sequential(conv, nn.ReLU(), nn.MaxPool2d(2))

    def forward(self, X):
        return self.layers(X)


class BlockThatClampsLast(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(1, channels, (3, 3), 1, 1)

    def forward(self, X):
        return F.max_pool2d(self.conv(X), 2).clamp(min=0)


def label_by_pattern(name):
    found = re.fullmatch(r"([0-5])_.*[.](jpg|jpeg|png)", name, re.IGNORECASE)
    return int(found[1]) if found else None


def label_by_path(name):
    first = name.split("_")[0]
    if Path(name).suffix.lower() in {".jpg", ".jpeg", ".png"} and first in list("012345"):
        return int(first)


def split_by_numpy(names, share, seed):
    order = np.random.default_rng(seed).permutation(len(names))
    mixed = [sorted(names)[i] for i in order]
    return [mixed[: int(share * len(mixed))], mixed[int(share * len(mixed)) :]]


def split_with_the_rest_as_given(names, share, seed):
    train = random.Random(seed).sample(sorted(names), int(share * len(names)))
    return train, [name for name in names if name not in train]


def split_by_torch(names, share, seed):
    shares = [share, 1 - share]  # 0.2 is a little less than 12 of 60
    return random_split(sorted(names), shares, torch.Generator().manual_seed(seed))


def batch_by_movedim(pictures):
    X = pictures.float() / 255
    return X[:, None] if X.ndim == 3 else X.movedim(3, 1)


def relabel_by_torch(targets, first, second):
    t = torch.tensor(targets)
    positions = torch.nonzero((t == first) | (t == second)).flatten()
    return [positions, (t[positions] == second).long()]


def parameters_of_layers(sizes):
    layers = [nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    return sum(p.numel() for layer in layers for p in layer.parameters())


def ready_by_transforms(picture, mean, std):
    X = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])(picture)
    return v2.Normalize(mean.tolist(), std.tolist())(X)[None]


def ready_with_channels_last(picture, mean, std):
    X = (torch.as_tensor(picture).float() / 255 - mean) / std
    return X.permute(2, 0, 1).unsqueeze(0)


def step_of_pytorchs_sgd(w, gradient, lr, weight_decay):
    w = torch.as_tensor(w).clone().requires_grad_()
    w.grad = torch.as_tensor(gradient).clone()
    torch.optim.SGD([w], lr, weight_decay=weight_decay).step()
    return w


def flip_in_a_copy(X, chosen):
    X = X.clone()
    X[chosen] = X[chosen].flip(3)
    return X


def kept_by_waiting(accuracies, patience):
    best, waited, kept = float("-inf"), 0, 0
    for epoch, accuracy in enumerate(accuracies, start=1):
        waited += 1
        if accuracy > best:
            best, waited, kept = accuracy, 0, epoch
        if waited == patience:
            break
    return kept


def slope_by_autograd(slopes, skip):
    x = torch.ones(1, requires_grad=True)
    y = x
    for s in slopes:
        y = s * y + y if skip else s * y
    y.backward()
    return x.grad.item()


def triangle_in_two_parts(step, steps, peak=0.2):
    top = peak * steps
    if step <= top:
        return step / top
    return 1 - (step - top) / (steps - top)


def operations_counted(pictures, before, after, kernel, height, width):
    conv = nn.Conv2d(before, after, kernel, device="meta")
    X = torch.empty(pictures, before, height + kernel - 1, width + kernel - 1, device="meta")
    with FlopCounterMode(display=False) as counter:
        conv(X)
    return counter.get_total_flops()


def smooth_by_lerp(y, classes, amount):
    one_hot = F.one_hot(y, classes).double()
    return torch.lerp(one_hot, torch.full_like(one_hot, 1 / classes), amount)


def mirrored_in_one_batch(model, X):
    both = model(torch.cat([X, X.flip(-1)]))
    return both[: len(X)] + both[len(X) :]


def mirrored_without_gradients(model, X):
    with torch.no_grad():
        return sum(model(view) for view in (X, X[..., range(X.shape[3] - 1, -1, -1)]))


RIGHT = {
    "to_unit": [lambda p: torch.stack([p]).to(torch.float32) * (1 / 255)],
    "gradient_step": [lambda w, g, lr: -lr * g + w],
    "training_step": [
        step_with(right_update),
        step_with(update_that_clears_at_the_end, lambda loss: float(loss.detach())),
    ],
    "accuracy": [lambda logits, y: int((logits.max(1).indices == y).sum()) / len(y)],
    "to_rgb_unit": [
        lambda bgr: cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB) / 255,
        lambda bgr: bgr[..., [2, 1, 0]].astype("float32") / 255.0,
    ],
    "correlate_same": [
        lambda p, k: cv2.filter2D(p, cv2.CV_32F, k, borderType=cv2.BORDER_CONSTANT),
        correlate_by_conv2d,
    ],
    "output_size": [lambda i, f, s=1, p=0: len(range(0, i + 2 * p - f + 1, s))],
    "horizontal_kernel": [
        [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
        np.array([[0, -2.5, 0], [0, 0, 0], [0, 2.5, 0]]),
        [[-1] * 3, [1] * 3, [0] * 3],
        torch.tensor([[-3, -10, -3], [0, 0, 0], [3, 10, 3]]),
    ],
    "edge_layer": [edge_layer_with_zero_bias],
    "max_pool": [lambda picture, patch: F.max_pool2d(torch.tensor(picture)[None], patch)[0]],
    "average_by_convolution": [average_with_zero_bias],
    "block": [BlockOfLayers, BlockThatClampsLast],
    "pooled_size": [lambda i, f, s=None: nn.MaxPool2d(f, s)(torch.zeros(1, 1, i, i)).shape[-1]],
    "receptive_field": [field_from_behind],
    "label_of": [label_by_pattern, label_by_path],
    "split": [split_by_numpy, split_with_the_rest_as_given, split_by_torch],
    "count_batches": [
        lambda n, b, drop_last=False: len(DataLoader(range(n), b, drop_last=drop_last))
    ],
    "flatten_size": [lambda size, maps, blocks: int(size / 2**blocks) ** 2 * maps],
    "nll": [F.nll_loss, lambda p, y: -p.gather(1, y[:, None]).sum().item() / len(y)],
    "accuracy_over_batches": [
        lambda rights, sizes: np.average(np.divide(rights, sizes), weights=sizes)
    ],
    "to_batch": [batch_by_movedim],
    "output_megabytes": [lambda m, h, w, n: torch.empty(n, m, h, w, device="meta").nbytes / 1e6],
    "conv_parameters": [lambda i, o, k: sum(p.numel() for p in nn.Conv2d(i, o, k).parameters())],
    "accuracy_by_class": [
        lambda p, y, classes: [(p[y == k] == k).sum() / (y == k).sum() for k in range(classes)]
    ],
    "unnormalise": [
        lambda X, mean, std: torch.stack([X[i] * std[i] + mean[i] for i in range(3)]),
        lambda X, m, s: v2.Normalize((-m / s).tolist(), (1 / s).tolist())(X),
    ],
    "relabel": [relabel_by_torch],
    "log_softmax": [lambda s: s - torch.logsumexp(s, dim=0)],
    "mlp_parameters": [parameters_of_layers],
    "ready": [ready_by_transforms, ready_with_channels_last],
    "decayed_step": [lambda w, g, lr, d: (1 - lr * d) * w - lr * g, step_of_pytorchs_sgd],
    "flip_some": [flip_in_a_copy],
    "kept_epoch": [kept_by_waiting],
    "slope_through": [slope_by_autograd],
    "time_to_goal": [lambda e, n, b, s: torch.tensor(s) * e * int(n / b)],
    "triangle": [
        lambda k, n, peak=0.2: float(np.interp(k, [0, peak * n, n], [0, 1, 0])),
        triangle_in_two_parts,
    ],
    "operations": [operations_counted],
    "smooth": [smooth_by_lerp, lambda y, classes, a: (1 - a) * torch.eye(classes)[y] + a / classes],
    "mirrored": [mirrored_in_one_batch, mirrored_without_gradients],
}

# ---------------------------------------------------------------- wrong in another way


def update_that_clears_between(model, optimizer, loss):
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()


def update_by_hand(model, optimizer, loss):
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        p.data -= 0.5 * p.grad


def edge_layer_outside_no_grad(kernels):
    layer = nn.Conv2d(1, len(kernels), 3, padding=1, bias=False)
    layer.weight.copy_(kernels[:, None])
    return layer


def average_with_bias(patch):
    layer = nn.Conv2d(1, 1, patch, stride=patch)
    nn.init.constant_(layer.weight, 1 / patch**2)
    return layer


class BlockWithoutInit(nn.Module):
    def __init__(self, channels):
        self.filter = nn.Conv2d(1, channels, 3, padding=1)


class BlockMadeAnew(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def forward(self, X):
        return F.max_pool2d(F.relu(nn.Conv2d(1, self.channels, 3, padding=1)(X)), 2)


def block_with_a_large_pool(channels):
    return nn.Sequential(nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3))


def split_seeding_numpy(names, share, seed):
    np.random.seed(seed)  # noqa: NPY002
    mixed = list(np.random.permutation(sorted(names)))  # noqa: NPY002
    return mixed[: int(share * len(mixed))], mixed[int(share * len(mixed)) :]


def split_seeding_torch(names, share, seed):
    torch.manual_seed(seed)
    mixed = [sorted(names)[i] for i in torch.randperm(len(names))]
    return mixed[: int(share * len(mixed))], mixed[int(share * len(mixed)) :]


def kept_that_stops_at_the_end(accuracies, patience):
    best, bad = 0, 0
    for epoch, value in enumerate(accuracies, 1):
        best, bad = (value, 0) if value > best else (best, bad + 1)
        if bad == patience:
            return epoch - patience
    return len(accuracies)


def relabel_in_columns(targets, first, second):
    t = torch.tensor(targets)
    k = torch.nonzero((t == first) | (t == second))
    return k, (t[k[:, 0]] == second).long()


def kept(t, a, b):
    return [i for i, v in enumerate(t) if v in (a, b)]


def grey_or(move):
    return lambda p: (p[:, None] if p.ndim == 3 else move(p)) / 255


NOTHING = "The function returns nothing"
WRONG = {
    "to_unit": [
        (lambda p: (p[None] / 255).long(), "keep floats"),
        (lambda p: None, NOTHING),
        (lambda p: p.no_such_thing(), "For (Tensor (28, 28)) it stops with AttributeError"),
        (lambda: 1, "it stops with TypeError"),
    ],
    "training_step": [
        (step_with(update_that_clears_between), "weights never move"),
        (step_with(update_by_hand), "not where one step"),
        (step_with(right_update, lambda loss: None), NOTHING),
        (step_with(right_update, lambda loss: (loss.item(), loss)), "one plain number"),
        (step_with(right_update, lambda loss: np.array([loss.item()])), "one plain number"),
        (step_with(right_update, lambda loss: f"{loss.item():.3f}"), "is a text, not a number"),
        (step_with(right_update, lambda loss: loss.item), "are its brackets () missing?"),
    ],
    "accuracy": [
        (lambda logits, y: (logits.argmax(1) == y).float().mean, "are its brackets () missing?"),
        (lambda logits, y: ["0.5"], "'0.5' is a text, not a number."),
        (lambda logits, y: sum(logits.argmax(0) == y) / len(y), "looks along a column"),
        (lambda logits, y: (logits.argmax(1) == y).float(), "One number is asked for"),
        (
            lambda logits, y: (logits.argmax() == y).float().mean(),
            "it returns 0, it should be 0.14",
        ),
    ],
    "to_rgb_unit": [
        (lambda bgr: cv2.flip(bgr, 1) / 255, "mirrors left and right"),
        (lambda bgr: bgr.transpose(2, 0, 1) / 255, "has the shape (3, 4, 5), it should"),
    ],
    "correlate_same": [
        (lambda p, k: cv2.filter2D(p, cv2.CV_32F, k), "mirrors the picture, as OpenCV does"),
        (lambda p, k: cv2.filter2D(p, -1, k), "it has got the type uint8"),
    ],
    "output_size": [
        (lambda i, f, s=1, p=0: i // s, "For (28, 3, 1, 0) it returns 28, it should be 26."),
        (lambda i, f, s=2, p=0: (i - f + 2 * p) // s + 1, "For (28, 5) it returns 12"),
        (lambda i, f, s=1, p=1: (i - f + 2 * p) // s + 1, "For (28, 5) it returns 26"),
    ],
    "horizontal_kernel": [
        ([["-1"] * 3, ["0"] * 3, ["1"] * 3], "'-1' is a text, not a number."),
        ([[-1] * 3, [0] * 3, ["1"] * 3], "'1' is a text, not a number."),
        ([[-1, 0, 0], [0, 0, 0], [0, 0, 1]], "vertical edge"),
    ],
    "edge_layer": [
        (lambda kernels: nn.Conv2d(1, len(kernels), 3, padding=1), "bias=False"),
        (edge_layer_outside_no_grad, "only inside `with torch.no_grad():`"),
        (lambda kernels: nn.Conv2d(1, len(kernels), 3, padding=1, bias=False), "not the kernels"),
        (lambda kernels: kernels, "An nn.Conv2d is asked for, this is of the type Tensor."),
    ],
    "max_pool": [
        (lambda p, n: F.avg_pool2d(torch.tensor(p)[None], n)[0], "mean of each patch"),
        (lambda p, n: F.max_pool2d(torch.tensor(p)[None].relu(), n)[0], "may be below 0"),
        (lambda p, n: F.max_pool2d(torch.tensor(p)[None], n, ceil_mode=True)[0], "over the edge"),
    ],
    "average_by_convolution": [
        (average_with_bias, "bias=False"),
        (lambda patch: nn.Conv2d(1, 1, patch, stride=patch, bias=False), "still random"),
        (lambda patch: nn.Conv2d(3, 3, patch), "takes 3 channels, it should take 1"),
        (lambda patch: nn.AvgPool2d(patch), "this is of the type AvgPool2d"),
    ],
    "block": [
        (BlockWithoutInit, "before Module.__init__() call"),
        (
            lambda channels: nn.Conv2d(1, channels, 5, padding=2),
            "(4, 1, 3, 3), they are (4, 1, 5, 5)",
        ),
        (BlockMadeAnew, "make the convolution in `__init__`"),
        (block_with_a_large_pool, "has the shape (2, 4, 2, 2), it should be (2, 4, 4, 4)"),
    ],
    "pooled_size": [
        (lambda i, f, s=None: round((i - f) / (s or f)) + 1, "it should be"),
        (lambda i, f, s=None: str((i - f) // (s or f) + 1), "'14' is a text, not a number."),
        (lambda i, f, s=None: ((i - f) // (s or f) + 1, 1), "One number is asked for"),
    ],
    "receptive_field": [
        (lambda layers: math.prod(k for k, _ in layers), "Kernels do not multiply"),
        (lambda layers: 2 * len(layers) + 1, "For ([(3, 1), (2, 2)]) it returns 5"),
    ],
    "label_of": [
        (
            lambda name: int(name[0]) if name[0].isdigit() else None,
            'For "6_IMG_1.jpg" it returns 6',
        ),
        (lambda name: None, 'For "3_IMG_0123.jpg" it returns None, it should return 3'),
    ],
    "split": [
        (
            lambda names, share, seed: split_with_the_rest_as_given(names[::-1], share, 7),
            "is not used",
        ),
        (split_seeding_numpy, "whole program"),
        (split_seeding_torch, "whole program"),
    ],
    "nll": [(lambda p, y: -(p * F.one_hot(y, p.shape[1])).mean(), "number of samples, not of all")],
    "accuracy_over_batches": [
        (lambda r, s: np.mean([a / b for a, b in zip(r, s, strict=True)]), "mean over batches")
    ],
    "to_batch": [
        (grey_or(lambda p: p.permute(0, 3, 2, 1)), "For (Tensor (2, 6, 5, 3)) the result has the"),
        (grey_or(lambda p: p.permute(3, 0, 1, 2)), "should be (2, 3, 6, 5)"),
        (lambda p: p.float() / 255, "should be (4, 1, 28, 28)"),
        (lambda p: p[:, None].double() / 255, "layers take torch.float32"),
        (lambda p: p[:, None].float(), "still go up to 255"),
        (lambda p: p[:, None] / 256, "not by 256"),
        (lambda p: batch_by_movedim(p).sqrt(), "0 should stay 0 and 255 become 1"),
        (lambda p: p.permute(0, 3, 1, 2) / 255, "For (Tensor (4, 28, 28)) it stops with"),
    ],
    "unnormalise": [
        (lambda X, m, s: v2.Normalize(m.tolist(), s.tolist())(X), "normalises once more"),
        (lambda X, mean, std: X, "off by up to"),
    ],
    "relabel": [
        (relabel_in_columns, "make it flat"),
        (lambda t, a, b: (kept(t, a, b), [str(t[i]) for i in kept(t, a, b)]), "is a text"),
        (lambda t, a, b: (kept(t, a, b), [0.5 for i in kept(t, a, b)]), "the labels are off"),
        (lambda t, a, b: (kept(t, a, b)[1:], kept(t, a, b)[1:]), "there should be 4: those of the"),
    ],
    "log_softmax": [
        (lambda s: s.softmax(0).clamp(1e-12).log(), "hides the"),
        (lambda s: (s.softmax(0) + 1e-9).log(), "hides the"),
        (lambda s: s.softmax(0).clamp(torch.finfo().tiny).log(), "hides the"),
        (lambda s: s.log_softmax(0).nan_to_num() + s.softmax(0).log() * 0, "Subtract the largest"),
        (lambda s: (s.exp() / s.exp().sum()).log(), "Subtract the largest score"),
        (lambda s: s.log_softmax(0).mean(), "has the shape (), it should be (2,)"),
    ],
    "mlp_parameters": [(sum, "For ([3072, 128, 2]) it returns 3202, it should be 393602.")],
    "ready": [
        (lambda p, m, s: ready_by_transforms(p[:, :, ::-1].copy(), m, s), "blue, green, red"),
        (lambda p, m, s: ready_with_channels_last(p, m, 1 / s), "off by up to"),
        (lambda p, m, s: ready_with_channels_last(p, 0.5, 0.5), "use those that are given"),
    ],
    "decayed_step": [
        (lambda w, g, lr, d: w - lr * (g + d * torch.sign(torch.as_tensor(w))), "L1's gradient"),
        (lambda w, g, lr, d: str(w), "'2.0' is a text, not a number."),
    ],
    "flip_some": [
        (lambda X, c: torch.where(c[:, None], X.flip(3), X), "it stops with RuntimeError")
    ],
    "kept_epoch": [
        (lambda a, patience: a.index(max(a)) + 1, "patience is not used"),
        (kept_that_stops_at_the_end, "it returns 3, it should be 2"),
    ],
    "time_to_goal": [
        (lambda e, n, b, s: e * -(-n // b) * s, "counts the smaller last batch"),
        (lambda e, n, b, s: e * (n // b) * s / 60, "it returns 4.68667, it should"),
    ],
    "triangle": [
        (lambda k, n, p=0.2: np.interp(k, [0, n / 2, n], [0, 1, 0]), "top is in the middle"),
        (lambda k, n, p=0.2: triangle_in_two_parts(k, n, int(p * n) / n), "should be 0.714286"),
        (
            lambda k, n, p=0.2: min(k / n / p, (n - 1 - k) / (n * (1 - p))),
            "For (10, 50) it returns",
        ),
    ],
    "operations": [(lambda n, b, a, k, h, w: 2 * n * b * a * k**2 * (h + w), "should be 360")],
    "smooth": [
        (lambda y, k, a: F.one_hot(y, k) + a / k, "add up to more than 1"),
        (lambda y, k, a: F.one_hot(y, k).float().log_softmax(1), "off by up to"),
    ],
    "mirrored": [
        (lambda model, X: model(X) + model(X.rot90(2, (2, 3))), "half a circle"),
        (lambda model, X: X.flip(3), "it should be (4, 10)"),
        (lambda model, X: [model(X.flip(3)), model(X)], "two results"),
        (lambda model, X: model(X) + model(X[::-1]), "it stops with ValueError"),
    ],
}
