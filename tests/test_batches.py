"""Tests of helpers.batches, and of the two-class view of CIFAR-10."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from helpers.batches import Batches, random_crop, random_flip, split_validation
from helpers.data import as_tensors, of_classes


@pytest.fixture
def samples():
    """Ten samples whose numbers say which they are: X holds 0 to 9, y ten times that."""
    return torch.arange(10.0).view(10, 1), 10 * torch.arange(10)


@pytest.fixture
def pictures():
    """Two hundred pictures with a different number in each pixel."""
    return torch.arange(200 * 3 * 6 * 5).float().view(200, 3, 6, 5)


# ---------------------------------------------------------------- batches


@pytest.mark.parametrize("size", [1, 3, 5, 10, 64])
@pytest.mark.parametrize("drop_last", [False, True])
def test_batches_are_those_of_a_loader(samples, size, drop_last):
    if drop_last and size > 10:
        pytest.skip("gives no batch: refused, see below")
    ours = Batches(*samples, size, drop_last=drop_last)
    theirs = list(DataLoader(TensorDataset(*samples), size, drop_last=drop_last))
    assert len(ours) == len(theirs) == len(list(ours))
    for (X, y), (X_loader, y_loader) in zip(ours, theirs, strict=True):
        assert torch.equal(X, X_loader) and torch.equal(y, y_loader)


def test_shuffled_batches_hold_each_sample_once_with_its_label(samples):
    torch.manual_seed(0)
    batches = Batches(*samples, 4, shuffle=True)
    orders = []
    for _ in range(2):
        X, y = (torch.cat(parts) for parts in zip(*batches, strict=True))
        assert torch.equal(10 * X.flatten(), y.float())
        assert sorted(y.tolist()) == samples[1].tolist()
        orders.append(y.tolist())
    assert orders[0] != orders[1]  # a new order at each pass


def test_the_seed_repeats_the_order(samples):
    orders = []
    for _ in range(2):
        torch.manual_seed(3)
        orders.append([y.tolist() for _, y in Batches(*samples, 4, shuffle=True)])
    assert orders[0] == orders[1]


def test_batches_are_copies(samples):
    for X, _ in Batches(*samples, 5):
        X.zero_()
    assert samples[0].max() == 9


def test_each_batch_is_augmented_anew(samples):
    calls = []

    def augment(X):
        calls.append(len(X))
        return X + 100

    batches = Batches(*samples, 4, augment=augment)
    for _ in range(2):
        X = torch.cat([X for X, _ in batches])
    assert calls == [4, 4, 2] * 2 and torch.equal(X, samples[0] + 100)


def test_lengths_that_differ_are_named(samples):
    with pytest.raises(ValueError, match="there are 10 pictures, but 9 labels"):
        Batches(samples[0], samples[1][:9], 4)


@pytest.mark.parametrize(("size", "drop_last"), [(0, False), (-2, False), (11, True), (0, True)])
def test_a_batch_size_without_batches_is_named(samples, size, drop_last):
    with pytest.raises(ValueError, match=f"batch_size is {size}: .* at most the 10 samples"):
        Batches(*samples, size, drop_last=drop_last)


def test_an_empty_part_is_named(samples):
    with pytest.raises(ValueError, match="there are no pictures: is a part of a split empty"):
        Batches(samples[0][:0], samples[1][:0], 4)


def test_labels_and_pictures_may_be_lists_and_arrays(samples):
    X, y = samples
    for X_, y_ in ((X.numpy(), y.tolist()), (X, y.numpy()), (X.tolist(), y)):
        given = list(Batches(X_, y_, 4))
        assert all(map(torch.equal, given[0], (X[:4], y[:4]))) and len(given) == 3
        (_, y_train), _ = split_validation(X_, y_)
        assert y_train.dtype == y.dtype and len(y_train) == 9


# ---------------------------------------------------------------- the split


@pytest.mark.parametrize(("share", "held"), [(0.1, 1), (0.25, 2), (0.5, 5), (0.94, 9)])
def test_the_split_loses_and_doubles_nothing(samples, share, held):
    (X_train, y_train), (X_val, y_val) = split_validation(*samples, share)
    assert len(X_val) == len(y_val) == held and len(X_train) == 10 - held
    assert sorted([*y_train.tolist(), *y_val.tolist()]) == samples[1].tolist()
    for X, y in ((X_train, y_train), (X_val, y_val)):
        assert torch.equal(10 * X.flatten(), y.float())


def test_the_split_is_random_and_settled_by_its_seed(samples):
    def validation(seed):
        return split_validation(*samples, 0.5, seed)[1][1].tolist()

    before = torch.get_rng_state()
    assert validation(0) == validation(0) != validation(1)
    assert validation(0) != sorted(validation(0))
    assert torch.equal(torch.get_rng_state(), before)  # the lesson's own seed is left alone


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, 0.01, 0.99, float("nan")])
def test_a_share_that_leaves_a_part_empty_is_named(samples, share):
    with pytest.raises(ValueError, match=f"share is {re.escape(str(share))}: of 10 samples"):
        split_validation(*samples, share)


def test_a_split_of_lengths_that_differ_is_named(samples):
    with pytest.raises(ValueError, match="there are 10 pictures, but 3 labels"):
        split_validation(samples[0], samples[1][:3])


# ---------------------------------------------------------------- augmentation


@pytest.fixture(params=[torch.contiguous_format, torch.channels_last], ids=["plain", "last"])
def layout(request):
    return request.param


def test_flips_mirror_about_half_of_the_pictures(pictures, layout):
    torch.manual_seed(0)
    X = pictures.contiguous(memory_format=layout)
    flipped = random_flip(X)
    assert torch.equal(X, pictures)  # what went in is left as it was
    assert flipped.is_contiguous(memory_format=layout)
    same = (flipped == pictures).flatten(1).all(1)
    mirrored = (flipped == pictures.flip(3)).flatten(1).all(1)
    assert torch.equal(same, ~mirrored)
    assert 60 < same.sum() < 140
    assert not torch.equal(random_flip(X), flipped)


def test_flips_take_every_type(pictures):
    assert random_flip((pictures % 256).byte()).dtype == torch.uint8


@pytest.mark.parametrize("pad", [1, 2, 3])
def test_crops_are_windows_of_the_mirrored_picture(pictures, layout, pad):
    torch.manual_seed(0)
    X = pictures.contiguous(memory_format=layout)
    cropped = random_crop(X, pad)
    assert torch.equal(X, pictures)
    assert cropped.shape == X.shape and cropped.is_contiguous(memory_format=layout)
    wide = np.pad(pictures.numpy(), [(0, 0), (0, 0), (pad, pad), (pad, pad)], mode="reflect")
    seen = set()
    for picture, window in zip(wide, cropped.numpy(), strict=True):
        found = [
            (down, across)
            for down in range(2 * pad + 1)
            for across in range(2 * pad + 1)
            if np.array_equal(picture[:, down : down + 6, across : across + 5], window)
        ]
        assert len(found) == 1  # one window, the same in all three channels
        seen.update(found)
    assert len(seen) > (2 * pad + 1) ** 2 / 2  # each picture by itself
    assert {down for down, _ in seen} == set(range(2 * pad + 1))


def test_a_crop_by_nothing_changes_nothing(pictures):
    assert torch.equal(random_crop(pictures, 0), pictures)


@pytest.mark.parametrize("pad", [-1, 5, 6])
def test_a_pad_that_does_not_fit_is_named(pictures, pad):
    with pytest.raises(ValueError, match=f"pad is {pad}: for pictures of 6 × 5 .* 0 to 4"):
        random_crop(pictures, pad)


@pytest.mark.parametrize("augment", [random_flip, lambda X: random_crop(X, 1)])
def test_a_single_picture_without_a_batch_is_named(pictures, augment):
    with pytest.raises(ValueError, match=r"shape \(3, 6, 5\): give pictures \(N, C, H, W\)"):
        augment(pictures[0])


# ---------------------------------------------------------------- some classes of a dataset


@pytest.fixture
def dataset():
    """A stand-in for CIFAR-10: twelve pictures of four classes, in colour."""
    data = np.arange(12 * 2 * 2 * 3, dtype=np.uint8).reshape(12, 2, 2, 3)
    classes = ["airplane", "automobile", "bird", "cat"]
    return SimpleNamespace(data=data, targets=[0, 1, 2, 3] * 3, classes=classes)


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["airplane", "bird"], [0, 1] * 3),
        (["bird", "airplane"], [1, 0] * 3),
        (("cat", "airplane", "bird"), [1, 2, 0] * 3),
    ],
)
def test_classes_are_numbered_in_the_order_of_their_names(dataset, names, labels):
    X, y = of_classes(dataset, names)
    assert y.tolist() == labels and y.dtype == torch.int64
    everything, _ = as_tensors(dataset)
    kept = [i for i, label in enumerate(dataset.targets) if dataset.classes[label] in names]
    assert torch.equal(X, everything[kept])
    assert X.shape[1:] == (3, 2, 2) and X.dtype == torch.float32 and X.max() <= 1


@pytest.mark.parametrize("names", [[], ["bird"], "bird", ["bird", "bird"]])
def test_fewer_than_two_classes_are_named(dataset, names):
    with pytest.raises(ValueError, match=re.escape(f"names is {names!r}: give two or more")):
        of_classes(dataset, names)


@pytest.mark.parametrize("wrong", ["birds", "Bird", "horse", ""])
def test_a_class_that_does_not_exist_is_named(dataset, wrong):
    with pytest.raises(ValueError, match=f"no class '{wrong}': choose from airplane, auto"):
        of_classes(dataset, ["airplane", wrong])
