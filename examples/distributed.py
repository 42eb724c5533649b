"""The training of cifar10.py on several processes, each with a GPU or some cores of its own.

    torchrun --nproc-per-node 2 --master-addr 127.0.0.1 --master-port 29500 examples/distributed.py

torchrun starts this program twice and gives each process a number, its rank. Every process has all
data and a copy of the net, but takes only its part of each batch. DistributedDataParallel (DDP)
averages the gradients, so that all copies take the same step and stay the same.
"""

import os
import sys
from datetime import timedelta

import torch
import torch.distributed as dist
from cifar10 import BIAS_LR, ON_CPU, ON_GPU, augment, load, make_net, triangle
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DistributedSampler

from helpers.data import prepare
from helpers.machine import fast_bf16
from helpers.muon import Muon

PATIENCE = timedelta(minutes=2)  # to wait for another process, before the run is given up
DOWNLOAD = timedelta(hours=1)  # to wait for the dataset


def join():
    """Meet the other processes, and give the device of this one."""
    here = int(os.environ["LOCAL_WORLD_SIZE"])
    if here == int(os.environ["WORLD_SIZE"]):  # all on this machine: nothing but 127.0.0.1 is used,
        # also where the machine's own name leads nowhere
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo0" if sys.platform == "darwin" else "lo")
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    else:
        torch.set_num_threads(max(1, os.cpu_count() // here))  # torchrun leaves each a single one
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    return device


def total(*numbers, device):
    """Add up numbers over all processes."""
    sums = torch.tensor(numbers, dtype=torch.float64, device=device)
    dist.all_reduce(sums)
    return sums.tolist()


def train(net, X, y, epochs, batch_size, lr, bf16, change=augment, seed=0):
    """Train one net with all processes; give the mean loss of each epoch, over all samples once.

    A batch is shared out evenly: batch_size must be a multiple of the number of processes.
    """
    rank, world = dist.get_rank(), dist.get_world_size()
    if batch_size % world or batch_size > len(X):
        raise ValueError(f"batches of {batch_size} of {len(X)} cannot be shared by {world}")
    part, a_epoch, losses = batch_size // world, len(X) // batch_size, []
    parallel = DistributedDataParallel(net)  # all begin with the weights of rank 0
    optimizer = Muon(net, lr=lr, bias_lr=BIAS_LR)
    schedule = LambdaLR(optimizer, lambda step: triangle(step / (epochs * a_epoch)))
    loss_function = nn.CrossEntropyLoss(label_smoothing=0.2)
    sampler = DistributedSampler(range(len(X)), seed=seed, drop_last=True)  # this process's part
    torch.manual_seed(seed + rank)  # each augments by its own chance
    for epoch in range(epochs):
        net.train()
        sampler.set_epoch(epoch)  # another order, the same for all
        mine = torch.tensor(list(sampler)).to(X.device)
        summed = torch.zeros((), device=X.device)
        for chosen in mine.split(part)[:a_epoch]:
            with torch.autocast(X.device.type, torch.bfloat16, enabled=bf16):
                output = parallel(change(X[chosen]))
            loss = loss_function(output.float(), y[chosen])
            optimizer.zero_grad()
            loss.backward()  # here the gradients of all are averaged
            optimizer.step()
            schedule.step()
            summed += loss.detach()
        (all_losses,) = total(summed.item() * part, device=X.device)
        losses.append(all_losses / (a_epoch * batch_size))
        if rank == 0:
            print(f"epoch {epoch + 1} of {epochs}: loss {losses[-1]:.3f}", flush=True)
        if losses[-1] != losses[-1]:
            raise ValueError("the loss became nan: give a lower rate")
    for buffer in net.buffers():  # batch norm's averages come from each process's own part
        dist.broadcast(buffer, src=0)
    return losses


@torch.no_grad()
def right(net, X, y):
    """Count right answers; each process judges every world-th picture, so each counts once."""
    mine = slice(dist.get_rank(), None, dist.get_world_size())
    net.eval()
    named = torch.cat([net(part).argmax(dim=1) for part in X[mine].split(1000)])
    count = (named == y[mine]).sum().item()
    return [int(number) for number in total(count, len(named), device=X.device)]


def run():
    device = join()
    patient = dist.new_group(backend="gloo", timeout=DOWNLOAD)
    if int(os.environ["LOCAL_RANK"]) == 0:
        prepare("cifar10")  # one process fetches, the others wait
    dist.barrier(patient)
    (X, y), _, test = load(device)
    setting = dict(ON_GPU if device.type == "cuda" else ON_CPU)
    torch.manual_seed(0)
    net = make_net(X, setting.pop("widths"), setting.pop("depths"))
    train(net, X, y, **setting, bf16=fast_bf16(device))
    counts = right(net, *test)
    if dist.get_rank() == 0:
        print("{:,} of {:,} test pictures right".format(*counts))
    dist.destroy_process_group()


def main():
    try:
        run()
    except (ValueError, OSError, RuntimeError) as error:
        lost = isinstance(error, dist.DistError) or "gloo" in str(error)
        said = f"another process has ended or does not answer: {error}" if lost else error
        print(f"Process {os.environ.get('RANK', 0)} stops: {said}", file=sys.stderr, flush=True)
        os._exit(1)  # at once, without waiting for the others


if __name__ == "__main__":
    main()
