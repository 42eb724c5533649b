"""Tests of helpers.distributed, with two real processes under PyTorch's launcher, on CPUs.

Starting them takes longest, so each launch answers several questions. The programs that are
launched stand below as text; small random pictures stand in for CIFAR-10.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

from helpers import data, distributed
from helpers.training import evaluate

TESTS = str(Path(__file__).parent)
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
PATIENCE = 100  # seconds until a launch that does not end counts as hanging

# 45 pictures in batches of at most 8: batches of 8 and 7, so the parts of two are 4 and 4, 4 and 3
SETTINGS = {"epochs": 2, "batch_size": 8, "lr": 0.1, "seed": 3}
STEPS = 6


def pictures(count, seed):
    numbers = torch.Generator().manual_seed(seed)
    return (
        torch.rand(count, 3, 8, 8, generator=numbers),
        torch.randint(10, (count,), generator=numbers),
    )


TRAIN, VAL = pictures(45, 0), pictures(7, 1)


def small_net(norm):
    """A net with or without batch norm; the same first weights at each call."""
    torch.manual_seed(0)
    norms = [nn.BatchNorm2d(4)] if norm else []
    return nn.Sequential(nn.Conv2d(3, 4, 3), *norms, nn.Tanh(), nn.Flatten(), nn.Linear(4 * 36, 10))


# Trains both nets in two processes, notes which pictures each process saw, and saves it all.
EXACT = """
import copy, sys, torch
import torch.distributed as dist
sys.path[:0] = [{tests!r}]
from test_distributed import SETTINGS, TRAIN, VAL, small_net
from helpers import distributed

distributed.join()
rank, found = dist.get_rank(), {{}}
for norm in (False, True):
    net, seen = small_net(norm), []
    if rank:  # to see that all begin with the weights of rank 0
        torch.nn.init.zeros_(net[0].weight)
    net[0].register_forward_hook(
        lambda layer, inputs, output: seen.append(inputs[0]) if layer.training else None
    )
    scores = distributed.train(net, TRAIN, VAL, **SETTINGS)
    found[norm] = {{
        "weights": copy.deepcopy(net.state_dict()),
        "gradients": [p.grad for p in net.parameters()],
        "scores": [(s.loss, s.right, s.total) for pair in scores for s in pair],
        "seen": seen,
        "same": distributed.same_on_all(net),
    }}
if rank:  # the least change of one statistic must be noticed, by both processes
    net[1].running_var[0] = net[1].running_var[0].nextafter(torch.tensor(9.0))
found["changed is same"] = distributed.same_on_all(net)
torch.save(found, f"{folder}/{{rank}}.pt")
dist.destroy_process_group()
"""

# The whole program, on 60 small random pictures: 54 to train on, 6 for validation.
PROGRAM = """
import os, signal, sys, time
from datetime import timedelta
from pathlib import Path
sys.path[:0] = [{tests!r}]
from test_distributed import StandIn
from helpers import data, distributed

Path({folder!r}, "pid" + os.environ.get("RANK", "0")).write_text(str(os.getpid()))
data.prepare = lambda name: print(name, "prepared by rank", os.environ.get("RANK"), flush=True)
data.cifar10 = lambda train: StandIn()
{trouble}
sys.exit(distributed.main())
"""

# Something happens to the process with rank 1 in the middle of the first epoch.
TROUBLE = """
distributed.TIMEOUT = timedelta(seconds=2)
from helpers.models import BlockNet
forward, calls = BlockNet.forward, []
def troubled(self, X):
    calls.append(1)
    if os.environ["RANK"] == "1" and len(calls) == 3:
        {what}
    return forward(self, X)
BlockNet.forward = troubled
"""


class StandIn:
    """What `helpers.data.cifar10` returns."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.data = rng.integers(0, 256, (60, 32, 32, 3), np.uint8)
        self.targets = rng.integers(0, 10, 60).tolist()

    def __len__(self):
        return 60


def launch(folder, program, *arguments, trouble=""):
    """Run a program in two processes, until both have ended: exit code, stdout, stderr."""
    file = folder / "program.py"
    file.write_text(program.format(tests=TESTS, folder=str(folder), trouble=trouble))
    start = "-m torch.distributed.run --standalone --nproc-per-node 2".split()
    command = [sys.executable, *start, str(file), *arguments]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **streams) as process:
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.terminate()  # the launcher then ends its processes
            pytest.fail(f"no end after {PATIENCE} s: {process.communicate(timeout=60)}")
    return process.returncode, out, err


def gone(folder):
    """Say whether no process of the run is left."""
    for file in folder.glob("pid*"):
        try:
            os.kill(int(file.read_text()), 0)
            return False
        except ProcessLookupError:
            pass
    return True


def lines(text, start):
    return [line for line in text.splitlines() if line.startswith(start)]


# ---------------------------------------------------------------- the arithmetic


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What two processes found, each."""
    folder = tmp_path_factory.mktemp("exact")
    code, _, err = launch(folder, EXACT)
    assert code == 0, err
    return [torch.load(folder / f"{rank}.pt") for rank in (0, 1)]


def by_hand(net):
    """Train in one process, in plain PyTorch; give the training loss and rights of each epoch."""
    (X, y), scores = TRAIN, []
    dice = torch.Generator().manual_seed(SETTINGS["seed"])
    optimizer = torch.optim.SGD(net.parameters(), 0.1, 0.9, nesterov=True, weight_decay=5e-4)
    for epoch in range(2):
        losses, right = 0, 0
        for step, batch in enumerate(torch.randperm(45, generator=dice).tensor_split(STEPS)):
            for group in optimizer.param_groups:
                group["lr"] = 0.1 * (1 - (epoch * STEPS + step) / (2 * STEPS))
            output = net(X[batch])
            loss = F.cross_entropy(output, y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses += loss.item() * len(batch)
            right += (output.argmax(1) == y[batch]).sum().item()
        scores.append((losses / 45, right, 45))
    return scores


def close(found, wanted):
    return all(
        torch.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in zip(found, wanted, strict=True)
    )


def test_two_processes_train_as_one_does(two):
    net = small_net(norm=False)
    scores = by_hand(net)
    gradients = [p.grad for p in net.parameters()]  # of the last batch: parts of 4 and 3
    for found in two:
        found = found[False]
        assert close(found["gradients"], gradients)
        assert close(found["weights"].values(), net.state_dict().values())
        for mine, wanted in zip(found["scores"][::2], scores, strict=True):
            assert mine[0] == pytest.approx(wanted[0], rel=1e-5) and mine[1:] == wanted[1:]


def test_with_batch_norm_they_train_otherwise(two):
    net = small_net(norm=True)
    by_hand(net)
    assert not close(two[0][True]["gradients"], [p.grad for p in net.parameters()])


def test_each_picture_is_seen_once_an_epoch_by_one_of_them(two):
    for norm in (False, True):
        sizes = [[len(part) for part in found[norm]["seen"]] for found in two]
        assert sizes == [[4] * 12, ([4] * 3 + [3] * 3) * 2]
        for epoch in (slice(0, STEPS), slice(STEPS, None)):
            seen = torch.cat([part for found in two for part in found[norm]["seen"][epoch]])
            sums, wanted = seen.sum((1, 2, 3)).sort().values, TRAIN[0].sum((1, 2, 3)).sort().values
            assert torch.equal(sums, wanted)
    first, second = (two[0][False]["seen"][k] for k in (0, STEPS))
    assert not torch.equal(first, second)  # another order in each epoch


def test_validation_counts_each_picture_once(two):
    for norm in (False, True):  # seven pictures, so four and three
        net = small_net(norm)
        net.load_state_dict(two[1][norm]["weights"])
        wanted = evaluate(net, [VAL], nn.CrossEntropyLoss())
        for found in two:
            loss, right, total = found[norm]["scores"][-1]
            assert (right, total) == (wanted.right, 7)
            assert loss == pytest.approx(wanted.loss, rel=1e-5)


def test_all_end_with_the_same_weights_and_statistics(two):
    for norm in (False, True):
        mine, other = (found[norm]["weights"] for found in two)
        assert all(torch.equal(mine[name], other[name]) for name in mine)
        assert two[0][norm]["same"] and two[1][norm]["same"]
    assert not two[0]["changed is same"] and not two[1]["changed is same"]


# ---------------------------------------------------------------- the program


def test_the_program_in_two_processes(tmp_path):
    code, out, err = launch(tmp_path, PROGRAM, "--epochs", "2", "--batch-size", "16")
    assert code == 0, err
    assert lines(out, "cifar10") == ["cifar10 prepared by rank 0"]
    epochs = lines(out, "epoch")
    assert len(epochs) == 2 and epochs[1].startswith("epoch 2 of 2: training loss ")
    assert " of 6 = " in epochs[1] and "processes: 2 (CPU, threads each: " in epochs[1]
    assert lines(out, "The weights") == ["The weights of all 2 processes are the same."]
    assert "Warning" not in err and gone(tmp_path)


@POSIX
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "exitcode  : -9"),
        ("time.sleep(1000)", "has not answered for 2 s"),
    ],
    ids=["killed", "hanging"],
)
def test_a_process_that_fails_ends_the_run(tmp_path, what, said):
    trouble = TROUBLE.format(what=what)
    code, out, err = launch(tmp_path, PROGRAM, "--batch-size", "8", trouble=trouble)
    assert code != 0 and gone(tmp_path)
    assert "epoch" not in out
    assert len(lines(err, "Process 0 stops: another process has ended")) == 1, err
    assert said in err
    if "kill" in what:  # the launcher must not take the survivor for the cause
        assert "rank      : 1" in err.split("Root Cause (")[1]


def test_a_batch_too_small_for_the_processes_is_refused_by_rank_0_alone(tmp_path):
    code, out, err = launch(tmp_path, PROGRAM, "--batch-size", "1")
    assert code != 0 and "epoch" not in out and gone(tmp_path)
    (message,) = lines(err, "Process")
    assert message.startswith("Process 0: 54 pictures in batches of at most 1")
    assert "too few for 2 processes" in message and "[rank" not in err


# ---------------------------------------------------------------- in this process


@pytest.fixture
def home(monkeypatch):
    """This process, as without the launcher; it keeps its signal handlers."""
    for name in ("RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(data, "prepare", lambda name: None)
    monkeypatch.setattr(data, "cifar10", lambda train: StandIn())
    yield monkeypatch
    if dist.is_initialized():
        dist.destroy_process_group()


@pytest.fixture
def alone(home):
    """A group of this process alone."""
    distributed.join()


def test_the_program_without_the_launcher_is_a_run_of_one_process(home, capsys):
    assert distributed.main(["--epochs", "1", "--pictures", "40"]) == 0
    epoch, same = capsys.readouterr().out.splitlines()
    assert " of 4 = " in epoch and "processes: 1 (CPU, threads each: " in epoch
    assert same == "The weights of all 1 processes are the same."


@pytest.mark.parametrize("count", [0, 61])
def test_a_number_of_pictures_that_cannot_be_is_refused(home, count):
    with pytest.raises(SystemExit, match=f"^Process 0: count is {count}: give 1 to 60"):
        distributed.main(["--pictures", str(count)])


def test_a_dataset_that_cannot_be_had_is_named(home):
    def prepare(name):
        raise data.DataUnavailable("no network")

    home.setattr(data, "prepare", prepare)
    with pytest.raises(SystemExit, match=r"^Process 0: no network"):
        distributed.main([])


def test_weights_that_differ_are_an_error(home):
    home.setattr(distributed, "same_on_all", lambda net: False)
    with pytest.raises(SystemExit, match="weights are not the same"):
        distributed.main(["--epochs", "1"])


def test_an_error_of_another_kind_is_not_hidden(home):
    def make_net(X):
        raise RuntimeError("out of memory")

    home.setattr(distributed, "make_net", make_net)
    with pytest.raises(RuntimeError, match="out of memory"):
        distributed.main([])


def test_an_infinite_loss_is_named(alone):
    with pytest.raises(ValueError, match=r"became (nan|inf): give a smaller --lr"):
        distributed.train(small_net(True), TRAIN, VAL, **SETTINGS | {"lr": 1e38})


def test_one_process_trains_as_a_loop_by_hand(alone, capsys):
    net, other = small_net(True), small_net(True)
    distributed.train(net, TRAIN, VAL, **SETTINGS)
    by_hand(other)
    assert close(net.state_dict().values(), other.state_dict().values())
    assert len(lines(capsys.readouterr().out, "epoch")) == 2


def test_pictures_are_augmented(alone):
    seen = []
    distributed.train(
        small_net(False), TRAIN, VAL, **SETTINGS, augment=lambda X: seen.append(X) or X
    )
    assert [len(X) for X in seen] == [8, 8, 8, 7, 7, 7] * 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--epochs", "0"], "--epochs is 0: give a number above 0"),
        (["--batch-size", "-4"], "--batch-size is -4: give a number above 0"),
        (["--lr", "nan"], "--lr is nan: give a number above 0"),
        (["--epochs", "many"], "invalid int value: 'many'"),
    ],
)
def test_options_that_cannot_be_are_refused(home, arguments, said):
    with pytest.raises(SystemExit) as ended:
        distributed.main(arguments)
    assert said in ended.value.code


def test_more_processes_than_gpus_are_refused(home):
    home.setenv("LOCAL_WORLD_SIZE", "3")
    home.setattr(torch.cuda, "is_available", lambda: True)
    home.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match=r"3 processes .* GPUs: 2.* --nproc-per-node 2"):
        distributed.join()


@pytest.mark.parametrize(
    ("processes", "given", "wanted"),
    [("4", "1", 2), ("4", None, 2), ("16", "1", 1), ("4", "3", None), ("1", "1", None)],
)
def test_processes_share_the_cores(home, processes, given, wanted):
    chosen = []
    home.setenv("LOCAL_WORLD_SIZE", processes)
    home.delenv("OMP_NUM_THREADS", raising=False)
    if given is not None:
        home.setenv("OMP_NUM_THREADS", given)
    home.setattr(os, "cpu_count", lambda: 8)
    home.setattr(torch, "set_num_threads", chosen.append)
    distributed.join()
    assert chosen == ([] if wanted is None else [wanted])


def test_a_process_that_is_not_rank_0_speaks_last(home):
    waited = []
    home.setattr(time, "sleep", waited.append)
    home.setenv("RANK", "1")
    with pytest.raises(SystemExit, match="Process 1: no room"):
        distributed._refuse("no room")
    assert len(waited) == 1
