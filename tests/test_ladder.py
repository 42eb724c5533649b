"""Tests of the benchmark of CIFAR-10: the ladder of recipes and what it records. Tiny pictures."""

import importlib.util
import sys
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import TensorDataset

from helpers.models import BlockNet
from helpers.training import History

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
sys.path.insert(0, str(FOLDER))
import ladder  # noqa: E402
import record  # noqa: E402
from ladder import (  # noqa: E402
    BESIDE,
    LADDER,
    Pictures,
    Recipe,
    build,
    time_epochs,
    train,
    triangle,
    whitening_layer,
)

RECIPES = LADDER | {name: recipe for name, (_, recipe) in BESIDE.items()}
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


# ---------------------------------------------------------------- the recipes


def test_each_step_changes_what_its_name_says():
    pairs = {name: (LADDER[other], LADDER[name]) for other, name in pairwise(LADDER)}
    pairs |= {name: (RECIPES[other], recipe) for name, (other, recipe) in BESIDE.items()}
    changed = {}
    for name, (before, after) in pairs.items():
        before, after = asdict(before), asdict(after)
        changed[name] = {field for field in before if before[field] != after[field]}
    assert LADDER["plain loop"] == Recipe()
    assert changed == {
        "batches from memory": {"from_memory"},
        "bfloat16": {"bf16"},
        "triangle": {"batch_size", "lr", "peak"},
        "pool first": {"pool_first"},
        "whitening": {"whitening"},
        "Muon": {"muon", "lr", "peak", "batch_size", "label_smoothing"},
        "fast biases": {"identity", "bias_lr"},
        "mirror": set(),  # the same net, judged otherwise
        "batches of 512": {"batch_size", "lr"},
        "label smoothing": {"label_smoothing"},
        "whitening, label smoothing": {"label_smoothing"},
        "identity": {"identity"},
        "Muon, identity": {"identity"},
        "Muon, biases": {"bias_lr"},
    }
    assert RECIPES["batches of 512"].batch_size == 512


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains(data, name):
    recipe = replace(RECIPES[name], **TINY)
    seen = []
    for from_memory in (True, False):
        model, history = train(replace(recipe, from_memory=from_memory), data, 1)
        seen.append(history.train[0].total)
        assert np.isfinite(history.validation[0].loss) and history.validation[0].total == 12
        assert model(data.val[0]).shape == (12, 10)
    assert seen == [128, 128]


def test_the_rate_for_biases_reaches_the_optimizer(data):
    recipe = replace(LADDER["fast biases"], **TINY)
    shifts = [
        train(replace(recipe, bias_lr=rate), data, 1)[0][2][2].bias.abs().mean()
        for rate in (None, 8)
    ]
    assert shifts[1] > 10 * shifts[0]


def test_the_last_step_takes_pictures_with_one_channel():
    grey = torch.randn(64, 1, 28, 28), torch.arange(64) % 10  # Fashion-MNIST's shape
    recipe = replace(LADDER["mirror"], **TINY)
    model, _ = train(recipe, Pictures(grey, grey, grey), 1)
    assert model[0].out_channels == 8  # all four directions, with both signs


def test_what_fills_no_batch_is_dropped_either_way(data):
    for from_memory in (True, False):
        recipe = replace(Recipe(), widths=(4, 4, 4), batch_size=50, from_memory=from_memory)
        assert train(recipe, data, 1)[1].train[0].total == 100


def test_training_repeats_by_its_seed(data):
    recipe = replace(LADDER["mirror"], **TINY)
    weights = [train(recipe, data, 1, seed)[0][2][-1].weight for seed in (0, 0, 1)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


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
        train(replace(RECIPES[name], **TINY), data, 2)
    plain, smoothed, muon = asked
    assert [options["bf16"] for options in asked] == [False, True, True]
    assert not any(options["keep_best"] for options in asked)  # else validation would choose
    assert type(plain["loader"]).__name__ == "DataLoader"
    assert smoothed["loader"].augment is ladder.augment and smoothed["loader"].shuffle
    assert plain["loss_function"].label_smoothing == 0
    assert smoothed["loss_function"].label_smoothing == 0.2
    assert plain["rates"] == [LADDER["plain loop"].lr] * 9
    highest = RECIPES["label smoothing"].lr
    assert smoothed["rates"] == pytest.approx([highest * triangle(k, 8, 0.2) for k in range(9)])
    assert type(muon["optimizer"]).__name__ == "Muon"
    assert muon["rates"] == pytest.approx(
        [LADDER["Muon"].lr * triangle(k, 8, 0.02) for k in range(9)]
    )
    group = smoothed["optimizer"].param_groups[0]
    assert group["nesterov"] and group["momentum"] == 0.9 and group["weight_decay"] == 5e-4


# ---------------------------------------------------------------- the learning rate


def test_the_triangle_rises_to_1_and_falls_to_0():
    share = [triangle(step, 50, 0.2) for step in range(51)]
    assert share[:3] == pytest.approx([0, 0.1, 0.2])
    assert share[10] == max(share) == pytest.approx(1) and share[30] == pytest.approx(0.5)
    assert share[50] == 0 == triangle(51, 50, 0.2)  # a scheduler asks once more after the last step
    corners = np.interp(np.arange(31), [0, 12, 30], [0, 1, 0])
    assert np.allclose([triangle(step, 30, peak=0.4) for step in range(31)], corners)


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
    loaded = ladder.load_cifar("cpu")
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
    X, y = zip(*(loaded.dataset[k] for k in range(45)), strict=True)
    assert which(torch.stack(X)) == seen["train"] and list(y) == loaded.train[1].tolist()


def test_the_first_pictures_are_the_same_either_way(data):
    part = data.first(5)
    assert torch.equal(part.train[0], data.train[0][:5]) and len(part.dataset) == 5
    assert torch.equal(part.dataset[4][0], data.train[0][4]) and len(part.val[1]) == 1


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


def test_a_device_without_bf16_gets_32_bits(monkeypatch):
    monkeypatch.setattr(ladder, "fast_bf16", lambda device: False)
    recipe = LADDER["mirror"]
    assert ladder.for_device(recipe, "cpu") == replace(recipe, bf16=False)
    monkeypatch.setattr(ladder, "fast_bf16", lambda device: True)
    assert ladder.for_device(recipe, "cpu") == recipe
    assert ladder.for_device(Recipe(), "cpu") == Recipe()  # asks for none


# ---------------------------------------------------------------- the net


def test_the_net_is_built_by_the_recipe(data):
    X = data.train[0]
    plain = build(Recipe(), X)
    assert not plain[0][0].weight.is_contiguous(memory_format=torch.channels_last)
    assert isinstance(plain[0], BlockNet) and plain[0][0].in_channels == 3
    assert [type(layer).__name__ for layer in list(plain[0])[:4]] == [
        *("Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"),
    ]
    net = build(RECIPES["identity"], X)
    whitening, _, blocks = net
    assert torch.allclose(whitening.weight, whitening_layer(X, keep=8).weight, atol=1e-5)
    assert blocks[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert [type(layer).__name__ for layer in list(blocks)[:2]] == ["Conv2d", "MaxPool2d"]
    assert torch.equal(blocks[0].weight[:16, :, 1, 1], torch.eye(16))  # of 32 filters the first
    assert blocks[0].weight[16:].abs().min() > 0
    assert net(X[:2]).shape == (2, 10)


def test_training_leaves_the_whitening_filters(data):
    recipe = replace(LADDER["mirror"], **TINY)
    model, _ = train(recipe, data, 1)
    first = whitening_layer(data.train[0], keep=8)
    assert torch.allclose(model[0].weight, first.weight, atol=1e-6) and model[0].bias is None


# ---------------------------------------------------------------- whitening


def test_whitened_outputs_are_uncorrelated(data):
    X = data.train[0] * torch.tensor([0.5, 2.0, 1.0]).view(3, 1, 1)
    X = X + 0.5 * X[:, [1, 2, 0]]  # channels that depend on each other
    X = 20 * (X - X.mean((0, 2, 3), keepdim=True))  # beside these, 0.0005 is nothing
    layer = whitening_layer(X, keep=12)
    assert layer.weight.shape == (24, 3, 2, 2) and layer.bias is None
    assert torch.equal(layer.weight[12:], -layer.weight[:12])
    assert not layer.weight.requires_grad
    outputs = layer(X)[:, :12].permute(1, 0, 2, 3).flatten(1).double().numpy()
    assert np.allclose(np.cov(outputs), np.eye(12), atol=0.02)
    assert abs(np.corrcoef(X.permute(1, 0, 2, 3).flatten(1).numpy())[0, 1]) > 0.1  # before


def test_the_directions_that_vary_most_are_kept(data):
    every, kept = whitening_layer(data.train[0], 12), whitening_layer(data.train[0], keep=5)
    assert torch.equal(kept.weight, torch.cat([every.weight[7:12], every.weight[19:]]))
    lengths = every.weight[:12].flatten(1).norm(dim=1)
    assert (lengths.diff() <= 0).all()  # whoever varies most is divided by most


def test_directions_without_variance_are_not_blown_up():
    X = torch.randn(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    X[:] = X.mean((2, 3), keepdim=True)  # each picture of one colour: three directions are empty
    assert whitening_layer(X, keep=4).weight.abs().max() < 1.01 / 5e-4**0.5


# ---------------------------------------------------------------- times


def test_times_are_those_of_a_few_batches_in_turns_scaled_up(data, monkeypatch):
    seconds, calls = iter([90, 90, 1, 20, 3, 10, 2, 50]), []

    def trained(recipe, part, epochs):
        calls.append((recipe.batch_size, len(part.train[0]), epochs))
        return None, SimpleNamespace(seconds=[next(seconds)])

    monkeypatch.setattr(ladder, "train", trained)
    found = time_epochs({"a": Recipe(batch_size=10), "b": Recipe(batch_size=60)}, data, 3, 3)
    assert calls == [(10, 30, 1), (60, 120, 1)] * 4  # in turns; the first is not counted
    assert found == {"a": [1 * 12 / 3, 3 * 12 / 3, 2 * 12 / 3], "b": [20, 10, 50]}


def test_times_of_real_trainings(data):
    found = time_epochs({"tiny": replace(LADDER["triangle"], **TINY)}, data, batches=2, rounds=1)
    assert len(found["tiny"]) == 1 and found["tiny"][0] > 0


# ---------------------------------------------------------------- what is recorded


@pytest.fixture
def cifar10(data, tmp_path, monkeypatch):
    """The benchmark, on tiny pictures and recipes, writing into an empty folder."""
    spec = importlib.util.spec_from_file_location("benchmark", FOLDER / "cifar10.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(record, "RECORDED", tmp_path)
    monkeypatch.setattr(record, "fast_bf16", lambda device: True)
    monkeypatch.setattr(record.signal, "signal", lambda *options: None)
    monkeypatch.setattr(module, "keep_memory", lambda: None)
    monkeypatch.setattr(module, "load_cifar", lambda device: data)
    tiny = {name: replace(recipe, **TINY) for name, recipe in RECIPES.items()}
    monkeypatch.setattr(module, "RECIPES", tiny)
    monkeypatch.setattr(module, "LADDER", {name: tiny[name] for name in LADDER})
    monkeypatch.setattr(module, "FAST", tiny["mirror"])

    def command(line):
        monkeypatch.setattr(sys, "argv", ["cifar10.py", *line, "--device", "cpu"])
        module.main()
        return record.read("cifar10")

    return SimpleNamespace(module=module, command=command)


def test_one_step_alone_writes_its_own_row(cifar10):
    found = cifar10.command(["steps", "--seeds", "2", "--only", "whitening"])
    assert list(found) == ["steps: whitening"]
    entry = found["steps: whitening"]
    assert entry["seeds"] == [0, 1] and len(entry["validation"]) == 2
    assert entry["what"] == "whitening, 2 epochs"
    found = cifar10.command(["steps", "--seeds", "1", "--only", "bfloat16", "fast biases"])
    rows = ["whitening", *cifar10.module.SAME[::-1], "fast biases", "mirror"]
    assert sorted(found) == sorted(f"steps: {name}" for name in rows)
    assert found["steps: plain loop"]["validation"] == found["steps: bfloat16"]["validation"]
    assert found["steps: whitening"] == entry  # stayed


def test_all_steps_have_a_row(cifar10):
    found = cifar10.command(["steps", "--seeds", "1"])
    assert found.keys() == {f"steps: {name}" for name in RECIPES}


def test_the_plain_loop_is_recorded_epoch_by_epoch(cifar10):
    found = cifar10.command(["plain", "--seeds", "2"])
    curves = found["plain"]["validation_by_epoch"]
    assert [len(curve) for curve in curves] == [8, 8] and len(found["plain"]["seconds"]) == 2


def test_the_last_step_is_given_a_single_epoch(cifar10):
    (entry,) = cifar10.command(["one", "--seeds", "2"]).values()
    assert entry["what"] == "fast biases, given a single epoch" and len(entry["validation"]) == 2


def test_seconds_limits_and_kinds_are_recorded(cifar10, monkeypatch):
    monkeypatch.setattr(cifar10.module, "peak_rates", lambda *_: {"matrix product": 1.0})
    found = cifar10.command(["seconds", "--seeds", "1"])
    timed = {f"seconds: {name}" for name in RECIPES if name != "mirror"}
    assert found.keys() == timed | {"limits: float32", "limits: bfloat16", "kinds"}
    assert len(found["seconds: Muon"]["seconds"]) == 5
    assert found["seconds: Muon"]["operations_a_picture"] > 1000
    assert found["kinds"]["convolutions, forward"][0] > 0


def test_the_last_step_is_shown_the_test_once_a_seed(cifar10, monkeypatch):
    tiny = ("the last step", replace(LADDER["mirror"], **TINY), 1)
    monkeypatch.setitem(cifar10.module.TRAININGS, "fast", tiny)
    (entry,) = cifar10.command(["fast", "--seeds", "2"]).values()
    assert entry["what"] == "the last step, 1 epochs" and entry["seeds"] == [300, 301]
    for key in ("accuracy", "mirror", "validation", "seconds", "peak_memory_gb"):
        assert len(entry[key]) == 2
    assert entry["parameters"] > 1000


@pytest.fixture
def gpu(cifar10, data, monkeypatch):
    """What is to be measured on a GPU, tiny, on the CPU."""
    monkeypatch.setitem(sys.modules, "cifar10", cifar10.module)
    spec = importlib.util.spec_from_file_location("gpu", FOLDER / "gpu.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tiny = {"widths": (4, 6, 8), "depths": (1, 2, 1), "epochs": 2, "batch_size": 32}
    module.example.ON_GPU.update(tiny)
    larger = {name: (setting | tiny, 1) for name, (setting, _) in module.LARGER.items()}
    monkeypatch.setattr(module, "LARGER", larger)
    monkeypatch.setattr(cifar10.module, "peak_rates", lambda *_: {"matrix product": 1.0})
    monkeypatch.setattr(module, "load_cifar", lambda device: data)
    monkeypatch.setattr(cifar10.module, "load_fashion", lambda device: data)
    recipe = replace(LADDER["mirror"], **TINY)
    monkeypatch.setitem(cifar10.module.TRAININGS, "fashion", ("Fashion-MNIST", recipe, 1))
    timed = []
    monkeypatch.setattr(module.times, "main", timed.append)

    def command(*line):
        monkeypatch.setattr(sys, "argv", ["gpu.py", *line, "--device", "cpu", "--seeds", "2"])
        module.main()
        return record.read("cifar10")

    return SimpleNamespace(module=module, command=command, timed=timed)


def test_all_that_is_measured_on_a_gpu_is_recorded_part_by_part(gpu, capsys):
    found = gpu.command("ways")
    assert found.keys() == {f"ways: {way}" for way in gpu.module.WAYS}
    found = gpu.command()
    assert "ways …" not in capsys.readouterr().out.split("limits …")[1]  # was recorded
    assert gpu.timed == [[]]
    entry = found["example"]
    assert entry["seeds"] == [300, 301] and entry["pictures"] == 140  # validation as well
    assert entry["settings"]["widths"] == [4, 6, 8] and entry["parameters"] > 1000
    names = ("accuracy", "mirror the unsure quarter", "mirror", "seconds")
    assert all(len(entry[name]) == 2 for name in names)
    for part, (_, topic, last) in gpu.module.PARTS.items():
        assert topic == "times" or last in found, part


def test_a_seed_gives_the_same_training_again(gpu, data):
    (X, y), _ = gpu.module.all_pictures(data)
    training = gpu.module.Training(gpu.module.example.ON_GPU, X, y)
    found = []
    for seed in (0, 1, 0):
        training.run(seed)
        found.append([weight.clone() for weight in training.net.state_dict().values()])
    assert all(map(torch.equal, found[0], found[2]))
    assert not all(map(torch.equal, found[0], found[1]))


@pytest.mark.parametrize("wrong", [["lightning"], ["steps", "--only", "mirror"]])
def test_what_cannot_be_measured_is_named(cifar10, capsys, wrong):
    with pytest.raises(SystemExit):
        cifar10.command(wrong)
    assert f"invalid choice: {wrong[-1]!r}" in capsys.readouterr().err


def test_a_mirror_image_gets_the_same_scores(cifar10, data):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
    mirrored, X = cifar10.module.WithMirror(model), data.val[0]
    assert torch.equal(mirrored(X), mirrored(X.flip(3)))
    assert not torch.allclose(mirrored(X), mirrored(X.flip(2)), atol=1e-3)
    assert torch.allclose(mirrored(X), model(X) + model(X.flip(3)))
    assert not mirrored.eval().model.training
