"""Answers that the tables of the checks do not say: other right ones, and other wrong ones."""

import itertools
import math
import os
import random
import re
import statistics
from contextlib import nullcontext
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    RandomSampler,
    SequentialSampler,
    TensorDataset,
    random_split,
)
from torchvision import transforms
from torchvision.transforms import v2

from helpers import models, training
from helpers.batches import Batches
from helpers.lessons.birds import scramble
from helpers.lessons.fashion import worst_pairs
from helpers.models import TanhConvNet

# ---------------------------------------------------------------- right in another way


def drawn(X, batch_size):
    return torch.randint(0, len(X), (batch_size,))


def training_with(update, draw=drawn, note=lambda loss: loss.item(), steps=range):
    """A training whose `update(model, optimizer, loss)` comes after the loss."""

    def train(model, loss_function, optimizer, X, y, n, batch_size):
        losses = []
        for _ in steps(n):
            chosen = draw(X, batch_size)
            loss = loss_function(model(X[chosen]), y[chosen])
            update(model, optimizer, loss)
            losses.append(note(loss))
        return losses

    return train


def step_with(update, returns=lambda loss: loss.item()):
    """A training step whose `update(model, optimizer, loss)` comes after the loss."""

    def step(model, loss_function, optimizer, X, y):
        loss = loss_function(model(X), y)
        update(model, optimizer, loss)
        return returns(loss)

    return step


def step_by_closure(model, loss_function, optimizer, X, y):
    def closure():
        optimizer.zero_grad()
        loss = loss_function(model(X), y)
        loss.backward()
        return loss

    return float(optimizer.step(closure))


def right_update(model, optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def update_that_clears_at_the_end(model, optimizer, loss):
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()


def update_that_clears_the_model(model, optimizer, loss):
    model.zero_grad(set_to_none=False)
    loss.backward()
    optimizer.step()


def train_by_closure(model, loss_function, optimizer, X, y, steps, batch_size):
    def one_step():
        chosen = random.sample(range(len(X)), batch_size)

        def closure():
            optimizer.zero_grad(set_to_none=False)
            loss = loss_function(model(X[chosen]), y[chosen])
            loss.backward()
            return loss

        return optimizer.step(closure).item()

    return [one_step() for _ in range(steps)]


def train_by_a_loader(model, loss_function, optimizer, X, y, steps, batch_size):
    losses = []
    model.train()
    while len(losses) < steps:
        pairs = list(zip(X, y, strict=True))
        for batch, labels in DataLoader(pairs, batch_size, shuffle=True, drop_last=True):
            loss = loss_function(input=model(batch), target=labels)
            update_that_clears_at_the_end(model, optimizer, loss)
            losses += [loss.detach().numpy()]
            if len(losses) == steps:
                return np.array(losses)


def correlate_by_conv2d(picture, kernel):
    X = torch.tensor(picture, dtype=torch.float32)[None, None]
    return F.conv2d(X, torch.tensor(kernel)[None, None], padding="same")[0, 0]


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


def relabel_by_torch(targets, first, second):
    t = torch.tensor(targets)
    positions = torch.nonzero((t == first) | (t == second)).flatten()
    return [positions, (t[positions] == second).long()]


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


def slopes_by_ndindex(f, kernel, h=0.001):
    result = np.zeros(kernel.shape)
    for place in np.ndindex(kernel.shape):
        step = np.zeros_like(kernel if kernel.dtype == "float32" else result)
        step[place] = h
        result[place] = (f(kernel + step) - f(kernel - step)) / (2 * h)
    return result


def slopes_by_put_back(f, kernel, h=0.001):
    moved, result = kernel.astype(float), np.zeros(kernel.shape)
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            old = moved[i, j]
            moved[i, j] = old + h
            above = f(moved)
            moved[i, j] = old - h
            result[i, j] = (above - f(moved)) / 2 / h
            moved[i, j] = old
    return result


def slopes_of_a_flat_copy(f, kernel, h=0.001):
    flat, result = kernel.ravel().astype("float64"), []
    for i in range(flat.size):
        up, down = flat.copy(), flat.copy()
        up[i], down[i] = up[i] + h, down[i] - h
        result.append(0.5 * (f(up.reshape(kernel.shape)) - f(down.reshape(kernel.shape))) / h)
    return np.array(result).reshape(kernel.shape)


def slopes_by_unit_kernels(f, kernel, h=0.001):
    units = np.eye(kernel.size).reshape(-1, *kernel.shape)
    slopes = [(f(kernel + h * unit) - f(kernel - h * unit)) / (2 * h) for unit in units]
    return np.reshape(slopes, kernel.shape)


def slopes_in_lists(f, kernel, h=0.001):
    def slope(i, j):
        above, below = np.array(kernel, dtype=float), np.array(kernel, dtype=float)
        above[i][j] += h
        below[i][j] -= h
        return (f(above) - f(below)) / (h + h)

    return [[slope(i, j) for j in range(len(kernel[0]))] for i in range(len(kernel))]


def size_by_walking(size, kernel, stride=1, padding=0):
    count, start = 0, -padding
    while start + kernel <= size + padding:
        count, start = count + 1, start + stride
    return count


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


CORNER, BAR = [[-1, -1, -1], [-1, 1, 1], [-1, 1, -1]], [[-1] * 3, [1] * 3, [-1] * 3]


def detector_of_lists(X, bias=-8):
    first = torch.tensor([[CORNER], [BAR], [np.transpose(BAR).tolist()]]).float()
    at = (
        [[1, 0, 0], [0, 0, 0], [0, 0, 0]],
        [[0, 0, 1], [0] * 3, [0] * 3],
        [[0] * 3, [0] * 3, [1, 0, 0]],
    )
    second, bias = torch.tensor([at]).float(), torch.tensor([float(bias)])
    return F.relu(F.conv2d(F.relu(F.conv2d(X, first)), second, bias))


def detector_of_modules(X):
    """Each part is only there if it is whole; then all three must be."""
    first, second = nn.Conv2d(1, 3, 3), nn.Conv2d(3, 1, 3)
    with torch.no_grad():
        parts = torch.tensor([CORNER, BAR, np.transpose(BAR).tolist()])
        first.weight.copy_(parts[:, None])
        first.bias.fill_(-2)
        second.weight.zero_()
        for part, row, column in [(0, 0, 0), (1, 0, 2), (2, 2, 0)]:
            second.weight[0, part, row, column] = 1
        second.bias.fill_(-2)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())(X)


def detector_of_a_template(X):
    """The first layer hands on the pixels; together the second's filters are one of 5 × 5."""
    template = -torch.ones(5, 5)
    template[1, 1:] = template[1:, 1] = 1
    first, second = torch.zeros(9, 1, 3, 3), torch.zeros(1, 9, 3, 3)
    for k, (i, j) in enumerate(itertools.product(range(3), repeat=2)):
        first[k, 0, i, j] = 1
    for i, j in itertools.product(range(5), repeat=2):
        second[0, min(i, 2) * 3 + min(j, 2), i - min(i, 2), j - min(j, 2)] = template[i, j]
    return F.conv2d(F.conv2d(X, first).relu(), second, torch.tensor([-6.0])).relu()


def detector_of_yes_and_no(X):
    """Each part gives 1 if it is whole; two thirds for each, and 1 1/3 off."""
    bar, corner = torch.tensor([[BAR]]).float(), torch.tensor([[CORNER]]).float() * 10
    first = torch.cat([corner, bar, bar.mT])
    parts = F.relu(F.conv2d(X, first, torch.tensor([-29.0, -2, -2])))
    second = torch.zeros(1, 3, 3, 3)
    second[0, 0, 0, 0] = second[0, 1, 0, 2] = second[0, 2, 2, 0] = 2 / 3
    return torch.relu(F.conv2d(parts, second, bias=torch.tensor([-4 / 3])))


def detector_of_bar_and_post(X, corner=1):
    """Two parts, and the corner's own pixels by what they answer there."""
    parts = torch.tensor([[BAR], [np.transpose(BAR).tolist()]]).float()
    second = torch.zeros(1, 2, 3, 3)
    second[0, 0, 0, 2] = second[0, 1, 2, 0] = 4
    second[0, :, 0, 0] = -corner
    second[0, 0, 0, 1] = second[0, 1, 1, 0] = 2 * corner
    bias = torch.tensor([-28.5 if corner else -23.0])
    return F.relu(F.conv2d(F.relu(F.conv2d(X, parts)), second, bias))


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


class LoaderByRange:
    def __init__(self, X, y, batch_size, shuffle=False):
        self.X, self.y = X, y
        self.batch_size, self.shuffle = batch_size, shuffle

    def __len__(self):
        return math.ceil(len(self.X) / self.batch_size)

    def order(self):
        return torch.randperm(len(self.X)) if self.shuffle else torch.arange(len(self.X))

    def __iter__(self):
        order = self.order()
        for start in range(0, len(self.X), self.batch_size):
            chosen = order[start : start + self.batch_size]
            yield self.X[chosen], self.y[chosen]


class LoaderThatMixesFirst(LoaderByRange):
    def __iter__(self):
        order = self.order()
        parts = (part[order].split(self.batch_size) for part in (self.X, self.y))
        return zip(*parts, strict=True)


class LoaderByNumpy(LoaderByRange):
    def __iter__(self):
        order = np.arange(len(self.X))
        if self.shuffle:
            np.random.shuffle(order)  # noqa: NPY002
        for chosen in np.array_split(order, range(self.batch_size, len(order), self.batch_size)):
            yield self.X[chosen], self.y[chosen]


class LoaderByAList(LoaderByRange):
    def __iter__(self):
        left = list(range(len(self.X)))
        if self.shuffle:
            random.shuffle(left)
        while left:
            chosen, left = left[: self.batch_size], left[self.batch_size :]
            yield [self.X[chosen], self.y[chosen]]


class LoaderWithNext(LoaderByRange):
    def __iter__(self):
        self.left = list(self.order().split(self.batch_size))
        return self

    def __next__(self):
        if not self.left:
            raise StopIteration
        chosen = self.left.pop(0)
        return self.X.index_select(0, chosen), self.y.index_select(0, chosen)


class LoaderBySamplers(LoaderByRange):
    def __iter__(self):
        each = RandomSampler(self.X) if self.shuffle else SequentialSampler(self.X)
        for chosen in BatchSampler(each, self.batch_size, drop_last=False):
            yield self.X[chosen], self.y[chosen]


def pairs_by_a_table(predicted, y, count):
    matrix = torch.zeros(10, 10, dtype=torch.long)
    matrix.index_put_((y, predicted), torch.ones_like(y), accumulate=True)
    mistakes, places = (matrix + matrix.T).triu(1).flatten().topk(count)
    return torch.stack([places // 10, places % 10, mistakes], dim=1)


def pairs_by_unique(predicted, y, count):
    wrong = predicted != y
    both = torch.stack([predicted, y], dim=1)[wrong].sort(dim=1).values
    found, mistakes = both.unique(dim=0, return_counts=True)
    order = mistakes.argsort(descending=True)[:count]
    return [(*found[i].tolist(), mistakes[i].item()) for i in order]


def pairs_in_a_dict(predicted, y, count):
    mistakes = {}
    for a, b in zip(predicted.tolist(), y.tolist(), strict=True):
        if a != b:
            pair = tuple(sorted((a, b)))
            mistakes[pair] = mistakes.get(pair, 0) + 1
    ranked = sorted(mistakes, key=lambda pair: -mistakes[pair])
    return [[*pair, mistakes[pair]] for pair in ranked[:count]]


def pairs_by_asking_each(predicted, y, count):
    found = []
    for a, b in itertools.combinations(range(10), 2):
        n = ((predicted == a) & (y == b)).sum() + ((predicted == b) & (y == a)).sum()
        found.append((a, b, int(n)))
    return sorted(found, key=lambda row: row[2], reverse=True)[:count]


def pairs_by_numpy(predicted, y, count):
    low, high = np.sort([predicted.numpy(), y.numpy()], axis=0)
    codes, mistakes = np.unique((100 * low + high)[low != high], return_counts=True)
    best = np.argsort(-mistakes)[:count]
    return np.stack([codes[best] // 100, codes[best] % 100, mistakes[best]], axis=1)


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


class NetByFunctions(nn.Module):
    def __init__(self):
        super().__init__()
        self.output = nn.Linear(32, 2)
        self.hidden = nn.Linear(8 * 8 * 8, 32)
        self.conv2 = nn.Conv2d(16, 8, (3, 3), padding=(1, 1))
        self.conv1 = nn.Conv2d(3, 16, 3, padding="same")

    def forward(self, X):
        for conv in (self.conv1, self.conv2):
            X = F.max_pool2d(conv(X), 2).tanh()  # the largest stays the largest
        X = X.reshape(X.shape[0], -1)
        return self.output(torch.tanh(self.hidden(X)))


class NetInTwoParts(nn.Module):
    def __init__(self):
        super().__init__()
        maps = [nn.Conv2d(3, 16, 3, 1, 1), nn.Tanh(), nn.MaxPool2d(2, 2)]
        maps += [nn.Conv2d(16, 8, 3, 1, 1), nn.Tanh(), nn.MaxPool2d(kernel_size=2)]
        self.maps = nn.ModuleList(maps)
        self.end = nn.Sequential(nn.Linear(512, 32), nn.Tanh(), nn.Linear(32, 2))

    def forward(self, X):
        for layer in self.maps:
            X = layer(X)
        return self.end(torch.flatten(X, start_dim=1))


class NetThatIsASequence(nn.Sequential):
    def __init__(self):
        tanh, pool = nn.Tanh(), nn.MaxPool2d(2)
        maps = nn.Conv2d(3, 16, 3, padding=1), tanh, pool, nn.Conv2d(16, 8, 3, padding=1), tanh
        super().__init__(*maps, pool, nn.Flatten(), nn.Linear(512, 32), tanh, nn.Linear(32, 2))


class NetWithLazyLayers(NetByFunctions):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.LazyConv2d(16, 3, padding=1), nn.LazyConv2d(8, 3, padding=1)
        self.hidden, self.output = nn.LazyLinear(32), nn.LazyLinear(2)


def net_by_a_function(classes=2):
    layers = []
    for before, after in ((3, 16), (16, 8)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.Tanh(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(8 * 8 * 8, 32), nn.Tanh(), nn.Linear(32, classes)]
    return nn.Sequential(*layers)


def scrambled_by_gather(X, seed):
    order = torch.randperm(1024, generator=torch.Generator().manual_seed(seed))
    pixels = X.reshape(len(X), 3, 1024)
    return pixels.gather(2, order.expand_as(pixels)).reshape(X.shape)


def scrambled_by_numpy(X, seed):
    order = np.random.default_rng(seed).permutation(32 * 32)
    return X.view(X.shape[0], X.shape[1], -1)[..., order].view(X.shape)


def scrambled_by_a_list(X, seed):
    order = random.Random(seed).sample(range(1024), 1024)
    pictures = [picture.flatten(1)[:, order].unflatten(1, (32, 32)) for picture in X]
    return torch.stack(pictures)


def scrambled_by_places(X, seed):
    order = torch.randperm(1024, generator=torch.Generator().manual_seed(seed))
    result = torch.empty_like(X)
    for new, old in enumerate(order.tolist()):
        result[:, :, new // 32, new % 32] = X[:, :, old // 32, old % 32]
    return result


def log_softmax_by_sum(scores):
    largest = max(scores)
    total = sum(math.exp(score - largest) for score in scores)
    return [float(score - largest) - math.log(total) for score in scores]


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
    "train": [
        training_with(right_update),
        training_with(update_that_clears_at_the_end, note=lambda loss: float(loss.detach())),
        training_with(
            update_that_clears_the_model, lambda X, n: torch.randperm(len(X))[:n].tolist()
        ),
        training_with(
            right_update, lambda X, n: np.random.default_rng().choice(len(X), n, replace=False)
        ),
        train_by_closure,
        train_by_a_loader,
    ],
    "accuracy": [
        lambda logits, y: int((logits.max(1).indices == y).sum()) / len(y),
        lambda logits, y: np.mean(logits.numpy().argmax(1) == y.numpy()),
        lambda logits, y: (
            sum(int(row.argmax()) == t for row, t in zip(logits, y, strict=True)) / y.numel()
        ),
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
    "gradient_by_numbers": [
        slopes_by_ndindex,
        slopes_by_put_back,
        slopes_of_a_flat_copy,
        slopes_by_unit_kernels,
        slopes_in_lists,
        lambda f, kernel, h=1e-3: torch.tensor(slopes_in_lists(f, kernel, h)),
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
    "detector": [
        detector_of_lists,
        detector_of_modules,
        detector_of_a_template,
        detector_of_yes_and_no,
        detector_of_bar_and_post,
        lambda X: 100 * detector_of_lists(X) - 3,
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
    "memory_loader": [
        LoaderByRange,
        LoaderThatMixesFirst,
        LoaderByNumpy,
        LoaderByAList,
        LoaderWithNext,
        LoaderBySamplers,
        Batches,
    ],
    "worst_pairs": [
        pairs_by_a_table,
        pairs_by_unique,
        pairs_in_a_dict,
        pairs_by_asking_each,
        pairs_by_numpy,
        worst_pairs,
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
    "conv_net": [
        NetByFunctions,
        NetInTwoParts,
        NetThatIsASequence,
        NetWithLazyLayers,
        net_by_a_function,
        TanhConvNet,
    ],
    "scramble": [
        scramble,
        scrambled_by_gather,
        scrambled_by_numpy,
        scrambled_by_a_list,
        scrambled_by_places,
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


def slopes_in_place_and_left(f, kernel, h=0.001):
    result = slopes_in_lists(f, kernel, h)
    kernel[0, 0] += 1
    return result


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


class LoaderThatMixesTheData(LoaderByRange):
    def __iter__(self):
        order = self.order()
        self.X[:], self.y[:] = self.X[order], self.y[order]
        return zip(self.X.split(self.batch_size), self.y.split(self.batch_size), strict=True)


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


class NetThatNormalisesInPlace(NetByFunctions):
    def forward(self, X):
        output = super().forward(X)
        X.sub_(X.mean())
        return output


def scrambled_in_place(X, seed):
    return X.copy_(scramble(X, seed))


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
    "train": [
        after(lambda m, loss, o, X, y, n, b: X.zero_(), "train"),
        after(lambda m, loss, o, X, y, n, b: y.zero_(), "train"),
    ],
    "accuracy": [after(lambda logits, y: logits.exp_(), "accuracy")],
    "correlate_same": [
        after(lambda p, k: np.multiply(p, 2, out=p), "correlate_same"),
        after(lambda p, k: k.fill(0), "correlate_same"),
    ],
    "gradient_by_numbers": [slopes_in_place_and_left],
    "max_pool": [after(lambda p, n: p.fill(0), "max_pool")],
    "block": [BlockThatEmptiesThePicture],
    "receptive_field": [
        field_that_empties_the_list,
        after(lambda layers: layers.reverse(), "receptive_field"),
    ],
    "split": [split_in_place, split_that_shuffles_the_list],
    "nll": [nll_in_place],
    "evaluate": [evaluate_that_learns],
    "memory_loader": [LoaderThatMixesTheData],
    "worst_pairs": [after(lambda p, y, k: y.zero_(), "worst_pairs")],
    "accuracy_by_class": [after(lambda p, y, k: p.zero_(), "accuracy_by_class")],
    "unnormalise": [unnormalise_in_place, unnormalise_that_turns_the_mean],
    "relabel": [relabel_in_place],
    "log_softmax": [log_softmax_in_place],
    "conv_net": [NetThatNormalisesInPlace],
    "scramble": [scrambled_in_place],
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


def update_without_gradient(model, optimizer, loss):
    optimizer.zero_grad()
    optimizer.step()


def update_by_an_optimizer_of_its_own(model, optimizer, loss):
    right_update(model, torch.optim.SGD(model.parameters(), lr=0.5), loss)


def update_twice(model, optimizer, loss):
    right_update(model, optimizer, loss)
    optimizer.step()


def train_on_everything(model, loss_function, optimizer, X, y, steps, batch_size):
    losses = []
    for _ in range(steps):
        loss = loss_function(model(X), y)
        right_update(model, optimizer, loss)
        losses.append(loss.item())
    return losses


def train_that_draws_once(model, loss_function, optimizer, X, y, steps, batch_size):
    chosen = drawn(X, batch_size)
    train = training_with(right_update, lambda X, n: chosen)
    return train(model, loss_function, optimizer, X, y, steps, batch_size)


def train_that_returns_inside(model, loss_function, optimizer, X, y, steps, batch_size):
    return training_with(right_update)(model, loss_function, optimizer, X, y, 1, batch_size)


def train_that_draws_labels_again(model, loss_function, optimizer, X, y, steps, batch_size):
    losses = []
    for _ in range(steps):
        loss = loss_function(model(X[drawn(X, batch_size)]), y[drawn(X, batch_size)])
        right_update(model, optimizer, loss)
        losses.append(loss.item())
    return losses


def train_that_begins_anew(model, loss_function, optimizer, X, y, steps, batch_size):
    nn.init.zeros_(model.weight)
    return training_with(right_update)(model, loss_function, optimizer, X, y, steps, batch_size)


def train_without_an_end(model, loss_function, optimizer, X, y, steps, batch_size):
    while True:
        training_with(right_update)(model, loss_function, optimizer, X, y, steps, batch_size)


def train_with_a_model_of_its_own(model, loss_function, optimizer, X, y, steps, batch_size):
    own = nn.Linear(3, 4)
    return training_with(right_update)(own, loss_function, optimizer, X, y, steps, batch_size)


def train_without_return(*arguments):
    training_with(right_update)(*arguments)


def slopes_in_whole_numbers(f, kernel, h=0.001):
    result = np.zeros(kernel.shape)
    for i, j in np.ndindex(kernel.shape):
        above, below = kernel.copy(), kernel.copy()
        above[i, j] += h
        below[i, j] -= h
        result[i, j] = (f(above) - f(below)) / (2 * h)
    return result


def slopes_for_three_by_three(f, kernel, h=0.001):
    result = np.zeros(kernel.shape)
    for i, j in np.ndindex(3, 3):
        step = np.zeros(kernel.shape)
        step[i, j] = h
        result[i, j] = (f(kernel + step) - f(kernel - step)) / (2 * h)
    return result


def slopes_that_stay_moved(f, kernel, h=0.001):
    moved, result = kernel.astype(float), np.zeros(kernel.shape)
    for place in np.ndindex(kernel.shape):
        moved[place] += h
        above = f(moved)
        moved[place] -= 2 * h
        result[place] = (above - f(moved)) / (2 * h)
    return result


def slopes_by_autograd(f, kernel, h=0.001):
    k = torch.tensor(kernel, dtype=torch.float64, requires_grad=True)
    f(k).backward()
    return k.grad


def average_with_bias(patch):
    layer = nn.Conv2d(1, 1, patch, stride=patch)
    nn.init.constant_(layer.weight, 1 / patch**2)
    return layer


def correlate_into_the_pictures_type(picture, kernel):
    result = np.zeros_like(picture)
    result[:] = correlate_by_shifts(picture, kernel)
    return result


def detector_of_outlines(X):
    """Sees where the picture changes, not what is there."""
    outline = torch.tensor([[[[0, -1, 0], [-1, 4, -1], [0, -1, 0]]]]).float()
    return F.relu(F.conv2d(F.relu(F.conv2d(X, outline)), torch.ones(1, 1, 3, 3)))


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


class LoaderThatReturnsTheFirst(LoaderByRange):
    def __iter__(self):
        for chosen in self.order().split(self.batch_size):
            return self.X[chosen], self.y[chosen]


class LoaderThatMissesTheRest(LoaderByRange):
    def __iter__(self):
        order, size = self.order(), self.batch_size
        for start in range(0, len(self.X) - size, size):
            yield self.X[order[start : start + size]], self.y[order[start : start + size]]


class LoaderThatOverlaps(LoaderByRange):
    def __iter__(self):
        order, size = self.order(), self.batch_size
        for start in range(0, len(self.X), size):
            yield self.X[order[start : start + size + 1]], self.y[order[start : start + size + 1]]


class LoaderThatFillsUp(LoaderByRange):
    def __iter__(self):
        order = self.order()
        for k in range(len(self)):
            places = torch.arange(k * self.batch_size, (k + 1) * self.batch_size) % len(order)
            yield self.X[order[places]], self.y[order[places]]


class LoaderWithLabelsAsTheyWere(LoaderByRange):
    def __iter__(self):
        X = self.X[self.order()]
        return zip(X.split(self.batch_size), self.y.split(self.batch_size), strict=True)


class LoaderWithTwoOrders(LoaderByRange):
    def __iter__(self):
        parts = (part[self.order()].split(self.batch_size) for part in (self.X, self.y))
        return zip(*parts, strict=True)


class LoaderThatMixesInside(LoaderByRange):
    def __iter__(self):
        for start in range(0, len(self.X), self.batch_size):
            X, y = (part[start : start + self.batch_size] for part in (self.X, self.y))
            order = torch.randperm(len(X)) if self.shuffle else torch.arange(len(X))
            yield X[order], y[order]


class LoaderThatSeeds(LoaderByRange):
    def order(self):
        torch.manual_seed(0)
        return super().order()


class LoaderOfSamples(LoaderByRange):
    def __iter__(self):
        for i in self.order():
            yield self.X[i], self.y[i]


class LoaderOfSlices(LoaderByRange):
    def __iter__(self):
        return iter(DataLoader(TensorDataset(self.X, self.y), self.batch_size, self.shuffle))


class LoaderOfMixedNumbers(LoaderByRange):
    def __iter__(self):
        rng = np.random.default_rng()
        order = rng.permutation(len(self.X)) if self.shuffle else np.arange(len(self.X))
        for start in range(0, len(self.X), self.batch_size):
            chosen = order[start : start + self.batch_size]
            yield self.X[chosen], self.y[chosen]


class LoaderOfDicts(LoaderByRange):
    def __iter__(self):
        return ({"X": X, "y": y} for X, y in super().__iter__())


class LoaderWithoutIter:
    __init__, __len__ = LoaderByRange.__init__, LoaderByRange.__len__


class LoaderThatCountsSamples(LoaderByRange):
    def __len__(self):
        return len(self.X)


class LoaderThatKeepsNothing(LoaderByRange):
    def __init__(self, X, y, batch_size, shuffle=False):
        pass


class LoaderOfThirtyTwo(LoaderByRange):
    def __init__(self, X, y, batch_size, shuffle=False):
        super().__init__(X, y, 32, shuffle)


class LoaderThatWalksOnce(LoaderByRange):
    at = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.at >= len(self.X):
            raise StopIteration
        self.at += self.batch_size
        chosen = slice(self.at - self.batch_size, self.at)
        return self.X[chosen], self.y[chosen]


def pairs_of_the_whole_table(predicted, y, count):
    matrix = torch.zeros(10, 10, dtype=torch.long)
    matrix.index_put_((y, predicted), torch.ones_like(y), accumulate=True)
    mistakes, places = (matrix + matrix.T).fill_diagonal_(0).flatten().topk(count)
    return torch.stack([places // 10, places % 10, mistakes], dim=1)


def relabel_in_columns(targets, first, second):
    t = torch.tensor(targets)
    k = torch.nonzero((t == first) | (t == second))
    return k, (t[k[:, 0]] == second).long()


def kept(t, a, b):
    return [i for i, v in enumerate(t) if v in (a, b)]


def net_with(changed):
    """The right net, with other layers in some places, or without them."""

    def make():
        layers = dict(enumerate(net_by_a_function())) | {k: layer() for k, layer in changed.items()}
        return nn.Sequential(*(layer for layer in layers.values() if layer is not None))

    return make


def conv(before, after, *kernel, **options):
    return lambda: nn.Conv2d(before, after, *(kernel or (3,)), **({"padding": 1} | options))


class NetOfNoModule:
    def __init__(self):
        self.net = net_by_a_function()

    def __call__(self, X):
        return self.net(X)


class NetWithoutReturn(NetByFunctions):
    def forward(self, X):
        super().forward(X)


class NetWithoutX(NetByFunctions):
    def forward(self):
        return self.hidden


class NetHalfWritten(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 16, 3, padding=1), ...

    def forward(self, X):
        return self.conv2(self.conv1(X))


class NetThatKeepsNoLayer(nn.Module):
    def __init__(self):
        super().__init__()
        conv1 = nn.Conv2d(3, 16, 3, padding=1)
        assert conv1

    def forward(self, X):
        return self.conv1(X)


class NetOfOneBatch(NetInTwoParts):
    def forward(self, X):
        for layer in self.maps:
            X = layer(X)
        return self.end(X.reshape(2, 512))


class NetWithPixelsFirst(NetInTwoParts):
    def forward(self, X):
        for layer in self.maps:
            X = layer(X)
        return self.end(X.permute(0, 2, 3, 1).flatten(1))


class NetThatAnswers(NetByFunctions):
    def forward(self, X):
        return super().forward(X).argmax(dim=1)


class NetOfTheBestScore(NetByFunctions):
    def forward(self, X):
        return super().forward(X).max(dim=1).values


def scrambled_by_the_seed_of_numpy(X, seed):
    np.random.seed(seed)  # noqa: NPY002
    return X.flatten(2)[:, :, np.random.permutation(1024)].view_as(X)  # noqa: NPY002


def scrambled_by_the_seed_of_python(X, seed):
    order = list(range(1024))
    random.seed(seed)
    random.shuffle(order)
    return X.flatten(2)[:, :, order].view_as(X)


def scrambled_in_a_row(X, seed):
    order = torch.randperm(X.numel(), generator=torch.Generator().manual_seed(seed))
    return X.flatten()[order].view_as(X)


def scrambled_each(X, seed):
    chance = torch.Generator().manual_seed(seed)
    return torch.stack([x.flatten(1)[:, torch.randperm(1024, generator=chance)] for x in X])


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
    "train": [
        (training_with(update_that_clears_between), "weights never move"),
        (training_with(update_without_gradient), "weights never move"),
        (training_with(update_by_hand), "not by the `optimizer` that is given"),
        (training_with(update_by_an_optimizer_of_its_own), "make no optimizer of your own"),
        (training_with(update_twice), "It takes 12 steps, `steps` asks for 6."),
        (training_with(right_update, steps=lambda n: range(200)), "does not come to an end"),
        (training_with(right_update, steps=lambda n: range(1, n)), "It takes 5 steps"),
        (training_with(right_update, lambda X, n: range(n)), "Each step gets the same pictures"),
        (
            training_with(right_update, lambda X, n: torch.randint(0, 2000, (n,))),
            "it stops with IndexError",
        ),
        (training_with(right_update, lambda X, n: drawn(X, 50)), "A batch holds 50 pictures"),
        (training_with(right_update, lambda X, n: drawn(X, 1)), "A batch holds 1 picture, `b"),
        (training_with(right_update, note=lambda loss: loss.item), "brackets () missing?"),
        (training_with(right_update, note=lambda loss: f"{loss:.3f}"), "is a text, not a number"),
        (training_with(right_update, note=lambda loss: loss), "still tensors, each with its"),
        (
            training_with(right_update, note=lambda loss: round(loss.item(), 2)),
            "are not the losses of these steps",
        ),
        (
            lambda *case: sum(losses := training_with(right_update)(*case)) / len(losses),
            "One number is returned",
        ),
        (train_on_everything, "Each step looks at all 20 pictures"),
        (train_that_draws_once, "draw new ones inside the loop"),
        (train_that_returns_inside, "Is the `return` inside the loop?"),
        (train_that_draws_labels_again, "do not belong together"),
        (train_that_begins_anew, "Only `optimizer.step()` should change the weights"),
        (train_without_an_end, "does not come to an end"),
        (train_with_a_model_of_its_own, "make no model of your own"),
        (train_without_return, NOTHING),
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
    "gradient_by_numbers": [
        (lambda f, k, h=1e-3: slopes_by_ndindex(f, k.astype("float32"), h), "the slopes are not"),
        (slopes_in_whole_numbers, "in such an array + h is lost"),
        (lambda f, k, h=1e-3: slopes_by_ndindex(f, k, h).ravel(), "it should be (3, 3)"),
        (lambda f, k, h=1e-3: slopes_by_ndindex(f, k, 1e-5), "h that is given is not used"),
        (lambda f, k, h=1e-3: [[f(k)] * 3] * 3, "the slopes are not"),
        (lambda f, k, h=1e-3: (f(k + h) - f(k - h)) / 2 / h, "One number is returned"),
        (lambda f, k, h=1e-3: (f(k + h) - f(k)) / h * np.ones(k.shape), "All entries are moved at"),
        (lambda f, k, h=1e-3: np.gradient(k), "it should be (3, 3)"),
        (slopes_for_three_by_three, "it stops with IndexError"),
        (slopes_that_stay_moved, "An entry stays moved"),
        (slopes_by_autograd, "it stops with"),
        (lambda f, k, h=1e-3: None, NOTHING),
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
    "detector": [
        (lambda X: detector_of_lists(X, bias=-5), "it also answers to"),
        (lambda X: detector_of_lists(X, bias=0), "it also answers to a bar, a post"),
        (lambda X: detector_of_lists(X, bias=-9.5), "It misses it: the corner is to be answered"),
        (lambda X: detector_of_lists(X, bias=1), "to a dark picture: the bias must be negative"),
        (lambda X: detector_of_lists(X.flip(3)), "It misses it"),
        (lambda X: detector_of_lists(F.pad(X, (2, 2, 2, 2))), "since nothing is padded"),
        (lambda X: detector_of_lists(X).amax((2, 3)), "it should be (24, 1, 14, 14)"),
        (lambda X: detector_of_lists(X).numpy(), "A tensor is asked for, this is of the type nd"),
        (lambda X: F.conv2d(X, torch.ones(1, 1, 5, 5)), "there is one."),
        (lambda X: F.conv2d(X, torch.ones(2, 1, 3, 3)), "it should be (24, 1, 14, 14)"),
        (
            lambda X: F.conv2d(F.conv2d(X, torch.ones(1, 1, 3, 3)), torch.ones(1, 2, 3, 3)),
            "it stops with RuntimeError",
        ),
        (
            lambda X: F.conv2d(F.conv2d(X, torch.ones(1, 1, 4, 4)), torch.ones(1, 1, 2, 2)),
            "there is one of 4 × 4",
        ),
        (lambda X: detector_of_bar_and_post(X, corner=0), "it also answers to"),
        (detector_of_outlines, "it also answers to"),
        (lambda X: None, NOTHING),
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
    "memory_loader": [
        (LoaderThatReturnsTheFirst, "iter() returned non-iterator of type 'tuple'"),
        (LoaderThatMissesTheRest, "The last batch, which is smaller"),
        (LoaderThatOverlaps, "come once more: each sample comes exactly once"),
        (LoaderThatFillsUp, "0 of 10 samples are lost, 2 come once more"),
        (LoaderWithLabelsAsTheyWere, "no longer belong together"),
        (LoaderWithTwoOrders, "no longer belong together"),
        (LoaderThatMixesInside, "Neighbours stay in one batch"),
        (LoaderThatSeeds, "Each pass has the same order"),
        (LoaderOfSamples, "The pictures of a batch have the shape"),
        (LoaderOfSlices, "Right, but slow"),
        (LoaderOfMixedNumbers, "After the same `set_seed`"),
        (LoaderOfDicts, "This is of the type dict"),
        (LoaderWithoutIter, "it stops with TypeError: 'LoaderWithoutIter' object is not iterable"),
        (LoaderThatCountsSamples, "`len` is 10, but there are 3 batches"),
        (LoaderThatKeepsNothing, "has no attribute 'X'"),
        (LoaderOfThirtyTwo, "There are batches of [10], asked for were 4"),
        (LoaderThatWalksOnce, "The second pass gives nothing"),
        (lambda X, y, batch_size, shuffle=False: (X, y), "A batch should be two tensors"),
        (lambda X, y, batch_size, shuffle=False: None, NOTHING),
        (lambda X, y, batch_size: LoaderByRange(X, y, batch_size), "it stops with TypeError"),
    ],
    "worst_pairs": [
        (pairs_of_the_whole_table, "or their counts are off"),
        (lambda p, y, k: pairs_in_a_dict(p, y, k)[0], "has the shape (3,), it should be (3, 3)"),
        (lambda p, y, k: [(str(a), str(b), n) for a, b, n in worst_pairs(p, y, k)], "is a text"),
        (lambda p, y, k: pairs_in_a_dict(p[p != y], y, k), "it stops with ValueError"),
        (lambda p, y, k: [(a + 1, b + 1, n) for a, b, n in worst_pairs(p, y, k)], "are off"),
        (lambda p, y, k: {}, "is of the type dict: numbers are asked for"),
        (lambda p, y, k: None, NOTHING),
        (lambda p, y, k: worst_pairs(p, y, k - 1), "has the shape (2, 3), it should be (3, 3)"),
        (lambda p, y, k: [(a, a, n) for a, b, n in worst_pairs(p, y, k)], "are off"),
        (lambda p, y, k: worst_pairs(p.sort().values, y, k), "are off"),
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
    "conv_net": [
        (net_by_a_function(), "Give the class, without brackets"),
        (NetOfNoModule, "must be a class derived from nn.Module"),
        (NetWithoutReturn, NOTHING),
        (NetWithoutX, "it stops with TypeError"),
        (NetHalfWritten, "is still `...`"),
        (NetThatKeepsNoLayer, "has no attribute 'conv1'"),
        (NetOfOneBatch, "it stops with RuntimeError"),
        (NetWithPixelsFirst, "the scores are not right"),
        (NetThatAnswers, "No gradient leads from the scores"),
        (NetOfTheBestScore, "has the shape (2,), it should be (2, 2)"),
        (lambda: net_by_a_function(10), "18,354 parameters, 264 too many: `9.weight` is (10, 32)"),
        (lambda: net_by_a_function(1), "33 too few: `9.weight` is (1, 32), it should be (2, 32)"),
        (net_with({0: conv(3, 16, 5, padding=2)}), "`0.weight` is (16, 3, 5, 5), it should be (16"),
        (
            net_with({0: conv(3, 32), 3: conv(32, 64), 7: lambda: nn.Linear(4096, 32)}),
            "Most are in",
        ),
        (net_with({0: conv(3, 16, bias=False)}), "16 too few: weights or biases (16,) are missing"),
        (net_with({1: lambda: nn.BatchNorm2d(16)}), "32 too many: `1.weight` (16,) is not asked"),
        (
            net_with({7: lambda: None, 8: lambda: None, 9: lambda: nn.Linear(512, 2)}),
            "(2, 512), it",
        ),
        (net_with({3: conv(16, 16)}), "`3.weight` is (16, 16, 3, 3), it should be (8, 16, 3, 3)"),
        (net_with({7: lambda: nn.Linear(2048, 32)}), "`7.weight` is (32, 2048)"),
        (net_with({1: nn.ReLU}), "ReLU in the place of tanh after the first convolution."),
        (net_with({1: nn.Identity, 4: nn.Identity}), "and after the second convolution."),
        (net_with({4: nn.Sigmoid}), "the scores are not right"),
        (net_with({0: conv(3, 16, stride=2), 2: nn.Identity}), "the scores are not right"),
        (net_with({2: lambda: nn.MaxPool2d(2, 1, 1)}), "does not halve the size"),
    ],
    "scramble": [
        (scrambled_by_the_seed_of_numpy, "random numbers of the whole program"),
        (scrambled_by_the_seed_of_python, "random numbers of the whole program"),
        (scrambled_in_a_row, "from one picture to another"),
        (scrambled_each, "has the shape (4, 3, 1024), it should be (4, 3, 32, 32)"),
        (lambda X, seed: X.mT, "Another seed gives the same order"),
        (lambda X, seed: X.flip(2, 3), "Whole rows or columns"),
        (lambda X, seed: X.roll(seed + 1, dims=3), "Whole rows or columns"),
        (lambda X, seed: [*scramble(X, seed)], "A tensor is asked for, not list"),
        (lambda X, seed: scramble(X, random.SystemRandom().randrange(10**9)), "at the next call"),
        (lambda X, seed: scramble(X, seed).flip(1), "from one colour to another"),
        (lambda X, seed: scramble(X, seed).flip(0), "from one picture to another"),
        (lambda X, seed: scramble(X, seed)[:1].expand_as(X), "Some pixels are there twice"),
        (lambda X, seed: scramble(X, seed) / 255, "Some pixels are there twice"),
        (lambda X, seed: scramble(X), "it stops with TypeError"),
        (lambda X, seed: None, NOTHING),
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
