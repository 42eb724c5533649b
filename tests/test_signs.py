"""Tests of helpers.signs and its sources: every trouble is made to happen.

Instead of drawing, a cheap stand-in scribbles. The sets have 48 pictures instead
of 1,200, and nothing is fetched from the network.
"""

import errno
import json
import os
import pickle
import random
import runpy
import shutil
import signal
import subprocess
import sys
import threading
import time
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from helpers import signs
from helpers.sources import signs as making
from helpers.sources.fetching import DataUnavailable
from helpers.sources.writing import LITTER

ROOT = Path(__file__).resolve().parent.parent
REAL_PARTS = dict(making.PARTS)  # as long as no test has changed them
PARTS = {"train": 30, "val": 12, "test": 6}
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX processes and users")


def stand_in(pause=0.0, calls=None):
    """A module with a `draw_hand` that only scribbles."""
    module = types.ModuleType("helpers.sources.hands")

    def draw_hand(label, rng):
        time.sleep(pause)
        if calls is not None:
            calls.append(label)
        return np.full((64, 64, 3), (40 * label, rng.integers(256), rng.integers(256)), np.uint8)

    module.draw_hand = draw_hand
    return module


def program(code, data, pause=0.0):
    """A Python program with the stand-in and the small counts."""
    start = (
        f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]\n"
        "import test_signs; from test_signs import making, signs\n"
        f"sys.modules['helpers.sources.hands'] = test_signs.stand_in({pause})\n"
        "making.PARTS.update(test_signs.PARTS)\n"
    )
    environment = {**os.environ, "CNN_DATA": str(data)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", start + code], env=environment, **pipes)


@pytest.fixture(autouse=True)
def calls(monkeypatch, tmp_path):
    """The labels drawn so far; small counts, an empty data folder, and no network."""
    drawn = []
    monkeypatch.setenv("CNN_DATA", str(tmp_path / "data"))
    for part, count in PARTS.items():
        monkeypatch.setitem(making.PARTS, part, count)
    monkeypatch.setitem(sys.modules, "helpers.sources.hands", stand_in(calls=drawn))

    def no_network(*_, **__):
        raise OSError("no network in the tests")

    monkeypatch.setattr(making, "download", no_network)
    return drawn


@pytest.fixture
def home(tmp_path):
    return tmp_path / "data" / "64x64_SIGNS"


def put(folder, *names, size=(64, 64), mode="RGB"):
    """Put pictures into a folder, each of another colour."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        colour = Image.new("RGB", size, (200, 10 * number % 256, 60)).convert(mode)
        colour.save(folder / name)
    return folder


def original(folder, train=10, test=4, size=(90, 60)):
    """A small folder in the layout of the original photographs; half of them in noise."""
    for part, count in (("train_signs", train), ("test_signs", test)):
        put(folder / part, *(f"{k % 6}_IMG_{k:04d}.jpg" for k in range(count)), size=size)
    noise = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), np.uint8)
    Image.fromarray(noise).save(folder / "train_signs" / "0_IMG_0000.jpg")
    return folder


def cut(file):
    """Cut a picture short, as a broken copy does."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 2 // 3])


def content(folder):
    return {f.relative_to(folder): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def leftovers(folder):
    return [path.name for path in folder.glob(".*-*") if path.suffix != ".lock"]


# ---------------------------------------------------------------- SIGNSDataset


def test_labels_come_from_the_names(tmp_path):
    put(tmp_path / "a", "5_IMG_9.jpg", "0_IMG_5957 (1).jpg", "2_IMG_3.JPG", "1_x.PNG", "3_.jPeg")
    dataset = signs.SIGNSDataset(str(tmp_path / "a"))
    assert [file.name[0] for file in dataset.files] == list("01235")
    assert dataset.labels == [0, 1, 2, 3, 5] and len(dataset) == 5
    assert all(isinstance(file, Path) and file.is_absolute() for file in dataset.files)
    assert dataset.classes == ["0", "1", "2", "3", "4", "5"]
    picture, label = dataset[2]
    assert isinstance(picture, Image.Image) and picture.mode == "RGB" and label == 2
    assert type(label) is int
    assert signs.SIGNSDataset(tmp_path / "a", lambda p: p.size)[4] == ((64, 64), 5)
    assert len(list(dataset)) == 5  # indexing ends with IndexError


def test_hidden_and_foreign_files_are_left_out(tmp_path):
    folder = put(tmp_path / "a", "0_IMG_1.jpg")
    for name in ("._0_IMG_1.jpg", ".DS_Store", "Thumbs.db", "0_IMG_1.txt", "hand.jpg", "7.jpg"):
        (folder / name).write_bytes(b"no picture")
    put(folder / ".ipynb_checkpoints", "6_IMG_1.jpg")
    put(folder / "more", "1_IMG_1.jpg")
    (folder / "2_IMG_folder.jpg").mkdir()
    assert [file.name for file in signs.SIGNSDataset(folder).files] == ["0_IMG_1.jpg"]


@pytest.mark.parametrize("name", ["6_IMG_1.jpg", "-1_IMG_1.jpg", "10_IMG_1.png", "00_IMG_1.jpg"])
def test_a_label_outside_0_to_5_is_named(tmp_path, name):
    folder = put(tmp_path / "a", "1_IMG_1.jpg", name)
    with pytest.raises(ValueError, match=f"{name}: labels go from 0 to 5"):
        signs.SIGNSDataset(folder)


def test_a_missing_folder_is_named(tmp_path):
    (tmp_path / "file").touch()
    for name in ("none", "file"):
        with pytest.raises(FileNotFoundError, match=rf"no folder .*{name}: check the path"):
            signs.SIGNSDataset(tmp_path / name)


def test_an_empty_folder_says_what_is_expected(tmp_path):
    (tmp_path / "._0_IMG_1.jpg").touch()
    with pytest.raises(ValueError, match=r"0_IMG_1.jpg .*helpers.data signs") as caught:
        signs.SIGNSDataset(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("mode", "name"),
    [(m, "0_a.png") for m in ("1", "L", "LA", "P", "RGBA")] + [("CMYK", "0_a.jpg")],
)
def test_every_kind_of_picture_comes_as_rgb(tmp_path, mode, name):
    put(tmp_path / "a", name, mode=mode)
    assert Image.open(tmp_path / "a" / name).mode == mode
    picture, _ = signs.SIGNSDataset(tmp_path / "a")[0]
    assert picture.mode == "RGB" and picture.size == (64, 64)
    red, green, blue = np.asarray(picture).astype(int).reshape(-1, 3).mean(0)
    assert red == green == blue if mode in ("1", "L", "LA") else red > 150 > 90 > blue > green


def test_wrong_sizes_are_left_to_the_transform(tmp_path):
    from torchvision.transforms import v2

    put(tmp_path / "a", "0_a.jpg", size=(90, 60)), put(tmp_path / "a", "1_a.jpg", size=(64, 64))
    assert signs.SIGNSDataset(tmp_path / "a")[0][0].size == (90, 60)
    dataset = signs.SIGNSDataset(tmp_path / "a", v2.Resize((64, 64)))
    assert [picture.size for picture, _ in dataset] == [(64, 64)] * 2


def test_pictures_are_turned_upright(tmp_path):
    picture = Image.new("RGB", (30, 20))
    picture.paste((255, 255, 255), (0, 0, 15, 20))  # the left half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: left goes up
    picture.save(tmp_path / "0_a.jpg", exif=exif)
    upright = np.asarray(signs.SIGNSDataset(tmp_path)[0][0])
    assert upright.shape == (30, 20, 3)
    assert upright[:12].mean() > 250 and upright[18:].mean() < 5


def test_damaged_pictures_are_all_named_up_front(tmp_path):
    folder = put(tmp_path / "a", *(f"{k % 6}_IMG_{k}.jpg" for k in range(8)), size=(300, 200))
    put(folder, "1_b.png")
    cut(folder / "2_IMG_2.jpg"), cut(folder / "1_b.png")
    (folder / "3_IMG_3.jpg").write_bytes(b"<html>not a picture</html>")
    (folder / "0_IMG_6.jpg").write_bytes(b"")
    for find in (signs.SIGNSDataset, signs.check_pictures):
        with pytest.raises(ValueError, match="4 damaged in ") as caught:
            find(folder)
        for name in ("2_IMG_2.jpg", "1_b.png", "3_IMG_3.jpg", "0_IMG_6.jpg"):
            assert name in str(caught.value)
        assert "0_IMG_0.jpg" not in str(caught.value)


def test_large_folders_are_not_decoded_up_front(tmp_path, monkeypatch):
    folder = put(tmp_path / "a", "0_IMG_1.jpg", "1_IMG_1.jpg", size=(300, 200))
    cut(folder / "1_IMG_1.jpg")
    with open(folder / "0_IMG_1.jpg", "r+b") as file:
        file.truncate(50_000_001)  # zeros after the picture's end: no harm
    dataset = signs.SIGNSDataset(folder)
    assert dataset[0][1] == 0
    with pytest.raises(ValueError, match=r"1_IMG_1.jpg cannot be read as a picture .*trunc"):
        dataset[1]
    with pytest.raises(ValueError, match=r"1 damaged in .*: a/1_IMG_1.jpg"):
        signs.check_pictures(folder)


def test_no_thread_is_left(tmp_path):
    folder = put(tmp_path / "a", "0_IMG_1.jpg")
    before = threading.enumerate()
    signs.SIGNSDataset(folder)
    new = [thread for thread in threading.enumerate() if thread not in before]
    assert [thread for thread in new if type(thread).__name__ != "TMonitor"] == []  # tqdm's own


def test_loader_workers_can_use_it(tmp_path):
    from torchvision.transforms import v2

    put(tmp_path / "a", *(f"{k % 6}_IMG_{k:02d}.jpg" for k in range(12)))
    to_tensor = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    dataset = signs.SIGNSDataset(tmp_path / "a", to_tensor)
    assert pickle.loads(pickle.dumps(dataset)).files == dataset.files
    loader = torch.utils.data.DataLoader(dataset, 4, num_workers=2)
    batches = [(X.shape, y.tolist()) for X, y in loader]
    assert [shape for shape, _ in batches] == [(4, 3, 64, 64)] * 3
    assert [label for _, y in batches for label in y] == dataset.labels


# ---------------------------------------------------------------- the drawn set


def test_the_set_is_drawn_on_first_use(home, calls, capfd):
    train, val, test = (signs.signs(part) for part in ("train", "val", "test"))
    assert (len(train), len(val), len(test)) == (30, 12, 6)
    for dataset in (train, val, test):  # balanced
        assert np.bincount(dataset.labels).tolist() == [len(dataset) // 6] * 6
    assert test.files[0] == home / "test_signs" / "0_IMG_0042.jpg"
    for picture, label in train:  # the label that the name has is the one that was drawn
        assert picture.size == (64, 64) and abs(int(np.asarray(picture)[9, 9, 0]) - 40 * label) < 5
    assert len(calls) == 48 and leftovers(home.parent) == []
    capfd.readouterr()
    assert signs.signs("train", transform=lambda p: p.mode)[0][0] == "RGB"
    assert len(calls) == 48 and capfd.readouterr() == ("", "")


def test_the_numbers_of_pictures_are_those_of_the_real_set():
    assert REAL_PARTS == {"train": 864, "val": 216, "test": 120}


def test_a_wrong_part_is_named(calls):
    for part in ("valid", True, None):
        with pytest.raises(ValueError, match=rf"no part {part!r}: choose from train, val, test"):
            signs.signs(part)
    assert calls == []


def test_the_seed_settles_every_picture(tmp_path, monkeypatch):
    one, same = making.draw_signs(tmp_path / "1", 7), making.draw_signs(tmp_path / "2", seed=7)
    other = making.draw_signs(tmp_path / "3", seed=8)
    assert content(one) == content(same)
    assert content(one).keys() == content(other).keys()
    names = [name for name in content(one) if name.suffix == ".jpg"]
    assert all(content(one)[name] != content(other)[name] for name in names)
    assert len({content(one)[name] for name in names}) == len(names)
    monkeypatch.setitem(making.PARTS, "test", 12)  # more pictures: the first stay the same
    more = content(making.draw_signs(tmp_path / "4", seed=7))
    assert all(more[name] == content(one)[name] for name in names)


@pytest.mark.parametrize("trouble", ["file", "part", "code"])
def test_an_incomplete_or_older_set_is_drawn_again(home, calls, trouble):
    making.prepare_signs()
    whole = content(home)
    marker = home / making.MARKER
    if trouble == "file":
        next(home.glob("val_signs/*")).unlink()
    elif trouble == "part":
        shutil.rmtree(home / "test_signs")
    else:
        marker.write_text(json.dumps({**json.loads(marker.read_text()), "code": 1}))
    making.prepare_signs()
    assert len(calls) == 96 and content(home) == whole and leftovers(home.parent) == []


@pytest.mark.parametrize("parts", [("train", "val", "test"), ("train",)])
def test_a_real_set_is_used_and_never_touched(home, calls, parts):
    for part in parts:
        put(home / f"{part}_signs", "0_IMG_5864.jpg", "1_IMG_4381 (1).jpg")
    before = content(home)
    assert signs.signs("train").labels == [0, 1]
    assert calls == [] and content(home) == before
    with pytest.raises(ValueError, match="not drawn here: choose another folder"):
        making.draw_signs(home)
    if "test" not in parts:
        with pytest.raises(FileNotFoundError, match="test_signs"):
            signs.signs("test")
    assert calls == [] and content(home) == before


@POSIX
def test_a_real_set_behind_links_is_never_touched(home, calls, tmp_path):
    put(tmp_path / "real", "3_IMG_1.jpg")
    home.mkdir(parents=True)
    (home / "train_signs").symlink_to(tmp_path / "real")
    assert signs.signs("train").labels == [3]
    assert calls == [] and (tmp_path / "real" / "3_IMG_1.jpg").exists()


def test_pictures_among_drawn_ones_are_not_lost(home, calls):
    making.prepare_signs()
    put(home / "train_signs", "0_IMG_5864.jpg")
    next(home.glob("val_signs/*")).unlink()
    with pytest.raises(ValueError, match=r"yours \(train_signs/0_IMG_5864.jpg\): .*DRAWN.json"):
        signs.signs("train")
    assert len(calls) == 48 and (home / "train_signs" / "0_IMG_5864.jpg").exists()
    (home / making.MARKER).unlink()
    assert len(signs.signs("train")) == 31


OTHERS = ["my_model.pt", "notes.md", "train_signs/labels.csv", "train_signs/hand.jpg"]
OTHERS += ["mine/more.ipynb", ".hidden"]


@pytest.mark.parametrize("trouble", ["missing", "code", "marker"])
@pytest.mark.parametrize("other", OTHERS)
def test_a_drawn_set_with_anything_else_in_it_is_not_replaced(home, calls, other, trouble):
    making.prepare_signs()
    (home / other).parent.mkdir(exist_ok=True)
    (home / other).write_text("mine")
    assert making.state() == "whole" and len(signs.signs("train")) == 30  # nothing is in the way
    marker = home / making.MARKER
    if trouble == "missing":
        next(home.glob("val_signs/*")).unlink()
    elif trouble == "code":
        marker.write_text(json.dumps({**json.loads(marker.read_text()), "code": 1}))
    else:
        marker.write_text("{")
    before = content(home)
    assert making.state() == "damaged"
    with pytest.raises(FileExistsError, match="in it is not what was made here"):
        making.prepare_signs()
    assert content(home) == before and len(calls) == 48 and leftovers(home.parent) == []


def test_a_flipped_bit_is_found_and_its_picture_named(home, calls):
    making.prepare_signs()
    picture = home / "val_signs" / "0_IMG_0030.jpg"
    flipped = bytearray(picture.read_bytes())
    flipped[-20] ^= 1
    picture.write_bytes(flipped)
    assert making.state() == "damaged"
    with pytest.raises(FileExistsError, match=r"val_signs/0_IMG_0030\.jpg in it is not what was"):
        signs.signs("train")
    picture.unlink()
    assert len(signs.signs("val")) == 12 and making.state() == "whole" and len(calls) == 96


def test_a_set_drawn_before_there_were_checksums_is_used(home, calls):
    making.prepare_signs()
    (home / making.MARKER).write_text(json.dumps(making._recipe(0)))
    assert len(signs.signs("train")) == 30 and making.state() == "whole"
    next(home.glob("val_signs/*")).unlink()
    with pytest.raises(FileExistsError, match="and 46 more in it is not what was made here"):
        signs.signs("train")
    assert len(calls) == 48


def test_a_folder_of_hidden_files_is_not_replaced(home, calls):
    home.mkdir(parents=True)
    (home / ".notes").write_text("mine")
    with pytest.raises(FileExistsError, match=r"\.notes in it is not what was made here"):
        signs.signs("train")
    assert (home / ".notes").read_text() == "mine" and calls == []


def test_an_empty_folder_in_the_place_of_the_set_is_filled(home):
    (home / "train_signs").mkdir(parents=True)
    for name in LITTER:
        (home / name).touch()
    assert making.state() == "missing"
    assert len(signs.signs("train")) == 30


def test_a_failure_while_drawing_leaves_nothing(home, monkeypatch):
    def draw_hand(label, rng):
        if label == 5:
            raise KeyboardInterrupt
        return np.zeros((64, 64, 3), np.uint8)

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["helpers.sources.hands"], "draw_hand", draw_hand)
        with pytest.raises(KeyboardInterrupt):
            making.prepare_signs()
    assert not home.exists() and leftovers(home.parent) == []
    assert len(signs.signs("test")) == 6


@POSIX
def test_a_killed_program_starts_again_and_leaves_nothing(home, calls, tmp_path):
    source, built = original(tmp_path / "SIGNS", train=30), tmp_path / "built"
    code = (  # draws and builds at the same time, slowly
        "import threading, time; read = making.read\n"
        "making.read = lambda file: time.sleep(0.3) or read(file)\n"
        f"build = threading.Thread(target=making.build, args=({str(source)!r}, {str(built)!r}))\n"
        "build.start(); making.prepare_signs(); build.join()"
    )
    process = program(code, home.parent, pause=0.1)
    for _ in range(600):  # until both are under way
        if list(home.parent.rglob("*.jpg")) and list(tmp_path.glob(".built-*/*/*/*.jpg")):
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)
    assert leftovers(home.parent) and leftovers(tmp_path)
    assert not home.exists() and not built.exists()
    assert len(signs.signs("train")) == 30 and len(calls) == 48
    assert len(content(making.build(source, built))) == 34
    assert leftovers(home.parent) == leftovers(tmp_path) == []


def test_two_programs_at_once_draw_once(home, calls):
    other = program("print(len(signs.signs('train')))", home.parent, pause=0.02)
    for _ in range(600):  # until the other one draws
        if list(home.parent.rglob("*.jpg")):
            break
        time.sleep(0.05)
    assert not home.exists()
    assert len(signs.signs("train")) == 30 and calls == []
    assert other.communicate(timeout=60)[0].strip() == "30"
    assert leftovers(home.parent) == []


@POSIX
def test_a_read_only_folder(tmp_path, home, calls, monkeypatch, capfd):
    """A whole set there is read; where there is none, the folder is named."""
    import tempfile

    def as_nobody(folder, call):
        root = os.geteuid() == 0
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        os.seteuid(65534) if root else None
        try:
            return call()
        finally:
            os.seteuid(0) if root else None
            folder.chmod(0o755)

    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as code:
        Path(folder).chmod(0o755)  # pytest's own are closed to other users,
        Path(code).chmod(0o755)  # and so may be the checkout
        shutil.copy(Path(making.__file__).with_name("hands.py"), code)
        monkeypatch.setattr(making, "__file__", f"{code}/signs.py")
        monkeypatch.setenv("CNN_DATA", folder)
        with pytest.raises(OSError, match=r"cannot be written .*CNN_DATA") as caught:
            as_nobody(Path(folder), making.prepare_signs)
        assert folder in str(caught.value) and calls == []
        making.prepare_signs()
        capfd.readouterr()
        assert len(as_nobody(Path(folder), lambda: signs.signs("train"))) == 30
        assert len(calls) == 48 and capfd.readouterr() == ("", "")
        for path in Path(folder).rglob("*"):
            path.chmod(0o755)


def test_a_full_disk_is_said(home, monkeypatch):
    import errno

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match=r"64x64_SIGNS cannot be written .*make room"):
        making.prepare_signs()
    assert not home.exists() and leftovers(home.parent) == []


# ---------------------------------------------------------------- build


def test_build_makes_what_the_well_known_script_makes(tmp_path):
    source = original(tmp_path / "SIGNS", train=17)
    (source / "train_signs" / "._1_IMG_0001.jpg").write_bytes(b"x")
    target = making.build(source, str(tmp_path / "small" / "64x64_SIGNS"))
    names = sorted(f"{k % 6}_IMG_{k:04d}.jpg" for k in range(17))
    random.seed(230)
    random.shuffle(names)
    found = {part: {f.name for f in (target / f"{part}_signs").iterdir()} for part in PARTS}
    assert found["train"] == set(names[:13]) and found["val"] == set(names[13:])
    assert len(found["test"]) == 4
    for file in target.glob("*/*"):
        place = "test_signs" if file.parent.name == "test_signs" else "train_signs"
        expected = Image.open(source / place / file.name).resize((64, 64), Image.BILINEAR)
        expected.save(tmp_path / "expected.jpg")
        assert file.read_bytes() == (tmp_path / "expected.jpg").read_bytes()
    assert leftovers(target.parent) == []
    again = making.build(source, tmp_path / "again")
    assert content(again) == content(target)


def test_build_takes_every_kind_of_picture(tmp_path):
    source = original(tmp_path / "SIGNS", train=5, test=1)
    (
        put(source / "test_signs", "4_IMG_1.PNG", mode="RGBA"),
        put(source / "test_signs", "5_IMG_2.JPEG"),
    )
    put(source / "test_signs", "3_IMG_1.jpg", mode="L")
    dataset = signs.SIGNSDataset(making.build(source, tmp_path / "new") / "test_signs")
    assert dataset.labels == [0, 3, 4, 5]
    for file in dataset.files:
        picture = Image.open(file)
        assert picture.mode == "RGB" and picture.size == (64, 64)


def test_build_names_all_damaged_pictures_and_puts_nothing_in_place(tmp_path):
    source = original(tmp_path / "SIGNS")
    cut(source / "train_signs" / "0_IMG_0000.jpg"), cut(source / "test_signs" / "3_IMG_0003.jpg")
    with pytest.raises(ValueError, match=r"2 damaged in .*SIGNS: ") as caught:
        making.build(source, tmp_path / "new")
    assert "train_signs/0_IMG_0000.jpg" in str(caught.value)
    assert "test_signs/3_IMG_0003.jpg" in str(caught.value)
    assert not (tmp_path / "new").exists() and leftovers(tmp_path) == []


def test_build_refuses(tmp_path):
    source = original(tmp_path / "SIGNS")
    before = content(source)
    put(tmp_path / "there", "note.png")
    for target in (tmp_path / "there", source, tmp_path / "there" / ".." / "SIGNS"):
        with pytest.raises(ValueError, match="exists: "):
            making.build(source, target)
    assert content(source) == before and len(content(tmp_path / "there")) == 1
    with pytest.raises(FileNotFoundError, match=r"none.train_signs"):
        making.build(tmp_path / "none", tmp_path / "new")
    shutil.rmtree(source / "test_signs")
    with pytest.raises(FileNotFoundError, match=r"SIGNS.test_signs"):
        making.build(source, tmp_path / "new")
    (source / "test_signs").mkdir()
    with pytest.raises(ValueError, match=r"test_signs holds no pictures"):
        making.build(source, tmp_path / "new")
    put(source / "test_signs", "6_IMG_1.jpg")
    with pytest.raises(ValueError, match=r"6_IMG_1.jpg: labels go from 0 to 5"):
        making.build(source, tmp_path / "new")
    assert not (tmp_path / "new").exists()


# ---------------------------------------------------------------- fetch


@pytest.fixture
def drive(monkeypatch, tmp_path):
    """Call with what the drive sends: the bytes of a file, or an exception."""

    def play(answer):
        def download(url, path, limit):
            assert "1ufiR6hUKhXoAyiBNsySPkUwlvE_wfEHC" in url and limit == 2_000_000_000
            if isinstance(answer, Exception):
                raise answer
            path.write_bytes(answer)

        monkeypatch.setattr(making, "download", download)

    return play


def archive(tmp_path, *more, parts=("train_signs", "test_signs")):
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as file:
        for part in parts:
            file.writestr(f"SIGNS/{part}/", "")
            file.writestr(f"SIGNS/{part}/0_IMG_1.jpg", b"picture")
            file.writestr(f"__MACOSX/SIGNS/{part}/._0_IMG_1.jpg", b"x")
        for name in more:
            file.writestr(name, b"evil")
    return (tmp_path / "made.zip").read_bytes()


def test_the_original_is_fetched_and_unpacked(drive, tmp_path):
    drive(archive(tmp_path, "SIGNS/.DS_Store", "SIGNS/train_signs/readme.txt"))
    target = making.fetch_original(tmp_path / "new" / "SIGNS")
    expected = {Path("train_signs/0_IMG_1.jpg"), Path("test_signs/0_IMG_1.jpg")}
    assert content(target).keys() == expected
    assert sorted(path.name for path in target.iterdir()) == ["test_signs", "train_signs"]
    assert leftovers(target.parent) == []


def test_no_path_of_an_archive_leads_outside(drive, tmp_path):
    names = ["../1_IMG_1.jpg", "../../../train_signs/../1_IMG_2.jpg", "/1_IMG_3.jpg"]
    names += ["train_signs/../../1_IMG_4.jpg", "train_signs\\..\\..\\1_IMG_5.jpg", "train_signs/.."]
    drive(archive(tmp_path, *names, "C:\\train_signs\\1_IMG_6.jpg", "../train_signs/1_IMG_7.jpg"))
    making.fetch_original(tmp_path / "a" / "b" / "new")
    evil = [path for path in tmp_path.rglob("1_IMG*") if path.is_file()]
    assert all(path.parent == tmp_path / "a" / "b" / "new" / "train_signs" for path in evil)
    assert [*(tmp_path / "a").iterdir()] == [tmp_path / "a" / "b"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"  <!DOCTYPE html><title>Google Drive - Quota exceeded</title>", "web page came instead"),
        (b"PK\x03\x04 cut short", "not a zip file"),
        (ConnectionError("refused by\nthe host"), "refused by the host"),
        (None, "no folder|holds no pictures"),
    ],
)
def test_a_refused_download_says_what_to_do(drive, tmp_path, answer, words):
    drive(archive(tmp_path, parts=("train_signs",)) if answer is None else answer)
    with pytest.raises(DataUnavailable, match=words) as caught:
        making.fetch_original(tmp_path / "new")
    what, by_hand, otherwise = str(caught.value).split("\n")
    assert "could not be fetched" in what and "https://drive.google.com/file/d/1ufiR6h" in by_hand
    assert "drawn hands" in otherwise
    assert not (tmp_path / "new").exists() and leftovers(tmp_path) == []


def test_a_full_disk_is_not_taken_for_the_network(drive, tmp_path):
    drive(OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(OSError, match=r"new cannot be written \(No space left.*: make room"):
        making.fetch_original(tmp_path / "new")
    assert not (tmp_path / "new").exists() and leftovers(tmp_path) == []


def test_a_damaged_member_is_refused(drive, tmp_path):
    bad = bytearray(archive(tmp_path))
    bad[bad.index(b"picture")] ^= 255
    drive(bytes(bad))
    with pytest.raises(DataUnavailable, match="Bad CRC-32"):
        making.fetch_original(tmp_path / "new")
    assert not (tmp_path / "new").exists() and leftovers(tmp_path) == []


def test_an_archive_that_becomes_much_larger_is_refused(drive, tmp_path):
    with zipfile.ZipFile(tmp_path / "made.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("train_signs/0_IMG_1.jpg", bytes(64 << 20))
    drive((tmp_path / "made.zip").read_bytes())
    with pytest.raises(DataUnavailable, match="the archive would become 67 MB"):
        making.fetch_original(tmp_path / "new")
    assert not (tmp_path / "new").exists() and leftovers(tmp_path) == []


def test_without_network_the_reason_is_said(tmp_path):
    with pytest.raises(DataUnavailable, match="no network in the tests"):
        making.fetch_original(tmp_path / "new")


def test_fetch_overwrites_nothing(tmp_path):
    put(tmp_path / "there", "note.png")
    with pytest.raises(ValueError, match="there exists: "):
        making.fetch_original(tmp_path / "there")
    assert len(content(tmp_path / "there")) == 1


# ---------------------------------------------------------------- python -m helpers.sources.signs


def test_draw_and_check(home, capsys):
    assert making.main(["check"]) == 1
    assert "train: there is no folder" in capsys.readouterr().err
    assert making.main(["draw"]) == 0
    assert str(home) in capsys.readouterr().out
    assert making.main(["check"]) == 0
    assert "train: 30 pictures (5 of 0, 5 of 1, 5 of 2" in capsys.readouterr().out
    cut(home / "val_signs" / "0_IMG_0030.jpg")
    next(home.glob("test_signs/*")).unlink()
    assert making.main(["check", str(home)]) == 1
    err = capsys.readouterr().err
    assert "val: 1 damaged" in err and "0_IMG_0030.jpg" in err and "test: 6 were drawn" in err


def test_build_and_fetch(drive, tmp_path, capsys):
    original(tmp_path / "SIGNS")
    new = str(tmp_path / "new")
    assert making.main(["build", str(tmp_path / "SIGNS"), new]) == 0
    assert making.main(["check", new]) == 0
    assert making.main(["build", str(tmp_path / "SIGNS"), new]) == 1
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert line.startswith(f"{new} exists: ")
    drive(archive(tmp_path))
    assert making.main(["fetch", str(tmp_path / "photographs")]) == 0
    drive(b"<html>")
    assert making.main(["fetch", str(tmp_path / "more")]) == 1
    assert "web page" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["paint"], ["build", "a"], ["fetch"], ["draw", "a"], ["check", "a", "b"]]
)
def test_wrong_arguments(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        making.main(arguments)
    assert caught.value.code == 2 and "usage: " in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:.*found in sys.modules")
def test_the_command_has_no_traceback_for_the_readers_errors(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["signs", "build", str(tmp_path), str(tmp_path / "new")])
    with pytest.raises(SystemExit) as caught:  # as `python -m helpers.sources.signs` does it
        runpy.run_module("helpers.sources.signs", run_name="__main__")
    out, err = capsys.readouterr()
    assert caught.value.code == 1 and out == ""
    (line,) = err.splitlines()
    assert "train_signs" in line
