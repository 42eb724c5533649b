"""Tests of helpers.results: the counts by hand, the figures by what they draw."""

import json
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from helpers import plotting, results
from helpers.results import (
    confusion_matrix,
    per_class_accuracy,
    recorded,
    show_confusion,
    show_curves,
    show_mistakes,
)
from helpers.training import History, Score

NAMES = ["zero", "one", "two"]
ALT = "A figure that a test looks at."


@pytest.fixture
def shown(monkeypatch):
    """Collect the text of each output that would be displayed, and keep its figure open."""
    collected = []

    def display(data, *, metadata, raw):
        assert raw and data["image/png"].startswith(b"\x89PNG")
        assert data["text/plain"] == f"Figure: {metadata['image/png']['alt']}"
        collected.append(metadata["image/png"]["alt"])

    plt.close("all")
    monkeypatch.setattr(plotting, "display", display)
    monkeypatch.setattr(plt, "close", lambda: None)
    yield collected
    monkeypatch.undo()
    plt.close("all")


# ---------------------------------------------------------------- the confusion matrix


def test_rows_of_the_confusion_matrix_are_labels():
    y = torch.tensor([0, 0, 0, 1, 2, 2])
    predicted = torch.tensor([0, 2, 2, 1, 2, 1])
    matrix = confusion_matrix(predicted, y, 3)
    assert matrix.tolist() == [[1, 0, 2], [0, 1, 0], [0, 1, 1]]
    assert matrix.dtype == torch.int64


@pytest.mark.parametrize(("classes", "used"), [(2, 2), (6, 6), (10, 7)])
def test_confusion_matrix_agrees_with_a_count_by_loops(classes, used):
    rng = np.random.default_rng(classes)
    y, predicted = (torch.from_numpy(rng.integers(0, used, 200)) for _ in range(2))
    expected = [
        [sum((y == label) & (predicted == answer)).item() for answer in range(classes)]
        for label in range(classes)
    ]
    assert confusion_matrix(predicted, y, classes).tolist() == expected


WHOLE = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("kind_of_y", WHOLE)
def test_small_types_do_not_overflow_in_counting(kind, kind_of_y):
    y = torch.arange(100).repeat(3)
    matrix = confusion_matrix(y.flip(0).to(kind), y.to(kind_of_y), 100)
    assert torch.equal(matrix, 3 * torch.eye(100, dtype=torch.int64).flip(0))
    assert per_class_accuracy(y.to(kind), y.to(kind_of_y), 100).tolist() == [1.0] * 100


def test_more_of_a_kind_than_a_small_type_holds_are_counted():
    y = torch.ones(70_000, dtype=torch.uint8)
    assert confusion_matrix(y, y, 2).tolist() == [[0, 0], [0, 70_000]]


@pytest.mark.parametrize("answers", [torch.tensor([0.7]), torch.tensor([1.0])])
def test_scores_are_no_answers(answers):
    with pytest.raises(ValueError, match=r"answers are torch.float32, .* output.argmax\(dim=1\)"):
        confusion_matrix(answers, torch.tensor([1]), 3)


def test_confusion_matrix_of_nothing_is_zero():
    nothing = torch.zeros(0, dtype=torch.int64)
    assert confusion_matrix(nothing, nothing, 2).tolist() == [[0, 0], [0, 0]]


def test_confusion_is_drawn_with_labels_in_rows(shown):
    show_confusion(torch.tensor([[90, 0, 2], [0, 50, 0], [7, 1, 40]]), NAMES, alt=ALT)
    assert shown == [ALT]
    (ax,) = plt.gcf().axes
    counts = {text.get_position()[::-1]: text.get_text() for text in ax.texts}
    expected = {(0, 0): "90", (0, 2): "2", (1, 1): "50", (2, 0): "7", (2, 1): "1", (2, 2): "40"}
    assert counts == expected
    assert [label.get_text() for label in ax.get_xticklabels()] == NAMES
    assert [label.get_text() for label in ax.get_yticklabels()] == NAMES
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("the model's answer", "label")


def test_mistakes_are_shaded_by_their_share_of_the_row(shown):
    with np.errstate(all="raise"):  # the label "two" never occurs
        show_confusion(torch.tensor([[3, 1, 0], [0, 200, 0], [0, 0, 0]]), NAMES, alt=ALT)
    right, mistakes = plt.gcf().axes[0].images
    assert np.flatnonzero(~np.ma.getmaskarray(right.get_array())).tolist() == [0, 4, 8]
    assert mistakes.get_array().filled(0).tolist() == [[0, 0.25, 0], [0, 0, 0], [0, 0, 0]]
    assert mistakes.get_clim() == (0, 0.25)


def luminance(color):
    """Of a colour (red, green, blue) in 0-1, as WCAG 2 defines it."""
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in color[:3]]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


def test_every_count_can_be_read(shown):
    matrix = torch.arange(1, 26).view(5, 5) ** 2
    show_confusion(matrix, list("abcde"), alt=ALT)
    (ax,) = plt.gcf().axes
    cells = [image.to_rgba(image.get_array()) for image in ax.images]
    for text in ax.texts:
        column, row = text.get_position()
        cell = cells[row != column][row, column]
        low, high = sorted([luminance(cell), luminance(to_rgb(text.get_color()))])
        assert (high + 0.05) / (low + 0.05) >= 4.5, text


def test_few_mistakes_are_not_made_to_look_like_many(shown):
    show_confusion(torch.tensor([[99, 1, 0], [0, 100, 0], [0, 0, 100]]), NAMES, alt=ALT)
    assert plt.gcf().axes[0].images[1].get_clim() == (0, 0.1)


def test_a_picture_of_each_class_stands_on_both_axes(shown):
    pictures = [torch.full((1, 4, 4), k / 3) for k in range(3)]
    show_confusion(torch.eye(3, dtype=torch.int64), NAMES, pictures=pictures, alt=ALT)
    (ax,) = plt.gcf().axes
    places = [[] for _ in NAMES]
    for image in ax.images[2:]:
        left, right, bottom, top = image.get_extent()
        k = round(3 * float(image.get_array()[0, 0]))
        places[k].append(((left + right) / 2, (top + bottom) / 2))
    for k, ((x, row), (column, y)) in enumerate(places):
        assert (row, column) == pytest.approx((k, k)) and x < -0.5 and y > 2.5
    right, left = max(ax.get_xlim()), min(ax.get_xlim())
    assert left < -1.5 and right == 2.5  # the pictures are inside


@pytest.mark.parametrize(("names", "pictures"), [(NAMES[:2], None), (NAMES, [np.eye(4)] * 2)])
def test_confusion_wants_a_name_and_a_picture_for_each_class(names, pictures):
    with pytest.raises(ValueError, match=r"matrix is \(3, 3\), but there are 2"):
        show_confusion(torch.eye(3), names, pictures=pictures, alt=ALT)


# ---------------------------------------------------------------- the curves


def test_curves_show_both_parts_and_the_best_epoch(shown):
    train = [Score(0.9, 5, 10), Score(0.5, 7, 10), Score(0.2, 9, 10)]
    validation = [Score(1.1, 2, 4), Score(0.8, 3, 4), Score(0.7, 3, 4)]
    show_curves(History(train, validation), alt=ALT)
    assert shown == [ALT]
    losses, accuracies = ([line.get_xydata().T for line in ax.lines] for ax in plt.gcf().axes)
    assert np.allclose(losses, [[[1, 2, 3], [0.9, 0.5, 0.2]], [[1, 2, 3], [1.1, 0.8, 0.7]]])
    assert np.allclose(accuracies[:2], [[[1, 2, 3], [50, 70, 90]], [[1, 2, 3], [50, 75, 75]]])
    assert accuracies[2][0].tolist() == [2, 2]


def test_curves_of_a_single_epoch_are_drawn(shown):
    show_curves(History([Score(0.9, 5, 10)], [Score(1.1, 2, 4)]), alt=ALT)
    assert shown == [ALT]


# ---------------------------------------------------------------- the mistakes

PROBABILITIES = torch.tensor(
    [
        [0.90, 0.06, 0.04],  # right
        [0.30, 0.60, 0.10],  # wrong, 60 % sure
        [0.01, 0.98, 0.01],  # right, and the surest of all
        [0.05, 0.00, 0.95],  # wrong, 95 % sure
        [0.80, 0.10, 0.10],  # wrong, 80 % sure
    ]
)
LABELS = torch.tensor([0, 0, 1, 1, 2])
PICTURES = torch.arange(5)[:, None, None, None].expand(5, 3, 4, 4) / 10  # the number is the grey


def mistakes(labels=LABELS, **options):
    show_mistakes(PICTURES, PROBABILITIES.log(), labels, NAMES, alt=ALT, **options)
    axes = [ax for ax in plt.gcf().axes if ax.images]
    greys = [round(10 * float(ax.images[0].get_array().max())) for ax in axes]
    return greys, [ax.get_title() for ax in axes]


def test_the_surest_mistake_comes_first(shown):
    greys, titles = mistakes()
    assert shown == [ALT]
    assert greys == [3, 4, 1]
    assert titles == [
        "one taken for two\n95% sure",
        "two taken for zero\n80% sure",
        "zero taken for one\n60% sure",
    ]


def test_no_more_mistakes_are_drawn_than_asked_for(shown):
    assert mistakes(count=2)[0] == [3, 4]


def test_a_single_mistake_is_drawn_alone(shown):
    assert mistakes(torch.tensor([0, 1, 1, 2, 2]))[0] == [4]
    assert len(plt.gcf().axes) == 1


def test_a_model_without_mistakes_is_told_so(shown, capsys):
    greys, _ = mistakes(PROBABILITIES.argmax(dim=1))
    assert greys == shown == []
    assert capsys.readouterr().out == "All 5 are right.\n"


@pytest.mark.parametrize(
    "output",
    [
        4 * torch.eye(5)[:, :3],
        PROBABILITIES,
        torch.full((5, 3), float("nan")),
        1000 * torch.eye(5)[:, :3],
        PROBABILITIES.log() * 2,
    ],
    ids=["scores", "probabilities", "nan", "large scores", "summed"],
)
def test_scores_are_never_shown_as_probabilities(output, shown):
    with pytest.raises(ValueError, match=r"give output.log_softmax\(dim=1\)"):
        show_mistakes(PICTURES, output, LABELS, NAMES, alt=ALT)
    assert not shown


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64])
def test_log_probabilities_of_any_type_are_shown(kind, shown):
    show_mistakes(PICTURES, PROBABILITIES.log().to(kind), LABELS, NAMES, alt=ALT, count=1)
    assert "95% sure" in plt.gcf().axes[0].get_title()


def test_confusion_of_a_class_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="classes from 0 to 2"):
        confusion_matrix(torch.tensor([3, 0]), torch.tensor([0, 2]), 3)


# ---------------------------------------------------------------- per_class_accuracy


def test_per_class_accuracy_by_hand():
    y = torch.tensor([0, 0, 0, 1, 1, 3])
    predicted = torch.tensor([0, 0, 1, 1, 1, 0])
    share = per_class_accuracy(predicted, y, classes=4)
    assert torch.allclose(share[[0, 1, 3]], torch.tensor([2 / 3, 1, 0]))
    assert share[2].isnan()  # no sample has that label


def test_per_class_accuracy_counts_every_sample():
    y = torch.arange(10).repeat(7)
    predicted = torch.where(torch.arange(70) < 4, (y + 1) % 10, y)
    share = per_class_accuracy(predicted, y, classes=10)
    assert torch.allclose(share[:4], torch.tensor(6 / 7)) and (share[4:] == 1).all()


@pytest.mark.parametrize(
    ("predicted", "y", "said"),
    [
        ([0, 1], [0, 1, 2], "answers have the shape (2,), labels (3,)"),
        ([[0.1, 0.9]], [1], "output.argmax(dim=1)"),
        ([0, 3], [0, 1], "go from 0 to 3, but the classes from 0 to 2"),
        ([0, 1], [0, -1], "go from -1 to 1"),
    ],
)
def test_per_class_accuracy_refuses(predicted, y, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        per_class_accuracy(torch.tensor(predicted), torch.tensor(y), classes=3)


# ---------------------------------------------------------------- recorded results


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with an empty folder of recorded results."""
    monkeypatch.setattr(results, "files", lambda name: tmp_path / name)
    folder = tmp_path / "helpers" / "recorded"
    folder.mkdir(parents=True)
    return folder


def test_recorded_results_are_read_by_name(package):
    found = {"experiments": {"größer": [0.5, 1]}}
    (package / "birds.json").write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    assert recorded("birds") == found


@pytest.mark.parametrize("name", ["bird", "birds.json", "../recorded/birds", ""])
def test_results_that_were_not_recorded_are_named(package, name):
    for there in ("signs.json", "birds.json", "notes.txt"):
        (package / there).write_text("{}")
    with pytest.raises(ValueError, match=f"no results '{re.escape(name)}': .* birds, signs$"):
        recorded(name)


@pytest.mark.parametrize("folder", [True, False])
def test_an_installation_without_records_is_named(package, folder):
    if not folder:
        package.rmdir()
    with pytest.raises(FileNotFoundError, match="not completely installed, install it again"):
        recorded("birds")
