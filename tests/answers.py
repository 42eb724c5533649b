"""Answers that the tables of the checks do not say: other right ones, and other wrong ones."""

import itertools
import math
import os
import random
import re
from contextlib import nullcontext
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import Dataset, random_split
from torch.utils.flop_counter import FlopCounterMode
from torchvision import transforms
from torchvision.transforms import v2

from helpers import models, training

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


class HandsByLoop(Dataset):
    def __init__(self, folder, transform=None):
        super().__init__()
        self.pictures, self.labels, self.transform = [], [], transform
        for path in sorted(folder.iterdir(), key=lambda path: path.name):
            label = label_by_path(path.name)
            if label is not None:
                self.pictures.append(path)
                self.labels.append(label)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        with Image.open(self.pictures[index]) as picture:
            picture = picture.convert("RGB")
        if self.transform is not None:
            picture = self.transform(picture)
        return picture, self.labels[index]


class HandsByNames(Dataset):
    def __init__(self, folder, transform=None):
        self.folder, self.transform = str(folder), transform
        self.names = [n for n in sorted(os.listdir(folder)) if label_by_pattern(n) is not None]

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(index)
        name = self.names[index]
        picture = Image.open(os.path.join(self.folder, name)).convert("RGB")
        return [self.transform(picture) if self.transform else picture, np.int64(name[0])]


class HandsOfPairs:  # not derived from Dataset, which a DataLoader does not ask for
    def __init__(self, folder, transform=lambda picture: picture):
        endings = (".jpg", ".jpeg", ".png")
        files = [file for file in folder.glob("[0-5]_*") if file.suffix.lower() in endings]
        self.pairs = sorted((file.name, file, int(file.name[0])) for file in files)
        self.transform = transform

    def __len__(self):
        return self.pairs.__len__()

    def __getitem__(self, index):
        _, file, label = self.pairs[index]
        return self.transform(Image.open(file).convert("RGB")), label


class HandsByListdir(HandsByNames):
    def __init__(self, folder, transform=None):
        self.folder, self.transform, self.names = folder, transform, []
        for name in os.listdir(folder):
            if name[0] in "012345" and name.lower().endswith(("jpg", "jpeg", "png")):
                self.names.append(name)
        self.names.sort()


class HandsByOpenCV(HandsByLoop):
    def __getitem__(self, index):
        bgr = cv2.imread(str(self.pictures[index]), cv2.IMREAD_COLOR)
        picture = Image.fromarray(bgr[:, :, ::-1].copy())
        return (self.transform or (lambda x: x))(picture), self.labels[index]


def transforms_by_one_list(size):
    steps = [v2.Resize((size, size)), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    return v2.Compose([*steps, v2.RandomHorizontalFlip()]), v2.Compose(steps)


def transforms_with_more(size):
    end = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, True), v2.ToPureTensor()])
    changes = [v2.RandomRotation(20, fill=200), v2.ColorJitter(0.4, 0.4, hue=0.05)]
    crop = v2.RandomResizedCrop(size, scale=(0.7, 1))
    return [v2.Compose([*changes, crop, end]), v2.Compose([v2.Resize((size, size)), end])]


def transforms_by_functions(size):
    def plain(picture):
        picture = picture.resize((size, size), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 255

    def changed(picture):
        X = plain(picture)
        return X.flip(2) if random.random() < 0.5 else X

    return changed, plain


def transforms_by_totensor(size):
    to_tensor = transforms.ToTensor()
    train = [transforms.Resize((size, size)), transforms.RandomHorizontalFlip(), to_tensor]
    return transforms.Compose(train), transforms.Compose([train[0], to_tensor])


def transforms_that_crop(size):
    end = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    middle = v2.Compose([v2.Resize(size), v2.CenterCrop(size), *end])
    return v2.Compose([v2.RandomResizedCrop((size, size)), *end, v2.GaussianBlur(3)]), middle


def transforms_of_random_parts(size):
    end = [v2.Resize([size, size]), v2.PILToTensor(), v2.ConvertImageDtype(torch.float32)]
    blur = v2.RandomApply([v2.GaussianBlur(5)], p=0.3)
    return v2.Compose([v2.RandomHorizontalFlip(0.4), blur, *end]), v2.Compose(end)


def nll_by_a_loop(log_p, y):
    return sum(-row[label].item() for row, label in zip(log_p, y, strict=True)) / len(y)


class SmallNetOfBlocks(nn.Module):
    def __init__(self, widths=(16, 32, 64)):
        super().__init__()
        self.blocks, before = nn.ModuleList(), 3
        for width in widths:
            conv = nn.Conv2d(before, width, 3, padding=1, bias=False)
            self.blocks.append(
                nn.Sequential(conv, nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.MaxPool2d(2))
            )
            before = width
        self.dropout = nn.Dropout(0.5)
        self.output = nn.Linear(before * (64 >> len(widths)) ** 2, 6)

    def forward(self, X):
        for block in self.blocks:
            X = block(X)
        return self.output(self.dropout(torch.flatten(X, 1)))


class SmallNetThatAverages(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 32, 5, stride=2), nn.Conv2d(32, 64, 3, stride=2)
        self.output = nn.Linear(64, 6)
        self.in_order = [self.conv1, self.conv2]  # registered above

    def forward(self, X):
        for conv in self.in_order:
            X = F.dropout(conv(X).relu(), 0.2, self.training)
        return self.output(X.mean(dim=(2, 3)))


class SmallNetOfLogarithms(SmallNetThatAverages):
    def forward(self, X):
        return F.log_softmax(super().forward(X), dim=1)


class SmallNetThatIsASequence(nn.Sequential):
    def __init__(self):
        super().__init__(
            *[nn.Conv2d(3, 12, 3, padding="same"), nn.MaxPool2d(4), nn.Tanh(), nn.Flatten()],
            *[nn.LazyLinear(16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 6)],
        )


class SmallNetByParameters(nn.Module):
    def __init__(self):
        super().__init__()
        self.kernels = nn.Parameter(torch.randn(8, 3, 3, 3))
        self.output = nn.Linear(8 * 4 * 4, 6, bias=False)

    def forward(self, X):
        maps = F.adaptive_avg_pool2d(F.relu(F.conv2d(X, self.kernels)), 4)
        return self.output(maps.reshape(X.shape[0], -1))


def evaluate_by_a_loop(model, loader):
    was_training = model.training
    model.eval()
    right = total = 0
    with torch.no_grad():
        for X, y in loader:
            right += (model(X).argmax(dim=1) == y).sum().item()
            total += len(y)
    model.train(was_training)
    return right / total, total


@torch.inference_mode()
def evaluate_by_weights(model, loader):
    before = model.training
    model.eval()
    shares, sizes = [], []
    for X, y in loader:
        shares.append((model(X).max(1).indices == y).float().mean())
        sizes.append(y.numel())
    if before:
        model.train()
    return np.average(shares, weights=sizes), sum(sizes)


def evaluate_by_cat(model, loader):
    modes = {layer: layer.training for layer in model.modules()}
    with torch.no_grad():
        model.eval()
        hits = torch.cat([model(X).argmax(-1).eq(y) for X, y in loader])
    for layer, mode in modes.items():
        layer.training = mode
    return [hits.double().mean(), len(hits)]


def evaluate_by_the_dataset(model, loader):
    before, n = model.training, len(loader.dataset)
    try:
        model.train(False)
        with torch.set_grad_enabled(False):
            right = sum(int((model(X).argmax(1) == y).sum()) for X, y in loader)
    finally:
        model.train(before)
    return (torch.tensor(right / n), torch.tensor(n))


def evaluate_by_the_helper(model, loader):
    score = training.evaluate(model, loader, nn.CrossEntropyLoss())
    return score.accuracy, score.total


def epoch_by_a_loop(model, loader, optimizer, loss_function):
    model.train()
    total_loss, total = 0.0, 0
    for X, y in loader:
        loss = loss_function(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * len(y)
        total += len(y)
    return total_loss / total


def epoch_that_clears_at_the_end(model, loader, optimizer, loss_function):
    model.train()
    model.zero_grad()
    losses, sizes = [], []
    for X, y in loader:
        output = model(X)
        loss = loss_function(output, y)
        loss.backward()
        optimizer.step()
        model.zero_grad()
        losses.append(float(loss.detach()))
        sizes.append(X.shape[0])
    return np.average(losses, weights=sizes)


def epoch_by_the_dataset(model, loader, optimizer, loss_function):
    before, total = model.training, torch.zeros(())
    for batch in iter(loader):
        model.train(True)
        optimizer.zero_grad(set_to_none=False)
        loss = loss_function(model(batch[0]), batch[1])
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(batch[1]) / len(loader.dataset)
    model.train(before)
    return total.item()


def epoch_by_closures(model, loader, optimizer, loss_function):
    model.train()
    steps = [(step_by_closure(model, loss_function, optimizer, X, y), len(y)) for X, y in loader]
    return sum(loss * n for loss, n in steps) / sum(n for _, n in steps)


def epoch_with_device_and_progress(model, loader, optimizer, loss_function):
    device, loss_sum, seen = next(model.parameters()).device, torch.tensor(0.0), 0
    model.train()
    for k, (X, y) in enumerate(loader):
        assert k < len(loader)
        with torch.enable_grad():
            loss = loss_function(model(X.to(device)), y.to(device))
            grads = torch.autograd.grad(loss, list(model.parameters()))
        for p, gradient in zip(model.parameters(), grads, strict=True):
            p.grad = gradient
        optimizer.step()
        loss_sum, seen = loss_sum + loss.detach() * X.size(0), seen + X.size(0)
    return (loss_sum / seen).item()


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
    "hands": [HandsByLoop, HandsByNames, HandsOfPairs, HandsByListdir, HandsByOpenCV],
    "transforms_of": [
        transforms_by_one_list,
        transforms_with_more,
        transforms_by_functions,
        transforms_by_totensor,
        transforms_that_crop,
        transforms_of_random_parts,
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
    "small_net": [
        SmallNetOfBlocks,
        SmallNetThatAverages,
        SmallNetOfLogarithms,
        SmallNetThatIsASequence,
        SmallNetByParameters,
        lambda: models.SignsNet(channels=8),
    ],
    "evaluate": [
        evaluate_by_a_loop,
        evaluate_by_weights,
        evaluate_by_cat,
        evaluate_by_the_dataset,
        evaluate_by_the_helper,
    ],
    "train_epoch": [
        epoch_by_a_loop,
        epoch_that_clears_at_the_end,
        epoch_by_the_dataset,
        epoch_by_closures,
        epoch_with_device_and_progress,
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
    "decayed_step": [
        lambda w, g, lr, d: (1 - lr * d) * w - lr * g,
        step_of_pytorchs_sgd,
        lambda w, g, lr, d: w - (lr * g + lr * d * w),
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
    "operations": [
        operations_counted,
        lambda n, b, a, k, h, w: 2 * math.prod((n, b, a, k, k, h, w)),
        lambda n, b, a, k, h, w: 2 * nn.Conv2d(b, a, k, bias=False).weight.numel() * n * h * w,
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


def evaluate_that_learns(model, loader):
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(0.5)  # the same answers, from other weights
    return evaluate_by_a_loop(model, loader)


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


def step_in_place(w, gradient, lr, weight_decay):
    w -= lr * (gradient + weight_decay * w)
    return w


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
    "evaluate": [evaluate_that_learns],
    "to_batch": [after(lambda p: p.zero_(), "to_batch")],
    "accuracy_by_class": [after(lambda p, y, k: p.zero_(), "accuracy_by_class")],
    "unnormalise": [unnormalise_in_place, unnormalise_that_turns_the_mean],
    "relabel": [relabel_in_place],
    "log_softmax": [log_softmax_in_place],
    "mlp_parameters": [mlp_that_empties_the_list],
    "ready": [ready_with_a_larger_mean],
    "decayed_step": [step_in_place],
    "flip_some": [flip_in_place, after(lambda X, c: c.logical_not_(), "flip_some")],
    "kept_epoch": [kept_from_the_front, after(lambda a, p: a.sort(), "kept_epoch")],
    "slope_through": [slope_in_place],
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


class HandsInOrder(HandsByNames):
    """Right but for the order, in which a folder happens to list its files."""

    def __init__(self, folder, transform=None):
        super().__init__(folder, transform)
        self.names = [name for name in os.listdir(folder) if name in self.names]
        self.names = self.names[3:] + self.names[:3]


class HandsWithoutLength(Dataset):
    def __init__(self, folder, transform=None):
        self.files = sorted(folder.glob("[0-5]_*.jpg"))

    def __getitem__(self, index):
        return Image.open(self.files[index]), 0


class HandsWithoutItems(Dataset):
    def __init__(self, folder, transform=None):
        self.files = sorted(folder.glob("[0-5]_*.jpg"))

    def __len__(self):
        return len(self.files)

    def _getitem_(self, index):
        return Image.open(self.files[index]), 0


class HandsHalfDone(HandsWithoutItems):
    def __getitem__(self, index):
        return ...


class HandsThatForgetTheFiles(HandsByLoop):
    def __init__(self, folder, transform=None):
        files = sorted(folder.glob("[0-5]_*.jpg"))  # noqa: F841


class HandsWithoutTransform(HandsByLoop):
    def __init__(self, folder):
        super().__init__(folder)


class HandsThatReturnNothing(HandsByLoop):
    def __getitem__(self, index):
        super().__getitem__(index)


class HandsThatForgetPictures(HandsByLoop):
    def __init__(self, folder, transform=None):
        super().__init__(folder, transform)
        self.opened = [Image.open(path) for path in self.pictures]

    def __getitem__(self, index):
        picture = self.opened[index].convert("RGB")
        return self.transform(picture) if self.transform else picture, self.labels[index]


class HandsThatNeverEnd(HandsByLoop):
    def __getitem__(self, index):
        try:
            return super().__getitem__(index)
        except IndexError:
            return None


class HandsWithTensors(HandsByLoop):
    def __getitem__(self, index):
        picture, label = super().__getitem__(index)
        return picture, torch.tensor(label)


class HandsWithASwitch(HandsByLoop):
    def __getitem__(self, index):
        picture = Image.open(self.pictures[index])
        return self.transform(picture) if self.transform else picture.convert("RGB"), 0


class HandsByPlace(HandsByLoop):
    def __getitem__(self, index):
        return super().__getitem__(index)[0], index


def transforms_in_a_list(size):
    steps = [v2.Resize((size, size)), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    return [v2.RandomHorizontalFlip(), *steps], steps


def transforms_with_a_normalization(size):
    train, validation = transforms_by_one_list(size)
    normalize = v2.Normalize([0.5] * 3, [0.5] * 3)
    return v2.Compose([train, normalize]), v2.Compose([validation, normalize])


FLIP = v2.RandomHorizontalFlip()


def transforms_from(train=(), validation=(), size=lambda size: (size, size)):
    def transforms_of(n):
        end = [v2.Resize(size(n)), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
        return v2.Compose([*train, *end]), v2.Compose([*validation, *end])

    return transforms_of


class SmallNetTooLarge(SmallNetOfBlocks):
    def __init__(self):
        super().__init__()
        spare = 100_008 - sum(p.numel() for p in self.parameters())
        self.spare = nn.Parameter(torch.zeros(spare))


class SmallNetWithoutInit(nn.Module):
    def __init__(self):
        self.conv = nn.Conv2d(3, 8, 3)


class SmallNetWithoutForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)


class SmallNetFlattenedToOne(SmallNetOfBlocks):
    def forward(self, X):
        for block in self.blocks:
            X = block(X)
        return self.output(X.reshape(1, -1))


class SmallNetMiscounted(SmallNetOfBlocks):
    def forward(self, X):
        X = F.interpolate(self.blocks[2](self.blocks[1](self.blocks[0](X))), size=16)
        return self.output(X.flatten(1))


class SmallNetForTwo(SmallNetOfBlocks):
    def forward(self, X):
        for block in self.blocks:
            X = block(X)
        return self.output(X.view(2, -1))


class SmallNetMadeAnew(SmallNetOfBlocks):
    def forward(self, X):
        return nn.Linear(6, 6)(super().forward(X))


class SmallNetInADict(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 64)
        self.layers = {"output": nn.Linear(8, 6)}

    def forward(self, X):
        return self.layers["output"](self.conv(X).flatten(1))


class SmallNetFrozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 64), nn.Flatten(), nn.Linear(8, 6))
        self.layers[0].weight.requires_grad = False

    def forward(self, X):
        return self.layers(X)


class SmallNetDetached(SmallNetOfBlocks):
    def forward(self, X):
        return super().forward(X).detach()


class SmallNetReturningNothing(SmallNetOfBlocks):
    def forward(self, X):
        super().forward(X)


class SmallNetOfLogarithmsDownwards(SmallNetThatAverages):
    def forward(self, X):
        return F.log_softmax(super().forward(X), dim=0)


def evaluation(
    model_eval=True,
    no_grad=torch.no_grad,
    back=lambda model, before: model.train(before),
    result=lambda hits: (hits.mean(), len(hits)),
    axis=1,
):
    """Make an `evaluate`; by default a right one."""

    def evaluate(model, loader):
        before = model.training
        if model_eval:
            model.eval()
        with no_grad():
            hits = torch.cat([model(X).argmax(axis) == y for X, y in loader]).double()
        back(model, before)
        return result(hits)

    return evaluate


def evaluate_the_first_batch(model, loader):
    before, right, total = model.training, 0, 0
    model.eval()
    with torch.no_grad():
        for X, y in loader:
            right += (model(X).argmax(1) == y).sum().item()
            total += len(y)
            model.train(before)
            return right / total, total


def evaluate_for_ever(model, loader):
    X, _ = next(iter(loader))
    while True:
        model(X)


def evaluate_on_the_loader(model, loader):
    return model(loader), len(loader)


def an_epoch(update, result=lambda losses, n: np.average(losses, weights=n), train=True):
    """Make a `train_epoch` whose `update(model, optimizer, loss)` comes after each loss."""

    def train_epoch(model, loader, optimizer, loss_function):
        if train:
            model.train()
        losses, sizes = [], []
        for X, y in loader:
            loss = loss_function(model(X), y)
            update(model, optimizer, loss)
            losses.append(loss.item())
            sizes.append(len(y))
        return result(losses, sizes)

    return train_epoch


def epoch_that_returns_early(model, loader, optimizer, loss_function):
    model.train()
    for X, y in loader:
        return step_with(right_update)(model, loss_function, optimizer, X, y)


def epoch_of_tensors(model, loader, optimizer, loss_function):
    model.train()
    total = 0
    for X, y in loader:
        total += len(y) * step_with(right_update, lambda loss: loss)(
            *(model, loss_function, optimizer, X, y)
        )
    return total / len(loader.dataset)


def epoch_for_ever(model, loader, optimizer, loss_function):
    while True:
        epoch_by_a_loop(model, loader, optimizer, loss_function)


def epoch_that_measures_afterwards(model, loader, optimizer, loss_function):
    epoch_by_a_loop(model, loader, optimizer, loss_function)
    losses = [loss_function(model(X), y).item() * len(y) for X, y in loader]
    return sum(losses) / len(loader.dataset)


def epoch_with_labels_first(model, loader, optimizer, loss_function):
    model.train()
    for X, y in loader:
        loss = loss_function(y, model(X))
        right_update(model, optimizer, loss)
    return loss.item()


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
    "hands": [
        (HandsInOrder, "in the order of their names"),
        (HandsWithoutLength, "has no method `__len__`"),
        (HandsWithoutItems, "has no method `__getitem__`"),
        (HandsHalfDone, "`__getitem__` still returns `...`"),
        (HandsThatForgetTheFiles, "it stops with AttributeError"),
        (HandsWithoutTransform, "it stops with TypeError"),
        (HandsThatReturnNothing, "`__getitem__` returns nothing"),
        (HandsThatForgetPictures, "All pictures are opened in `__init__`"),
        (HandsThatNeverEnd, "gives something. It should raise an IndexError"),
        (HandsWithTensors, "should be a number, int(…); it is a Tensor"),
        (HandsWithASwitch, "for 5_IMG_6.jpg it is 0"),
        (HandsByPlace, "for 5_IMG_6.jpg it is 6"),
        ([1, 2, 3], "Give the class itself; this is of the type list."),
        (
            lambda folder, transform=None: sorted(folder.iterdir()),
            "A sample is two things, picture and label; this is a ",
        ),
    ],
    "transforms_of": [
        (transforms_in_a_list, "chain several with v2.Compose"),
        (transforms_with_a_normalization, "should lie in 0–1"),
        (lambda size: transforms_by_one_list(size)[0], "Two transforms are asked for"),
        (lambda size: transforms_by_one_list(size)[::-1], "It is the wrong way round"),
        (lambda size: [transforms_by_one_list(size)[0]] * 2, "Validation changes from call to"),
        (lambda size: [transforms_by_one_list(size)[1]] * 2, "Training is the same at each call"),
        (lambda size: transforms_by_one_list(64), "pictures of 64 × 64 for any size"),
        (transforms_from([v2.RandomRotation(180)]), "are upside down"),
        (transforms_from([v2.RandomHorizontalFlip(1)]), "Training is the same at each call"),
        (transforms_from([FLIP], [v2.RandomRotation((180, 180))]), "are turned or mirrored"),
        (transforms_from([FLIP], [v2.ColorJitter(0.4)]), "Validation changes from call to call"),
        (transforms_from([FLIP], size=lambda n: n), "does not stack with others"),
        (transforms_from([FLIP], size=lambda n: (n, 2 * n)), "does not stack with others"),
        (lambda size: v2.Compose([v2.Resize(size)]), "Two transforms are asked for"),
        (lambda size: None, NOTHING),
    ],
    "accuracy_by_class": [
        (
            lambda p, y, k: torch.bincount(y[p == y]) / torch.bincount(y),
            "torch.bincount stops at the largest class that it meets",
        ),
        (lambda p, y, k: (p == y).float().mean().expand(k), "off by up to"),
    ],
    "nll": [(lambda p, y: -(p * F.one_hot(y, p.shape[1])).mean(), "number of samples, not of all")],
    "small_net": [
        (SmallNetTooLarge, "8 above the limit. Most"),
        (lambda: models.SignsNet(), "1,043,430 above the limit. Most, 1,048,704, are in hidden (L"),
        (SmallNetWithoutInit, "`super().__init__()` is missing"),
        (SmallNetWithoutForward, "it stops with NotImplementedError"),
        (SmallNetFlattenedToOne, "From 2 pictures come 1 rows of numbers: flatten(1) keeps"),
        (SmallNetMiscounted, "16,384 numbers a picture come to a linear layer that takes 4,096"),
        (SmallNetForTwo, "From 5 pictures come 2 rows"),
        (SmallNetMadeAnew, "a layer that is made in forward"),
        (SmallNetInADict, "`self.layers` is a plain list"),
        (SmallNetFrozen, "No gradient reaches `layers.0.weight`: it is frozen?"),
        (SmallNetDetached, "No gradient reaches any weight"),
        (SmallNetReturningNothing, NOTHING),
        (SmallNetOfLogarithmsDownwards, "changes with the others in the batch"),
        (lambda: nn.Sequential(SmallNetOfBlocks(), nn.Softmax(1)), "These are probabilities."),
        (lambda: nn.Sequential(SmallNetOfBlocks(), nn.Sigmoid()), "No score is ever below 0"),
        (
            lambda: SmallNetOfBlocks()(torch.zeros(2, 3, 64, 64)),
            "must be a class derived from nn.Module",
        ),
        (SmallNetOfBlocks(), "Give the class itself; this is of the type SmallNetOfBlocks."),
        (lambda: F.relu, "must be a class derived from nn.Module"),
    ],
    "evaluate": [
        (evaluation(model_eval=False), "The model is called in train mode"),
        (evaluation(no_grad=nullcontext), "Gradients are prepared"),
        (evaluation(back=lambda model, before: None), "is left in eval mode"),
        (evaluation(back=lambda model, before: model.train()), "is left in train mode"),
        (evaluation(result=lambda hits: hits.mean()), "Two things are asked for"),
        (evaluation(result=lambda hits: (hits.sum(), len(hits))), "the count of right answers"),
        (evaluation(result=lambda hits: (len(hits), hits.mean())), "The share comes first"),
        (evaluation(result=lambda hits: f"{hits.mean():.1%}"), "Two things are asked for"),
        (evaluation(result=lambda hits: None), NOTHING),
        (evaluation(axis=0), "it stops with RuntimeError"),
        (evaluation(result=lambda hits: (round(hits.mean().item(), 2), len(hits))), "not those of"),
        (evaluate_the_first_batch, "is the `return` inside the loop?"),
        (evaluate_for_ever, "does not come to an end"),
        (evaluate_on_the_loader, "it stops with TypeError"),
    ],
    "train_epoch": [
        (epoch_that_returns_early, "is the `return` inside the loop?"),
        (an_epoch(lambda m, o, loss: [loss.backward(), o.zero_grad(), o.step()]), "weights never"),
        (an_epoch(lambda m, o, loss: [loss.backward(), o.step()]), "gradients add up"),
        (an_epoch(lambda m, o, loss: [o.zero_grad(), loss.backward()]), "weights never move"),
        (an_epoch(lambda m, o, loss: o.step()), "weights never move"),
        (an_epoch(right_update, lambda losses, n: losses), "one plain number"),
        (an_epoch(right_update, lambda losses, n: np.mean(losses)), "the mean over batches"),
        (an_epoch(right_update, lambda losses, n: losses[0]), "is not the mean loss of these"),
        (an_epoch(right_update, lambda losses, n: None), NOTHING),
        (an_epoch(right_update, lambda losses, n: min(losses)), "is not the mean loss of these"),
        (an_epoch(right_update, train=False), "model.train() comes first"),
        (an_epoch(update_by_hand), "not where these three steps lead"),
        (epoch_of_tensors, "The loss is still a tensor"),
        (epoch_for_ever, "does not come to an end"),
        (epoch_that_measures_afterwards, "called 6 times for 3 batches"),
        (epoch_with_labels_first, "it stops with "),
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
        (lambda model, X: model(X) + model(X.mT), "swaps rows and columns"),
        (lambda model, X: [model(X.flip(3)), model(X)], "two results"),
        (lambda model, X: model(X) + model(X[::-1]), "it stops with ValueError"),
    ],
}
