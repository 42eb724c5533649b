"""The fast training stands in a lesson and in examples/cifar10.py: both compute the same."""

import ast
import importlib.util

import pytest
import torch

from helpers.batches import Batches, random_crop, random_flip
from helpers.machine import set_seed
from helpers.training import evaluate
from notebooks import LESSONS, ROOT, code_cells, markdown

FILE = ROOT / "examples" / "cifar10.py"
SPEC = importlib.util.spec_from_file_location("example", FILE)
example = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(example)
(LESSON,) = (path for path in LESSONS if path.stem.endswith("cifar10_at_speed"))
SETTING = {"epochs": 2, "batch_size": 384, "lr": 0.12}


@pytest.fixture(scope="module")
def pictures():
    """Twice 768 pictures in ten colours, with noise: to train on, and to judge."""
    dice = torch.Generator().manual_seed(0)
    colours = torch.randn(10, 3, 1, 1, generator=dice)
    y = torch.randint(10, (1536,), generator=dice)
    X = (colours[y] + torch.randn(1536, 3, 32, 32, generator=dice)).contiguous(
        memory_format=torch.channels_last
    )
    return X[:768], y[:768], X[768:], y[768:]


def names_of_the_lesson(X_train, y_train):
    """Run the imports and definitions of the lesson, and little else, with other pictures."""
    device = torch.device("cpu")
    names = {"X_train": X_train, "y_train": y_train, "device": device, "bf16": False}
    wanted = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    for cell in code_cells(LESSON)[1:]:
        for node in ast.parse(cell.source).body:
            goes_on = ".passed_or(" in ast.unparse(node)  # with ours, as no check has run
            if isinstance(node, wanted) or goes_on:
                exec(compile(ast.Module([node], []), str(LESSON), "exec"), names)
    return names


def test_the_lessons_last_step_is_the_example(pictures):
    X, y, X_new, y_new = pictures
    ours = names_of_the_lesson(X, y)
    net = ours["run"](ours["fast_biases"], epochs=SETTING["epochs"])
    set_seed(0)
    other = example.make_net(X, (32, 64, 128), (1, 2, 2))
    example.prepare(other, X, y, **SETTING, bf16=False)()
    for mine, theirs in zip(net.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.allclose(mine.float(), theirs.float(), rtol=1e-3, atol=1e-3)
    once = evaluate(net, Batches(X_new, y_new, 256), torch.nn.CrossEntropyLoss())
    twice = evaluate(ours["Twice"](net), Batches(X_new, y_new, 256), torch.nn.CrossEntropyLoss())
    assert once.accuracy > 0.3  # it has learned: else agreeing would say nothing
    assert abs(once.right - example.right(other, X_new, y_new)) <= 4
    assert abs(twice.right - example.right(other, X_new, y_new, again=1)) <= 4


def test_the_lessons_pictures_are_changed_as_by_the_helpers(pictures):
    X, y, *_ = pictures
    augment = names_of_the_lesson(X, y)["augment"]
    set_seed(0)
    ours = augment(X)
    set_seed(0)
    theirs = random_crop(random_flip(X), 2)
    assert torch.equal(ours, theirs) and ours.stride() == theirs.stride() == X.stride()


def test_the_lesson_shows_the_example_as_it_stands():
    assert f"```python\n{FILE.read_text(encoding='utf-8')}```" in markdown(LESSON)
