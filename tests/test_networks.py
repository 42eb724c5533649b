"""Tests of the networks from lesson 06 on, and of what their training needs."""

import platform
import subprocess
import sys
import time
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers.machine import CPU_BF16, fast_bf16, keep_memory
from helpers.models import (
    BlockNet,
    FourConvNet,
    RemedyNet,
    SignsNet,
    TanhConvNet,
    TanhMLP,
    TinyNet,
    trace_shapes,
)
from helpers.training import fit


@pytest.mark.parametrize(
    ("net", "shape", "parameters"),
    [
        (TinyNet, (1, 28, 28), 2_174),
        (FourConvNet, (1, 28, 28), 280_186),
        (BlockNet, (1, 28, 28), 29_178),
    ],
)
def test_net_holds_to_its_docstring(net, shape, parameters):
    model = net()
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert f"{parameters:,} parameters" in " ".join(net.__doc__.split())
    assert model(torch.rand(5, *shape)).shape == (5, 10)


def test_block_net_takes_depths_channels_and_sizes():
    model = BlockNet(widths=(4, 8), depths=(1, 3), channels=3, size=33, classes=2)
    shapes = [shape for name, shape, _ in trace_shapes(model, torch.zeros(1, 3, 33, 33))]
    assert shapes.count((1, 4, 16, 16)) == 3 and shapes.count((1, 8, 8, 8)) == 9
    convolutions = [layer for layer in model if isinstance(layer, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels) for c in convolutions] == [
        (3, 4),
        (4, 8),
        (8, 8),
        (8, 8),
    ]
    assert all(c.bias is None for c in convolutions)
    assert sum(isinstance(layer, nn.MaxPool2d) for layer in model) == 2


def test_block_net_can_pool_at_the_end_of_a_block():
    def order(**options):
        model = BlockNet((4,), depths=(2,), **options)
        return [type(layer).__name__ for layer in model if not isinstance(layer, nn.BatchNorm2d)]

    early = ["Conv2d", "MaxPool2d", "ReLU", "Conv2d", "ReLU", "Flatten", "Linear"]
    late = ["Conv2d", "ReLU", "Conv2d", "ReLU", "MaxPool2d", "Flatten", "Linear"]
    assert order() == order(pool_first=True) == early and order(pool_first=False) == late


@pytest.mark.parametrize("pool_first", [True, False])
@pytest.mark.parametrize("global_average", [True, False])
def test_block_net_gives_scores_whatever_its_pooling(pool_first, global_average):
    options = {"pool_first": pool_first, "global_average": global_average}
    model = BlockNet((4, 6), (1, 2), channels=3, size=13, classes=5, **options).eval()
    assert model(torch.rand(2, 3, 13, 13)).shape == (2, 5)
    pixels = 1 if global_average else 3 * 3  # 13 → 6 → 3
    assert model[-1].in_features == 6 * pixels
    with pytest.raises(ValueError, match="2 blocks halve 3 pixels to nothing"):
        BlockNet((4, 6), size=3, **options)


def test_a_global_average_is_that_of_each_map():
    torch.manual_seed(0)
    model = BlockNet((4, 6), channels=3, size=16, global_average=True).eval()
    *before, average, flatten, _ = model
    maps = nn.Sequential(*before)(torch.rand(2, 3, 16, 16))
    assert maps.shape == (2, 6, 4, 4)
    assert torch.allclose(flatten(average(maps)), maps.mean((2, 3)), atol=1e-6)


def test_block_net_refuses_what_cannot_be():
    with pytest.raises(ValueError, match="3 blocks halve 7 pixels to nothing"):
        BlockNet(size=7)
    with pytest.raises(ValueError, match="3 widths, but 2 depths"):
        BlockNet(depths=(1, 2))


# ---------------------------------------------------------------- nets can be cut

NETS = {
    "signs": (partial(SignsNet, size=16, channels=4), (3, 16, 16)),
    "tiny": (TinyNet, (1, 28, 28)),
    "four convolutions": (FourConvNet, (1, 28, 28)),
    "blocks": (partial(BlockNet, (4, 6), (1, 2), global_average=True), (1, 28, 28)),
    "tanh MLP": (partial(TanhMLP, (8, 4)), (3, 32, 32)),
    "tanh convolutions": (TanhConvNet, (3, 32, 32)),
    "remedies": (partial(RemedyNet, blocks=2, batch_norm=True, skip=True), (3, 32, 32)),
}


@pytest.mark.parametrize(("make", "shape"), NETS.values(), ids=NETS)
def test_a_net_can_be_cut(make, shape):
    torch.manual_seed(0)
    net, X = make().eval(), torch.rand(2, *shape)
    body, names = net[:-1], [name for name, _ in net.named_children()]
    assert type(body) is nn.Sequential and len(body) == len(net) - 1 == len(names) - 1
    assert all(ours is theirs for ours, theirs in zip(body, net, strict=False))  # weights too
    assert [name for name, _ in body.named_children()] == names[:-1]
    assert net[0] is body[0] and net[-1] is list(net)[-1] is not body[-1]
    assert torch.equal(net[-1](body(X)), net(X))
    assert torch.equal(net[2:](net[:2](X)), net(X))


@pytest.mark.parametrize(("make", "shape"), NETS.values(), ids=NETS)
def test_a_net_can_get_another_end(make, shape):
    torch.manual_seed(0)
    net, X = make().eval(), torch.rand(2, *shape)
    body = net[:-1]
    del net[-1]
    assert torch.equal(net(X), body(X))
    net.append(nn.Softmax(dim=1))
    assert torch.equal(net(X), body(X).softmax(dim=1))


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (SignsNet, "block1 block2 block3 hidden hidden_norm output"),
        (TanhConvNet, "conv1 conv2 hidden output"),
    ],
)
def test_saved_weights_are_known_by_the_names_of_the_layers(make, names):
    assert list(dict.fromkeys(key.split(".")[0] for key in make().state_dict())) == names.split()


# ---------------------------------------------------------------- fit: penalty, bf16, seconds


def trained(loss_function=F.cross_entropy, val_loader=None, **options):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    X, y = torch.rand(12, 1, 4, 4), torch.arange(12) % 3
    start = model[1].weight.detach().clone()
    history = fit(
        model,
        [(X, y)],
        val_loader or [(X, y)],
        epochs=1,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
        loss_function=loss_function,
        progress=False,
        **options,
    )
    return model[1].weight.detach(), start, history


def test_penalty_moves_the_weights_and_not_the_reported_loss():
    plain, start, history = trained()
    shrunk, _, penalized = trained(penalty=lambda model: model[1].weight.square().sum())
    assert torch.allclose(shrunk, plain - 0.1 * 2 * start, atol=1e-6)  # gradient of w²: 2 w
    assert penalized.train[0].loss == history.train[0].loss


def test_bf16_computes_coarsely_and_keeps_float32_weights():
    plain, start, _ = trained()
    coarse, _, history = trained(bf16=True)
    assert coarse.dtype == torch.float32
    assert not torch.equal(coarse, plain)
    assert torch.allclose(coarse - start, plain - start, atol=2e-3)
    assert history.validation[0].loss > 0


def test_the_loss_is_computed_with_32_bits():
    def loss(output, y):
        assert output.dtype == torch.float32
        return F.cross_entropy(output, y)

    assert trained(loss, bf16=True)[2].train[0].loss > 0


def test_seconds_are_those_of_the_training_alone():
    def slow():
        time.sleep(0.5)
        yield torch.rand(2, 1, 4, 4), torch.tensor([0, 1])

    _, _, history = trained(val_loader=slow())
    assert len(history.seconds) == 1 and 0 < history.seconds[0] < 0.5


def test_fast_bf16_answers_for_any_device(monkeypatch):
    assert fast_bf16("mps") is False
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: "asked")
    assert fast_bf16("cuda") == "asked"
    for answer in (True, False):
        for name in CPU_BF16:
            question = f"torch.cpu._is_{name}_supported"
            monkeypatch.setattr(question, lambda answer=answer: answer, raising=False)
        assert fast_bf16("cpu") is answer
    monkeypatch.setattr("helpers.machine.CPU_BF16", ("no_such_instruction",))
    assert fast_bf16("cpu") is False  # a question that PyTorch no longer knows


PAGES = """
from resource import RUSAGE_SELF, getrusage
import torch
from helpers.machine import keep_memory

def new_pages():  # that the system hands out while blocks of 100 MB come and go
    before = getrusage(RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(25_000_000)
    return getrusage(RUSAGE_SELF).ru_minflt - before

usual, done = new_pages(), keep_memory()
new_pages()  # asks for what is kept from then on
later = new_pages()
print(int(done), usual, later)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_kept_memory_is_used_again():
    run = subprocess.run([sys.executable, "-c", PAGES], capture_output=True, text=True, check=True)
    done, usual, later = map(int, run.stdout.split())
    assert done == 1 and later < usual / 5


def test_without_glibc_memory_is_left_alone(monkeypatch):
    def missing(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr("ctypes.CDLL", missing)
    assert keep_memory() is False
