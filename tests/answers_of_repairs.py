"""Answers for the repair shop: the trainings that the lesson shows, each with a line changed."""

import inspect
import textwrap

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import LinearLR, OneCycleLR

from helpers.checks import repairs


def changed(original, *pairs):
    """Give a function whose source has other words in it: (old, new), (old, new), …"""
    source = textwrap.dedent(inspect.getsource(original))
    for old, new in pairs:
        assert source.count(old) == 1, (original, old)
        source = source.replace(old, new)
    names = {"torch": torch, "F": F, "nn": nn, "LinearLR": LinearLR, "OneCycleLR": OneCycleLR}
    exec(source, names)
    return names[original.__name__]


def more(original, old, new):
    """The words after those that are there."""
    return changed(original, (old, old + new))


STEP = "optimizer.step()\n"
BACK = "loss.backward()\n"
LAST = "losses.append(loss.item())\n"
LOOP = "for _ in range(60):\n"
NET = "model = make_net()\n"
INDENT = " " * 8


def start_in_float64(model, X, y, optimizer, loss_function, steps=60):
    def look():
        return float(loss_function(model(X), y).detach().double())

    start = look()
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=False)
        loss_function(model(X), y).backward()
        optimizer.step()
    return [start, look()]


def start_in_the_loop(model, X, y, optimizer, loss_function, steps=60):
    losses = []
    for step in range(steps + 1):
        loss = loss_function(model(X), y)
        losses.append(loss.item())
        if step == steps:
            break
        model.zero_grad()
        loss.backward()
        optimizer.step()
    return losses[0], losses[-1]


def start_with_a_closure(model, X, y, optimizer, loss_function, steps=60):
    def closure():
        optimizer.zero_grad()
        loss = loss_function(model(X), y)
        loss.backward()
        return loss

    with torch.no_grad():
        start = loss_function(model(X), y)
    for _ in range(steps):
        optimizer.step(closure)
    with torch.inference_mode():
        end = loss_function(model(X), y)
    return start.item(), end.item()


def start_by_while(model, X, y, optimizer, loss_function, steps=60):
    start = loss_function(model(X), y).item()
    while steps > 0:
        loss = loss_function(model(X), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        steps -= 1
    end = loss_function(model(X), y).item()
    return start, end


def start_as_numpy(model, X, y, optimizer, loss_function, steps=60):
    return tuple(map(float, start_by_while(model, X, y, optimizer, loss_function, steps)))


def start_that_never_ends(model, X, y, optimizer, loss_function, steps=60):
    start = loss_function(model(X), y).item()
    while steps > 0:
        loss = loss_function(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return start, loss.item()


def start_without_weights(model, X, y, optimizer, loss_function, steps=60):
    with torch.no_grad():
        for _ in range(steps):
            loss = loss_function(model(X), y)
            loss.backward()
    return loss.item(), loss.item()


def start_by_batches(model, X, y, optimizer, loss_function, steps=60):
    start = loss_function(model(X), y).item()
    for _ in range(steps):
        for part, labels in zip(X.split(10), y.split(10), strict=True):
            optimizer.zero_grad()
            loss_function(model(part), labels).backward()
            optimizer.step()
    return start, loss_function(model(X), y).item()


P1, P2, P3, P4 = (
    repairs.softmax_twice,
    repairs.large_pictures,
    repairs.other_model,
    repairs.gradients_add_up,
)
P5, P6, P7 = repairs.short_schedule, repairs.high_rate, repairs.other_labels
OTHER = "torch.optim.Adam(make_net().parameters(), lr=0.003)\n"
FIRST = "    optimizer = " + OTHER

RIGHT = {
    "start_and_end": [
        start_in_float64,
        start_in_the_loop,
        start_with_a_closure,
        start_by_while,
        start_as_numpy,
    ],
    "patient_1": [
        changed(P1, (".softmax(dim=1)", "")),
        changed(P1, (".softmax(dim=1)", ".log_softmax(dim=1)")),  # twice does no harm
        changed(P1, (".softmax(dim=1)", ".log_softmax(1)"), ("cross_entropy", "nll_loss")),
        changed(P1, ("F.cross_entropy(probabilities, y)", "F.nll_loss(probabilities.log(), y)")),
        changed(P1, ("F.cross_entropy(probabilities", "nn.CrossEntropyLoss()(model(X / 255)")),
        changed(P1, (".softmax(dim=1)", ""), ("0.003", "0.01")),
    ],
    "patient_2": [
        changed(P2, ("X.float()", "X / 255")),
        changed(P2, ("X.float()", "X.float() / 255.0")),
        changed(P2, ("X.float()", "(X.float() - X.float().mean()) / X.float().std()")),
        changed(P2, ("X.float()", "X / 127.5 - 1")),
        changed(P2, ("model(X.float())", "model(torch.div(X, 255))")),
        changed(P2, ("model = make_net()", "model = make_net(); X = X / 255"), ("X.float()", "X")),
        changed(P2, ("X.float()", "F.batch_norm(X.float(), None, None, training=True)")),
    ],
    "patient_3": [
        changed(P3, (FIRST, ""), (NET, NET + FIRST.replace("make_net()", "model"))),
        changed(
            P3,
            (
                "    losses = []",
                "    optimizer = torch.optim.Adam(model.parameters(), 0.003)\n    losses = []",
            ),
        ),
        changed(
            P3,
            (
                "    losses = []",
                "    optimizer.add_param_group({'params': model.parameters()})\n    losses = []",
            ),
        ),
        changed(
            P3,
            (
                "    losses = []",
                "    optimizer.param_groups[0]['params'] = list(model.parameters())\n    losses = []",
            ),
        ),
        changed(
            P3,
            (FIRST, "    net = make_net()\n" + FIRST.replace("make_net()", "net")),
            (NET, "model = net\n"),
        ),
        changed(
            P3,
            (
                "    losses = []",
                "    optimizer = torch.optim.SGD(model.parameters(), 0.3)\n    losses = []",
            ),
        ),
    ],
    "patient_4": [
        more(P4, STEP, INDENT + "optimizer.zero_grad()\n"),
        changed(P4, (BACK, "optimizer.zero_grad()\n" + INDENT + BACK)),
        more(P4, LOOP, INDENT + "model.zero_grad()\n"),
        more(P4, LOOP, INDENT + "for w in model.parameters(): w.grad = None\n"),
        more(P4, LAST, INDENT + "optimizer.zero_grad(set_to_none=False)\n"),
        more(P4, STEP, INDENT + "[w.grad.zero_() for w in model.parameters()]\n"),
    ],
    "patient_5": [
        changed(P5, ("total_iters=6)", "total_iters=60)")),
        changed(P5, (INDENT + "scheduler.step()\n", "")),
        changed(
            P5,
            (
                "LinearLR(optimizer, 1, 0, total_iters=6)",
                "OneCycleLR(optimizer, 0.01, total_steps=60)",
            ),
        ),
        changed(
            P5,
            (
                "LinearLR(optimizer, 1, 0, total_iters=6)",
                "LinearLR(optimizer, 1, 0.1, total_iters=60)",
            ),
        ),
        changed(
            P5,
            (LOOP, "for step in range(60):\n"),
            ("scheduler.step()", "if step % 10 == 9: scheduler.step()"),
        ),
        changed(P5, ("total_iters=6)", "total_iters=100)")),
    ],
    "patient_6": [
        *(changed(P6, ("lr=0.3", f"lr={lr}")) for lr in (0.001, 0.003, 0.01, 0.03)),
        changed(P6, ("Adam(model.parameters(), lr=0.3)", "SGD(model.parameters(), lr=0.3)")),
        changed(
            P6, ("Adam(model.parameters(), lr=0.3)", "SGD(model.parameters(), 0.05, momentum=0.9)")
        ),
    ],
    "patient_7": [
        changed(
            P7, ("X = X[torch.randperm(len(X))]", "i = torch.randperm(len(X)); X, y = X[i], y[i]")
        ),
        changed(P7, (INDENT + "X = X[torch.randperm(len(X))]\n", "")),
        changed(
            P7,
            ("X = X[torch.randperm(len(X))]", "order = torch.randperm(len(X))"),
            ("model(X / 255), y", "model(X[order] / 255), y[order]"),
        ),
        changed(
            P7,
            ("    losses = []", "    i = torch.randperm(len(X)); X, y = X[i], y[i]; losses = []"),
            (INDENT + "X = X[torch.randperm(len(X))]\n", ""),
        ),
        changed(P7, ("X = X[torch.randperm(len(X))]", "X = X")),
    ],
}

WRONG = {
    "start_and_end": [
        (start_that_never_ends, "does not come to an end"),
        (start_without_weights, "does not require grad"),
        (start_by_batches, "not those of such a training"),
        (lambda model, X, y, optimizer, loss_function: (2.3, 0), "stops with TypeError"),
        (lambda *all: None, "returns nothing"),
        (lambda *all: "2.3 0.0", "Two numbers"),
    ],
    "patient_1": [
        (changed(P1, (".softmax(dim=1)", ".sigmoid()")), "below 1.461"),
        (changed(P1, (".softmax(dim=1)", ".softmax(dim=0)")), "not learned by heart"),
        (changed(P1, (".softmax(dim=1)", ".softmax(dim=1)"), ("0.003", "0.03")), "below 1.461"),
        (changed(P1, ("F.cross_entropy(", "F.nll_loss(")), "below 0"),
        (
            changed(
                P1,
                (
                    "F.cross_entropy(probabilities, y)",
                    "F.mse_loss(probabilities, F.one_hot(y, 10).float())",
                ),
            ),
            "before the first step is 0.09",
        ),
        (changed(P1, (".softmax(dim=1)", ".argmax(dim=1).float()")), "stops with"),
        (changed(P1, (".softmax(dim=1)", ""), ("range(60)", "range(200)")), "there are 200"),
        (
            changed(P1, (".softmax(dim=1)", ""), ("return model, losses", "return losses")),
            "Leave what it returns",
        ),
        (changed(P1, (".softmax(dim=1)", ""), ("loss.item()", "loss")), "Keep numbers"),
        (
            changed(P1, (".softmax(dim=1)", ""), ("return model, losses", "return")),
            "returns nothing",
        ),
        (changed(P1, (".softmax(dim=1)", ""), (LOOP, "while True:\n")), "does not come to an end"),
    ],
    "patient_2": [
        (changed(P2, ("0.003", "0.0001")), "before the first step"),
        (changed(P2, ("X.float()", "X.float() / 2.55")), "before the first step"),
        (changed(P2, ("X.float()", "X")), "stops with RuntimeError"),
        (changed(P2, ("X.float()", "(X // 255).float()")), "have become zeros"),
        (changed(P2, ("X.float()", "X.float() * 0")), "have become zeros"),
        (changed(P2, ("X.float()", "X / 255"), (INDENT + STEP, "")), "No weight of the net moves"),
        (changed(P2, ("X.float()", "X / 255 / 255 / 255")), "zeros, or nearly"),
        (
            changed(
                P2,
                (
                    "F.cross_entropy(model(X.float()), y)",
                    "F.cross_entropy(model(X.float()), y) / 255",
                ),
            ),
            "before the first step is 0.1",
        ),
        (
            changed(
                P2,
                ("X.float()", "X / 255"),
                ("make_net()", "nn.Sequential(nn.Flatten(), nn.Linear(784, 10))"),
            ),
            "Leave the net",
        ),
        (
            changed(P2, ("model = make_net()", "model = make_net(); X /= 255"), ("X.float()", "X")),
            "stops with RuntimeError",
        ),
    ],
    "patient_3": [
        (changed(P3, ("lr=0.003", "lr=0.3")), "No weight of the net moves"),
        (changed(P3, (NET, "model = make_net(); model.train()\n")), "No weight of the net moves"),
        (
            changed(P3, ("return model, losses", "return make_net(), losses")),
            "No weight of the net moves",
        ),
        (changed(P3, ("make_net().parameters()", "[]")), "stops with ValueError"),
        (
            changed(P3, ("make_net().parameters()", "model.parameters()")),
            "stops with UnboundLocalError",
        ),
        (
            changed(
                P3,
                (
                    "    losses = []",
                    "    optimizer = torch.optim.Adam(model[0].parameters(), 1e-5)\n    losses = []",
                ),
            ),
            "is added to those",
        ),
        (
            changed(
                P3,
                (
                    "    losses = []",
                    "    optimizer = torch.optim.Adam(model.parameters(), 0)\n    losses = []",
                ),
            ),
            "No weight of the net moves",
        ),
        (
            changed(
                P3,
                (
                    "    losses = []",
                    "    optimizer = torch.optim.SGD(model.parameters(), 1e30)\n    losses = []",
                ),
            ),
            "no number any more",
        ),
        (
            changed(
                P3,
                (
                    "    losses = []",
                    "    optimizer = torch.optim.Adam(model.parameters(), 3)\n    losses = []",
                ),
            ),
            "not learned by heart",
        ),
        (changed(P3, ("return model, losses", "return model")), "Leave what it returns"),
    ],
    "patient_4": [
        *((changed(P4, ("0.003", lr)), "is added to those") for lr in ("0.002", "0.001")),
        (
            changed(P4, ("Adam(model.parameters(), lr=0.003)", "SGD(model.parameters(), 0.01)")),
            "is added",
        ),
        (more(P4, BACK, INDENT + "optimizer.zero_grad()\n"), "No weight of the net moves"),
        (changed(P4, (LOOP, "optimizer.zero_grad()\n    " + LOOP)), "is added to those"),
        (changed(P4, ("lr=0.003", "lr=0.0001")), "is added to those"),
        (changed(P4, (BACK, "loss.backward(retain_graph=True)\n")), "is added to those"),
        (changed(P4, (INDENT + STEP, "")), "No weight of the net moves"),
        (more(P4, STEP, INDENT + "optimizer.zero_grad\n"), "is added to those"),
        (more(P4, STEP, INDENT + "optimizer.clear()\n"), "stops with AttributeError"),
        (more(P4, LOOP, INDENT + "model.parameters().grad = None\n"), "stops with"),
        (more(P4, LOOP, INDENT + "model = make_net()\n"), "No weight of the net moves"),
        (
            changed(P4, (INDENT + LAST, INDENT + "losses = [loss.item()] * 60\n")),
            "before the first step",
        ),
    ],
    "patient_5": [
        (changed(P5, ("total_iters=6)", "total_iters=12)")), "After step 12"),
        (changed(P5, ("total_iters=6)", "total_iters=30)")), "After step 30"),
        (changed(P5, ("lr=0.003", "lr=0.03")), "After step 6"),
        (
            changed(P5, ("LinearLR(optimizer, 1, 0,", "LinearLR(optimizer, 1, 0.001,")),
            "not learned by heart",
        ),
        (changed(P5, ("range(60)", "range(6)")), "there are 6"),
        (
            changed(P5, ("LinearLR(optimizer, 1, 0,", "LinearLR(optimizer, 0, 1,")),
            "stops with ValueError",
        ),
        (
            changed(
                P5,
                (
                    "LinearLR(optimizer, 1, 0, total_iters=6)",
                    "OneCycleLR(optimizer, 0.01, total_steps=6)",
                ),
            ),
            "stops with ValueError",
        ),
        (
            changed(
                P5,
                (
                    "LinearLR(optimizer, 1, 0, total_iters=6)",
                    "LinearLR(optimizer, 1, 100, total_iters=60)",
                ),
            ),
            "stops with ValueError",
        ),
        (
            changed(P5, ("total_iters=6)", "total_iters=60)"), (INDENT + STEP, "")),
            "No weight of the net moves",
        ),
        (
            changed(P5, (INDENT + "scheduler.step()\n", INDENT + "scheduler.step(60)\n")),
            "After step 1",
        ),
    ],
    "patient_6": [
        (changed(P6, ("lr=0.3", "lr=0.00001")), "not learned by heart"),
        (changed(P6, ("lr=0.3", "lr=3")), "the net is dead"),
        (changed(P6, ("lr=0.3", "lr=0")), "No weight of the net moves"),
        (changed(P6, ("lr=0.3", "lr=-0.003")), "stops with ValueError"),
        (changed(P6, ("range(60)", "range(600)")), "there are 600"),
        (
            changed(P6, ("Adam(model.parameters(), lr=0.3)", "SGD(model.parameters(), lr=0.001)")),
            "not learned by heart",
        ),
        (
            changed(P6, ("Adam(model.parameters(), lr=0.3)", "SGD(model.parameters(), lr=1e20)")),
            "no number any more",
        ),
        (changed(P6, ("X / 255", "X / 2550000")), "zeros, or nearly"),
        (changed(P6, ("lr=0.3", "lr=0.25")), "the net is dead"),
        (
            changed(
                P6,
                ("F.cross_entropy(model(X / 255), y)", "F.cross_entropy(model(X / 255), y) * 0.01"),
            ),
            "before the first step is 0.02",
        ),
    ],
    "patient_7": [
        (
            changed(
                P7,
                ("    losses = []", "    X = X[torch.randperm(len(X))]; losses = []"),
                (INDENT + "X = X[torch.randperm(len(X))]\n", ""),
            ),
            "learned other pairs",
        ),
        (changed(P7, ("255), y)", "255), y[torch.randperm(len(y))])")), "learned other pairs"),
        (
            changed(P7, ("X = X[torch.randperm(len(X))]", "y = y[torch.randperm(len(X))]")),
            "learned other pairs",
        ),
        (
            changed(P7, ("torch.randperm(len(X))", "torch.randint(len(X), (64,))")),
            "learned other pairs",
        ),
        (changed(P7, ("X[torch.randperm(len(X))]", "X.flip(0)")), "learned other pairs"),
        (changed(P7, ("lr=0.003", "lr=0.03")), "learned other pairs"),
        (changed(P7, ("X[torch.randperm(len(X))]", "X[:1]")), "stops with ValueError"),
        (
            changed(
                P7,
                (
                    "X = X[torch.randperm(len(X))]",
                    "i = torch.randperm(len(X)); X[:], y[:] = X[i], y[i]",
                ),
            ),
            "has changed",
        ),
        (
            changed(
                P7,
                (
                    "X = X[torch.randperm(len(X))]",
                    "X = X[torch.randperm(len(y))]; y = y.sort().values",
                ),
            ),
            "learned other pairs",
        ),
        (changed(P7, ("range(60)", "range(0)")), "there are 0"),
        (changed(P7, ("X[torch.randperm(len(X))]", "torch.randperm(len(X))")), "stops with"),
    ],
}
