"""One net trained by several processes at once, each on a device of its own. Lesson 08.

    python -m torch.distributed.run --standalone --nproc-per-node 2 -m helpers.distributed

starts this program twice, and gives each process a number, its rank. Every process has all of the
data and its own copy of the net, but takes only its part of each batch. DistributedDataParallel
(DDP) averages the gradients, so all copies take the same step and stay the same. Without the
launcher, `python -m helpers.distributed` is a run of one process.

The averaged gradients are those of one process on the whole batch, but for rounding. Two things
differ: batch norm takes mean and variance from the part that its process has (`nn.SyncBatchNorm`
takes them from the whole batch, on GPUs only), and each process augments by its own chance.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
import time
from dataclasses import replace
from datetime import timedelta

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from helpers import data
from helpers.batches import Batches, split_validation
from helpers.ladder import augment, build
from helpers.machine import set_seed
from helpers.recipes import FAST
from helpers.training import Score, evaluate

__all__ = ["join", "make_net", "my_part", "same_on_all", "train"]

TIMEOUT = timedelta(minutes=2)  # to wait for another process, before the run is given up
DOWNLOAD = timedelta(hours=1)  # to wait for the dataset


def make_net(X: torch.Tensor) -> nn.Module:
    """Make the net of lesson 08 for pictures X (N, 3, 32, 32): scores (N, 10), on their device.

    Its whitening layer is made of the first pictures, which are the same in all processes.
    """
    return build(replace(FAST, bf16=False), X)


def my_part(samples: torch.Tensor) -> torch.Tensor:
    """Cut samples (N, ...) into a part for each process, almost equally long; return this one's."""
    return samples.tensor_split(dist.get_world_size())[dist.get_rank()]


def train(net, train_set, val_set, *, epochs, batch_size, lr, seed=0, augment=None):
    """Train one net with all processes, with SGD, and let rank 0 print a line for each epoch.

    `net` and the two sets (X, y), float (N, ...) and int64 (N,), are on the device of this
    process; the sets are the same in all processes, and so is `seed`, which gives the order of the
    samples. All nets begin with the weights of rank 0. A batch has at most `batch_size` samples,
    the parts of all processes together; sizes differ by one at most, so each sample is used,
    without a small last batch. The learning rate falls from `lr` to 0 in a straight line.

    Returns a list with a pair of scores (training, validation) for each epoch, of all processes
    together. Raises ValueError if a batch, or the validation set, has fewer samples than there are
    processes, and if the loss becomes nan or infinite.
    """
    (X, y), (X_val, y_val) = train_set, val_set
    rank, world, steps = dist.get_rank(), dist.get_world_size(), math.ceil(len(X) / batch_size)
    if (fewest := min(len(X) // steps, len(X_val))) < world:
        raise ValueError(
            f"{len(X)} pictures in batches of at most {batch_size}, and {len(X_val)} for "
            f"validation, make sets of as few as {fewest}: too few for {world} processes. Give a "
            "larger --batch-size, more --pictures, or start fewer processes"
        )
    parallel = DistributedDataParallel(net)
    settings = {"momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}
    optimizer = torch.optim.SGD(net.parameters(), lr, **settings)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, total_iters=epochs * steps)
    dice, scores = torch.Generator().manual_seed(seed), []
    for epoch in range(1, epochs + 1):
        start = time.perf_counter()
        net.train()
        sums = torch.zeros(3, dtype=torch.float64, device=X.device)  # loss, right, total
        for batch in torch.randperm(len(X), generator=dice).tensor_split(steps):
            part = my_part(batch).to(X.device)
            output = parallel(X[part] if augment is None else augment(X[part]))
            loss = F.cross_entropy(output, y[part], reduction="sum")
            optimizer.zero_grad()
            # DDP adds the gradients and divides by the number of processes; we want to divide by
            # the number of samples. The mean of each part's mean is that for equal parts only.
            (loss * world / len(batch)).backward()
            optimizer.step()
            schedule.step()
            right = (output.argmax(1) == y[part]).sum()
            sums += torch.stack([loss.detach(), right, right.new_tensor(len(part))])
        training = _of_all(sums)
        seconds = time.perf_counter() - start  # the score is there: the device has finished
        if not math.isfinite(training.loss):
            raise ValueError(f"the loss became {training.loss}: give a smaller --lr")
        for buffer in net.buffers():  # batch norm's running statistics: DDP takes those of rank 0
            dist.broadcast(buffer, src=0)  # for all before each step, but not after the last one
        mine = evaluate(net, Batches(my_part(X_val), my_part(y_val), 1000), nn.CrossEntropyLoss())
        validation = _of_all(sums.new_tensor([mine.loss * mine.total, mine.right, mine.total]))
        scores.append((training, validation))
        if rank == 0:
            place = "GPU" if X.is_cuda else f"CPU, threads each: {torch.get_num_threads()}"
            print(
                f"epoch {epoch} of {epochs}: training loss {training.loss:.3f}, validation "
                f"{validation}, {seconds:.1f} s of training, processes: {world} ({place})",
                flush=True,
            )
    return scores


def _of_all(sums):
    """Add up the sums (loss, right, total) of all processes: each sample counts once."""
    dist.all_reduce(sums)
    loss, right, total = sums.tolist()
    return Score(loss / total, int(right), int(total))


def same_on_all(net: nn.Module) -> bool:
    """Say whether weights and statistics of a net are the same in all processes, bit by bit."""
    lowest = torch.cat([tensor.double().flatten() for tensor in net.state_dict().values()])
    highest = lowest.clone()
    dist.all_reduce(lowest, dist.ReduceOp.MIN)
    dist.all_reduce(highest, dist.ReduceOp.MAX)
    return torch.equal(lowest, highest)


def join() -> torch.device:
    """Meet the other processes of the run, and return the device of this one.

    That is a GPU of its own, or the CPU with a fair share of the cores. OMP_NUM_THREADS says
    otherwise, but not with 1: the launcher sets that itself. Raises ValueError if there are more
    processes than GPUs.
    """
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    device, backend = torch.device("cpu"), "gloo"
    if torch.cuda.is_available():
        if processes > (gpus := torch.cuda.device_count()):
            raise ValueError(
                f"there are {processes} processes on this machine, but GPUs: {gpus}. Each needs "
                f"its own: start --nproc-per-node {gpus}, or set CUDA_VISIBLE_DEVICES to nothing "
                "to train on the CPU"
            )
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(device)
        backend = "nccl" if dist.is_nccl_available() else "gloo"
    elif processes > 1 and os.environ.get("OMP_NUM_THREADS", "1") == "1":
        torch.set_num_threads(max(1, os.cpu_count() // processes))
    if "RANK" in os.environ:
        dist.init_process_group(backend, timeout=TIMEOUT)
    else:  # not started by the launcher
        dist.init_process_group(backend, store=dist.HashStore(), rank=0, world_size=1)
    return device


def load(pictures: int | None, device: torch.device):
    """Return CIFAR-10 for training and validation, fetched by one process on each machine."""
    patient = dist.new_group(backend="gloo", timeout=DOWNLOAD)
    if int(os.environ.get("LOCAL_RANK", 0)) == 0:
        data.prepare("cifar10")
    dist.barrier(patient)
    X, y = data.as_tensors(data.cifar10(train=True), pictures)
    std, mean = torch.std_mean(X, dim=(0, 2, 3), keepdim=True)
    return split_validation(X.sub_(mean).div_(std).to(device), y.to(device))


def _refuse(message):
    """End with a message. Often all processes see the same fault: then rank 0 alone says it."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    rank = int(os.environ.get("RANK", 0))
    if rank > 0:
        time.sleep(5)  # as soon as rank 0 has ended, the launcher ends us
    sys.exit(f"Process {rank}: {message}.")


def _stop(*received):
    """End because others have: the launcher tells us so by a signal, or they do not answer."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    print(
        f"Process {os.environ.get('RANK', 0)} stops: another process has ended, or has not "
        f"answered for {TIMEOUT.total_seconds():.0f} s, or the run was interrupted. Look for a "
        "message above, and for 'Root Cause' in the launcher's table below: exitcode -9 means "
        "killed, often because the memory was full.",
        file=sys.stderr,
        flush=True,
    )
    if not received:
        time.sleep(2)  # the launcher ends us; if we were quick, it might take us for the cause
    os._exit(1)  # at once, without waiting for the others


def main(arguments=None) -> int:
    """Train the net of lesson 08 on CIFAR-10."""
    parser = argparse.ArgumentParser("python -m helpers.distributed", description=main.__doc__)
    parser.error = _refuse
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=256, help="of all processes together")
    parser.add_argument("--lr", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=int, help="only the first so many, for a quick look")
    options = parser.parse_args(arguments)
    settings = {name: getattr(options, name) for name in ("epochs", "batch_size", "lr")}
    for name, value in settings.items():
        if not 0 < value < math.inf:
            _refuse(f"--{name.replace('_', '-')} is {value}: give a number above 0")
    try:
        device = join()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _stop)
        train_set, val_set = load(options.pictures, device)
        set_seed(options.seed)
        net = make_net(train_set[0])
        set_seed(options.seed + dist.get_rank())  # each process augments by its own chance
        train(net, train_set, val_set, **settings, seed=options.seed, augment=augment)
        if not same_on_all(net):
            _refuse("the weights are not the same in all processes, which must not happen")
        if dist.get_rank() == 0:
            print(f"The weights of all {dist.get_world_size()} processes are the same.")
        dist.destroy_process_group()
    except (ValueError, OSError, data.DataUnavailable) as error:
        _refuse(error)
    except RuntimeError as error:  # gloo's have no class of their own
        if "gloo" not in str(error) and not isinstance(error, dist.DistError):
            raise
        _stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
