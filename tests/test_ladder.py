"""Tests of lesson 08's helpers: the ladder of recipes, and its layers. On tiny made-up pictures."""

from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import TensorDataset

from helpers import ladder, plotting
from helpers.ladder import Pictures, build, time_epochs, train, triangle
from helpers.layers import WithMirror, start_as_identity, whitening_layer
from helpers.models import BlockNet
from helpers.recipes import BIASES, LADDER, Recipe
from helpers.training import History

TINY = {"widths": (4, 6, 8), "batch_size": 32}


@pytest.fixture
def data():
    """A hundred and forty pictures 3 × 32 × 32 of smooth noise: 128 + 12, the test is the 12."""
    numbers = torch.Generator().manual_seed(0)
    X = torch.randn(140, 3, 36, 36, generator=numbers)
    X = nn.functional.avg_pool2d(X, 5, stride=1) * 4
    y = torch.arange(140) % 10
    rest = X[128:], y[128:]
    return Pictures((X[:128], y[:128]), rest, rest, TensorDataset(X[:128], y[:128]))


@pytest.fixture
def shown(monkeypatch):
    """Collect the text of each figure that would be displayed, and keep it open."""
    collected = []
    plt.close("all")
    monkeypatch.setattr(plotting, "display", lambda _, metadata, raw: collected.append(metadata))
    monkeypatch.setattr(plt, "close", lambda: None)
    yield collected
    monkeypatch.undo()
    plt.close("all")


def quick(recipe, data, epochs=1, **options):
    return train(recipe, data, epochs, progress=False, **options)


# ---------------------------------------------------------------- the recipes


def test_each_step_changes_what_its_name_says():
    changed = []
    for before, after in pairwise(LADDER.values()):
        before, after = asdict(before), asdict(after)
        changed.append({name for name in before if before[name] != after[name]})
    assert LADDER["plain loop"] == Recipe()
    assert dict(zip(list(LADDER)[1:], changed, strict=True)) == {
        "batches from memory": {"from_memory"},
        "bfloat16": {"bf16"},
        "batches of 512": {"batch_size", "lr"},
        "triangle": {"triangle"},
        "pool first": {"pool_first"},
        "label smoothing": {"label_smoothing"},
        "whitening": {"whitening"},
        "identity": {"identity"},
        "Muon": {"identity", "muon", "lr", "peak", "batch_size"},  # identity is taken back
        "mirror": {"mirror"},
    }
    assert LADDER["batches of 512"].batch_size == 512


@pytest.mark.parametrize("name", LADDER)
def test_every_recipe_trains(data, name):
    recipe = replace(LADDER[name], **TINY)
    seen = []
    for from_memory in (True, False):
        model, history = quick(replace(recipe, from_memory=from_memory), data)
        seen.append(history.train[0].total)
        assert np.isfinite(history.validation[0].loss) and history.validation[0].total == 12
        assert model(data.val[0]).shape == (12, 10)
    assert seen == [128, 128]


def test_the_rate_for_biases_reaches_the_optimizer(data):
    recipe = replace(BIASES, **TINY)
    shifts = [
        quick(replace(recipe, bias_lr=rate), data)[0][2][2].bias.abs().mean() for rate in (None, 8)
    ]
    assert shifts[1] > 10 * shifts[0]


def test_the_last_step_takes_pictures_with_one_channel():
    grey = torch.randn(64, 1, 28, 28), torch.arange(64) % 10  # Fashion-MNIST's shape
    recipe = replace(LADDER["mirror"], **TINY)
    model, _ = quick(recipe, Pictures(grey, grey, grey, TensorDataset(*grey)))
    assert model[0].out_channels == 8  # all four directions, with both signs


def test_what_fills_no_batch_is_dropped_either_way(data):
    for from_memory in (True, False):
        recipe = replace(Recipe(), widths=(4, 4, 4), batch_size=50, from_memory=from_memory)
        assert quick(recipe, data)[1].train[0].total == 100


def test_training_repeats_by_its_seed(data):
    recipe = replace(LADDER["mirror"], **TINY)
    weights = [quick(recipe, data, seed=seed)[0][2][-1].weight for seed in (0, 0, 1)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize("from_memory", [True, False])
@pytest.mark.parametrize("triangle", [True, False])
@pytest.mark.parametrize("size", [-1, 0, 129])
def test_an_impossible_batch_size_is_named(data, from_memory, triangle, size):
    recipe = Recipe(batch_size=size, from_memory=from_memory, triangle=triangle)
    with pytest.raises(ValueError, match=f"batch_size is {size}: give 1 to 128"):
        quick(recipe, data)
    with pytest.raises(ValueError, match=f"batch_size is {size}: give 1 to 128"):
        time_epochs({"wrong": recipe}, data)


@pytest.mark.parametrize("epochs", [0, -1])
def test_less_than_an_epoch_is_named(data, epochs):
    with pytest.raises(ValueError, match=f"epochs is {epochs}: give at least 1"):
        quick(Recipe(), data, epochs=epochs)


def test_a_learning_rate_that_diverges_is_named(data):
    recipe = Recipe(from_memory=True, widths=(4, 4, 4), batch_size=32, lr=1e30)
    with pytest.raises(ValueError, match=r"the loss became .*: lower the learning rate"):
        quick(recipe, data, epochs=3)


def test_the_recipe_reaches_the_training(data, monkeypatch):
    asked = []

    def fit(model, loader, val_loader, **options):
        asked.append(options | {"loader": loader, "rates": []})
        for _ in range(2 * len(loader) + 1):  # the learning rate before each step of two epochs
            asked[-1]["rates"].append(options["optimizer"].param_groups[0]["lr"])
            options["optimizer"].step()
            if options["scheduler"] is not None:
                options["scheduler"].step()
        return History()

    monkeypatch.setattr(ladder, "fit", fit)
    for name in ("plain loop", "label smoothing", "Muon"):
        quick(replace(LADDER[name], **TINY), data, epochs=2)
    plain, smoothed, muon = asked
    assert [options["bf16"] for options in asked] == [False, True, True]
    assert not any(options["keep_best"] for options in asked)  # else validation would choose
    assert type(plain["loader"]).__name__ == "DataLoader"
    assert smoothed["loader"].augment is ladder.augment and smoothed["loader"].shuffle
    assert plain["loss_function"].label_smoothing == 0
    assert smoothed["loss_function"].label_smoothing == 0.2
    assert plain["rates"] == [LADDER["plain loop"].lr] * 9
    highest = LADDER["label smoothing"].lr
    assert smoothed["rates"] == pytest.approx([highest * triangle(k, 8) for k in range(9)])
    assert type(muon["optimizer"]).__name__ == "Muon"
    assert muon["rates"] == pytest.approx(
        [LADDER["Muon"].lr * triangle(k, 8, 0.02) for k in range(9)]
    )
    group = smoothed["optimizer"].param_groups[0]
    assert group["nesterov"] and group["momentum"] == 0.9 and group["weight_decay"] == 5e-4


# ---------------------------------------------------------------- the learning rate


def test_the_triangle_rises_to_1_and_falls_to_0():
    share = [triangle(step, 50) for step in range(51)]
    assert share[:3] == pytest.approx([0, 0.1, 0.2])
    assert share[10] == max(share) == pytest.approx(1) and share[30] == pytest.approx(0.5)
    assert share[50] == 0 == triangle(51, 50)  # a scheduler asks once more after the last step
    corners = np.interp(np.arange(31), [0, 12, 30], [0, 1, 0])
    assert np.allclose([triangle(step, 30, peak=0.4) for step in range(31)], corners)


@pytest.mark.parametrize(("steps", "peak"), [(0, 0.2), (-3, 0.2), (10, 0), (10, 1), (10, 20)])
def test_a_triangle_that_cannot_be_is_named(steps, peak):
    with pytest.raises(ValueError, match=f"steps is {steps}, peak {peak}: give"):
        triangle(0, steps, peak)


# ---------------------------------------------------------------- the pictures


class Fake(torch.utils.data.Dataset):
    """A stand-in for CIFAR-10: pictures of one colour, which says which picture it is."""

    def __init__(self, train, transform=None):
        count = 50 if train else 20
        self.targets = [k % 10 for k in range(count)]
        self.data = np.arange(count, dtype=np.uint8)[:, None, None, None] + np.zeros(
            (1, 32, 32, 3), dtype=np.uint8
        )
        self.transform = transform

    def __len__(self):
        return len(self.data)

    def __getitem__(self, k):
        return self.transform(Image.fromarray(self.data[k])), self.targets[k]


def test_cifar_is_split_and_normalised_and_given_in_two_ways(monkeypatch):
    monkeypatch.setattr(ladder, "cifar10", Fake)
    loaded, other = ladder.load_cifar("cpu"), ladder.load_cifar("cpu", seed=1)
    mean, std = (torch.tensor(c).view(3, 1, 1) for c in (ladder.MEAN, ladder.STD))

    def which(X):  # undo the normalisation: each picture is of the colour of its number
        numbers = (X * std + mean) * 255
        assert torch.allclose(numbers, numbers[:, :1, :1, :1], atol=1e-3)
        return numbers[:, 0, 0, 0].round().int().tolist()

    seen = {}
    for part, count in (("train", 45), ("val", 5), ("test", 20)):
        X, y = getattr(loaded, part)
        assert X.shape == (count, 3, 32, 32) and X.dtype == torch.float32
        assert X.is_contiguous(memory_format=torch.channels_last) and y.dtype == torch.int64
        seen[part] = which(X)
        assert y.tolist() == [k % 10 for k in seen[part]]
    assert sorted(seen["train"] + seen["val"]) == list(range(50))
    assert seen["test"] == list(range(20))
    assert which(other.val[0]) != seen["val"]
    X, y = zip(*(loaded.dataset[k] for k in range(45)), strict=True)
    assert which(torch.stack(X)) == seen["train"] and list(y) == loaded.train[1].tolist()


def test_the_first_pictures_are_the_same_in_every_part(data):
    part = data.first(5)
    assert torch.equal(part.train[0], data.train[0][:5]) and len(part.dataset) == 5
    assert part.val == part.test == part.train
    assert torch.equal(part.dataset[4][0], data.train[0][4])


@pytest.mark.parametrize("count", [-1, 0, 129])
def test_a_part_that_is_not_there_is_named(data, count):
    with pytest.raises(ValueError, match=f"count is {count}: there are 128 training pictures"):
        data.first(count)


def test_pictures_are_changed_one_by_one(data):
    torch.manual_seed(0)
    X = data.train[0]
    changed = ladder.augment(X)
    assert changed.shape == X.shape
    inside, windows = X[:, 0, 4:-4, 4:-4], changed[:, 0].unfold(1, 24, 1).unfold(2, 24, 1)
    windows = windows[:, 2:7, 2:7]  # shifted by up to 2 pixels, each way
    found = [
        (windows == turned[:, None, None]).all(-1).all(-1).flatten(1).any(1)
        for turned in (inside, inside.flip(2))
    ]
    assert torch.equal(found[0], ~found[1])  # each is there, plain or mirrored
    assert 30 < found[1].sum() < 98


# ---------------------------------------------------------------- the device


def test_a_device_without_bf16_gets_32_bits_and_it_is_said(monkeypatch, capsys):
    monkeypatch.setattr(ladder, "fast_bf16", lambda device: False)
    recipe = LADDER["mirror"]
    assert ladder.for_device(recipe, "cpu") == replace(recipe, bf16=False)
    assert capsys.readouterr().out == (
        "This cpu has no bfloat16 of its own: going on with 32 bits.\n"
    )
    assert ladder.for_device(Recipe(), "cpu") == Recipe()  # asks for none: nothing to say
    monkeypatch.setattr(ladder, "fast_bf16", lambda device: True)
    assert ladder.for_device(recipe, torch.device("cpu")) is recipe
    assert capsys.readouterr().out == ""


# ---------------------------------------------------------------- the net


def test_the_net_is_built_by_the_recipe(data):
    X = data.train[0]
    plain = build(Recipe(), X)
    assert not plain[0][0].weight.is_contiguous(memory_format=torch.channels_last)
    assert isinstance(plain[0], BlockNet) and plain[0][0].in_channels == 3
    assert [type(layer).__name__ for layer in list(plain[0])[:4]] == [
        *("Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"),
    ]
    net = build(LADDER["identity"], X)
    whitening, _, blocks = net
    assert torch.allclose(whitening.weight, whitening_layer(X, keep=8).weight, atol=1e-5)
    assert blocks[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert [type(layer).__name__ for layer in list(blocks)[:2]] == ["Conv2d", "MaxPool2d"]
    assert torch.equal(blocks[0].weight[:16, :, 1, 1], torch.eye(16))  # of 32 filters the first
    assert blocks[0].weight[16:].abs().min() > 0
    assert net(X[:2]).shape == (2, 10)


def test_training_leaves_the_whitening_filters(data):
    recipe = replace(LADDER["mirror"], **TINY)
    model, _ = quick(recipe, data)
    first = whitening_layer(data.train[0], keep=8)
    assert torch.allclose(model[0].weight, first.weight, atol=1e-6) and model[0].bias is None


# ---------------------------------------------------------------- whitening


@pytest.mark.parametrize("size", [2, 3])
def test_whitened_outputs_are_uncorrelated(data, size):
    X = data.train[0] * torch.tensor([0.5, 2.0, 1.0]).view(3, 1, 1)
    X = X + 0.5 * X[:, [1, 2, 0]]  # channels that depend on each other
    X = X - X.mean((0, 2, 3), keepdim=True)
    layer = whitening_layer(X, size=size, smallest=0)
    count = 3 * size * size
    assert layer.weight.shape == (2 * count, 3, size, size)
    assert torch.equal(layer.weight[count:], -layer.weight[:count])
    assert not layer.weight.requires_grad
    assert layer.bias is None
    outputs = layer(X)[:, :count].detach().permute(1, 0, 2, 3).flatten(1).double().numpy()
    assert np.allclose(np.cov(outputs), np.eye(count), atol=0.02)
    assert abs(np.corrcoef(X.permute(1, 0, 2, 3).flatten(1).numpy())[0, 1]) > 0.1  # before


def test_the_directions_that_vary_most_are_kept(data):
    every, kept = whitening_layer(data.train[0]), whitening_layer(data.train[0], keep=5)
    assert kept.weight.shape == (10, 3, 2, 2)
    assert torch.equal(kept.weight, torch.cat([every.weight[7:12], every.weight[19:]]))
    # whoever varies most is divided by most
    lengths = every.weight[:12].flatten(1).norm(dim=1)
    assert (lengths.diff() <= 0).all()


@pytest.mark.parametrize("keep", [0, -1, 13])
def test_directions_that_are_not_there_are_named(data, keep):
    with pytest.raises(ValueError, match=f"keep is {keep}: patches of 12 numbers have 1 to 12"):
        whitening_layer(data.train[0], keep=keep)


def test_directions_without_variance_are_not_blown_up():
    X = torch.randn(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    X[:] = X.mean((2, 3), keepdim=True)  # each picture of one colour: three directions are empty
    layer = whitening_layer(X, smallest=1e-4)
    assert layer.weight.abs().max() < 1.01 / 1e-4**0.5
    assert layer(X).abs().max() < 10


@pytest.mark.parametrize("shape", [(3, 8, 8), (0, 3, 8, 8), (5, 3, 1, 8)])
def test_pictures_that_cannot_be_whitened_are_named(shape):
    with pytest.raises(ValueError, match=r"give pictures \(N, C, H, W\) of at least 2 × 2"):
        whitening_layer(torch.zeros(shape))


# ---------------------------------------------------------------- identity, mirror


@pytest.mark.parametrize(("inputs", "outputs"), [(4, 4), (3, 7), (6, 2)])
def test_a_start_as_identity_passes_the_input_on(inputs, outputs):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False))
    random = net[0].weight.detach().clone()
    start_as_identity(net)
    X = torch.randn(2, inputs, 6, 5)
    same = min(inputs, outputs)
    assert torch.equal(net(X)[:, :same], X[:, :same])
    assert torch.equal(net[0].weight[same:], random[same:])
    assert net[0].weight.requires_grad


def test_a_start_as_identity_leaves_other_layers_alone():
    net = nn.Sequential(nn.Conv2d(3, 3, 3), nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3), nn.Linear(3, 3))
    net[0].weight.requires_grad_(False)
    before = {name: p.clone() for name, p in net.named_parameters()}
    start_as_identity(net)
    changed = {name for name, p in net.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {"1.weight"}


def test_a_mirror_image_gets_the_same_scores(data):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
    mirrored, X = WithMirror(model), data.val[0]
    assert torch.equal(mirrored(X), mirrored(X.flip(3)))
    assert not torch.allclose(mirrored(X), mirrored(X.flip(2)), atol=1e-3)
    assert torch.allclose(mirrored(X), model(X) + model(X.flip(3)))
    assert not mirrored.eval().model.training


# ---------------------------------------------------------------- times, drawn


def test_times_are_medians_scaled_to_the_steps_of_an_epoch(data, monkeypatch):
    seconds, calls = iter([90, 90, 1, 20, 3, 10, 2, 50]), []

    def trained(recipe, part, epochs, progress):
        calls.append((recipe.batch_size, len(part.train[0]), epochs, progress))
        return None, SimpleNamespace(seconds=[next(seconds)])

    monkeypatch.setattr(ladder, "train", trained)
    found = time_epochs({"a": Recipe(batch_size=10), "b": Recipe(batch_size=60)}, data, 3)
    assert calls == [(10, 30, 1, False), (60, 120, 1, False)] * 4  # in turns
    assert found == {"a": 2 * 12 / 3, "b": 20}  # 12 steps an epoch; 2, which are all


def test_times_of_real_trainings(data):
    found = time_epochs({"tiny": replace(LADDER["triangle"], **TINY)}, data, batches=1, rounds=1)
    assert list(found) == ["tiny"] and found["tiny"] > 0


@pytest.mark.parametrize("wrong", [{"batches": 0}, {"rounds": 0}, {"batches": -1}])
def test_less_than_one_batch_or_round_is_named(data, wrong):
    with pytest.raises(ValueError, match="give at least 1 of each"):
        time_epochs({"plain": Recipe()}, data, **wrong)


def test_the_ladder_is_drawn_with_its_factors(shown):
    alt = "Three bars, each shorter than the one above, and dots beside them."
    found = {"plain": [0.6, 0.7], "faster": [0.65], "fast": [0.75, 0.7, 0.8], "not timed": [0.9]}
    ladder.show_ladder({"plain": 1200.0, "faster": 400.0, "fast": 20.0}, found, alt=alt)
    assert shown == [{"image/png": {"alt": alt}}]
    left, right = plt.gcf().axes
    assert [bar.get_width() for bar in left.patches] == [1200, 400, 20]
    texts = [text.get_text() for text in left.texts]
    assert ["1,200 s" in texts[0], "÷ 3.0" in texts[1], "÷ 20.0" in texts[2]] == [True] * 3
    assert "÷" not in texts[0]
    assert [label.get_text() for label in left.get_yticklabels()] == ["plain", "faster", "fast"]
    assert left.yaxis_inverted() and "seconds an epoch" in left.get_xlabel()
    assert [list(dots.get_xdata()) for dots in right.lines] == [
        pytest.approx([60, 70]),
        pytest.approx([65]),
        pytest.approx([75, 70, 80]),
    ]
    assert [text.get_text() for text in right.texts] == ["65.0", "65.0", "75.0"]


# ---------------------------------------------------------------- the benchmark


def test_no_kind_of_machine_replaces_the_record_of_another(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    import cifar10
    from record import machine

    ends = {}
    for bf16 in (True, False):
        monkeypatch.setattr(cifar10, "fast_bf16", lambda device, bf16=bf16: bf16)
        for name in ("cpu", "mps", "cuda"):
            ends[name, bf16] = cifar10.kind(torch.device(name))
    assert ends["cpu", True] == "" and len(set(ends.values())) == 4
    trained = {f"{name}{end}" for name in cifar10.WITH_TEST for end in set(ends.values())}
    assert trained == cifar10.WHAT.keys()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)  # the CPU was asked for
    assert machine(torch.device("cpu"))["device"] == "cpu"
