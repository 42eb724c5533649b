"""Which classes are mistaken; a dataset as a folder of PNG files, and the answers to hand in.

The layout of the folder, with whole numbers as ids (here: training 1 to n, test n+1 to n+m):

    FOLDER/train/ID.png, FOLDER/test/ID.png      the pictures
    FOLDER/train.csv                             the columns id and label
    FOLDER/test.csv                              the column id
    FOLDER/sample_submission.csv                 id and label, to show the form; each label is 0
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from helpers.sources.pictures import left_out, read
from helpers.sources.writing import cannot_write, expanded, new_folder, write

__all__ = ["PictureFolder", "read_submission", "worst_pairs"]
__all__ += ["write_picture_folder", "write_submission"]


def worst_pairs(predicted: torch.Tensor, y: torch.Tensor, count: int) -> list[tuple]:
    """List the pairs of classes that are most often taken for each other.

    `predicted` and `y` are tensors (N,) of classes; a mistake counts in both directions. Gives
    `count` tuples (smaller class, larger class, mistakes), most mistakes first.
    """
    pairs = zip(predicted.tolist(), y.tolist(), strict=True)
    mistakes = Counter((min(a, b), max(a, b)) for a, b in pairs if a != b)
    return [(*pair, n) for pair, n in mistakes.most_common(count)]


class PictureFolder(torch.utils.data.Dataset):
    """The "train" or "test" part of a folder in the layout above, read and checked at once.

    `ids` is a list of N ints in the order of the CSV, `data` a uint8 tensor (N, H, W) in 0-255,
    `targets` an int64 tensor (N,) in 0-9, or None for "test". An item is a grey PIL picture (or
    what `transform` makes of it) and an int: the label, or for "test" the id. Colour pictures
    become grey, transparency is dropped. Other columns are ignored; what else
    lies among the pictures is left out, with a word about it.

    Raises FileNotFoundError for a folder, CSV or picture that is not there, and ValueError for
    another part, what a CSV should not hold, a picture that cannot be read or has more than 8
    bits, and pictures of different sizes.
    """

    def __init__(self, folder, part: str, transform=None):
        if part not in ("train", "test"):
            raise ValueError(f"part is {part!r}: give 'train' or 'test'")
        folder = expanded(folder)
        if not folder.is_dir():
            raise FileNotFoundError(
                f"there is no folder {folder}: give the one that holds train.csv and test.csv "
                "(an archive must be unpacked first)"
            )
        labels = _read_csv(folder / f"{part}.csv", labelled=part == "train")
        files = [folder / part / f"{id_}.png" for id_ in labels]
        if missing := [file for file in files if not file.is_file()]:
            similar = (f.name for f in missing[0].parent.glob("*.*") if _same_id(f, missing[0]))
            similar = next(similar, None)
            advice = f"Rename {similar} to {missing[0].name}, and the others like it"
            raise FileNotFoundError(
                f"there is no picture {missing[0]}: {len(missing):,} of the {len(files):,} "
                f"pictures in {part}.csv are missing. "
                + (advice if similar else "Copy or unpack the folder again")
            )
        left_out(folder / part, {file.name for file in files}, f"{part}.csv does not list them")
        self.part, self.transform, self.ids = part, transform, list(labels)
        self.data = torch.from_numpy(_read_pictures(files))
        self.targets = torch.tensor(list(labels.values())) if part == "train" else None

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int):
        picture = Image.fromarray(self.data[index].numpy())
        if self.transform is not None:
            picture = self.transform(picture)
        return picture, self.ids[index] if self.targets is None else int(self.targets[index])


def _same_id(file, wanted):
    return file.stem.lstrip("0") == wanted.stem.lstrip("0")


def write_picture_folder(folder: str | Path, train: tuple, test: torch.Tensor) -> Path:
    """Write a folder in the layout above from tensors, and return its path.

    `train` is (X, y): X a uint8 tensor (N, H, W) in 0-255, y a tensor or list of N ints in 0-9;
    `test` is a uint8 tensor (M, H, W). It is written beside, then renamed, so never half a folder.
    Raises FileExistsError if the folder holds anything (nothing is overwritten), ValueError for
    other tensors.
    """
    if not isinstance(train, (tuple, list)) or len(train) != 2:
        raise ValueError(f"train is a {type(train).__name__}: give the two (X, y)")
    X, y = train
    _check_pictures(X, "train's X")
    _check_pictures(test, "test")
    if X.shape[1:] != test.shape[1:]:
        raise ValueError(
            f"a training picture has the shape {tuple(X.shape[1:])}, a test picture "
            f"{tuple(test.shape[1:])}: resize them to one size"
        )
    labels = _whole_numbers(y, "train's labels")
    if len(labels) != len(X):
        raise ValueError(f"there are {len(X)} pictures and {len(labels)} labels: give as many")
    _check_labels(labels, "train's labels")

    folder = expanded(folder)
    train_ids = range(1, len(X) + 1)
    test_ids = range(len(X) + 1, len(X) + len(test) + 1)

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with new_folder(folder) as new:
            for part, ids, pictures in (("train", train_ids, X), ("test", test_ids, test)):
                (new / part).mkdir()
                for id_, picture in zip(ids, pictures.cpu(), strict=True):
                    Image.fromarray(picture.numpy()).save(new / part / f"{id_}.png")
            _write_csv(new / "train.csv", ["id", "label"], zip(train_ids, labels, strict=True))
            _write_csv(new / "test.csv", ["id"], ([id_] for id_ in test_ids))
            answers = ((id_, 0) for id_ in test_ids)
            _write_csv(new / "sample_submission.csv", ["id", "label"], answers)
    except OSError as error:
        raise cannot_write(error, folder) from error
    return folder


def write_submission(
    path: str | Path, ids: Sequence[int], labels: Sequence[int], *, expected_ids: Sequence[int]
) -> None:
    """Write a CSV with the columns id and label, one line for each of `expected_ids`, in its order.

    `ids` and `labels` are lists or integer tensors (N,), in any order but the same; labels are in
    0-9. `expected_ids` are those of the test set, such as `PictureFolder(...).ids`. An old file is
    replaced, in one step. Raises ValueError for ids that are unknown, missing or double, for
    different lengths and wrong labels, and FileNotFoundError if there is no folder to write to.
    """
    ids, labels = _whole_numbers(ids, "ids"), _whole_numbers(labels, "labels")
    expected = _whole_numbers(expected_ids, "expected_ids")
    if not expected:
        raise ValueError("expected_ids is empty: give the ids of the test set")
    if len(ids) != len(labels):
        raise ValueError(f"there are {len(ids)} ids and {len(labels)} labels: give as many")
    _check_labels(labels, "labels")
    for name, numbers in (("expected_ids", expected), ("ids", ids)):
        if double := [id_ for id_, count in Counter(numbers).items() if count > 1]:
            raise ValueError(f"{name} hold the id {double[0]} more than once: give each once")
    answers, known = dict(zip(ids, labels, strict=True)), set(expected)
    if unknown := [id_ for id_ in ids if id_ not in known]:
        raise ValueError(
            f"the id {unknown[0]} is not among expected_ids ({len(unknown):,} are not): "
            "give the ids that came with the test pictures, not their positions"
        )
    if missing := [id_ for id_ in expected if id_ not in answers]:
        raise ValueError(
            f"there is no label for the id {missing[0]}: {len(missing):,} of {len(expected):,} "
            "are missing. Predict the whole test set, the last small batch too"
        )
    _write_csv(path, ["id", "label"], ((id_, answers[id_]) for id_ in expected))


def read_submission(path: str | Path) -> dict[int, int]:
    """Read what `write_submission` wrote, or any CSV with id and label, as {id: label}.

    The order is the file's. Raises FileNotFoundError, and ValueError with the line and the value
    for what the file should not hold.
    """
    return _read_csv(expanded(path), labelled=True)


def _read_csv(path, labelled):
    """Return {id: label}, with None for the labels if they are not asked for."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}: check the folder and the name")
    try:
        text = path.read_text(encoding="utf-8-sig")  # with or without the mark that Excel writes
        reader = csv.reader(io.StringIO(text), strict=True)  # a quote left open is an error
        rows = [(reader.line_num, [value.strip() for value in row]) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{path} cannot be read as CSV ({error}): save it as 'CSV UTF-8 (comma delimited)'"
        ) from error
    if not rows:
        raise ValueError(f"{path} is empty: get a new copy")
    (_, columns), *rows = rows
    wanted = ["id", "label"] if labelled else ["id"]
    for name in wanted:
        if columns.count(name) != 1:
            raise ValueError(
                f"{path} should have one column {name!r}, but its first line has {columns}: "
                f"the first line must name the columns ({','.join(wanted)}), with commas between"
            )
    labels = {}
    for line, row in rows:
        if not any(row):  # a blank line, or one of commas only
            continue
        row += [""] * (len(columns) - len(row))
        id_, label = row[columns.index("id")], row[columns.index("label")] if labelled else None
        where = f"{path}, line {line}"
        if not re.fullmatch("[0-9]{1,18}", id_):  # so many fit into int64
            raise ValueError(f"{where}: the id {id_!r:.40} is not a whole number: correct it")
        if labelled and not re.fullmatch("[0-9]", label):
            raise ValueError(
                f"{where}: the label {label!r:.40} is not a whole number 0-9: correct it"
            )
        if int(id_) in labels:
            raise ValueError(f"{where}: the id {id_} appears a second time: remove one of the two")
        labels[int(id_)] = int(label) if labelled else None
    if not labels:
        raise ValueError(f"{path} is empty below its first line: get a new copy")
    return labels


def _write_csv(path, columns, rows):
    content = io.StringIO()
    csv.writer(content, lineterminator="\n").writerows([columns, *rows])
    write(path, content.getvalue())


def _read_pictures(files):
    """Return a uint8 array (N, H, W) of grey pictures, all of one size."""
    pictures = []
    for file in files:
        pictures.append(array := np.asarray(read(file, "L")))
        if array.shape != pictures[0].shape:
            (h, w), (height, width) = pictures[0].shape, array.shape
            raise ValueError(
                f"{files[0]} is {w} × {h} pixels, {file} is {width} × {height}: this dataset wants "
                "one size, so resize the pictures"
            )
    return np.stack(pictures)


def _check_pictures(X, name):
    if not torch.is_tensor(X) or X.dtype != torch.uint8 or X.ndim != 3 or X.numel() == 0:
        kind = f"{X.dtype} {tuple(X.shape)}" if torch.is_tensor(X) else f"a {type(X).__name__}"
        raise ValueError(
            f"{name} is {kind}: give a tensor of pictures, uint8 in 0-255 of the shape (N, H, W), "
            "such as dataset.data"
        )


def _whole_numbers(values, name):
    """Return a list, array or tensor of whole numbers as a list of ints."""
    values = values.tolist() if hasattr(values, "tolist") else list(values)
    values = values if isinstance(values, list) else [values]  # from a tensor without an axis
    values = [value.tolist() if hasattr(value, "tolist") else value for value in values]
    if wrong := [value for value in values if type(value) is not int]:
        raise ValueError(
            f"{name} should be whole numbers, one for each picture, but hold {wrong[0]!r:.50}: "
            "scores become labels with scores.argmax(dim=1), batches are joined with torch.cat"
        )
    return values


def _check_labels(labels, name):
    if wrong := [label for label in labels if not 0 <= label <= 9]:
        raise ValueError(f"{name} hold the label {wrong[0]}: labels are whole numbers from 0 to 9")
