"""Answers that the tables of the checks do not say: other right ones, and other wrong ones."""

import itertools
import math
import random
import re
import statistics
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, random_split
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


def smooth_by_lerp(y, classes, amount):
    one_hot = F.one_hot(y, classes).double()
    return torch.lerp(one_hot, torch.full_like(one_hot, 1 / classes), amount)


def mirrored_in_one_batch(model, X):
    both = model(torch.cat([X, X.flip(-1)]))
    return both[: len(X)] + both[len(X) :]


def mirrored_without_gradients(model, X):
    with torch.no_grad():
        return sum(model(view) for view in (X, X[..., range(X.shape[3] - 1, -1, -1)]))


def step_by_closure(model, loss_function, optimizer, X, y):
    def closure():
        optimizer.zero_grad(set_to_none=False)
        loss = loss_function(model(X), y)
        loss.backward()
        return loss

    return float(optimizer.step(closure))


def correlate_by_shifts(picture, kernel):
    k, (rows, columns) = len(kernel), picture.shape
    padded = np.zeros((rows + k - 1, columns + k - 1))
    padded[k // 2 : k // 2 + rows, k // 2 : k // 2 + columns] = picture
    places = np.ndindex(k, k)
    return sum(kernel[i, j] * padded[i : i + rows, j : j + columns] for i, j in places)


def correlate_by_sums(picture, kernel):
    half, (rows, columns) = len(kernel) // 2, picture.shape
    result = np.zeros(picture.shape)
    for i, j in np.ndindex(rows, columns):
        for a, b in np.ndindex(kernel.shape):
            row, column = i + a - half, j + b - half
            if 0 <= row < rows and 0 <= column < columns:
                result[i, j] += float(picture[row, column]) * kernel[a, b]
    return result


def size_by_walking(size, kernel, stride=1, padding=0):
    count, start = 0, -padding
    while start + kernel <= size + padding:
        count, start = count + 1, start + stride
    return count


def edge_layer_by_a_parameter(kernels):
    layer = nn.Conv2d(1, kernels.size(0), 3, padding="same", bias=False)
    layer.weight = nn.Parameter(kernels.reshape(-1, 1, 3, 3))
    return layer


def edge_layer_from_a_dict(kernels):
    layer = nn.Conv2d(1, len(kernels), 3, 1, 1, bias=False)
    layer.load_state_dict({"weight": kernels[:, None]})
    return layer


def average_by_a_parameter(patch):
    layer = nn.Conv2d(1, 1, (patch, patch), (patch, patch), bias=False)
    layer.weight = nn.Parameter(torch.full((1, 1, patch, patch), patch**-2.0))
    return layer


def average_inside_no_grad(patch):
    layer = nn.Conv2d(in_channels=1, out_channels=1, kernel_size=patch, stride=patch, bias=False)
    with torch.no_grad():
        layer.weight[:] = 1
        layer.weight /= layer.weight.numel()
    return layer


def pool_by_lists(picture, patch):
    height, width = (size - size % patch for size in picture.shape)
    tops, lefts = range(0, height, patch), range(0, width, patch)
    return [[picture[i : i + patch, j : j + patch].max() for j in lefts] for i in tops]


def pool_by_windows(picture, patch):
    windows = np.lib.stride_tricks.sliding_window_view(picture, (patch, patch))
    return windows[::patch, ::patch].max((2, 3))


class BlockThatIsASequence(nn.Sequential):
    def __init__(self, channels):
        relu = nn.ReLU(inplace=True)
        super().__init__(nn.Conv2d(1, channels, 3, padding=1), relu, nn.MaxPool2d(2, 2))


class BlockByFunctions(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(1, channels, kernel_size=3, stride=1, padding=1)
        nn.init.kaiming_normal_(self.conv.weight)

    def forward(self, X):
        return torch.relu(F.max_pool2d(F.conv2d(X, self.conv.weight, self.conv.bias, padding=1), 2))


def pooled_by_walking(size, patch, stride=None):
    return size_by_walking(size, patch, patch if stride is None else stride)


def field_by_gradient(layers):
    size = 400
    X = torch.zeros(1, 1, size, dtype=torch.float64, requires_grad=True)
    output = X
    for kernel, stride in layers:
        output = F.conv1d(output, torch.ones(1, 1, kernel, dtype=torch.float64), stride=stride)
    output[0, 0, 0].backward()
    return int((X.grad != 0).sum())


def field_by_sum(layers):
    jumps = np.cumprod([1, *(stride for _, stride in layers)])
    return 1 + sum((kernel - 1) * jump for (kernel, _), jump in zip(layers, jumps, strict=False))


def label_by_trying(name):
    try:
        label, rest = name.split("_", 1)
    except ValueError:
        return None
    if label not in ("0", "1", "2", "3", "4", "5"):
        return None
    return int(label) if rest.lower().rpartition(".")[2] in ("jpg", "jpeg", "png") else None


def batches_by_walking(samples, batch_size, drop_last=False):
    starts = range(0, samples, batch_size)
    return sum(start + batch_size <= samples or not drop_last for start in starts)


def nll_by_a_loop(log_p, y):
    return sum(-row[label].item() for row, label in zip(log_p, y, strict=True)) / len(y)


def share_by_a_loop(rights, sizes):
    right = total = 0
    for a, b in zip(rights, sizes, strict=True):
        right, total = right + a, total + b
    return right / total


def batch_by_einsum(pictures):
    if pictures.dim() == 4:
        pictures = torch.einsum("nhwc->nchw", pictures)
    return pictures.reshape(len(pictures), -1, *pictures.shape[-2:]).to(torch.float32).div(255)


def by_class_with_counts(predicted, y, classes):
    hits = torch.bincount(y[predicted == y], minlength=classes)
    return (hits / torch.bincount(y, minlength=classes)).tolist()


def by_class_in_loops(predicted, y, classes):
    shares = []
    for k in range(classes):
        answers = [p for p, label in zip(predicted.tolist(), y.tolist(), strict=True) if label == k]
        shares.append(answers.count(k) / len(answers))
    return tuple(shares)


def relabel_in_a_loop(targets, first, second):
    positions, labels = [], []
    for position, label in enumerate(targets):
        if label == first or label == second:
            positions.append(position)
            labels.append({first: 0, second: 1}[label])
    return positions, labels


def relabel_by_numpy(targets, first, second):
    positions = np.flatnonzero(np.isin(targets, [first, second]))
    return positions, np.asarray(targets)[positions] == second


def log_softmax_by_sum(scores):
    largest = max(scores)
    total = sum(math.exp(score - largest) for score in scores)
    return [float(score - largest) - math.log(total) for score in scores]


def ready_by_numpy(picture, mean, std):
    X = (picture.astype("float32") / 255 - mean.numpy()) / std.numpy()
    return torch.from_numpy(np.ascontiguousarray(X.transpose(2, 0, 1)[None]))


def flip_in_a_loop(X, chosen):
    return torch.stack([x.flip(-1) if c else x for x, c in zip(X, chosen, strict=True)])


def flip_by_blending(X, chosen):
    c = chosen.view(-1, 1, 1, 1).float()
    return c * X.flip(dims=(3,)) + (1 - c) * X


def kept_by_slices(accuracies, patience):
    for end in range(1, len(accuracies) + 1):
        best = accuracies.index(max(accuracies[:end]))
        if end - 1 - best >= patience:
            break
    return best + 1


def smooth_by_filling(y, classes, amount):
    rows = torch.full((len(y), classes), amount / classes)
    rows[torch.arange(len(y)), y] += 1 - amount
    return rows


def mirrored_in_evaluation(model, X):
    model.eval()
    with torch.inference_mode():
        return torch.stack([model(X), model(torch.flip(X, [3]))]).sum(0)


def compared_by_numpy(setting, plain):
    ours, theirs = (
        np.array([100 * run["validation"] for run in runs]) for runs in (setting, plain)
    )
    ahead = ours - theirs
    return ahead.mean(), ahead.std(ddof=1) / np.sqrt(len(ahead))


def compared_by_torch(setting, plain):
    pairs = [(a["validation"], b["validation"]) for a, b in zip(setting, plain, strict=True)]
    ahead = 100 * torch.tensor(pairs, dtype=torch.float64).diff(dim=1).neg()
    return [ahead.mean(), ahead.std() / len(pairs) ** 0.5]


def compared_by_hand(setting, plain):
    n = len(setting)
    total = squares = 0
    for i in range(n):
        total += 100 * setting[i]["validation"] - 100 * plain[i]["validation"]
    for i in range(n):
        one = 100 * setting[i]["validation"] - 100 * plain[i]["validation"]
        squares += (one - total / n) ** 2
    return [total / n, (squares / (n - 1) / n) ** 0.5]


def compared_with_n_below(setting, plain):
    points = [
        100 * (a["validation"] - b["validation"]) for a, b in zip(setting, plain, strict=True)
    ]
    return sum(points) / len(points), statistics.pstdev(points) / (len(points) - 1) ** 0.5


def compared_by_two_means(setting, plain):
    points = [
        100 * (a["validation"] - b["validation"]) for a, b in zip(setting, plain, strict=True)
    ]
    ours, theirs = (sum(100 * run["validation"] for run in runs) for runs in (setting, plain))
    return (ours - theirs) / len(plain), torch.tensor(points).std() / math.sqrt(len(points))


def shifted_in_groups(X, flips, down, across):
    wide = F.pad(torch.where(flips[:, None, None, None], X.flip(3), X), [2] * 4, mode="reflect")
    result = torch.empty_like(X)
    for i in range(5):
        for j in range(5):
            here = (down == i) & (across == j)
            result[here] = wide[here, :, i : i + 32, j : j + 32]
    return result


def shifted_by_indices(X, flips, down, across):
    X = X.clone()
    X[flips] = X[flips].flip(-1)
    wide = F.pad(X, (2, 2, 2, 2), "reflect").permute(0, 2, 3, 1)
    rows, columns = (place[:, None] + torch.arange(32) for place in (down, across))
    pictures = torch.arange(len(X))[:, None, None]
    return wide[pictures, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def shifted_by_gather(X, flips, down, across):
    wide = torch.nn.ReflectionPad2d(2)(X)
    columns = across[:, None] + torch.arange(32)
    turned = torch.where(flips[:, None], 35 - columns, columns)[:, None, None]
    rows = (down[:, None] + torch.arange(32))[:, None, :, None]
    tall = wide.gather(2, rows.expand(-1, X.shape[1], -1, 36))
    return tall.gather(3, turned.expand(-1, X.shape[1], 32, -1))


def shifted_with_one_number(X, flips, down, across):
    coins = flips.view(-1, 1, 1, 1).to(X.dtype)
    mixed = coins * X.flip(3) + (1 - coins) * X
    wide = F.pad(mixed, [2] * 4, mode="reflect")
    windows = wide.unfold(2, 32, 1).unfold(3, 32, 1).flatten(2, 3)
    return windows[range(len(X)), :, 5 * down + across]


def shifted_axis_by_axis(X, flips, down, across):
    pictures = torch.arange(len(X))
    wide = F.pad(torch.where(flips[:, None, None, None], X.flip(3), X), [2] * 4, mode="reflect")
    tall = wide.unfold(2, 32, 1)[pictures, :, down]  # (N, C, 36, 32): columns, rows
    return tall.unfold(2, 32, 1)[pictures, :, across]


def shifted_in_a_loop(X, flips, down, across):
    cut = []
    for picture, flip, i, j in zip(X, flips, down, across, strict=True):
        picture = picture.flip(2) if flip else picture
        wide = F.pad(picture, [2] * 4, mode="reflect")
        cut.append(wide[:, i : i + 32, j : j + 32])
    return torch.stack(cut)


def shifted_in_half_a_loop(X, flips, down, across):
    wide = F.pad(torch.where(flips[:, None, None, None], X.flip(3), X), [2] * 4, mode="reflect")
    places = zip(wide, down.tolist(), across.tolist(), strict=True)
    return torch.stack([w[:, i : i + 32, j : j + 32] for w, i, j in places])


def shifted_in_place(X, flips, down, across):
    X[flips] = X[flips].flip(3)
    return shifted_in_groups(X, torch.zeros_like(flips), down, across)


RIGHT = {
    "to_unit": [
        lambda p: torch.stack([p]).to(torch.float32) * (1 / 255),
        lambda p: p.unsqueeze(0).float().div(255),
        lambda p: v2.functional.to_dtype(p[None], torch.float32, scale=True),
    ],
    "gradient_step": [
        lambda w, g, lr: -lr * g + w,
        lambda w, g, lr: (torch.tensor(w) - lr * torch.tensor(g)).item(),
        lambda w, gradient, lr: np.float64(w) - np.multiply(lr, gradient),
    ],
    "training_step": [
        step_with(right_update),
        step_with(update_that_clears_at_the_end, lambda loss: float(loss.detach())),
        step_by_closure,
    ],
    "accuracy": [
        lambda logits, y: int((logits.max(1).indices == y).sum()) / len(y),
        lambda logits, y: np.mean(logits.numpy().argmax(1) == y.numpy()),
        lambda logits, y: (
            sum(int(row.argmax()) == t for row, t in zip(logits, y, strict=True)) / y.numel()
        ),
    ],
    "to_rgb_unit": [
        lambda bgr: cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB) / 255,
        lambda bgr: bgr[..., [2, 1, 0]].astype("float32") / 255.0,
        lambda bgr: np.flip(bgr, axis=2) / 255,
        lambda bgr: torch.tensor(bgr).flip(2).half() / 255,
    ],
    "correlate_same": [
        lambda p, k: cv2.filter2D(p, cv2.CV_32F, k, borderType=cv2.BORDER_CONSTANT),
        correlate_by_conv2d,
        correlate_by_shifts,
        correlate_by_sums,
    ],
    "output_size": [
        lambda i, f, s=1, p=0: len(range(0, i + 2 * p - f + 1, s)),
        size_by_walking,
        lambda i, f, s=1, p=0: math.floor((i + 2 * p - f) / s) + 1,
    ],
    "horizontal_kernel": [
        [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
        np.array([[0, -2.5, 0], [0, 0, 0], [0, 2.5, 0]]),
        [[-1] * 3, [1] * 3, [0] * 3],
        torch.tensor([[-3, -10, -3], [0, 0, 0], [3, 10, 3]]),
    ],
    "edge_layer": [
        edge_layer_with_zero_bias,
        edge_layer_by_a_parameter,
        edge_layer_from_a_dict,
    ],
    "max_pool": [
        lambda picture, patch: F.max_pool2d(torch.tensor(picture)[None], patch)[0],
        pool_by_lists,
        pool_by_windows,
    ],
    "average_by_convolution": [
        average_with_zero_bias,
        average_by_a_parameter,
        average_inside_no_grad,
    ],
    "block": [
        BlockOfLayers,
        BlockThatClampsLast,
        BlockThatIsASequence,
        BlockByFunctions,
    ],
    "pooled_size": [
        lambda i, f, s=None: nn.MaxPool2d(f, s)(torch.zeros(1, 1, i, i)).shape[-1],
        pooled_by_walking,
        lambda size, patch, stride=None: 1 + (size - patch) // (stride or patch),
    ],
    "receptive_field": [
        field_from_behind,
        field_by_gradient,
        field_by_sum,
    ],
    "label_of": [
        label_by_pattern,
        label_by_path,
        label_by_trying,
    ],
    "split": [split_by_numpy, split_with_the_rest_as_given, split_by_torch],
    "count_batches": [
        lambda n, b, drop_last=False: len(DataLoader(range(n), b, drop_last=drop_last)),
        batches_by_walking,
        lambda n, b, drop_last=False: math.floor(n / b) if drop_last else math.ceil(n / b),
    ],
    "flatten_size": [
        lambda size, maps, blocks: int(size / 2**blocks) ** 2 * maps,
        lambda size, maps, blocks: maps * (size >> blocks) ** 2,
        lambda size, maps, blocks: nn.Sequential(*[nn.MaxPool2d(2)] * blocks)(
            torch.empty(maps, size, size)
        ).numel(),
    ],
    "nll": [
        F.nll_loss,
        lambda p, y: -p.gather(1, y[:, None]).sum().item() / len(y),
        nll_by_a_loop,
    ],
    "accuracy_over_batches": [
        lambda rights, sizes: np.average(np.divide(rights, sizes), weights=sizes),
        share_by_a_loop,
        lambda rights, sizes: torch.tensor(rights).sum() / torch.tensor(sizes).sum(),
    ],
    "to_batch": [
        batch_by_movedim,
        batch_by_einsum,
        lambda p: torch.from_numpy(
            np.moveaxis(p.numpy().reshape(*p.shape[:3], -1), 3, 1) / np.float32(255)
        ),
    ],
    "output_megabytes": [
        lambda m, h, w, n: torch.empty(n, m, h, w, device="meta").nbytes / 1e6,
        lambda m, h, w, n: 32 / 8 * math.prod((m, h, w, n)) * 1e-6,
        lambda maps, height, width, batch_size: 4 * maps * height * width * batch_size / 10**6,
    ],
    "conv_parameters": [
        lambda i, o, k: sum(p.numel() for p in nn.Conv2d(i, o, k).parameters()),
        lambda i, o, k: i * o * k**2 + o,
        lambda i, o, k: math.prod((o, i, k, k)) + math.prod((o,)),
    ],
    "accuracy_by_class": [
        lambda p, y, classes: [(p[y == k] == k).sum() / (y == k).sum() for k in range(classes)],
        by_class_with_counts,
        by_class_in_loops,
    ],
    "unnormalise": [
        lambda X, mean, std: torch.stack([X[i] * std[i] + mean[i] for i in range(3)]),
        lambda X, m, s: v2.Normalize((-m / s).tolist(), (1 / s).tolist())(X),
        lambda X, mean, std: ((X.permute(1, 2, 0) * std) + mean).permute(2, 0, 1),
    ],
    "relabel": [
        relabel_by_torch,
        relabel_in_a_loop,
        relabel_by_numpy,
    ],
    "log_softmax": [
        lambda s: s - torch.logsumexp(s, dim=0),
        log_softmax_by_sum,
        lambda s: s - s.max() - torch.log(torch.sum(torch.exp(s - s.max()))),
    ],
    "mlp_parameters": [
        parameters_of_layers,
        lambda sizes: sum((a + 1) * b for a, b in itertools.pairwise(sizes)),
        lambda sizes: np.dot(np.add(sizes[:-1], 1), sizes[1:]),
    ],
    "ready": [
        ready_by_transforms,
        ready_with_channels_last,
        ready_by_numpy,
    ],
    "flip_some": [
        flip_in_a_copy,
        flip_in_a_loop,
        flip_by_blending,
    ],
    "kept_epoch": [
        kept_by_waiting,
        kept_by_slices,
        lambda a, patience: kept_by_waiting([*a], patience),
    ],
    "slope_through": [
        slope_by_autograd,
        lambda slopes, skip: np.prod(np.array(slopes) + skip),
        lambda slopes, skip: math.prod(1 + s if skip else s for s in slopes),
    ],
    "compared": [
        compared_by_numpy,
        compared_by_torch,
        compared_by_hand,
        compared_with_n_below,
        compared_by_two_means,
        lambda setting, plain: np.array(compared_by_numpy(setting, plain)),
    ],
    "my_setting": [
        {"dropout": 0.3, "augment": True},
        {"lr": 0.01},
        {"schedule": True, "batch_norm": False},
        {"blocks": 2, "skip": True, "weight_decay": 0},
        {"l1": 1e-3, "width": 24, "patience": 8},
        {"width": 32, "batch_norm": True, "augment": True, "lr": 0.05, "dropout": np.float64(0.1)},
    ],
    "time_to_goal": [
        lambda e, n, b, s: torch.tensor(s) * e * int(n / b),
        lambda e, n, b, s: s * e * ((n - n % b) / b),
        lambda e, n, b, s: sum(s for _ in range(e) for _ in range(n // b)),
    ],
    "triangle": [
        lambda k, n, peak=0.2: float(np.interp(k, [0, peak * n, n], [0, 1, 0])),
        triangle_in_two_parts,
        lambda k, n, peak=0.2: min(k / (peak * n), (n - k) / (n - peak * n)),
    ],
    "mirror_and_shift": [
        shifted_in_groups,
        shifted_by_indices,
        shifted_by_gather,
        shifted_with_one_number,
        shifted_axis_by_axis,
    ],
    "smooth": [
        smooth_by_lerp,
        lambda y, classes, a: (1 - a) * torch.eye(classes)[y] + a / classes,
        smooth_by_filling,
    ],
    "mirrored": [
        mirrored_in_one_batch,
        mirrored_without_gradients,
        mirrored_in_evaluation,
    ],
}

# ---------------------------------------------------------------- right, but something changes


def after(change, name):
    """The right answer, which then changes one of its arguments."""

    def answer(*case):
        result = RIGHT[name][0](*case)
        change(*case)
        return result

    return answer


def rows_reversed_in_place(bgr):
    bgr[:] = bgr[:, :, ::-1].copy()
    return bgr / 255


def field_that_empties_the_list(layers):
    field = jump = 1
    while layers:
        kernel, stride = layers.pop(0)
        field, jump = field + (kernel - 1) * jump, jump * stride
    return field


def split_in_place(names, share, seed):
    names.sort()
    return split_by_numpy(names, share, seed)


def split_that_shuffles_the_list(names, share, seed):
    mixed = split_by_numpy(names, share, seed)
    random.Random(seed).shuffle(names)
    return mixed


def nll_in_place(log_p, y):
    log_p *= -1
    return log_p[torch.arange(len(y)), y].mean()


def share_that_empties_the_list(rights, sizes):
    right = 0
    while rights:
        right += rights.pop()
    return right / sum(sizes)


def unnormalise_in_place(X, mean, std):
    X *= std.view(3, 1, 1)
    X += mean.view(3, 1, 1)
    return X


def unnormalise_that_turns_the_mean(X, mean, std):
    return X * std.view(3, 1, 1) + mean.resize_(3, 1, 1)


def relabel_in_place(targets, first, second):
    positions = [i for i, label in enumerate(targets) if label in (first, second)]
    for i in positions:
        targets[i] = int(targets[i] == second)
    return positions, [targets[i] for i in positions]


def log_softmax_in_place(scores):
    scores -= scores.max()
    return scores - scores.exp().sum().log()


def mlp_that_empties_the_list(sizes):
    total = 0
    while len(sizes) > 1:
        before = sizes.pop(0)
        total += (before + 1) * sizes[0]
    return total


def ready_with_a_larger_mean(picture, mean, std):
    mean *= 255
    std *= 255
    return ((torch.as_tensor(picture) - mean) / std).permute(2, 0, 1)[None]


def flip_in_place(X, chosen):
    X[chosen] = X[chosen].flip(3)
    return X


def slope_in_place(slopes, skip):
    for i in range(len(slopes)):
        slopes[i] += skip
    return math.prod(slopes)


def kept_from_the_front(accuracies, patience):
    epoch = kept_by_waiting(accuracies, patience)
    accuracies.insert(0, 0.0)
    return epoch


class BlockThatEmptiesThePicture(BlockOfLayers):
    def forward(self, X):
        output = self.layers(X)
        X.data.zero_()
        return output


CHANGING = {
    "to_unit": [lambda p: p.unsqueeze_(0) / 255, after(lambda p: p.zero_(), "to_unit")],
    "training_step": [
        after(lambda m, loss, o, X, y: X.zero_(), "training_step"),
        after(lambda m, loss, o, X, y: y.zero_(), "training_step"),
    ],
    "accuracy": [after(lambda logits, y: logits.exp_(), "accuracy")],
    "to_rgb_unit": [rows_reversed_in_place],
    "correlate_same": [
        after(lambda p, k: np.multiply(p, 2, out=p), "correlate_same"),
        after(lambda p, k: k.fill(0), "correlate_same"),
    ],
    "edge_layer": [lambda kernels: edge_layer_from_a_dict(-kernels.neg_())],
    "max_pool": [after(lambda p, n: p.fill(0), "max_pool")],
    "block": [BlockThatEmptiesThePicture],
    "receptive_field": [
        field_that_empties_the_list,
        after(lambda layers: layers.reverse(), "receptive_field"),
    ],
    "split": [split_in_place, split_that_shuffles_the_list],
    "nll": [nll_in_place],
    "accuracy_over_batches": [share_that_empties_the_list],
    "to_batch": [after(lambda p: p.zero_(), "to_batch")],
    "accuracy_by_class": [after(lambda p, y, k: p.zero_(), "accuracy_by_class")],
    "unnormalise": [unnormalise_in_place, unnormalise_that_turns_the_mean],
    "relabel": [relabel_in_place],
    "log_softmax": [log_softmax_in_place],
    "mlp_parameters": [mlp_that_empties_the_list],
    "ready": [ready_with_a_larger_mean],
    "flip_some": [flip_in_place, after(lambda X, c: c.logical_not_(), "flip_some")],
    "kept_epoch": [kept_from_the_front, after(lambda a, p: a.sort(), "kept_epoch")],
    "slope_through": [slope_in_place],
    "compared": [
        after(lambda setting, plain: setting.reverse(), "compared"),
        after(lambda setting, plain: plain[0].update(validation=0), "compared"),
    ],
    "mirror_and_shift": [
        shifted_in_place,
        after(lambda X, f, d, a: f.logical_not_(), "mirror_and_shift"),
        after(lambda X, f, d, a: d.zero_(), "mirror_and_shift"),
    ],
    "smooth": [after(lambda y, k, a: y.zero_(), "smooth")],
    "mirrored": [
        after(lambda model, X: X.copy_(X.flip(3)), "mirrored"),
        after(lambda model, X: model.train(), "mirrored"),
        after(lambda model, X: model.requires_grad_(False), "mirrored"),
        after(lambda model, X: nn.init.zeros_(model[-1].weight), "mirrored"),
    ],
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


def correlate_into_the_pictures_type(picture, kernel):
    result = np.zeros_like(picture)
    result[:] = correlate_by_shifts(picture, kernel)
    return result


def conv_of(patch, weight):
    layer = nn.Conv2d(1, 1, patch, stride=patch, bias=False)
    nn.init.constant_(layer.weight, weight)
    return layer


class BlockOf(BlockOfLayers):
    """The right block, with something changed or added after it was made."""

    def __init__(self, channels, change=lambda weight: None, activation=nn.ReLU, end=nn.Identity):
        super().__init__(channels)
        self.layers[1] = activation()
        self.layers.append(end())
        change(self.layers[0].weight)


class BlockOfOtherWeights(BlockOfLayers):
    def forward(self, X):
        weight = torch.ones_like(self.layers[0].weight)
        return F.max_pool2d(F.relu(F.conv2d(X, weight, padding=1)), 2)


class BlockWithoutGradients(BlockOfLayers):
    @torch.no_grad()
    def forward(self, X):
        return self.layers(X)


class BlockThatDetaches(BlockOfLayers):
    def forward(self, X):
        return self.layers(X).detach()


def block_of(**options):
    return lambda channels: BlockOf(channels, **options)


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


def split_of_what_shuffle_returns(names, share, seed):
    mixed = random.Random(seed).shuffle(sorted(names))
    return mixed[: int(share * len(names))], mixed[int(share * len(names)) :]


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
        (lambda m, loss_function, o, X, y: loss_function(y, m(X)), "takes the logits first"),
        (step_with(update_by_hand), "not where one step"),
        (step_with(right_update, lambda loss: None), NOTHING),
        (
            step_with(right_update, lambda loss: round(loss.item(), 2)),
            "is not the loss of this step",
        ),
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
        (
            lambda bgr: np.uint8(bgr[:, :, ::-1] / 255),
            "Only 0 and 1 are left, the fraction is lost",
        ),
        (lambda bgr: bgr.transpose(2, 0, 1) / 255, "has the shape (3, 4, 5), it should"),
    ],
    "correlate_same": [
        (lambda p, k: cv2.filter2D(p, cv2.CV_32F, k), "mirrors the picture, as OpenCV does"),
        (
            lambda p, k: cv2.filter2D(p, -1, k, borderType=cv2.BORDER_CONSTANT),
            "it has got the type uint8",
        ),
        (correlate_into_the_pictures_type, "it has got the type uint8"),
        (lambda p, k: p, "off by up to"),
        (
            lambda p, k: F.conv2d(torch.tensor(p)[None, None], torch.tensor(k)[None, None])[0, 0],
            "it stops with RuntimeError",
        ),
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
        (lambda patch: conv_of(patch, 0.5), "Each weight is 0.5: patch² of them should add"),
        (lambda patch: nn.Conv2d(3, 3, patch), "takes 3 channels, it should take 1"),
        (lambda patch: nn.AvgPool2d(patch), "this is of the type AvgPool2d"),
    ],
    "block": [
        (BlockWithoutInit, "before Module.__init__() call"),
        (
            lambda channels: nn.Conv2d(1, channels, 5, padding=2),
            "(4, 1, 3, 3), they are (4, 1, 5, 5)",
        ),
        (block_of(change=nn.init.ones_), "All its filters begin with the same weights"),
        (
            block_of(change=lambda w: w.data.copy_(w.data[:1].clone())),
            "begin with the same weights",
        ),
        (block_of(change=lambda w: w.requires_grad_(False)), "are frozen, requires_grad is False"),
        (BlockWithoutGradients, "No gradient leads from its result to its weights"),
        (BlockOfOtherWeights, "is the convolution itself called"),
        (BlockThatDetaches, "No gradient leads from its result to its weights"),
        (block_of(activation=nn.Tanh), "The shape is right, the numbers are not: are there"),
        (block_of(activation=nn.GELU), "in this order, and nothing else?"),
        (block_of(end=nn.Dropout), "in this order, and nothing else?"),
        (block_of(end=nn.Softmax2d), "in this order, and nothing else?"),
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
        (lambda names, share, seed: (random.shuffle([*names]), names), "Two lists are asked for"),
        (split_of_what_shuffle_returns, "something is None, which is what list.sort, shuffle"),
        (split_seeding_torch, "whole program"),
    ],
    "accuracy_by_class": [
        (
            lambda p, y, k: torch.bincount(y[p == y]) / torch.bincount(y),
            "torch.bincount stops at the largest class that it meets",
        ),
        (lambda p, y, k: (p == y).float().mean().expand(k), "off by up to"),
    ],
    "nll": [(lambda p, y: -(p * F.one_hot(y, p.shape[1])).mean(), "number of samples, not of all")],
    "accuracy_over_batches": [
        (lambda r, s: np.mean([a / b for a, b in zip(r, s, strict=True)]), "mean over batches")
    ],
    "to_batch": [
        (grey_or(lambda p: p.permute(0, 3, 2, 1)), "For (Tensor (2, 6, 5, 3)) the result has the"),
        (grey_or(lambda p: p.permute(0, 3, 1, 2).flip(1)), "order blue, green, red"),
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
        (lambda t, a, b: (kept(t, a, b), [t[i] // 2 for i in kept(t, a, b)]), "the labels are off"),
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
    "flip_some": [
        (lambda X, c: torch.where(c[:, None], X.flip(3), X), "it stops with RuntimeError")
    ],
    "kept_epoch": [
        (lambda a, patience: a.index(max(a)) + 1, "patience is not used"),
        (kept_that_stops_at_the_end, "it returns 3, it should be 2"),
    ],
    "compared": [
        (lambda setting, plain: (0, 0), "Two numbers, but not the right ones"),
        (lambda setting, plain: 1.5, "has the shape (), it should be (2,)"),
        (lambda setting, plain: None, NOTHING),
        (lambda s, p: dict(enumerate(compared_by_hand(s, p))), "of the type dict"),
        (
            lambda setting, plain: [round(x, 1) for x in compared_by_hand(setting, plain)],
            "or rounded",
        ),
        (lambda setting, plain: np.mean(setting) - np.mean(plain), "it stops with TypeError"),
        (lambda setting, plain: (setting["validation"], 0), "it stops with TypeError"),
        (lambda s, p: tuple(x / 100 for x in compared_by_torch(s, p)), "These are shares"),
        (lambda s, p: np.std(np.array([r["validation"] for r in s])), "has the shape ()"),
        (lambda s, p: f"{compared_by_hand(s, p)[0]:+.1f}", "is a text, not a number"),
        (lambda s, p: compared_by_hand(p, s), "The sign is wrong"),
        (lambda s, p: (*compared_by_hand(s, p), len(s)), "it should be (2,)"),
    ],
    "my_setting": [
        (None, "of the type NoneType"),
        ("dropout", "of the type str"),
        (lambda: {"dropout": 0.5}, "of the type function"),
        ({"dropout", 0.5}, "of the type set"),
        ({}, "the values of the plain net"),
        ({"width": 16, "augment": False}, "the values of the plain net"),
        ({"width": 24.0}, "`width` is 24.0: a whole number"),
        ({"width": [16, 32]}, "`width` is [16, 32]: a whole number"),
        ({"weight decay": 0.01}, "'weight decay' is no remedy"),
        ({0.5: "dropout"}, "0.5 is no remedy"),
        ({"lr": -0.1}, "`lr` is -0.1: take 0.0001 to 0.1"),
        ({"lr": float("nan")}, "`lr` is nan: take"),
        ({"lr": torch.tensor(0.01)}, "a plain number is asked for"),
        ({"lr": np.array([0.01, 0.02])}, "a plain number is asked for"),
        ({"dropout": True}, "`dropout` is True: a plain number"),
        ({"patience": None}, "`patience` is None: a whole number"),
        ({"augment": 1}, "`augment` is 1: it is a switch"),
        ({"blocks": 8}, "`blocks` is 8: take 0 to 4"),
        ({"skip": True, "dropout": 0.5}, "it would change nothing"),
        ({"weight_decay": 0.003, "l1": 0}, 'That is "weight_decay" of the record'),
        ({"lr": 0.05, "schedule": True, "width": 16}, 'That is "schedule" of the record'),
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
    "mirror_and_shift": [
        (shifted_in_a_loop, "still come one after the other"),
        (shifted_in_half_a_loop, "still come one after the other"),
        (lambda X, f, d, a: shifted_in_a_loop(X, f, a, d), "`down` and `across` are swapped"),
        (lambda X, f, d, a: shifted_in_groups(X.flip(3), f, d, a), "should stay as they are"),
        (lambda X, f, d, a: shifted_by_indices(X, f, d - 2, a - 2), "off by up to"),
        (lambda X, f, d, a: torch.where(f, X.flip(3), X), "it stops with RuntimeError"),
        (lambda X, f, d, a: X[f].flip(3), "the result has the shape (16, 3, 32, 32)"),
        (lambda X, f, d, a: X[:, :, d : d + 32, a : a + 32], "it stops with TypeError"),
        (lambda X, f, d, a: shifted_by_gather(X, f, d, a).half(), "became torch.float16"),
        (lambda X, f, d, a: shifted_by_gather(X, f, d, a).numpy(), "This is a ndarray"),
        (lambda X, f, d, a: [*shifted_by_gather(X, f, d, a)], "a tensor is asked for"),
        (lambda X, f, d, a: None, NOTHING),
    ],
    "smooth": [
        (lambda y, k, a: F.one_hot(y, k) + a / k, "add up to more than 1"),
        (lambda y, k, a: F.one_hot(y, k).float().log_softmax(1), "off by up to"),
    ],
    "mirrored": [
        (lambda model, X: model(X) + model(X.rot90(2, (2, 3))), "half a circle"),
        (lambda model, X: X.flip(3), "it should be (4, 10)"),
        (lambda model, X: model(X) + model(X.mT), "swaps rows and columns"),
        (lambda model, X: [model(X.flip(3)), model(X)], "two results"),
        (lambda model, X: model(X) + model(X[::-1]), "it stops with ValueError"),
    ],
}
