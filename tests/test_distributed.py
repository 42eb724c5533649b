"""Tests of examples/distributed.py, with two real processes under torchrun, on CPUs.

Starting them takes longest, so each launch answers several questions. The programs that are
launched stand below as text; small random pictures stand in for CIFAR-10.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[1]
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
WAIT = 100  # seconds until a launch that does not end counts as hanging
SETTING = {"epochs": 2, "batch_size": 8, "lr": 0.05}  # parts of 4, 5 steps an epoch of 45 pictures

COMMON = """
import os, signal, sys, time, torch
import torch.distributed as dist
from datetime import timedelta
from pathlib import Path
from torch import nn
sys.path[:0] = [{root!r}, {root!r} + "/examples", {tests!r}]
import distributed
FOLDER = Path({folder!r})
Path(FOLDER, "pid" + os.environ["RANK"]).write_text(str(os.getpid()))
"""

# Trains a net without batch norm, notes what each process saw, and saves it all.
EXACT = """
from test_distributed import SETTING, pictures, small_net
distributed.join()
rank = dist.get_rank()
net, seen, (X, y) = small_net(), [], pictures(45)
if rank:  # to see that all begin with the weights of rank 0
    nn.init.zeros_(net[0].weight)

def note(X):
    seen.append(X.clone())
    return X

losses = distributed.train(net, X, y, **SETTING, bf16=False, change=note)
found = {{"weights": net.state_dict(), "gradients": [p.grad for p in net.parameters()]}}
found |= {{"seen": seen, "losses": losses, "right": distributed.right(net, *pictures(7))}}
torch.save(found, FOLDER / f"{{rank}}.pt")
dist.destroy_process_group()
"""

# The whole program on random pictures, which can be made to fail in the middle.
PROGRAM = """
from test_distributed import pictures
asked, steps, make_net = FOLDER / "prepared", [], distributed.make_net
distributed.prepare = lambda name: asked.open("a").write(name + os.environ["RANK"])
distributed.load = lambda device: (pictures(208, 32), None, pictures(101, 32))
distributed.ON_CPU |= {{"epochs": 2, "batch_size": 32}}
distributed.PATIENCE = timedelta(seconds={patience})

def trouble(*_):
    steps.append(1)
    if os.environ["RANK"] == "1" and len(steps) == 3:
        {what}

def watched(*given):
    net = make_net(*given)
    net.register_forward_hook(trouble)
    return net

distributed.make_net = watched
distributed.main()
"""


def pictures(count, side=8):
    dice = torch.Generator().manual_seed(count)
    X = torch.randn(count, 3, side, side, generator=dice)
    return X, torch.randint(10, (count,), generator=dice)


def small_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 36, 10))


def launch(folder, program, **fill):
    """Run a program in two processes, until both have ended: exit code, stdout, stderr."""
    fill = {"tests": str(ROOT / "tests"), "root": str(ROOT), "folder": str(folder), **fill}
    file = folder / "program.py"
    file.write_text((COMMON + program).format(**fill))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    start = (
        f"-m torch.distributed.run --nproc-per-node 2 --master-addr 127.0.0.1 --master-port {port}"
    )
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, *start.split(), str(file)], **streams) as process:
        try:
            out, err = process.communicate(timeout=WAIT)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)  # torchrun then ends its processes
            pytest.fail(f"no end after {WAIT} s: {process.communicate(timeout=60)}")
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


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What two processes found, each."""
    folder = tmp_path_factory.mktemp("exact")
    code, _, err = launch(folder, EXACT)
    assert code == 0, err
    return [torch.load(folder / f"{rank}.pt") for rank in (0, 1)]


def by_hand(batches, y_of):
    """Train in one process on whole batches, with PyTorch and Muon alone."""
    from helpers.muon import Muon

    net, losses, steps = small_net(), [], len(batches)
    optimizer = Muon(net, lr=SETTING["lr"], bias_lr=8.0)
    rates = [group["lr"] for group in optimizer.param_groups]
    for k, X in enumerate(batches):
        done = k / steps
        share = done / 0.02 if done < 0.02 else (1 - done) / 0.98
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * share
        loss = nn.functional.cross_entropy(net(X), y_of(X), label_smoothing=0.2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return net, losses


def test_two_processes_train_as_one_does(two):
    X, y = pictures(45)

    def labels_of(batch):
        same = (X[None] == batch[:, None]).flatten(2).all(2)
        return y[same.int().argmax(1)]

    whole = [torch.cat(parts) for parts in zip(*(found["seen"] for found in two), strict=True)]
    assert [len(batch) for batch in whole] == [8] * 10
    net, losses = by_hand(whole, labels_of)
    for found in two:
        for mine, wanted in zip(found["gradients"], net.parameters(), strict=True):
            assert torch.allclose(mine, wanted.grad, rtol=1e-3, atol=1e-5)
        for mine, wanted in zip(found["weights"].values(), net.parameters(), strict=True):
            assert torch.allclose(mine, wanted, rtol=1e-3, atol=1e-4)
        epochs = sum(losses[:5]) / 5, sum(losses[5:]) / 5
        assert found["losses"] == pytest.approx(epochs, rel=1e-4)


def test_no_picture_is_seen_twice_in_an_epoch(two):
    X, _ = pictures(45)
    epochs = []
    for steps in (slice(0, 5), slice(5, 10)):
        seen = torch.cat([part for found in two for part in found["seen"][steps]])
        assert len(seen) == 40 == len(seen.flatten(1).unique(dim=0))  # 45 // 8 whole batches
        assert (seen[:, None] == X[None]).flatten(2).all(2).any(1).all()
        epochs.append(seen)
    assert not torch.equal(*epochs)  # another order in each epoch


def test_each_picture_is_judged_once(two):
    X, y = pictures(7)  # so four and three
    net = small_net()
    net.load_state_dict(two[1]["weights"])
    wanted = [(net(X).argmax(1) == y).sum().item(), 7]
    assert two[0]["right"] == two[1]["right"] == wanted


def test_all_end_with_the_same_weights(two):
    mine, other = (found["weights"] for found in two)
    assert all(torch.equal(mine[name], other[name]) for name in mine)


def test_the_program_in_two_processes(tmp_path):
    code, out, err = launch(tmp_path, PROGRAM, what="pass", patience=60)
    assert code == 0, err
    *epochs, said = out.splitlines()
    assert [line[:17] for line in epochs] == ["epoch 1 of 2: los", "epoch 2 of 2: los"]
    assert said.endswith("of 101 test pictures right")
    assert (tmp_path / "prepared").read_text() == "cifar100"  # by rank 0 alone
    assert gone(tmp_path)


@POSIX
@pytest.mark.parametrize(
    ("what", "patience", "cause"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", 60, "exitcode  : -9"),
        ("time.sleep(1000)", 10, "does not answer"),
    ],
    ids=["killed", "hanging"],
)
def test_a_process_that_fails_ends_the_run(tmp_path, what, patience, cause):
    code, out, err = launch(tmp_path, PROGRAM, what=what, patience=patience)
    assert code != 0 and gone(tmp_path)
    assert "epoch" not in out and cause in err
    if patience == 10:
        assert "Process 0 stops: another process has ended or does not answer" in err


@pytest.mark.skipif(
    not shutil.which("unshare") or os.name != "posix" or os.geteuid() != 0,
    reason="only root may change the name of a machine, on Linux",
)
def test_a_machine_whose_own_name_leads_nowhere_does_not_hang(tmp_path):
    probe = ["unshare", "--uts", "true"]
    if subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("this machine does not let its name be changed")
    code = (
        f"import sys; sys.path[:0] = [{str(ROOT / 'tests')!r}]; from pathlib import Path\n"
        "import socket, test_distributed as t\n"
        "try:\n    socket.getaddrinfo(socket.gethostname(), 1)\n"
        "except OSError:\n    print('its name leads nowhere')\n"
        f"print(t.launch(Path({str(tmp_path)!r}), t.PROGRAM, what='pass', patience=60))"
    )
    shell = f'hostname nowhere-at-all && {sys.executable} -c "$CODE"'
    done = subprocess.run(
        ["unshare", "--uts", "sh", "-c", shell],
        env=os.environ | {"CODE": code},
        capture_output=True,
        text=True,
        timeout=WAIT,
    )
    assert "leads nowhere\n(0, " in done.stdout, done.stdout + done.stderr
