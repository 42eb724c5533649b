"""Everything that is to be measured on a GPU, in parts, the shortest first.

python benchmarks/gpu.py              the parts that this card has no record of yet
python benchmarks/gpu.py ways plain   these parts, recorded or not

limits    operations a second at best
ways      the same training eager, as a CUDA graph, compiled, and both, in turns: seconds an
          epoch, preparation (of the last one without what is already compiled), memory
cifar10   examples/cifar10.py with its setting for a GPU, towards 94 %
plain     the ladder's loop before its triangle, epoch by epoch; the last step given one epoch
fashion   the last step of the ladder, wider, on Fashion-MNIST, towards 94 %
lessons   how long each lesson takes to run
ladder    seconds an epoch with each step of the ladder, and validation after two epochs
larger    wider nets and more epochs, towards 95 and 96 %

Each part takes a few minutes at most and writes its records at its end, into
helpers/recorded/cifar10.json and times.json, with card, driver, clocks and versions: a stop loses
one part, and the next call goes on there. Data must be there already.

`cifar10` and `larger` use seeds that chose nothing and look at the test once a training, after the
last epoch. They train on all 50,000 pictures; the settings were chosen before, on 5,000 of them,
with the other 45,000 to train on. Their clock begins when the data lie on the card and the step is
prepared (compiled and recorded; that is timed by itself), and ends when the card is done. The test
is timed by itself. `fashion` and the ladder: see benchmarks/cifar10.py.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from pathlib import Path

import cifar10
import times
import torch
from ladder import load_cifar
from limits import count_operations
from record import begin, device_named, kind, machine, peak_memory_gb, read, record

from helpers.machine import fast_bf16

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "cifar10.py"
_spec = importlib.util.spec_from_file_location("example", EXAMPLE)
example = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(example)

BEST = "compiled, as a CUDA graph"
WAYS = {
    "eager": {},
    "as a CUDA graph": {"graph": True},
    "compiled": {"compiled": True},
    BEST: {"compiled": True, "graph": True},
}
LARGER = {  # and how often
    "95 %": (dict(example.ON_GPU, widths=(128, 384, 384), depths=(2, 3, 3), epochs=24), 3),
    "96 %": (dict(example.ON_GPU, widths=(256, 512, 512), depths=(2, 3, 3), epochs=48), 1),
}
AGAIN = {"accuracy": 0, "mirror the unsure quarter": 0.25, "mirror": 1}
FIRST_SEED = cifar10.FIRST_SEED


def seconds_of(work, device):
    """Do some work, and give its seconds; a GPU is waited for."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    wait()
    start = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - start


class Training:
    """A training of the example, prepared once, and run from fresh weights with each seed."""

    def __init__(self, setting, X, y, way=BEST):
        self.X, self.y, self.shape = X, y, (setting["widths"], setting["depths"])
        self.same = {"settings": setting, "pictures": len(X)}
        rest = {name: setting[name] for name in setting if name not in ("widths", "depths")}
        rest |= {"bf16": fast_bf16(X.device), **(WAYS[way] if X.device.type == "cuda" else {})}
        self.net = example.make_net(X, *self.shape)
        self.same["parameters"] = sum(p.numel() for p in self.net.parameters())
        self.same["operations_a_picture"] = count_operations(self.net, X[:64], y[:64]) // 64

        def prepare():
            self.train = example.prepare(self.net, X, y, **rest)

        self.preparation = round(seconds_of(prepare, X.device), 2)

    def run(self, seed):
        """Train from the weights of this seed, and give the seconds."""
        torch.manual_seed(seed)
        self.net.load_state_dict(example.make_net(self.X, *self.shape).state_dict())
        return seconds_of(self.train, self.X.device)


def all_pictures(data):
    """Give training and validation in one, and the test."""
    X, y = (torch.cat(pair) for pair in zip(data.train, data.val, strict=True))
    return (X.contiguous(memory_format=torch.channels_last), y), data.test


def limits(data, device, _):
    cifar10.limits(device)


def ways(data, device, _):
    (X, y), _ = all_pictures(data)
    setting = dict(example.ON_GPU, epochs=1)
    trainings, memory = {}, {}
    for way in WAYS:
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        trainings[way] = Training(setting, X, y, way)
        trainings[way].run(0)
        memory[way] = peak_memory_gb(device)
    turns = [{way: training.run(0) for way, training in trainings.items()} for _ in range(5)]
    for way, training in trainings.items():
        runs = [{"seconds": round(turn[way], 4)} for turn in turns]
        same = training.same | {"preparation": training.preparation, "peak_memory_gb": memory[way]}
        print(way, runs, training.preparation, "s of preparation", flush=True)
        record("cifar10", f"ways: {way}", f"an epoch, {way}", runs, device=device, **same)


def judged(name, what, setting, data, seeds):
    """Train the example with each seed, and look at the test after the last epoch."""
    (X, y), test = all_pictures(data)
    training, runs = Training(setting, X, y), []
    for seed in seeds:
        run = {"seconds": round(training.run(seed), 3)}
        for views, share in AGAIN.items():
            start = time.perf_counter()
            run[views] = example.right(training.net, *test, share) / len(test[0])
            run[f"seconds of the test, {views}"] = round(time.perf_counter() - start, 3)
        runs.append(run | {"peak_memory_gb": peak_memory_gb(X.device)})
        print(seed, name, run, flush=True)
    same = training.same | {"preparation": training.preparation}
    record("cifar10", name, what, runs, seeds, X.device, **same)


def fast(data, device, seeds):
    setting = example.ON_GPU
    what = f"the example on all 50,000 pictures, {setting['epochs']} epochs"
    judged("example", what, setting, data, seeds)


def plain(data, device, _):
    cifar10.one(data, device, [0])
    cifar10.plain(data, device, [0])


def fashion(data, device, seeds):
    cifar10.judge("fashion", cifar10.load_fashion(device), device, seeds)


def lessons(data, device, _):
    times.main([])


def steps(data, device, _):
    cifar10.seconds(data, device, range(5))
    cifar10.steps(data, device, [0, 1, 2])


def larger(data, device, seeds):
    for name, (setting, count) in LARGER.items():
        what = f"a larger net, {setting['epochs']} epochs"
        judged(f"example: {name}", what, setting, data, seeds[:count])


PARTS = {  # what to do; the topic and name that it records last
    "limits": (limits, "cifar10", "limits: bfloat16"),
    "ways": (ways, "cifar10", f"ways: {BEST}"),
    "cifar10": (fast, "cifar10", "example"),
    "plain": (plain, "cifar10", "plain"),
    "fashion": (fashion, "cifar10", "fashion"),
    "lessons": (lessons, "times", "cifar10_at_speed"),
    "ladder": (steps, "cifar10", "steps: mirror"),
    "larger": (larger, "cifar10", "example: 96 %"),
}


def is_recorded(topic, name, device):
    """Say whether this card, with this torch, has made an entry."""
    entry = read(topic).get(name + kind(device), {"machine": {}})["machine"]
    here = machine(device)
    return all(entry.get(key) == here[key] for key in ("device", "torch"))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    parser.add_argument("--device", type=device_named, default="cuda", help="by default cuda")
    parser.add_argument("--seeds", type=int, default=10, help="how many, by default 10")
    options = parser.parse_args()
    device = options.device
    begin("cifar10")
    begin("times")
    data = load_cifar(device)
    seeds = [FIRST_SEED + k for k in range(options.seeds)]
    for name, (work, topic, last) in PARTS.items():
        if name in options.parts or not (options.parts or is_recorded(topic, last, device)):
            print(f"{name} …", flush=True)
            torch.set_float32_matmul_precision("highest")  # the example lowers it
            took = seconds_of(lambda work=work: work(data, device, seeds), device)
            print(f"{name}: {took:.0f} s", flush=True)


if __name__ == "__main__":
    main()
