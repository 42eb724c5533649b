"""Tests of helpers.models and helpers.training.

Stand-ins make a training exact: `Scripted`, an optimizer that takes the weights from a list
instead of learning them, and the loaders `Breaking`, which stops in the middle of a chosen epoch,
and `Epochs`, which gives other batches in each.
"""

import copy
import math
import os
import pickle
import re
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from helpers import training
from helpers.models import SignsNet, trace_shapes
from helpers.training import (
    Score,
    evaluate,
    fit,
    load_weights,
    predict,
    save_weights,
    start_and_end,
)

nll, cross_entropy = nn.NLLLoss(), nn.CrossEntropyLoss()


def batches(X, y, size):
    return list(zip(X.split(size), y.split(size), strict=True))


def same(before, after):
    return before.keys() == after.keys() and all(torch.equal(before[k], after[k]) for k in before)


def state(model):
    return copy.deepcopy(model.state_dict())


@pytest.fixture
def net():
    """A small SignsNet whose batch norm looks as if it had seen something."""
    torch.manual_seed(0)
    model = SignsNet(size=8, channels=2)
    model.block1[1].running_mean.fill_(0.1)
    return model


@pytest.fixture
def flat():
    """A net without convolutions, for what does not need them."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))
    model.extend([nn.Linear(8, 6), nn.LogSoftmax(1)])
    model[2].running_mean.fill_(0.1)
    return model


@pytest.fixture
def pictures():
    """Twenty-five small pictures and their labels 0-5."""
    numbers = torch.Generator().manual_seed(0)
    return torch.rand(25, 3, 8, 8, generator=numbers), torch.arange(25) % 6


# ---------------------------------------------------------------- models


def test_docstring_states_the_number_of_parameters():
    stated = re.search(r"([\d,]+) parameters", SignsNet.__doc__)[1]
    assert f"{sum(p.numel() for p in SignsNet().parameters()):,}" == stated == "1,143,430"


@pytest.mark.parametrize(
    ("sizes", "shape", "classes"),
    [
        ({}, (2, 3, 64, 64), 6),
        ({"size": 8, "channels": 2}, (5, 3, 8, 8), 6),
        ({"size": 24, "channels": 3, "classes": 4}, (1, 3, 24, 24), 4),
    ],
)
def test_signs_net_gives_log_probabilities(sizes, shape, classes):
    model = SignsNet(**sizes).eval()
    with torch.no_grad():
        output = model(torch.rand(shape))
    assert output.shape == (shape[0], classes) and output.dtype == torch.float32
    assert torch.allclose(output.exp().sum(dim=1), torch.ones(shape[0]), atol=1e-5)


@pytest.mark.parametrize("size", [-8, 0, 4, 12, 60, 65])
def test_signs_net_refuses_a_size_that_cannot_be_halved_three_times(size):
    with pytest.raises(ValueError, match=f"size is {size}: .* multiple of 8"):
        SignsNet(size=size)


def test_dropout_of_signs_net_can_be_chosen(pictures):
    model = SignsNet(size=8, channels=2, dropout=0)
    assert torch.equal(model(pictures[0]), model(pictures[0]))
    model = SignsNet(size=8, channels=2, dropout=0.5)
    assert not torch.equal(model(pictures[0]), model(pictures[0]))


def test_trace_lists_every_layer_of_signs_net():
    model = SignsNet()
    rows = trace_shapes(model, torch.zeros(2, 3, 64, 64))
    assert rows[:4] == [
        ("block1.0 (Conv2d)", (2, 32, 64, 64), 3 * 32 * 9 + 32),
        ("block1.1 (BatchNorm2d)", (2, 32, 64, 64), 64),
        ("block1.2 (MaxPool2d)", (2, 32, 32, 32), 0),
        ("block1.3 (ReLU)", (2, 32, 32, 32), 0),
    ]
    assert [shape for _, shape, _ in rows[7:12:4]] == [(2, 64, 16, 16), (2, 128, 8, 8)]
    assert rows[12:14] == [
        ("flatten (Flatten)", (2, 8192), 0),
        ("hidden (Linear)", (2, 128), 128 * 8 * 8 * 128 + 128),
    ]
    assert rows[-1] == ("log_softmax (LogSoftmax)", (2, 6), 0)
    assert sum(count for _, _, count in rows) == sum(p.numel() for p in model.parameters())


def test_trace_names_a_model_of_a_single_layer():
    rows = trace_shapes(nn.Conv2d(3, 4, 3), torch.zeros(1, 3, 8, 8))
    assert rows == [("model (Conv2d)", (1, 4, 6, 6), 3 * 4 * 9 + 4)]


def with_flatten_size(size):
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(size, 6)
    )


def test_trace_of_a_wrong_flatten_size_shows_how_far_it_came():
    with pytest.raises(ValueError, match=r"shape \(2, 3, 8, 8\) stops half-way") as caught:
        trace_shapes(with_flatten_size(100), torch.zeros(2, 3, 8, 8))
    assert str(caught.value).endswith(
        "It came to:\n"
        "  0 (Conv2d): (2, 4, 8, 8)\n"
        "  1 (BatchNorm2d): (2, 4, 8, 8)\n"
        "  2 (Flatten): (2, 256)"
    )


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("size", [256, 100])
def test_trace_leaves_the_model_as_it_was(size, training):
    model = with_flatten_size(size).train(training)
    calls = []
    model[0].register_forward_hook(lambda *_: calls.append(1))
    before = state(model)
    try:
        trace_shapes(model, torch.rand(2, 3, 8, 8))
    except ValueError:
        assert size == 100
    assert all(layer.training == training for layer in model.modules())
    assert [len(layer._forward_hooks) for layer in model] == [1, 0, 0, 0]
    assert same(before, model.state_dict()) and calls == [1]


# ---------------------------------------------------------------- fit

TEN = torch.arange(10.0)[:, None], torch.zeros(10, dtype=torch.int64)


def below(threshold):
    """A model that answers 0 below the threshold and 1 above: for TEN, 2.5 means 3 right."""
    model = nn.Linear(1, 2)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[0.0], [1.0]]))
        model.bias.copy_(torch.tensor([0.0, -threshold]))
    return model


def threshold(model):
    return -model.bias[1].item()


class Scripted(torch.optim.SGD):
    """Each step sets the threshold of the model to the next one of a list."""

    def __init__(self, model, thresholds):
        super().__init__(model.parameters(), lr=0.0)
        self.bias, self.thresholds = model.bias, iter(thresholds)

    def step(self, closure=None):
        with torch.no_grad():
            self.bias[1] = -next(self.thresholds)


class Breaking:
    """A loader that raises an error in the given pass, after its first batch."""

    def __init__(self, batches, error, at):
        self.batches, self.error, self.at, self.passes = batches, error, at, 0

    def __iter__(self):
        self.passes += 1
        yield self.batches[0]
        if self.passes == self.at:
            raise self.error
        yield from self.batches[1:]


class Epochs:
    """A loader that gives other batches in each pass."""

    def __init__(self, *passes):
        self.passes = iter(passes)

    def __iter__(self):
        return iter(next(self.passes))


def train(model, train_loader, val_loader=None, *, optimizer=None, loss=cross_entropy, **options):
    return fit(
        model,
        train_loader,
        train_loader if val_loader is None else val_loader,
        optimizer=optimizer or torch.optim.SGD(model.parameters(), lr=0.0),
        loss_function=loss,
        **{"epochs": 1, "progress": False} | options,
    )


def train_by_script(thresholds, **options):
    """One batch, so one step, an epoch."""
    model = below(0.5)
    optimizer = Scripted(model, thresholds)
    options = {"epochs": len(thresholds)} | options
    return model, train(model, batches(*TEN, 10), optimizer=optimizer, **options)


def rights(scores):
    return [score.right for score in scores]


def test_fit_learns_what_can_be_separated():
    numbers = torch.Generator().manual_seed(0)
    y = torch.arange(60) % 3
    X = 4 * F.one_hot(y, 3) + torch.rand(60, 3, generator=numbers)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader, val_loader = batches(X[:45], y[:45], 15), batches(X[45:], y[45:], 15)
    history = train(model, loader, val_loader, optimizer=optimizer, epochs=10)
    assert history.train[-1].loss < 0.5 * history.train[0].loss
    assert history.train[-1].total == 45
    score = evaluate(model, val_loader, cross_entropy)
    assert score.right == 15
    assert score.loss == pytest.approx(history.validation[history.best_epoch - 1].loss)


def test_scores_are_weighted_by_sample():
    X = torch.cat([torch.full((192, 1), 0.0), torch.full((24, 1), 1.0)])
    y = torch.zeros(216, dtype=torch.int64)  # below(0.5) is right about the first 192
    history = train(below(0.5), batches(X, y, 32))
    loss = (192 * math.log(1 + math.exp(-0.5)) + 24 * math.log(1 + math.exp(0.5))) / 216
    for score in (*history.train, *history.validation):
        assert (score.right, score.total, score.accuracy) == (192, 216, 192 / 216)
        assert score.loss == pytest.approx(loss, rel=1e-5)


def test_the_best_weights_come_back_at_the_end():
    model, history = train_by_script([2.5, 6.5, 6.6, 4.5])
    assert rights(history.validation) == [3, 7, 7, 5]
    assert history.best_epoch == 2
    assert threshold(model) == 6.5


def test_the_training_score_is_taken_while_the_weights_change():
    _, history = train_by_script([2.5, 6.5])
    assert rights(history.train) == [1, 3]  # before the step of each epoch


def test_gradients_of_a_batch_do_not_add_to_the_next():
    model, alone = below(4.5), below(4.5)
    loader = batches(*TEN, 5)
    train(model, loader)
    X, y = loader[-1]
    cross_entropy(alone(X), y).backward()
    assert torch.allclose(model.weight.grad, alone.weight.grad)


@pytest.mark.parametrize("training", [True, False])
def test_fit_trains_in_training_mode_and_judges_in_evaluation_mode(training):
    model, modes = below(0.5).train(training), []
    model.register_forward_hook(lambda *_: modes.append(model.training))
    train(model, batches(*TEN, 5), batches(*TEN, 10), epochs=2)
    assert modes == [True, True, False] * 2


def test_batch_norm_of_the_best_epoch_comes_back_too():
    X, y = TEN[0] - 4.5, torch.arange(10) // 5
    model = nn.Sequential(nn.BatchNorm1d(1, momentum=1.0), below(0.0))
    epochs = Epochs([(X, y)], [(X + 1000, y)])  # the second spoils the running mean
    history = train(model, epochs, [(X, y)], epochs=2)
    assert rights(history.validation) == [10, 5]
    assert model[0].running_mean.item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(
    ("thresholds", "patience", "epochs", "best"),
    [
        ([2.5, 6.5, 4.5, 5.5, 9.5], 2, 4, 2),
        ([2.5, 6.5, 4.5, 5.5, 9.5], 3, 5, 5),
        ([2.5, 6.5, 4.5, 5.5, 9.5], None, 5, 5),
        ([6.5, 6.6, 6.7, 9.5], 2, 3, 1),
    ],
)
def test_patience_stops_a_training_that_improves_no_more(thresholds, patience, epochs, best):
    model, history = train_by_script(thresholds, patience=patience)
    assert len(history.train) == len(history.validation) == epochs
    assert history.best_epoch == best
    assert threshold(model) == pytest.approx(thresholds[best - 1])


@pytest.mark.parametrize("progress", [True, False])
def test_the_progress_bar_can_be_left_out(capsys, progress):
    train_by_script([2.5], progress=progress)
    shown = "".join(capsys.readouterr())
    assert ("epoch" in shown and "validation 30.0 %" in shown) == progress
    assert progress or shown == ""


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("part", ["train", "validation"])
def test_an_interrupt_keeps_the_finished_epochs(capsys, part, training):
    model = below(0.5).train(training)
    loaders = {"train": batches(*TEN, 5), "validation": batches(*TEN, 5)}
    loaders[part] = Breaking(loaders[part], KeyboardInterrupt(), at=3)
    optimizer = Scripted(model, [1.5, 2.5, 3.5, 1.5, 9.5, 9.5])  # two steps an epoch
    history = train(model, *loaders.values(), optimizer=optimizer, epochs=5)
    assert rights(history.validation) == [3, 2]
    assert threshold(model) == 2.5
    assert model.training == training
    assert "Interrupted. Epochs finished and kept: 2." in capsys.readouterr().out


def test_an_interrupt_in_the_first_epoch_gives_an_empty_history(capsys):
    model = below(0.5).eval()
    loader = Breaking(batches(*TEN, 5), KeyboardInterrupt(), at=1)
    history = train(model, loader, batches(*TEN, 5), epochs=5)
    assert history.train == history.validation == []
    assert not model.training
    assert "Epochs finished and kept: 0" in capsys.readouterr().out


def test_an_error_in_the_middle_leaves_the_best_weights():
    model = below(0.5).eval()
    loader = Breaking(batches(*TEN, 5), OSError("the disk is gone"), at=3)
    optimizer = Scripted(model, [1.5, 2.5, 3.5, 1.5, 9.5])
    with pytest.raises(OSError, match="the disk is gone"):
        train(model, loader, batches(*TEN, 5), optimizer=optimizer, epochs=5)
    assert threshold(model) == 2.5
    assert not model.training


def test_a_diverging_training_leaves_the_best_weights():
    model = below(0.5)
    optimizer = Scripted(model, [6.5, math.nan, 9.5])
    with pytest.raises(ValueError, match="became nan: lower the learning rate"):
        train(model, batches(*TEN, 10), optimizer=optimizer, epochs=3)
    assert threshold(model) == 6.5


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_a_number_is_named(value):
    with pytest.raises(ValueError, match=f"the loss became {value}"):
        train(below(0.5), batches(*TEN, 5), loss=lambda output, y: output.mean() + value)


def test_a_huge_learning_rate_is_named():
    model = below(0.5)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e38)
    loader = batches(TEN[0], torch.arange(10) % 2, 2)
    with pytest.raises(ValueError, match=r"became (nan|inf): lower the learning rate"):
        train(model, loader, optimizer=optimizer)


def test_nan_in_the_pictures_is_named(flat, pictures):
    X, y = pictures
    X[3, 0, 2, 2] = math.nan
    before = {name: p.clone() for name, p in flat.named_parameters()}
    optimizer = torch.optim.SGD(flat.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="check that the pictures hold no nan"):
        train(flat, batches(X, y, 25), optimizer=optimizer, loss=nll)
    assert same(before, dict(flat.named_parameters()))


# ---------------------------------------------------------------- fit: an interrupt at any line


def interrupted_training(moment, model, **options):
    """Train for three epochs of two steps, with an interrupt at a line of helpers.training.

    Returns the history, None if fit was left by the interrupt; the steps that were made; and
    whether there was an interrupt.
    """
    optimizer = Scripted(model, [1.5, 3.5, 2.5, 7.5, 6.5, 5.5])
    found, lines, history = sys.gettrace(), 0, None

    def trace(frame, event, _):
        nonlocal lines
        if frame.f_code.co_filename != training.__file__:
            return None
        lines += event == "line"
        if event == "line" and lines == moment:
            raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        history = train(model, batches(*TEN, 5), optimizer=optimizer, epochs=3, **options)
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(found)
    return history, 6 - len(list(optimizer.thresholds)), lines >= moment


@pytest.mark.parametrize("keep_best", [True, False])
def test_an_interrupt_at_any_line_leaves_history_and_weights_of_one_mind(capsys, keep_best):
    moment, came, lengths = 0, True, set()
    while came:
        moment, model = moment + 1, nn.Sequential(below(0.5), nn.Dropout(0.5)).eval()
        model.bias = model[0].bias
        history, steps, came = interrupted_training(moment, model, keep_best=keep_best)
        assert not any(layer.training for layer in model.modules()), moment
        reached = [0.5, 1.5, 3.5, 2.5, 7.5, 6.5, 5.5][steps]
        if history is None:  # before the first step, or after everything
            assert threshold(model) == {0: 0.5, 6: 7.5 if keep_best else 5.5}[steps], moment
            continue
        finished = len(history.validation)
        lengths.add(finished)
        assert len(history.train) == len(history.seconds) == finished, moment
        assert history.interrupted == came
        assert rights(history.validation) == [4, 8, 6][:finished]
        best = [reached, 3.5, 7.5, 7.5][finished] if keep_best else reached
        assert threshold(model) == best, moment
    assert lengths == {0, 1, 2, 3} and moment > 300


# ---------------------------------------------------------------- fit: no wait for a GPU


class Computed(TorchDispatchMode):
    """Count what cannot go on before the device has finished: its numbers decide what follows."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        waiting = ("_local_scalar_dense", "nonzero", "equal", "is_nonzero", "masked_select")
        self.count += func._schema.name.removeprefix("aten::") in waiting
        return func(*args, **kwargs or {})


class Asked(TorchFunctionMode):
    """Count what brings numbers from the device without computing."""

    count = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.count += getattr(func, "__name__", "") in ("tolist", "cpu", "numpy", "__array__")
        return func(*args, **kwargs or {})


@pytest.fixture
def ahead(monkeypatch):
    """Let fit treat the CPU as a device that computes ahead, as a GPU does."""
    monkeypatch.setattr(training, "READ_AT_EACH_STEP", ())


def waits(model, steps, epochs, **options):
    X, y = torch.rand(2 * steps, 3, 8, 8), torch.arange(2 * steps) % 6
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    options |= {"optimizer": optimizer, "loss": nll, "epochs": epochs}
    options["scheduler"] = torch.optim.lr_scheduler.LinearLR(optimizer)
    options["penalty"] = lambda model: sum(w.square().sum() for w in model.parameters())
    with Computed() as computed, Asked() as asked:
        train(model, batches(X, y, 2), batches(X, y, 4), **options)
    return computed.count + asked.count


@pytest.mark.parametrize("steps", [5, 50])
@pytest.mark.parametrize("epochs", [1, 3])
def test_an_epoch_waits_twice_for_a_gpu_however_long_it_is(net, steps, epochs, ahead):
    assert waits(net, steps, epochs) == 2 * epochs


def test_waits_are_counted(net):
    assert waits(net, 20, 1) == 20 + 1 + 10 + 1  # on a CPU: at each step, and at the end


def test_results_do_not_depend_on_when_they_are_read(flat, pictures, ahead, monkeypatch):
    histories, loader = [], batches(*pictures, 5)
    for at_each_step in ((), ("cpu",)):
        monkeypatch.setattr(training, "READ_AT_EACH_STEP", at_each_step)
        torch.manual_seed(0)
        model = copy.deepcopy(flat)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        history = train(model, loader, optimizer=optimizer, loss=nll, epochs=2)
        histories.append((history.train, history.validation))
    assert histories[0] == histories[1]


def test_a_gpu_finds_nan_at_the_end_of_the_epoch(ahead):
    model = below(0.5)
    optimizer = Scripted(model, [5.5, 6.5, math.nan, 4.5, 9.5, 9.5])
    with pytest.raises(ValueError, match="became nan: lower the learning rate"):
        train(model, batches(*TEN, 5), optimizer=optimizer, epochs=3)
    assert threshold(model) == 6.5
    assert next(optimizer.thresholds) == 9.5  # the epoch was finished, and no other begun


@pytest.mark.parametrize("wrong", [7, -1, -100])
@pytest.mark.parametrize("use", ["fit", "evaluate", "predict"])
def test_a_gpu_never_computes_with_a_wrong_label(flat, pictures, use, wrong, ahead):
    X, y = pictures
    y[7] = wrong  # in the second of five batches
    with pytest.raises(ValueError, match=f"a label {wrong}, but the model has the classes 0 to 5"):
        USES[use](flat, batches(X, y, 5))


@pytest.mark.parametrize(
    ("loaders", "what"),
    [(([], batches(*TEN, 5)), "training"), ((batches(*TEN, 5), []), "evaluation")],
)
def test_an_empty_loader_is_named(loaders, what):
    with pytest.raises(ValueError, match=f"loader for {what} gave no batch"):
        train(below(0.5), *loaders)


# ---------------------------------------------------------------- what fit and evaluate share

USES = {
    "fit": lambda model, loader: train(model, loader, loss=nll),
    "evaluate": lambda model, loader: evaluate(model, loader, nll),
    "predict": predict,
}
every_use = pytest.mark.parametrize("use", USES.values(), ids=USES)


@every_use
@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_left_as_it_was(flat, pictures, use, training):
    flat.train(training)
    use(flat, batches(*pictures, 5))
    assert all(layer.training == training for layer in flat.modules())


@every_use
@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_left_as_it_was_after_an_error(flat, pictures, use, training):
    flat.train(training)
    with pytest.raises(OSError, match="the disk is gone"):
        use(flat, Breaking(batches(*pictures, 5), OSError("the disk is gone"), at=1))
    assert all(layer.training == training for layer in flat.modules())


@every_use
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda X, y: ((255 * X).byte(), y), "a batch is torch.uint8: make it a float tensor"),
        (lambda X, y: (X.numpy(), y), "a batch is ndarray: make it a float tensor"),
        (lambda X, y: (X, y[:, None]), r"\(25, 1\) for 25 samples: .* int64 of the shape \(25,\)"),
        (lambda X, y: (X, y.float()), "labels are torch.float32"),
        (lambda X, y: (X, y[:24]), r"shape \(24,\) for 25 samples"),
        (lambda X, y: (X, y.clamp(min=1) + 1), "a label 6, but the model has the classes 0 to 5"),
        (lambda X, y: (X, y - 1), "a label -1, but the model has the classes 0 to 5"),
        (lambda X, y: (X.repeat(1, 1, 2, 2), y), r"cannot take .* shape \(25, 3, 16, 16\)"),
        (lambda X, y: (X.permute(0, 2, 3, 1), y), r"cannot take .* shape \(25, 8, 8, 3\)"),
    ],
)
def test_a_batch_that_does_not_fit_is_named(net, pictures, use, spoil, words):
    with pytest.raises(ValueError, match=words):
        use(net, [spoil(*pictures)])
    assert net.training


@every_use
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda X, y: ((255 * X).byte(), y), "a batch is torch.uint8: make it a float tensor"),
        (lambda X, y: (X.numpy(), y), "a batch is ndarray: make it a float tensor"),
        (lambda X, y: (X, y[:24]), r"shape \(24,\) for 25 samples"),
        (lambda X, y: (X, y + 1), "a label 6, but the model has the classes 0 to 5"),
        (lambda X, y: (X, y - 1), "a label -1, but the model has the classes 0 to 5"),
        (lambda X, y: (X.repeat(1, 1, 2, 2), y), r"cannot take .* shape \(25, 3, 16, 16\)"),
    ],
)
def test_a_later_batch_that_does_not_fit_is_named_too(net, pictures, use, spoil, words):
    with pytest.raises(ValueError, match=words):
        use(net, [pictures, spoil(*pictures)])
    assert net.training


@pytest.mark.parametrize("use", ["fit", "evaluate"])
def test_later_labels_of_another_type_are_named(net, pictures, use):
    with pytest.raises(ValueError, match=r"labels are torch.float32"):
        USES[use](net, [pictures, (pictures[0], pictures[1].float())])


@pytest.mark.parametrize("use", ["fit", "evaluate"])
def test_an_error_of_the_loss_stays_what_it_is(flat, pictures, use):
    def loss(output, y):
        raise RuntimeError("not made for this")

    with pytest.raises(RuntimeError, match="not made for this"):
        train(flat, [pictures], loss=loss) if use == "fit" else evaluate(flat, [pictures], loss)


class WrongFlatten(nn.Module):
    """Cuts 25 pictures of 3 × 8 × 8 numbers into 16 rows of 300."""

    def __init__(self):
        super().__init__()
        self.output = nn.Linear(300, 6)

    def forward(self, X):
        return self.output(X.reshape(-1, 300))


@every_use
def test_an_output_that_lost_its_batch_axis_is_named(pictures, use):
    words = r"for 25 samples the model gives \(16, 6\) instead of \(25, classes\)"
    with pytest.raises(ValueError, match=words):
        use(WrongFlatten(), [pictures])


@every_use
def test_an_output_without_a_class_axis_is_named(use):
    model = nn.Sequential(nn.Linear(1, 1), nn.Flatten(0))
    with pytest.raises(ValueError, match=r"gives \(10,\) instead of \(10, classes\)"):
        use(model, [TEN])


def test_a_single_sample_cannot_be_trained_on_with_batch_norm(flat, pictures):
    loader = batches(*pictures, 8)  # 8 + 8 + 8 + 1
    with pytest.raises(ValueError, match=r"a single sample .* drop_last=True"):
        train(flat, loader, loss=nll)
    assert evaluate(flat, loader, nll).total == len(predict(flat, loader)[1]) == 25


def test_a_single_sample_without_batch_norm_can_be_trained_on():
    assert train(below(0.5), batches(*TEN, 9)).train[0].total == 10


# ---------------------------------------------------------------- evaluate and predict


@pytest.mark.parametrize("size", [1, 7, 24, 25])
def test_evaluate_does_not_depend_on_the_batch_size(flat, pictures, size):
    flat.double()
    X, y = pictures[0].double(), pictures[1]
    score = evaluate(flat, batches(X, y, size), nll)
    output = flat.eval()(X)
    assert score.loss == pytest.approx(nll(output, y).item(), rel=1e-9)
    assert (score.right, score.total) == ((output.argmax(1) == y).sum().item(), 25)


@pytest.mark.parametrize("use", ["evaluate", "predict"])
def test_judging_changes_nothing_in_the_model(flat, pictures, use):
    nll(flat(pictures[0]), pictures[1]).backward()
    before, gradients = state(flat), {n: p.grad.clone() for n, p in flat.named_parameters()}
    USES[use](flat, batches(*pictures, 6))
    assert same(before, flat.state_dict())
    assert same(gradients, {n: p.grad for n, p in flat.named_parameters()})


def test_evaluate_keeps_nothing_for_gradients(flat, pictures):
    def loss(output, y):
        assert not output.requires_grad
        return nll(output, y)

    assert evaluate(flat, [pictures], loss).total == 25
    assert torch.is_grad_enabled()


def test_evaluate_refuses_an_empty_loader(flat):
    with pytest.raises(ValueError, match="loader for evaluation gave no batch"):
        evaluate(flat, [], nll)


def test_predict_keeps_the_order(flat, pictures):
    X, y = pictures
    output, labels = predict(flat, batches(X, y, 4))
    assert torch.equal(labels, y)
    assert not output.requires_grad
    assert torch.allclose(output, flat.eval()(X), atol=1e-5)


@pytest.mark.parametrize(
    ("right", "total", "text"),
    [
        (9187, 10000, "9,187 of 10,000 = 91.87 %"),
        (192, 216, "192 of 216 = 88.89 %"),
        (0, 5, "0 of 5 = 0.00 %"),
        (5, 5, "5 of 5 = 100.00 %"),
    ],
)
def test_a_score_prints_its_counts(right, total, text):
    assert str(Score(0.5, right, total)) == text


# ---------------------------------------------------------------- no memory

# twelve petabytes that take no memory, until something is made of them
HUGE = torch.zeros(1, 3, 32, 32).expand(10**12, 3, 32, 32), torch.zeros(1).long().expand(10**12)


class Hungry(nn.Module):
    """Runs out of memory in its forward or its backward pass, as on a GPU."""

    def __init__(self, where, error):
        super().__init__()
        self.where, self.error = where, error
        self.output = nn.Linear(1, 2)

    def forward(self, X):
        if self.where == "forward":
            raise self.error
        scores = self.output(X)
        if scores.requires_grad:
            scores.register_hook(self.fail)
        return scores

    def fail(self, gradient):
        raise self.error


@every_use
@pytest.mark.parametrize("training", [True, False])
def test_a_batch_that_does_not_fit_into_memory_is_named(use, training):
    model = nn.Sequential(nn.Flatten(), nn.Linear(3072, 2)).train(training)
    said = r"no memory for a batch of the shape \(1000000000000, 3, 32, 32\): lower batch_size, or"
    with pytest.raises(MemoryError, match=said):
        use(model, [HUGE])
    assert model.training == training


@every_use
def test_apples_gpu_without_memory_is_named(use):
    model = Hungry("forward", RuntimeError("Invalid buffer size: 57.22 GiB"))
    with pytest.raises(MemoryError, match="lower batch_size"):
        use(model, [TEN])


@every_use
def test_a_gpu_without_memory_is_named(use):
    model = Hungry("forward", torch.OutOfMemoryError("CUDA out of memory. Tried 2 GiB.\nMore"))
    with pytest.raises(MemoryError, match=r"shape \(10, 1\): .* \(CUDA out of memory.*GiB\.\)$"):
        use(model, [TEN])


def test_no_memory_in_the_backward_pass_is_named():
    model = Hungry("backward", torch.OutOfMemoryError("CUDA out of memory."))
    with pytest.raises(MemoryError, match=r"no memory for a batch of the shape \(10, 1\)"):
        train(model.eval(), [TEN])
    assert not model.training
    assert evaluate(model, [TEN], cross_entropy).total == 10  # which has no backward pass


def test_another_error_in_the_backward_pass_stays_what_it_is():
    with pytest.raises(RuntimeError, match="something else"):
        train(Hungry("backward", RuntimeError("something else")), [TEN])


# ---------------------------------------------------------------- weights in files


@pytest.fixture
def file(net, tmp_path):
    """The weights of `net` in a file."""
    save_weights(net, tmp_path / "signs.pt")
    return tmp_path / "signs.pt"


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_weights_come_back_from_a_file(net, pictures, file, layout):
    other = SignsNet(size=8, channels=2).to(memory_format=layout)
    assert not same(net.state_dict(), other.state_dict())
    load_weights(other, str(file))
    assert same(net.state_dict(), other.state_dict())
    X = pictures[0].contiguous(memory_format=layout)
    assert torch.allclose(other.eval()(X), net.eval()(X), atol=1e-5)


def test_weights_of_another_memory_layout_come_back(net, file):
    other = copy.deepcopy(net).to(memory_format=torch.channels_last)
    save_weights(other, file)
    fresh = SignsNet(size=8, channels=2)
    load_weights(fresh, file)
    assert same(net.state_dict(), fresh.state_dict())


def test_a_saved_file_stands_alone(net, file):
    save_weights(net, file)  # once more, over the first
    assert [path.name for path in file.parent.iterdir()] == ["signs.pt"]


def test_an_interrupted_save_leaves_the_old_file(net, file, monkeypatch):
    def half(weights, buffer):
        buffer.write(b"half")
        raise KeyboardInterrupt

    before = file.read_bytes()
    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(KeyboardInterrupt):
        save_weights(SignsNet(size=8, channels=2), file)
    assert file.read_bytes() == before
    monkeypatch.undo()
    save_weights(net, file)  # what is left over is not in the way
    assert [path.name for path in file.parent.iterdir()] == ["signs.pt"]


def test_a_missing_file_is_named(net, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no weights at .*nothing\.pt: train and save"):
        load_weights(net, tmp_path / "nothing.pt")


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[len(whole) // 2 :],
        lambda whole: b"",
        lambda whole: b"<!DOCTYPE html><html><body>Not found</body></html>",
    ],
    ids=["first half", "second half", "empty", "web page"],
)
def test_a_damaged_file_is_named(net, file, damage):
    file.write_bytes(damage(file.read_bytes()))
    before = state(net)
    with pytest.raises(ValueError, match=r"signs\.pt is not a file of weights: damaged"):
        load_weights(net, file)
    assert same(before, net.state_dict())


class Trap:
    """An object that makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def write_pickle(content, path):
    path.write_bytes(pickle.dumps(content, protocol=2))


@pytest.mark.parametrize("write", [torch.save, write_pickle])
def test_code_in_a_file_does_not_run(net, tmp_path, write):
    trapped, folder = tmp_path / "trapped.pt", tmp_path / "made"
    write({"weight": Trap(folder)}, trapped)
    with pytest.raises(ValueError, match=r"trapped\.pt is not a file of weights: .* run code"):
        load_weights(net, trapped)
    assert not folder.exists()
    if write is torch.save:  # the trap works where code is let in
        torch.load(trapped, weights_only=False)
    else:
        pickle.loads(trapped.read_bytes())
    assert folder.exists()


@pytest.mark.parametrize(
    "content",
    [
        SignsNet(size=8, channels=3).state_dict(),
        nn.Linear(2, 2).state_dict(),
        {"epoch": 3, "model": SignsNet(size=8, channels=2).state_dict()},
        torch.zeros(3),
        [1, 2],
    ],
    ids=["other size", "other net", "checkpoint", "tensor", "list"],
)
def test_what_is_not_the_weights_of_this_net_is_named(net, tmp_path, content):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"other\.pt does not hold the weights of a SignsNet"):
        load_weights(net, tmp_path / "other.pt")


# ---------------------------------------------------------------- found by trying


def test_a_refused_file_leaves_the_weights(net, tmp_path):
    save_weights(SignsNet(size=16, channels=2), tmp_path / "other.pt")
    before = state(net)
    with pytest.raises(ValueError, match=r"hidden\.weight should have the shape"):
        load_weights(net, tmp_path / "other.pt")
    assert same(before, net.state_dict())


def test_divergence_in_the_last_step_is_named():
    with pytest.raises(ValueError, match="nan"):
        train_by_script([math.nan])


def test_evaluate_names_nan(flat, pictures):
    pictures[0][0] = math.nan
    with pytest.raises(ValueError, match="nan"):
        evaluate(flat, [pictures], nll)


def test_a_frozen_part_stays_in_evaluation(net, pictures):
    net.train()
    net.block1.eval()
    learned = []
    net.block1.register_forward_hook(lambda layer, *_: learned.append(layer.training))
    evaluate(net, [pictures], nll)
    predict(net, [pictures])
    trace_shapes(net, pictures[0])
    train(net, [pictures], [pictures], loss=nll, epochs=1)
    assert net.training and not net.block1.training and not any(learned)


@pytest.mark.parametrize("kind", [torch.int32, torch.bool])
def test_labels_of_another_type_are_named(net, pictures, kind):
    with pytest.raises(ValueError, match="int64"):
        evaluate(net, [(pictures[0], pictures[1].to(kind))], nll)


def test_predict_refuses_an_empty_loader(net):
    with pytest.raises(ValueError, match="gave no batch"):
        predict(net, [])


def test_pictures_without_channels_are_named(net, pictures):
    with pytest.raises(ValueError, match="the model cannot take"):
        evaluate(net, [(pictures[0][:3, 0], pictures[1][:3])], nll)


def test_scheduler_steps_after_each_batch(flat, pictures):
    optimizer = torch.optim.SGD(flat.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, total_iters=10)
    loader = batches(*pictures, 5)
    fit(
        flat,
        loader,
        loader,
        epochs=1,
        optimizer=optimizer,
        loss_function=nll,
        scheduler=scheduler,
        progress=False,
    )
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.5)


# ---------------------------------------------------------------- a training that could do nothing


def sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


def frozen(model):
    return model.requires_grad_(False)


def step_schedule(make, taken=0, **options):
    """Options of a training whose scheduler has taken some steps already."""

    def plan(model):
        optimizer = sgd(model)
        scheduler = make(optimizer)
        for _ in range(taken):
            optimizer.step()
            scheduler.step()
        return {"optimizer": optimizer, "scheduler": scheduler} | options

    return plan


def falling(optimizer):
    return torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, total_iters=4)


def one_cycle(optimizer):
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=4)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (
            lambda model: {"optimizer": sgd(below(0.5))},
            "holds no weight of this model that can learn",
        ),
        (lambda model: {"optimizer": sgd(frozen(model))}, "all weights of the model are frozen"),
        (
            lambda model: {"optimizer": sgd(model), "scheduler": falling(sgd(model))},
            "the scheduler changes another optimizer",
        ),
        (step_schedule(falling, taken=4), "the learning rate was 0 in the whole first epoch"),
        (
            step_schedule(one_cycle, epochs=3),
            "the scheduler ends after 4 steps, of which 0 are taken; this training takes 6",
        ),
        (step_schedule(one_cycle, taken=3), "of which 3 are taken; this training takes 2"),
        (
            step_schedule(torch.optim.lr_scheduler.ReduceLROnPlateau),
            "ReduceLROnPlateau waits for a score",
        ),
    ],
)
def test_what_cannot_change_the_model_is_named(plan, words):
    model = below(0.5)
    before = state(model)
    with pytest.raises(ValueError, match=words):
        train(model, batches(*TEN, 5), **plan(model))
    assert same(before, state(model))


@pytest.mark.parametrize(
    "plan",
    [
        step_schedule(falling, epochs=2),
        step_schedule(falling, taken=3),
        step_schedule(one_cycle, epochs=2),
        step_schedule(lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda step: step)),
        lambda model: {"optimizer": torch.optim.SGD([model.bias], lr=0.1)},  # a part of the model
    ],
)
def test_what_changes_the_model_is_not_refused(plan):
    model = below(0.5)
    before = state(model)
    train(model, batches(*TEN, 5), keep_best=False, **plan(model))
    assert not same(before, state(model))


def test_a_warm_up_from_0_may_fill_the_first_epoch():
    model = below(0.5)
    optimizer = sgd(model)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step)
    train(model, [TEN], optimizer=optimizer, scheduler=scheduler)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1)


ONCE = [
    lambda loader: (batch for batch in loader),
    iter,
    lambda loader: zip(*zip(*loader, strict=True), strict=True),
    lambda loader: map(tuple, loader),
]


@pytest.mark.parametrize("make", ONCE)
@pytest.mark.parametrize("place", [0, 1])
def test_a_loader_that_can_be_read_only_once_is_named(make, place):
    loaders = [batches(*TEN, 5), batches(*TEN, 5)]
    loaders[place] = make(loaders[place])
    with pytest.raises(ValueError, match="can be read only once, and each of the 2 epochs"):
        train(below(0.5), *loaders, epochs=2)
    assert train(below(0.5), *loaders, epochs=1).validation[0].total == 10  # nothing was read


def test_a_loader_that_was_read_before_is_named():
    loader = iter(batches(*TEN, 5))
    assert evaluate(below(0.5), loader, cross_entropy).total == 10
    with pytest.raises(ValueError, match="is the dataset empty, or was this read before"):
        evaluate(below(0.5), loader, cross_entropy)


class Always(nn.Module):
    """A baseline: the same class, whatever it sees."""

    def forward(self, X):
        return F.one_hot(torch.zeros(len(X), dtype=torch.int64), 3).float()


def test_a_model_without_weights_is_judged_and_not_trained():
    assert evaluate(Always(), batches(*TEN, 4), cross_entropy).right == 10
    output, labels = predict(Always(), batches(*TEN, 4))
    assert output.shape == (10, 3) and len(labels) == 10
    with pytest.raises(ValueError, match="the model has no weights"):
        train(Always(), batches(*TEN, 5), optimizer=sgd(below(0.5)))


def test_predict_names_nan(flat, pictures):
    X, y = pictures
    X[3] = float("nan")
    with pytest.raises(ValueError, match="the output of 1 of 25 samples is not a number"):
        predict(flat, batches(X, y, 5))


def test_predict_lets_minus_infinity_through():
    model = nn.Linear(1, 2)
    model.bias.data[0] = -math.inf
    assert predict(model, batches(*TEN, 5))[0][:, 0].isinf().all()


def test_start_and_end_are_the_losses_before_and_after():
    model = nn.Linear(4, 3)
    X, y = torch.randn(6, 4), torch.tensor([0, 1, 2, 0, 1, 2])
    before = F.cross_entropy(model(X), y).item()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model.eval()
    start, end = start_and_end(model, X, y, optimizer, F.cross_entropy, steps=7)
    assert start == pytest.approx(before) and end < start
    assert end == pytest.approx(F.cross_entropy(model(X), y).item())
    assert not model.training
    again = start_and_end(model, X, y, optimizer, F.cross_entropy, steps=0)
    assert again[0] == again[1] == pytest.approx(end)
