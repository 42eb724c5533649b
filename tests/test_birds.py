"""Tests of what lesson 07 adds: its networks, Muon, and its benchmark."""

import importlib.util
import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers.models import TanhConvNet, TanhMLP, trace_shapes
from helpers.muon import Muon, orthogonalize
from helpers.training import load_weights, save_weights

ROOT = Path(__file__).resolve().parent.parent
LAYOUTS = [torch.contiguous_format, torch.channels_last]


def count(model):
    return sum(p.numel() for p in model.parameters())


# ---------------------------------------------------------------- models


@pytest.mark.parametrize("make", [TanhMLP, TanhConvNet])
def test_docstring_states_the_number_of_parameters(make):
    assert f"{count(make()):,}" == re.search(r"([\d,]+) parameters", make.__doc__)[1]


def test_the_published_numbers_of_parameters():
    sizes = [count(TanhMLP()), count(TanhMLP((1024, 512, 128))), count(TanhConvNet())]
    assert sizes == [393_602, 3_737_474, 18_090]
    assert "3,737,474" in TanhMLP.__doc__


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("make", [TanhMLP, lambda: TanhMLP((8, 4)), TanhConvNet])
def test_networks_give_two_scores_whatever_the_layout(make, layout):
    torch.manual_seed(0)
    model, X = make(), torch.randn(3, 3, 32, 32)
    scores = model(X)
    assert scores.shape == (3, 2)
    model.to(memory_format=layout)
    assert torch.allclose(model(X.contiguous(memory_format=layout)), scores, atol=1e-5)


def test_the_sizes_beside_the_lines_are_right():
    rows = trace_shapes(TanhConvNet(), torch.zeros(2, 3, 32, 32))
    shapes = {name.split()[0]: shape for name, shape, _ in rows}
    assert shapes["pool1"] == (2, 16, 16, 16) and shapes["pool2"] == (2, 8, 8, 8)
    assert shapes["hidden"] == (2, 32) and shapes["output"] == (2, 2)


@pytest.mark.parametrize(
    ("saved", "asked"),
    [
        (TanhConvNet, TanhMLP),
        (TanhMLP, TanhConvNet),
        (lambda: TanhMLP((1024, 512, 128)), TanhMLP),
    ],
)
def test_a_checkpoint_of_another_network_is_named(tmp_path, saved, asked):
    save_weights(saved(), tmp_path / "other.pt")
    model = asked()
    before = [p.clone() for p in model.parameters()]
    with pytest.raises(
        ValueError, match=r"other\.pt does not hold the weights of a Tanh"
    ) as caught:
        load_weights(model, tmp_path / "other.pt")
    assert type(model).__name__ in str(caught.value)
    assert re.search(r"should have the shape \(.*\), the file has .*\(", str(caught.value))
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


# ---------------------------------------------------------------- Muon


@pytest.mark.parametrize("shape", [(8, 30), (30, 8), (12, 12), (1, 5)])
def test_singular_values_come_near_1_and_directions_stay(shape):
    torch.manual_seed(0)
    U, _, V = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    s = torch.linspace(1, 3, len(V))
    G = U @ torch.diag(s) @ V
    made = orthogonalize(G)
    assert made.shape == G.shape
    found = U.T @ made @ V.T  # in the old directions it is still a diagonal
    assert torch.allclose(found, torch.diag(found.diag()), atol=1e-4)
    assert 0.6 < found.diag().min() and found.diag().max() < 1.3


def test_the_curve_is_that_of_the_text():
    s = torch.tensor(0.3)
    G = torch.diag(torch.tensor([0.3, (1 - 0.3**2) ** 0.5]))  # of norm 1
    expected = 3.4445 * s - 4.775 * s**3 + 2.0315 * s**5
    assert torch.allclose(orthogonalize(G, steps=1)[0, 0], expected, atol=1e-5)


def test_a_matrix_of_zeros_stays_zero():
    assert torch.equal(orthogonalize(torch.zeros(3, 4)), torch.zeros(3, 4))


@pytest.fixture
def net():
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(6 * 4, 2))


def test_what_is_not_a_convolution_is_trained_as_by_sgd(net):
    torch.manual_seed(0)
    settings = {"momentum": 0.85, "nesterov": True, "weight_decay": 5e-4}
    bias = net[4].bias.detach().clone().requires_grad_()
    ours, theirs = Muon(net), torch.optim.SGD([bias], lr=0.05, **settings)
    for _ in range(3):
        for p in net.parameters():
            p.grad = torch.randn_like(p)
        bias.grad = net[4].bias.grad.clone()
        ours.step(), theirs.step()
    assert torch.allclose(net[4].bias, bias, atol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_filters_have_length_1_before_a_step_of_the_given_length(net, layout):
    net.to(memory_format=layout)
    weight, optimizer = net[0].weight, Muon(net, lr=0.1)
    weight.grad = torch.randn_like(weight)
    scaled = (weight * len(weight) ** 0.5 / weight.norm()).detach()
    optimizer.step()
    step = torch.linalg.svdvals((weight - scaled).detach().flatten(1))
    assert 0.06 < step.min() and step.max() < 0.13


def test_a_schedule_moves_both_rates(net):
    optimizer = Muon(net, lr=0.1, other_lr=0.02)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, total_iters=4)
    net[0].weight.grad = torch.ones_like(net[0].weight)
    for _ in range(2):
        optimizer.step(), schedule.step()
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.05, 0.01])


def test_biases_can_have_a_rate_of_their_own(net):
    before = [p.detach().clone() for p in net.parameters()]
    filters, head = net[0].weight, net[4].weight
    optimizer = Muon(net, lr=0.1, other_lr=0.02, other_momentum=0.0, weight_decay=0.5, bias_lr=3.0)
    for p in net.parameters():
        p.grad = torch.full_like(p, 0.25)
    optimizer.step()
    for old, p in zip(before, net.parameters(), strict=True):
        if p is head:
            assert torch.allclose(p, old - 0.02 * (0.25 + 0.5 * old))
        elif p is not filters:
            assert torch.allclose(p, old - 3.0 * 0.25)  # nothing decays
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(before)


def test_weights_without_a_gradient_stay(net):
    before = net[4].weight.clone()
    net[0].weight.grad = torch.ones_like(net[0].weight)
    Muon(net).step()
    assert torch.equal(net[4].weight, before)


def test_muon_learns(net):
    torch.manual_seed(0)
    X = torch.randn(64, 3, 4, 4)
    y = (X[:, 0].mean((1, 2)) > 0).long()
    optimizer = Muon(net, lr=0.05)
    for _ in range(60):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(X), y)
        loss.backward()
        optimizer.step()
    assert loss < 0.2


def test_a_model_without_convolutions_is_named():
    with pytest.raises(ValueError, match="TanhMLP has no convolution for Muon"):
        Muon(TanhMLP((4,)))


@pytest.mark.parametrize("name", ["lr", "other_lr", "bias_lr"])
@pytest.mark.parametrize("rate", [0, -0.1])
def test_a_rate_that_is_not_above_0_is_named(net, name, rate):
    with pytest.raises(ValueError, match=f"^{name} is {rate}: give a number above 0"):
        Muon(net, **{name: rate})


# ---------------------------------------------------------------- the benchmark


@pytest.fixture
def birds(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")  # where the script finds record.py
    spec = importlib.util.spec_from_file_location("birds", ROOT / "benchmarks" / "birds.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_scrambling_moves_the_same_pixels_in_all_pictures(birds):
    X = torch.arange(1024.0).view(1, 1, 32, 32).repeat(2, 3, 1, 1)
    scrambled = birds.scramble(X)
    assert scrambled.shape == X.shape and not torch.equal(scrambled, X)
    assert (scrambled == scrambled[0, 0]).all()
    assert sorted(scrambled[0, 0].flatten().tolist()) == list(range(1024))
