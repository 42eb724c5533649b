"""The runner of experiments, the net that its lesson compares, and fit's part in it."""

import json
import shutil

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn

from helpers import plotting
from helpers.lessons import regularization as experiments
from helpers.lessons.regularization import (
    compared,
    l1_penalty,
    l2_penalty,
    run_all,
    show_runs,
)
from helpers.models import RemedyNet, Residual
from helpers.training import fit

SETTINGS = {"plain": {}, "wide": {"width": 32, "part": "a"}}


class Trainer:
    """A training that only says what it was asked for; it breaks in run number `at`."""

    def __init__(self, error=None, at=0, value=None):
        self.runs, self.error, self.at, self.value = [], error, at, value

    def __call__(self, seed, width=16, part="all"):
        if len(self.runs) + 1 == self.at:
            raise self.error
        self.runs.append((width, seed))
        return {"validation": width + seed / 10 if self.value is None else self.value}


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "runs.jsonl"


def go(train, cache, settings=SETTINGS, seeds=(0, 1)):
    return run_all(train, settings, seeds, cache, progress=False)


EXPECTED = {
    "plain": [{"validation": 16.0}, {"validation": 16.1}],
    "wide": [{"validation": 32.0}, {"validation": 32.1}],
}


# ---------------------------------------------------------------- the runner


def test_all_settings_are_trained_with_all_seeds(cache, capsys):
    train = Trainer()
    assert go(train, cache) == EXPECTED
    assert train.runs == [(16, 0), (16, 1), (32, 0), (32, 1)]
    assert capsys.readouterr().out == "4 runs: 0 taken from runs.jsonl, 4 to train.\n"


def test_finished_runs_are_not_trained_again(cache, capsys):
    go(Trainer(), cache)
    train = Trainer()
    assert go(train, cache) == EXPECTED
    assert train.runs == []
    assert capsys.readouterr().out.endswith("4 runs: 4 taken from runs.jsonl, 0 to train.\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("the loss became nan")])
def test_a_stopped_comparison_goes_on(cache, error):
    with pytest.raises(type(error)):
        go(Trainer(error, at=3), cache)
    train = Trainer()
    assert go(train, cache) == EXPECTED
    assert train.runs == [(32, 0), (32, 1)]


def test_a_new_seed_and_a_new_setting_are_trained(cache, capsys):
    go(Trainer(), cache)
    train = Trainer()
    found = go(train, cache, SETTINGS | {"narrow": {"width": 8}}, seeds=range(3))
    assert train.runs == [(16, 2), (32, 2), (8, 0), (8, 1), (8, 2)]
    assert [len(runs) for runs in found.values()] == [3, 3, 3]
    assert found["narrow"][2] == {"validation": 8.2}


def test_the_name_and_the_order_of_a_setting_do_not_matter(cache):
    go(Trainer(), cache)
    train = Trainer()
    found = go(train, cache, {"broad": {"part": "a", "width": 32}})
    assert train.runs == []
    assert found == {"broad": EXPECTED["wide"]}


def test_equal_settings_are_trained_once(cache):
    train = Trainer()
    found = go(train, cache, {"a": {}, "b": {}})
    assert train.runs == [(16, 0), (16, 1)]
    assert found["a"] == found["b"]


def test_runs_of_other_settings_are_not_used_and_it_says_so(cache, capsys):
    go(Trainer(), cache, {"a": {"width": 8}, "b": {"width": 9}})
    train = Trainer()
    assert go(train, cache) == EXPECTED
    assert len(train.runs) == 4
    assert "Not used: 4 of other settings, seeds or versions" in capsys.readouterr().out


def test_runs_of_another_version_are_not_used(cache, monkeypatch):
    go(Trainer(), cache)
    monkeypatch.setattr(experiments.torch, "__version__", "9.9")
    train = Trainer()
    go(train, cache)
    assert len(train.runs) == 4


@pytest.mark.parametrize(
    "damage",
    [
        '{"setting": {"width": 32}, "se',
        "<html>",
        "[1, 2]",
        "7",
        '{"setting": {}, "seed": 0}',
        '{"setting": {}, "seed": 0, "result": 0.9}',
        '{"setting": {}, "seed": 0, "result": {"validation": NaN}}',
        '{"setting": {}, "seed": 0, "result": {"validation": "high"}}',
        "\0\0\0",
    ],
)
def test_damaged_lines_are_ignored_and_counted(cache, capsys, damage):
    go(Trainer(), cache)
    lines = cache.read_text().splitlines()
    cache.write_text("\n".join([lines[0], damage, *lines[2:], damage]))
    capsys.readouterr()
    train = Trainer()
    assert go(train, cache) == EXPECTED
    assert train.runs == [(16, 1)]
    said = capsys.readouterr().out
    assert said == "4 runs: 3 taken from runs.jsonl, 1 to train.\nIgnored: 2 damaged lines.\n"
    assert go(train, cache) == EXPECTED  # the new line did not run into the torn one
    assert train.runs == [(16, 1)]


def test_a_file_that_is_no_text_is_ignored(cache, capsys):
    cache.write_bytes(bytes(range(128, 256)))
    assert go(Trainer(), cache) == EXPECTED
    assert "Ignored: 1 damaged line." in capsys.readouterr().out


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.9", None])
def test_what_is_not_a_number_is_not_stored(cache, value):
    def train(seed, **setting):
        return {"validation": value}

    with pytest.raises(ValueError, match=rf"\({type(value).__name__}\): it should be a finite"):
        go(train, cache)
    assert cache.read_text() == ""


def test_a_run_is_in_the_file_before_the_next_begins(cache):
    lines = []

    def train(seed, **setting):
        lines.append(len(cache.read_text().splitlines()))
        return {"validation": 0.5}

    go(train, cache)
    assert lines == [0, 1, 2, 3]
    assert json.loads(cache.read_text().splitlines()[0]) == {
        "setting": {},
        "seed": 0,
        "torch": torch.__version__,
        "result": {"validation": 0.5},
    }


def test_the_folder_is_made(tmp_path):
    assert go(Trainer(), tmp_path / "a" / "b" / "runs.jsonl") == EXPECTED


def test_what_cannot_be_written_is_found_before_the_first_training(tmp_path):
    train = Trainer()
    with pytest.raises(OSError, match="directory"):
        go(train, tmp_path)
    with pytest.raises(TypeError, match="function"):
        go(train, tmp_path / "runs.jsonl", {"a": {"change": torch.relu}})
    assert train.runs == []


@pytest.mark.parametrize(
    "damage",
    [
        '{"setting": {}, "seed": 0, "result": {"validation": 1' + "0" * 400 + "}}",
        '{"setting": {}, "seed": 0, "result": {"validation": 1' + "0" * 9000 + "}}",
        '{"setting": {}, "seed": 0, "result": ' + "[" * 100_000,
    ],
    ids=["large", "huge", "deep"],
)
def test_a_line_that_python_cannot_read_blocks_nothing(cache, capsys, damage):
    cache.write_text(damage + "\n")
    assert go(Trainer(), cache) == EXPECTED
    assert "Ignored: 1 damaged line." in capsys.readouterr().out


def forgetful(seed, **setting):
    {"validation": seed}  # noqa: B018


def one_way_out(seed, **setting):
    if seed is None:
        return None
    return {"validation": 0.5}


def test_a_forgotten_return_is_found_before_the_first_training(cache):
    with pytest.raises(TypeError, match="train returns nothing, so its results would be lost"):
        go(forgetful, cache)
    assert not cache.exists()
    assert go(one_way_out, cache)["plain"] == [{"validation": 0.5}] * 2
    assert go(lambda seed, **setting: {"validation": 0.5}, cache)


def test_nothing_in_place_of_a_result_is_named(cache):
    with pytest.raises(ValueError, match="gave None: it should be a dict"):
        go(lambda seed, **setting: one_way_out(None), cache)


@pytest.mark.parametrize("number", [torch.tensor(0.5), np.float32(0.5), torch.tensor([0.5])])
def test_a_number_of_another_kind_is_kept_as_a_plain_one(cache, number):
    assert go(Trainer(value=number), cache)["plain"][0] == {"validation": 0.5}
    assert type(go(Trainer(), cache)["plain"][0]["validation"]) is float


def test_the_other_numbers_of_an_unusable_run_are_told(cache):
    with pytest.raises(ValueError, match=r"It gave \{'validation': 0.875, 'train': nan\}"):
        go(lambda seed, **setting: {"validation": 0.875, "train": float("nan")}, cache)


class Vandal(Trainer):
    """In its third run the file is taken away."""

    def __init__(self, act, back=lambda: None):
        super().__init__()
        self.act, self.back = act, back

    def __call__(self, seed, **setting):
        {2: self.act, 3: self.back}.get(len(self.runs), lambda: None)()
        return super().__call__(seed, **setting)


def test_a_file_that_is_deleted_meanwhile_is_written_again(tmp_path, capsys):
    cache = tmp_path / "folder" / "runs.jsonl"
    assert go(Vandal(lambda: shutil.rmtree(cache.parent)), cache) == EXPECTED
    train = Trainer()
    assert go(train, cache) == EXPECTED and train.runs == []


def test_runs_are_kept_until_the_file_can_be_written(cache, capsys):
    def block():
        cache.unlink()
        cache.mkdir()

    assert go(Vandal(block, cache.rmdir), cache) == EXPECTED
    assert "Not yet saved: 1 runs" in capsys.readouterr().out
    train = Trainer()
    assert go(train, cache) == EXPECTED and train.runs == []


def test_runs_that_can_never_be_written_are_returned(cache, capsys):
    def block():
        cache.unlink()
        cache.mkdir()

    assert go(Vandal(block), cache) == EXPECTED
    assert "Not yet saved: 2 runs" in capsys.readouterr().out


def test_an_interrupt_while_a_run_is_written_loses_it_not(cache, monkeypatch):
    dumps, calls = json.dumps, []

    def stopped(value, **options):
        if "result" in value:
            calls.append(1)
            if len(calls) == 3:
                raise KeyboardInterrupt
        return dumps(value, **options)

    monkeypatch.setattr(experiments.json, "dumps", stopped)
    with pytest.raises(KeyboardInterrupt):
        go(Trainer(), cache)
    monkeypatch.undo()
    train = Trainer()
    assert go(train, cache) == EXPECTED and train.runs == [(32, 1)]


def test_a_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    go(Trainer(), "~/runs.jsonl")
    assert (tmp_path / "runs.jsonl").exists()


def test_seeds_may_be_a_generator(cache):
    assert go(Trainer(), cache, seeds=(seed for seed in (0, 1))) == EXPECTED


# ---------------------------------------------------------------- penalties


def test_penalties_by_hand():
    model = nn.Linear(2, 1)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[3.0, -4.0]]))
        model.bias.fill_(-0.5)
    assert l1_penalty(model).item() == 7.5
    assert l2_penalty(model).item() == 25.25


def test_half_the_squares_are_weight_decay():
    X, y = torch.randn(8, 4), torch.arange(8) % 2
    weights = []
    for penalty, decay in [(lambda m: 0.15 * l2_penalty(m), 0.0), (None, 0.3)]:
        torch.manual_seed(0)
        model = nn.Linear(4, 2)
        fit(
            model,
            [(X, y)],
            [(X, y)],
            epochs=3,
            optimizer=torch.optim.SGD(model.parameters(), 0.1, weight_decay=decay),
            loss_function=nn.CrossEntropyLoss(),
            penalty=penalty,
            keep_best=False,
            progress=False,
        )
        weights.append(model.weight.detach())
    assert torch.allclose(*weights, atol=1e-6)


# ---------------------------------------------------------------- fit, as an experiment needs it


class Forgetting(nn.Module):
    """Right about everything in the first epoch, wrong afterwards."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, X):
        return torch.stack([-self.weight * X[:, 0], self.weight * X[:, 0]], dim=1)


class Shrinking(torch.optim.SGD):
    """Takes 0.6 from the weight in each step."""

    def step(self, closure=None):
        with torch.no_grad():
            self.param_groups[0]["params"][0] -= 0.6


@pytest.mark.parametrize(("keep_best", "weight"), [(True, 0.4), (False, -0.8)])
def test_fit_keeps_the_best_or_the_last_weights(keep_best, weight):
    data = [(torch.tensor([[1.0], [-1.0]]), torch.tensor([1, 0]))]
    model = Forgetting()
    history = fit(
        model,
        data,
        data,
        epochs=3,
        optimizer=Shrinking(model.parameters(), 0.1),
        loss_function=nn.CrossEntropyLoss(),
        keep_best=keep_best,
        progress=False,
    )
    assert [score.right for score in history.validation] == [2, 0, 0]
    assert history.best_epoch == 1
    assert model.weight.item() == pytest.approx(weight)
    assert not history.interrupted


def test_fit_says_that_it_was_interrupted(capsys):
    def stop(model):
        raise KeyboardInterrupt

    data = [(torch.ones(2, 1), torch.tensor([1, 0]))]
    model = Forgetting()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    history = fit(
        model,
        data,
        data,
        epochs=3,
        optimizer=optimizer,
        loss_function=nn.CrossEntropyLoss(),
        penalty=stop,
        progress=False,
    )
    assert history.interrupted
    assert "Epochs finished and kept: 0" in capsys.readouterr().out


# ---------------------------------------------------------------- the net


def parameters(model):
    return sum(p.numel() for p in model.parameters())


def test_docstring_states_the_parameters():
    text = RemedyNet.__doc__
    assert f"{parameters(RemedyNet()):,} parameters as given by default" in text
    assert f"{parameters(RemedyNet(width=32)):,} with width 32" in text
    assert f"each with {parameters(RemedyNet(blocks=1)) - 18_090} parameters at width 16" in text


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"width": 32, "batch_norm": True},
        {"blocks": 3, "dropout": 0.5},
        {"blocks": 3, "skip": True, "batch_norm": True},
    ],
)
def test_remedy_net_gives_two_scores(options):
    assert RemedyNet(**options)(torch.zeros(4, 3, 32, 32)).shape == (4, 2)


def test_skips_add_no_weights():
    assert parameters(RemedyNet(blocks=4, skip=True)) == parameters(RemedyNet(blocks=4))


def test_a_residual_part_of_zeros_changes_nothing():
    part = nn.Conv2d(2, 2, kernel_size=3, padding=1)
    nn.init.zeros_(part.weight)
    nn.init.zeros_(part.bias)
    X = torch.randn(3, 2, 5, 5)
    assert torch.equal(Residual(part)(X), X)
    assert torch.equal(Residual(nn.Identity())(X), 2 * X)


# ---------------------------------------------------------------- the figure


def test_every_run_is_a_dot_and_the_best_is_on_top(monkeypatch):
    monkeypatch.setattr(plotting, "display", lambda data, **options: None)
    monkeypatch.setattr(plt, "close", lambda: None)
    results = {
        "good": [{"train": 1.0, "validation": 0.8}, {"train": 0.9, "validation": 0.9}],
        "bad": [{"train": 0.7, "validation": 0.6}],
    }
    show_runs(results, alt="A figure that a test looks at.")
    (ax,) = plt.gcf().axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["bad", "good"]
    dots = {
        (line.get_marker(), tuple(map(float, line.get_xdata())), line.get_ydata()[0])
        for line in ax.lines
        if line.get_marker() in "so" and len(line.get_xdata())
    }
    assert dots == {
        ("s", (100.0, 90.0), 1),
        ("o", (80.0, 90.0), 1),
        ("s", (70.0,), 0),
        ("o", (60.0,), 0),
    }
    monkeypatch.undo()
    plt.close("all")


def test_runs_below_the_start_of_the_axis_are_written(monkeypatch):
    monkeypatch.setattr(plotting, "display", lambda data, **options: None)
    monkeypatch.setattr(plt, "close", lambda: None)
    results = {
        "good": [{"train": 1.0, "validation": 0.9}],
        "lost": [{"train": 0.5, "validation": 0.4}, {"train": 0.6, "validation": 0.5}],
    }
    show_runs(results, alt="A figure that a test looks at.", start=80)
    (ax,) = plt.gcf().axes
    assert [text.get_text() for text in ax.texts] == [" ← 45 %, training 55 %"]
    assert ax.get_xlim()[0] == 80
    assert {line.get_ydata()[0] for line in ax.lines if len(line.get_xdata())} == {1}
    monkeypatch.undo()
    plt.close("all")


# ---------------------------------------------------------------- two settings compared


def accuracies(*shares):
    return [{"validation": share} for share in shares]


def test_compared_is_in_points_with_the_error_of_the_differences():
    ahead, error = compared(accuracies(0.84, 0.86, 0.88), accuracies(0.83, 0.84, 0.85))
    assert ahead == pytest.approx(2)  # 1, 2 and 3 points
    assert error == pytest.approx(1 / 3**0.5)


@pytest.mark.parametrize("counts", [(1, 1), (3, 2)])
def test_compared_wants_two_runs_of_the_same_seeds(counts):
    with pytest.raises(ValueError, match=f"{counts[0]} and {counts[1]} runs"):
        compared(*(accuracies(*[0.5] * count) for count in counts))
