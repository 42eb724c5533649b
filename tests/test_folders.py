"""Folders of pictures with CSV lists: small and random, and every trouble made to happen."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from helpers import data
from helpers.lessons import fashion as folders
from helpers.lessons.fashion import (
    PictureFolder,
    read_submission,
    write_picture_folder,
    write_submission,
)

N, M = 5, 3  # the pictures in the folder of most tests: ids 1 to 5, and 6 to 8


def random_parts(count=N, test_count=M, size=(28, 28)):
    generator = torch.Generator().manual_seed(0)
    X = torch.randint(256, (count + test_count, *size), generator=generator).to(torch.uint8)
    y = torch.randint(10, (count,), generator=generator)
    return (X[:count], y), X[count:]


def grey_values(picture):
    return torch.from_numpy(np.array(picture))


@pytest.fixture
def folder(tmp_path):
    return write_picture_folder(tmp_path / "clothes", *random_parts())


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*"))


# ---------------------------------------------------------------- there and back


@pytest.mark.parametrize("count", [1, 3, 37])
@pytest.mark.parametrize("size", [(28, 28), (1, 1), (5, 9)])
def test_round_trip(tmp_path, count, size):
    (X, y), X_test = random_parts(count, 2 * count, size)
    folder = write_picture_folder(str(tmp_path / "some" / "where"), (X, y), X_test)
    assert folder == tmp_path / "some" / "where"
    train, test = PictureFolder(folder, "train"), PictureFolder(str(folder), "test")
    assert (len(train), len(test)) == (count, 2 * count)
    assert train.ids == list(range(1, count + 1))
    assert test.ids == list(range(count + 1, 3 * count + 1))
    assert train.data.dtype == test.data.dtype == torch.uint8
    assert torch.equal(train.data, X) and torch.equal(test.data, X_test)
    assert train.targets.dtype == torch.int64 and torch.equal(train.targets, y)
    assert test.targets is None


def test_what_is_written(folder):
    (_, y), _ = random_parts()
    pictures = [f"train/{k}.png" for k in range(1, 6)] + [f"test/{k}.png" for k in range(6, 9)]
    lists = ["sample_submission.csv", "test.csv", "train.csv"]
    assert names(folder) == sorted([*pictures, *lists, "train", "test"])
    lines = "".join(f"{k},{label}\n" for k, label in enumerate(y.tolist(), start=1))
    assert (folder / "train.csv").read_bytes().decode() == "id,label\n" + lines
    assert (folder / "test.csv").read_bytes() == b"id\n6\n7\n8\n"
    assert (folder / "sample_submission.csv").read_bytes() == b"id,label\n6,0\n7,0\n8,0\n"
    with Image.open(folder / "train" / "1.png") as picture:
        assert (picture.format, picture.mode) == ("PNG", "L")


@pytest.mark.parametrize(
    "labels",
    [list(range(5)), np.arange(5), torch.arange(5, dtype=torch.uint8), list(torch.arange(5))],
    ids=["list", "array", "uint8", "list of tensors"],
)
def test_labels_may_be_a_list_or_a_tensor(tmp_path, labels):
    (X, _), X_test = random_parts()
    folder = write_picture_folder(tmp_path / "new", (X, labels), X_test)
    assert PictureFolder(folder, "train").targets.tolist() == [0, 1, 2, 3, 4]


def test_pictures_may_lie_in_memory_in_any_order(tmp_path):
    (X, y), X_test = random_parts(size=(4, 6))
    turned = (X.transpose(1, 2), y), X_test.transpose(1, 2)
    folder = write_picture_folder(tmp_path / "new", *turned)
    assert torch.equal(PictureFolder(folder, "train").data, X.transpose(1, 2))


def test_items(folder):
    (X, y), X_test = random_parts()
    train, test = PictureFolder(folder, "train"), PictureFolder(folder, "test")
    for dataset, pictures, numbers in ((train, X, y.tolist()), (test, X_test, [6, 7, 8])):
        assert len(list(dataset)) == len(numbers)  # the iteration ends
        for index in (0, 2, -1):
            picture, number = dataset[index]
            assert picture.mode == "L" and type(number) is int
            assert torch.equal(grey_values(picture), pictures[index])
            assert number == numbers[index]
        with pytest.raises(IndexError):
            dataset[len(numbers)]
    assert PictureFolder(folder, "train", transform=lambda p: p.size)[1] == ((28, 28), y[1])
    assert PictureFolder(folder, "test", lambda p: p.mode)[1] == ("L", 7)
    assert torch.equal(pickle.loads(pickle.dumps(train)).data, X)  # as a DataLoader's workers do


def test_batches(folder):
    (X, y), X_test = random_parts()
    train = list(DataLoader(PictureFolder(folder, "train", grey_values), batch_size=2))
    assert [len(pictures) for pictures, _ in train] == [2, 2, 1]
    assert torch.equal(torch.cat([pictures for pictures, _ in train]), X)
    assert torch.equal(torch.cat([labels for _, labels in train]), y)
    ((pictures, ids),) = DataLoader(PictureFolder(folder, "test", grey_values), batch_size=3)
    assert torch.equal(pictures, X_test)
    assert ids.dtype == torch.int64 and ids.tolist() == [6, 7, 8]


def test_as_tensors(folder):
    (X, y), _ = random_parts()
    train = PictureFolder(folder, "train", transform=lambda picture: None)
    X_read, y_read = data.as_tensors(train)
    assert X_read.shape == (N, 1, 28, 28) and X_read.dtype == torch.float32
    assert torch.equal(X_read[:, 0], X.float() / 255) and torch.equal(y_read, y)
    y_read[:] = -1  # the dataset itself stays as it was
    assert torch.equal(train.targets, y)
    assert len(data.as_tensors(train, 2)[0]) == 2
    with pytest.raises(TypeError, match="PictureFolder has no data and targets"):
        data.as_tensors(PictureFolder(folder, "test"))


# ---------------------------------------------------------------- what cannot be written


X, Y, TEST = *random_parts()[0], random_parts()[1]


@pytest.mark.parametrize(
    ("train", "test", "sentence"),
    [
        (X, TEST, r"train is a Tensor: give the two \(X, y\)"),
        ((X,), TEST, r"train is a tuple: give the two"),
        ((X.float() / 255, Y), TEST, r"train's X is torch.float32 \(5, 28, 28\): .*uint8 in 0-255"),
        ((X.unsqueeze(1), Y), TEST, r"train's X is torch.uint8 \(5, 1, 28, 28\): .*\(N, H, W\)"),
        ((X[:0], Y[:0]), TEST, r"train's X is torch.uint8 \(0, 28, 28\)"),
        ((X.numpy(), Y), TEST, r"train's X is a ndarray: give a tensor"),
        ((X, Y), TEST[:0], r"test is torch.uint8 \(0, 28, 28\)"),
        ((X, Y), TEST.long(), r"test is torch.int64"),
        ((X, Y), (TEST, Y[:3]), r"test is a tuple: give a tensor"),
        ((X, Y), TEST[:, :20], r"shape \(28, 28\), a test picture \(20, 28\): resize"),
        ((X, Y[:4]), TEST, r"there are 5 pictures and 4 labels"),
        ((X, [0, 1, 2, 3, 10]), TEST, r"train's labels hold the label 10: .*from 0 to 9"),
        ((X, [0, 1, 2, 3, -1]), TEST, r"train's labels hold the label -1"),
        ((X, Y.float()), TEST, r"train's labels should be whole numbers, .* \d\.0: .*argmax"),
        ((X, Y > 4), TEST, r"train's labels should be whole numbers, .*(True|False)"),
        ((X, Y.unsqueeze(1)), TEST, r"train's labels should be whole numbers, .*hold \[\d\]"),
    ],
)
def test_a_wrong_tensor_is_named_and_nothing_is_written(tmp_path, train, test, sentence):
    with pytest.raises(ValueError, match=sentence):
        write_picture_folder(tmp_path / "new", train, test)
    assert names(tmp_path) == []


def test_nothing_is_mixed_or_overwritten(tmp_path, folder):
    before = {name: (folder / name).stat().st_mtime_ns for name in names(folder)}
    with pytest.raises(FileExistsError, match=r"clothes is there already .*choose another name"):
        write_picture_folder(folder, *random_parts(1, 1))
    assert {name: (folder / name).stat().st_mtime_ns for name in names(folder)} == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("mine", "file"):
        with pytest.raises(FileExistsError, match=f"{name} is there already"):
            write_picture_folder(tmp_path / name, *random_parts())
    assert names(tmp_path / "mine") == ["notes.txt"]
    assert (tmp_path / "file").read_text() == "mine"


def test_an_empty_folder_is_filled(tmp_path):
    assert len(PictureFolder(write_picture_folder(tmp_path, *random_parts()), "test")) == M


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(folders, "_write_csv", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_picture_folder(tmp_path / "new", *random_parts())
    assert names(tmp_path) == []


# ---------------------------------------------------------------- CSV files by other programs


@pytest.mark.parametrize(
    "content",
    [
        b"id,label\n3,9\n1,0\n",
        b"\xef\xbb\xbfid,label\r\n3,9\r\n1,0\r\n",
        b'\xef\xbb\xbf"id","label"\r\n"3","9"\r\n"1","0"\r\n',
        b" id , label \n 3 , 9 \n 1,0",
        b"label,name,id\n9,boot,3\n0,top,1\n",
        b'id,label,name\n3,9,"a boot, in ""brown""\nand black"\n1,0,\xc3\xa9t\xc3\xa9\n',
        b"id,label,\n3,9,\n\n1,0\n,,\n\n",
        b"id,label\r3,9\r1,0\r",
        b"id,label\n003,9\n01,0\n",
    ],
    ids=["plain", "BOM", "quoted", "spaces", "order", "extra", "blank", "returns", "zeros"],
)
def test_forms_of_csv(folder, content):
    (folder / "train.csv").write_bytes(content)
    train = PictureFolder(folder, "train")
    assert train.ids == [3, 1] and train.targets.tolist() == [9, 0]
    assert torch.equal(train.data, X[[2, 0]])  # the order is that of the CSV
    assert list(read_submission(folder / "train.csv").items()) == [(3, 9), (1, 0)]


WRONG_IDS = [
    ("1.0", r"line 3: the id '1.0' is not a whole number"),
    ("-2", r"line 3: the id '-2' is not"),
    ("2.png", r"line 3: the id '2.png' is not"),
    ("../2", r"line 3: the id '../2' is not"),
    ("1_0", r"line 3: the id '1_0' is not"),
    ("²", r"line 3: the id '²' is not"),
    ("9" * 5000, r"line 3: the id '9{39} is not"),
    ("", r"line 3: the id '' is not"),
    ("1", r"line 3: the id 1 appears a second time"),
    ("01", r"line 3: the id 01 appears a second time"),
]
WRONG_LABELS = ["10", "-1", "2.0", "boot", "", "²", "nan"]
WRONG_FILES = [
    (b"", r"is empty: get a new copy"),
    (b"\xef\xbb\xbf", r"is empty"),
    (b"id,label\n", r"is empty below its first line"),
    (b"id,label\n\n,\n", r"is empty below its first line"),
    (b"number,label\n1,2\n", r"one column 'id', .*\['number', 'label'\]"),
    (b"id;label\n1;2\n", r"one column 'id', .*\['id;label'\].*with commas"),
    (b"1,2\n3,4\n", r"one column 'id', .*\['1', '2'\].*must name the columns"),
    (b"id,ID,id,label\n1,1,1,2\n", r"one column 'id', .*\['id', 'ID', 'id', 'label'\]"),
    (b"\nid,label\n1,2\n", r"one column 'id', .*\[\]"),
    ("id,label\n1,2\n".encode("utf-16"), r"cannot be read as CSV .*utf-8.*: save it as 'CSV UTF-8"),
    (b'id,label,name\n1,2,"boot\n2,3,top\n', r"cannot be read as CSV .*unexpected end"),
]


def read_part(part):
    def read(folder, content):
        (folder / f"{part}.csv").write_bytes(content)
        PictureFolder(folder, part)

    return read


def read_answers(folder, content):
    (folder / "answers.csv").write_bytes(content)
    read_submission(folder / "answers.csv")


READERS = pytest.mark.parametrize(
    ("read", "name"),
    [(read_part("train"), "train.csv"), (read_answers, "answers.csv")],
    ids=["PictureFolder", "read_submission"],
)


@READERS
@pytest.mark.parametrize(("content", "sentence"), WRONG_FILES)
def test_a_wrong_csv_is_named(folder, read, name, content, sentence):
    with pytest.raises(ValueError, match=f"{name}.* {sentence}"):
        read(folder, content)


@READERS
@pytest.mark.parametrize(("value", "sentence"), WRONG_IDS, ids=[v[:9] for v, _ in WRONG_IDS])
def test_a_wrong_id_is_named(folder, read, name, value, sentence):
    with pytest.raises(ValueError, match=f"{name}, {sentence}"):
        read(folder, f"id,label\n1,5\n{value},5\n".encode())


@READERS
@pytest.mark.parametrize("value", WRONG_LABELS)
def test_a_wrong_label_is_named(folder, read, name, value):
    with pytest.raises(ValueError, match=rf"{name}, line 4: the label '{value}' is not .*0-9"):
        read(folder, f"id,label\n1,5\n\n2,{value}\n".encode())


@READERS
def test_a_missing_label_is_named(folder, read, name):
    with pytest.raises(ValueError, match=rf"{name}, line 2: the label '' is not"):
        read(folder, b"id,label\n1\n")
    with pytest.raises(ValueError, match=rf"{name} .*one column 'label', .*\['id', 'Label'\]"):
        read(folder, b"id,Label\n1,5\n")


def test_the_test_part_needs_no_labels(folder):
    (folder / "test.csv").write_text("id,label\n8,unknown\n6,\n", encoding="utf-8")
    assert PictureFolder(folder, "test").ids == [8, 6]
    with pytest.raises(ValueError, match=r"test.csv, line 3: the id 'x' is not"):
        read_part("test")(folder, b"id\n6\nx\n")
    with pytest.raises(ValueError, match=r"test.csv should have one column 'id', .*\['name'\]"):
        read_part("test")(folder, b"name\n6\n")


# ---------------------------------------------------------------- pictures by other programs


@pytest.mark.parametrize("part", ["Train", "validation", True, None])
def test_another_part_is_named(folder, part):
    with pytest.raises(ValueError, match=f"part is {part!r}: give 'train' or 'test'"):
        PictureFolder(folder, part)


def test_what_is_not_there_is_named(folder):
    with pytest.raises(FileNotFoundError, match=r"no folder .*shoes: .*train.csv and test.csv"):
        PictureFolder(folder.parent / "shoes", "train")
    with pytest.raises(FileNotFoundError, match=r"no folder .*train.csv:"):
        PictureFolder(folder / "train.csv", "train")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*none.csv: check"):
        read_submission(folder / "none.csv")
    for part in ("train", "test"):
        (folder / f"{part}.csv").unlink()
        with pytest.raises(FileNotFoundError, match=rf"there is no file .*{part}.csv: check"):
            PictureFolder(folder, part)


def test_missing_pictures_are_named_and_counted(folder):
    for name in ("2.png", "4.png"):
        (folder / "train" / name).unlink()
    with pytest.raises(FileNotFoundError, match=r"no picture .*2\.png: 2 of the 5 .* train.csv"):
        PictureFolder(folder, "train")
    shutil.rmtree(folder / "test")
    with pytest.raises(FileNotFoundError, match=r"no picture .*6\.png: 3 of the 3 .* test.csv"):
        PictureFolder(folder, "test")


@pytest.mark.parametrize("name", ["0001.png", "1.jpg", "1.png.PNG", "01.jpeg"])
def test_pictures_under_other_names_are_found(tmp_path, name):
    (tmp_path / "train").mkdir()
    (tmp_path / "train.csv").write_text("id,label\n1,5\n")
    (tmp_path / "train" / "10.png").touch()
    (tmp_path / "train" / name).touch()
    advice = "Copy or unpack" if name == "1.png.PNG" else f"Rename {name} to 1.png, and the others"
    with pytest.raises(FileNotFoundError, match=f"1.png: 1 of the 1 .* are missing. {advice}"):
        PictureFolder(tmp_path, "train")


@pytest.mark.parametrize("keep", [0, 20, 60, -30])
def test_a_damaged_picture_is_named(folder, keep):
    file = folder / "train" / "3.png"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"3\.png cannot be read as a picture .*new copy"):
        PictureFolder(folder, "train")


def test_pictures_of_different_sizes_are_named(folder):
    Image.new("L", (30, 20)).save(folder / "train" / "4.png")
    sentence = r"1\.png is 28 × 28 pixels, .*4\.png is 30 × 20: this dataset wants one size"
    with pytest.raises(ValueError, match=sentence):
        PictureFolder(folder, "train")
    assert len(PictureFolder(folder, "test")) == M


@pytest.mark.parametrize(
    ("mode", "colour", "grey"),
    [
        ("RGB", (255, 0, 0), 76),
        ("RGB", (90, 90, 90), 90),
        ("RGBA", (0, 255, 0, 255), 150),
        ("RGBA", (90, 90, 90, 0), 90),
        ("LA", (90, 5), 90),
        ("1", 1, 255),
    ],
)
def test_colour_becomes_grey(folder, mode, colour, grey):
    Image.new(mode, (28, 28), colour).save(folder / "train" / "2.png")
    train = PictureFolder(folder, "train")
    assert train.data[1].unique().tolist() == [grey]
    assert train[1][0].mode == "L" and torch.equal(train.data[2], X[2])


def test_a_palette_becomes_grey(folder):
    Image.new("RGB", (28, 28), (255, 0, 0)).quantize(4).save(folder / "train" / "2.png")
    assert PictureFolder(folder, "train").data[1].unique().tolist() == [76]


def test_sixteen_bits_are_refused(folder):
    Image.fromarray(np.full((28, 28), 3000, np.uint16)).save(folder / "train" / "2.png")
    with pytest.raises(ValueError, match=r"2\.png has more than 8 bits a pixel .*save it with 8"):
        PictureFolder(folder, "train")


def test_other_files_are_left_out_with_a_word(folder, capsys):
    for name in (".DS_Store", "._1.png", "99.png", "notes.txt", "1 (1).png"):
        (folder / "train" / name).write_bytes(b"no picture")
    (folder / ".DS_Store").write_bytes(b"no list")
    assert torch.equal(PictureFolder(folder, "train").data, X)
    count = f"{folder / 'train'}: 3 of 8 files are left out, such as 1 (1).png: train.csv does not"
    assert capsys.readouterr().err.startswith(count)


# ---------------------------------------------------------------- submissions


@pytest.mark.parametrize("form", [list, torch.tensor, np.array, lambda v: list(torch.tensor(v))])
def test_a_submission_has_the_expected_order(tmp_path, form):
    file = tmp_path / "submission.csv"
    write_submission(file, form([8, 6, 7]), form([1, 2, 9]), expected_ids=form([7, 8, 6]))
    assert file.read_bytes() == b"id,label\n7,9\n8,1\n6,2\n"
    answers = read_submission(str(file))
    assert list(answers.items()) == [(7, 9), (8, 1), (6, 2)]
    assert all(type(number) is int for item in answers.items() for number in item)
    old = file.stat().st_ino
    write_submission(str(file), form([3]), form([0]), expected_ids=form([3]))
    assert file.read_bytes() == b"id,label\n3,0\n"
    assert file.stat().st_ino != old  # another file, renamed; the old one was not written into
    assert names(tmp_path) == ["submission.csv"]


def test_a_submission_from_batches(folder):
    ids, labels = [], []
    for pictures, batch_ids in DataLoader(PictureFolder(folder, "test", grey_values), 2, True):
        ids.append(batch_ids)
        labels.append(pictures.flatten(1).float().argmax(dim=1) % 10)
    expected = list(read_submission(folder / "sample_submission.csv"))
    file = folder / "submission.csv"
    write_submission(file, torch.cat(ids), torch.cat(labels), expected_ids=expected)
    answers = {k: int(x.flatten().argmax()) % 10 for k, x in zip((6, 7, 8), TEST, strict=True)}
    assert read_submission(file) == answers
    with pytest.raises(ValueError, match=r"ids should be whole .* \[\d, \d\]: .*torch.cat"):
        write_submission(file, ids, torch.cat(labels), expected_ids=expected)


SCORES = torch.eye(10)[:3]


@pytest.mark.parametrize(
    ("ids", "labels", "expected", "sentence"),
    [
        ([6, 9, 5, 8], [0] * 4, [6, 7, 8], r"the id 9 is not among expected_ids \(2 are not\)"),
        ([0, 1, 2], [0] * 3, [6, 7, 8], r"the id 0 is not .*\(3 are not\): .*not their positions"),
        ([7], [0], [6, 7, 8], r"no label for the id 6: 2 of 3 are missing"),
        ([], [], [6, 7, 8], r"no label for the id 6: 3 of 3 are missing"),
        ([6, 7, 8, 7], [0] * 4, [6, 7, 8], r"^ids hold the id 7 more than once"),
        ([6, 7, 8], [0] * 3, [6, 7, 8, 8], r"expected_ids hold the id 8 more than once"),
        ([], [], [], r"expected_ids is empty"),
        ([6, 7, 8], [0, 1], [6, 7, 8], r"there are 3 ids and 2 labels"),
        ([6, 7, 8], torch.tensor(1), [6, 7, 8], r"there are 3 ids and 1 labels"),
        ([6, 7, 8], [0, 1, 10], [6, 7, 8], r"labels hold the label 10: .*from 0 to 9"),
        ([6, 7, 8], [0, -1, 1], [6, 7, 8], r"labels hold the label -1"),
        ([6, 7, 8], torch.ones(3), [6, 7, 8], r"labels should be whole .* 1\.0: .*argmax\(dim=1\)"),
        ([6, 7, 8], SCORES, [6, 7, 8], r"labels should be whole .* \[1\.0, 0.*argmax\(dim=1\)"),
        ([6, 7, 8], [0, 1, 2.5], [6, 7, 8], r"labels should be whole .* 2\.5:"),
        ([6, 7, 8], ["0", "1", "2"], [6, 7, 8], r"labels should be whole .* '0':"),
        ([6, 7, 8], [0, 1, True], [6, 7, 8], r"labels should be whole .* True:"),
        ([6, 7, 8], [0, 1, None], [6, 7, 8], r"labels should be whole .* None:"),
        (["6", 7, 8], [0, 1, 2], [6, 7, 8], r"^ids should be whole .* '6':"),
        ([6, 7, 8], [0, 1, 2], ["6", 7, 8], r"expected_ids should be whole .* '6':"),
    ],
)
def test_a_wrong_submission_is_named_and_not_written(tmp_path, ids, labels, expected, sentence):
    file = tmp_path / "submission.csv"
    file.write_text("the old one")
    with pytest.raises(ValueError, match=sentence):
        write_submission(file, ids, labels, expected_ids=expected)
    assert file.read_text() == "the old one" and names(tmp_path) == ["submission.csv"]


def test_a_submission_needs_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*none for submission.csv: make it"):
        write_submission(tmp_path / "none" / "submission.csv", [6], [1], expected_ids=[6])
    assert names(tmp_path) == []
