"""What the project does on a GPU, on a pretended one: devices do not mix, nothing waits inside."""

import copy

import nbformat
import numpy as np
import pretended_lessons
import pytest
import torch
import torch.nn.functional as F
from nbformat import v4
from pretended_gpu import pretended
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from helpers.batches import Batches, random_crop, random_flip, split_validation
from helpers.machine import choose_device, fast_bf16
from helpers.muon import Muon
from helpers.training import evaluate, fit, load_weights, predict, save_weights
from notebooks import ROOT, find


@pytest.fixture(params=["cuda", "mps"])
def gpu(request):
    with pretended(request.param) as gpu:
        yield gpu


@pytest.fixture
def cuda():
    with pretended("cuda") as gpu:
        yield gpu


def small_net():
    layers = [nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(16, 3))


def pictures(count, size=8):
    chance = torch.Generator().manual_seed(0)
    X = torch.rand(count, 3, size, size, generator=chance)
    return X, torch.randint(3, (count,), generator=chance)


# the pretended device itself


def test_it_is_there_only_within_the_context():
    before = torch.cuda.is_available(), torch.Generator, torch.autocast, torch.cuda.synchronize
    with pytest.raises(ZeroDivisionError), pretended("cuda"):
        assert choose_device() == torch.device("cuda") and fast_bf16("cuda")
        X = torch.ones(3, device="cuda")
        assert (str(X.device), X.is_cuda, X.is_cpu, X.get_device()) == ("cuda:0", True, False, 0)
        raise ZeroDivisionError
    after = torch.cuda.is_available(), torch.Generator, torch.autocast, torch.cuda.synchronize
    assert after == before and X.device.type == "cpu"


MIXED = {
    "sum": lambda X, on: on + X,
    "number on the GPU": lambda X, on: X + on.sum(),
    "into a number on the CPU": lambda X, on: X.sum().add_(on.sum()),
    "layer": lambda X, on: nn.Linear(3, 2)(on),
    "loss": lambda X, on: F.cross_entropy(on, torch.zeros(3, dtype=torch.int64)),
    "comparison": lambda X, on: torch.allclose(X, on),
    "list": lambda X, on: torch.stack([X.sum(), on.sum()]),
    "index": lambda X, on: X[on[0].long()],
    "value": lambda X, on: on.index_put_((torch.tensor([0]),), X[0]),
    "generator": lambda X, on: torch.rand(3, device=on.device, generator=torch.Generator()),
}


@pytest.mark.parametrize("mix", MIXED.values(), ids=MIXED)
def test_tensors_of_both_places_do_not_mix(gpu, mix):
    with pytest.raises(RuntimeError, match=r"same device|device for generator"):
        mix(torch.zeros(3, 3), torch.zeros(3, 3, device=gpu.device))


@pytest.mark.parametrize("use", [np.asarray, torch.Tensor.numpy, lambda on: np.array(list(on))])
def test_numpy_takes_nothing_from_it(gpu, use):
    with pytest.raises(TypeError, match="to numpy"):
        use(torch.ones(3, device=gpu.device))


def test_what_is_made_of_tensors_on_it_lies_on_it(gpu):
    X = torch.arange(6.0).to(gpu.device).view(2, 3)
    net = copy.deepcopy(nn.Linear(3, 3).to(gpu.device))
    net(X).cpu().sum().backward()  # the gradient goes the way back
    made = [X[0], X.T + 1, F.one_hot(X.long()), X.new_zeros(2), torch.rand_like(X), net.weight.grad]
    made += [X.to(torch.int64), torch.ones(1).to(X), torch.cat([X, X]), net.state_dict()["bias"]]
    assert all(tensor.device == gpu.device for tensor in made)
    assert X.cpu().device.type == X.to("cpu").device.type == "cpu"
    assert X.cpu().numpy().tolist() == [[0, 1, 2], [3, 4, 5]]


def test_apples_has_no_float64():
    with pretended("mps") as gpu:
        with pytest.raises(TypeError, match="float64"):
            torch.ones(3, device="mps").double()
        with pytest.raises(TypeError, match="float64"):
            torch.ones(3, dtype=torch.float64).to(gpu.device)
        assert torch.ones(3, device="mps").to("cpu", torch.float64).sum().item() == 3


WAITING = {
    "item": lambda X: X.sum().item(),
    "float": lambda X: float(X[0]),
    "int": lambda X: int(X[0]),
    "bool": lambda X: bool(X.any()),
    "if": lambda X: 1 if X.any() else 0,
    "tolist": lambda X: X.tolist(),
    "cpu": lambda X: X.cpu(),
    "to the CPU": lambda X: X.to("cpu"),
    "to the GPU": lambda X: torch.ones(3).to(X.device),
    "made of numbers": lambda X: torch.tensor([1.0], device=X.device),
    "copied into": lambda X: X.copy_(torch.ones(3)),
    "copied out of": lambda X: torch.ones(3).copy_(X),
    "nonzero": lambda X: X.nonzero(),
    "where": lambda X: torch.where(X > 0),
    "mask": lambda X: X[X > 0],
    "index from the CPU": lambda X: X[torch.tensor([0])],
    "unique": lambda X: X.unique(),
    "equal": lambda X: torch.equal(X, X),
    "allclose": lambda X: torch.allclose(X, X),
    "print": lambda X: str(X),
}


@pytest.mark.parametrize("wait", WAITING.values(), ids=WAITING)
def test_waits_are_counted(gpu, wait):
    X = torch.ones(3, device=gpu.device)
    gpu.waits.clear()
    wait(X)
    assert gpu.waits.total() >= 1


def test_waiting_for_all_or_for_an_event_is_counted(cuda):
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record(), end.record()
    end.synchronize()
    torch.cuda.synchronize()
    assert start.elapsed_time(end) > 0 and cuda.waits == {"synchronize": 2}


def test_what_only_gives_orders_is_no_wait(gpu):
    X = torch.ones(3, 3, device=gpu.device, requires_grad=True)
    ((X @ X)[torch.arange(2, device=gpu.device)] * torch.tensor(2.0)).sum().backward()
    with torch.no_grad():
        X[X > 0] = 0
        X.copy_(torch.ones(3, 3), non_blocking=True)
    torch.ones(3).to(gpu.device, non_blocking=True)
    assert X.grad.shape == (3, 3) and not gpu.waits.total()


# the helpers


def waits_of_fit(gpu, steps, epochs=2, loader=Batches):
    X, y = pictures(8 * steps)
    device = gpu.device
    model = small_net().to(device)
    if loader is Batches:
        train = Batches(X.to(device), y.to(device), 8, shuffle=True, augment=random_flip)
        val = Batches(X[:16].to(device), y[:16].to(device), 8)
    else:
        train = DataLoader(TensorDataset(X, y), 8, shuffle=True)
        val = DataLoader(TensorDataset(X[:16], y[:16]), 8)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, total_iters=2 * steps)
    settings = {"optimizer": optimizer, "loss_function": nn.CrossEntropyLoss()}
    settings |= {"scheduler": schedule, "bf16": device.type == "cuda", "progress": False}
    gpu.waits.clear()
    history = fit(model, train, val, epochs=epochs, **settings)
    assert history.train[-1].total == 8 * steps and history.validation[-1].total == 16
    return gpu.waits.total()


def test_fit_does_not_wait_inside_an_epoch(gpu):
    counts = [waits_of_fit(gpu, steps) for steps in (5, 20)]
    assert counts[0] == counts[1] <= 4 * 2  # each pass moves its order there and its sums back


def test_fit_does_not_wait_for_the_copies_of_a_loader(cuda):
    counts = [waits_of_fit(cuda, steps, loader=DataLoader) for steps in (5, 20)]
    assert counts[0] == counts[1] <= 2 * 2


@pytest.mark.parametrize("count", [20, 80])
def test_evaluate_waits_once_and_predict_gives_tensors_of_the_cpu(gpu, count):
    X, y = (part.to(gpu.device) for part in pictures(count))
    model, batches = small_net().to(gpu.device), Batches(X, y, 10)
    evaluate(model, batches, nn.CrossEntropyLoss())
    gpu.waits.clear()
    assert evaluate(model, batches, nn.CrossEntropyLoss()).total == count
    read = gpu.waits.total()
    logits, labels = predict(model, batches)
    assert logits.device.type == labels.device.type == "cpu" and torch.equal(labels, y.cpu())
    assert read <= 2  # the order of the batches goes there, the sums come back


def test_muon_never_waits(gpu):
    X, y = (part.to(gpu.device) for part in pictures(8))
    model = small_net().to(gpu.device)
    optimizer = Muon(model, bias_lr=0.1)
    before = copy.deepcopy(model.state_dict())
    gpu.waits.clear()
    for _ in range(2):
        F.cross_entropy(model(X), y).backward()
        optimizer.step()
    assert not gpu.waits.total()
    assert not torch.equal(model[0].weight, before["0.weight"])


def test_augmentation_never_waits(gpu):
    X = pictures(8)[0].to(gpu.device)
    gpu.waits.clear()
    changed = random_crop(random_flip(X), 2)
    assert changed.device == gpu.device and changed.shape == X.shape and not gpu.waits.total()


def test_the_split_stays_on_the_device(gpu):
    parts = split_validation(*(part.to(gpu.device) for part in pictures(20)))
    assert {tensor.device for part in parts for tensor in part} == {gpu.device}


def test_weights_from_a_gpu_are_loaded_anywhere(tmp_path):
    path, model = tmp_path / "weights.pt", small_net()
    with pretended("cuda") as gpu:
        there = small_net().to(gpu.device)
        save_weights(there, path)
        assert torch.load(path)["0.bias"].device == gpu.device  # as it was saved
        again = small_net().to(gpu.device)
        load_weights(again, path)
        assert again[0].bias.device == gpu.device and torch.equal(again[0].bias, there[0].bias)
    with pytest.raises(RuntimeError, match="deserialize object on a CUDA device"):
        torch.load(path)
    load_weights(model, path)
    assert torch.equal(model[0].bias, there[0].bias)


# the examples


@pytest.fixture
def cifar10(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    import cifar10

    return cifar10


def test_the_fast_training_does_not_wait_inside_an_epoch(cuda, cifar10):
    counts, setting = [], {"epochs": 2, "batch_size": 8, "lr": 0.1, "bf16": True}
    for steps in (2, 5):
        X, y = (part.to(cuda.device) for part in pictures(8 * steps, size=32))
        net = cifar10.make_net(X, widths=(16, 16, 16), depths=(1, 1, 1))
        train = cifar10.prepare(net, X, y, **setting)
        cuda.waits.clear()
        train()
        counts.append(cuda.waits.total())
        assert 0 <= cifar10.right(net, X, y, again=0.5) <= len(X)
    assert counts == [0, 0]


def test_distributed_training_waits_once_an_epoch(cuda, cifar10, tmp_path, monkeypatch):
    import distributed
    import torch.distributed as dist

    where = f"file://{tmp_path}/meeting"
    dist.init_process_group("gloo", init_method=where, rank=0, world_size=1)
    monkeypatch.setattr(distributed, "DistributedDataParallel", lambda net: net)  # asks the storage
    counts = []
    try:
        for steps in (2, 5):
            X, y = (part.to(cuda.device) for part in pictures(8 * steps, size=32))
            cuda.waits.clear()
            losses = distributed.train(small_net().to(cuda.device), X, y, 2, 8, 0.1, True)
            counts.append(cuda.waits.total())
            assert len(losses) == 2
    finally:
        dist.destroy_process_group()
    # the order, the loss, and the sum there and back; at the end batch norm's averages
    assert counts[0] == counts[1] <= 20


# lessons


def test_first_lesson_runs_on_it():
    faults, claims, waits = pretended_lessons.run(find("start_here"))
    assert (faults, claims) == ([], []) and waits > 0


def test_faults_and_claims_of_a_lesson_are_told_apart(tmp_path):
    sources = ["import torch; X = torch.ones(3, device='cuda')", "X.numpy()"]
    sources += ["assert 1 == 2\nX + torch.ones(3)", "no_error_comes = 1"]
    cells = [v4.new_code_cell(source) for source in sources]
    cells[-1].metadata["tags"] = ["raises-exception"]
    nbformat.write(v4.new_notebook(cells=cells), tmp_path / "lesson.ipynb")
    faults, claims, _ = pretended_lessons.run(tmp_path / "lesson.ipynb")
    assert [fault.split(":")[0] for fault in faults] == ["cell 1", "cell 2", "cell 3"]
    assert len(claims) == 1 and claims[0].startswith("cell 2")
