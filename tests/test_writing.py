"""Whatever is written is whole at any time: killed, eight at once, on a full disk, over links.

What is killed or runs beside comes from a server of forks: a fork of this process, whose threads
have computed, would hang.
"""

import errno
import json
import multiprocessing
import os
import random
import signal
import stat
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from helpers.sources import terminal, writing
from helpers.sources.writing import LITTER, contents, locked, new_folder, working, write

ROOT = Path(__file__).resolve().parents[1]
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX processes and files")
LONG = "".join(f"{k} is written\n" for k in range(20_000))  # 300 kB


# ---------------------------------------------------------------- the writers, and who reads


class Text:
    """Any text: each version is LONG with another first line."""

    def write(self, folder, number):
        write(folder / "file", f"{number}\n{LONG}")

    def check(self, folder):
        assert (folder / "file").read_text().split("\n", 1)[1] == LONG


class Weights:
    def __init__(self):
        from torch import nn

        self.model = nn.Linear(200, 300)

    def write(self, folder, number):
        import torch

        from helpers.training import save_weights

        with torch.no_grad():
            for weight in self.model.parameters():
                weight.fill_(number)
        save_weights(self.model, folder / "w.pt")

    def check(self, folder):
        from helpers.training import load_weights

        load_weights(self.model, folder / "w.pt")
        assert self.model.weight.min() == self.model.weight.max() == self.model.bias.max()


class Submission:
    ids = range(5000)

    def write(self, folder, number):
        from helpers.lessons.fashion import write_submission

        write_submission(folder / "s.csv", self.ids, [number % 10] * 5000, expected_ids=self.ids)

    def check(self, folder):
        from helpers.lessons.fashion import read_submission

        found = read_submission(folder / "s.csv")
        assert len(found) == 5000 and len({*found.values()}) == 1


class Record:
    def write(self, folder, number):
        sys.path.insert(0, str(ROOT / "benchmarks"))
        import record

        record.RECORDED = folder
        try:
            record._write("toys", {"a": [number] * 50_000})
        except SystemExit as end:
            raise OSError(errno.ENOSPC, str(end)) from end

    def check(self, folder):
        (found,) = json.loads((folder / "toys.json").read_text())["experiments"].values()
        assert len(found) == 50_000 and len({*found}) == 1


class Lessons:
    """What `make contents`, `make address` and `make lesson` write with."""

    def write(self, folder, number):
        import contents

        contents.ROOT = folder
        contents.write({"a.ipynb": f"{number}\n{LONG}", "README.md": f"{number}\n{LONG}"})

    def check(self, folder):
        for name in ("a.ipynb", "README.md"):
            assert (folder / name).read_text().split("\n", 1)[1] == LONG


class Folder:
    """A folder that is replaced, as the drawn set, the students' copies and the site are."""

    def write(self, folder, number):
        with locked(folder / "made", "making it"), new_folder(folder / "made", "MADE") as new:
            for k in range(5):
                (new / str(k)).write_text(f"{number}\n{LONG}")

    def check(self, folder):
        if not (folder / "made").exists():  # killed between two steps: the next program mends it
            self.write(folder, 0)
        found = {path.read_text() for name, path in contents(folder / "made").items() if name < "M"}
        assert len(found) == 1 and len(contents(folder / "made")) == 6


if hasattr(os, "fork"):
    SERVER = multiprocessing.get_context("forkserver")
    imported = ["helpers.training", "helpers.lessons.fashion", "cv2", "torchvision", "nbformat"]
    SERVER.set_forkserver_preload(imported)
WRITERS = pytest.mark.parametrize("writer", [Text, Weights, Submission, Record, Lessons, Folder])


@pytest.fixture
def own_settings(monkeypatch):
    """What the writers set in modules of this project goes back afterwards."""
    for name, attribute in (("contents", "ROOT"), ("record", "RECORDED")):
        if name in sys.modules:
            monkeypatch.setattr(sys.modules[name], attribute, getattr(sys.modules[name], attribute))


def names(folder):
    return sorted(p.name for p in folder.iterdir() if p.suffix != ".lock")


def fork(call, *arguments):
    process = SERVER.Process(target=call, args=arguments)
    process.start()
    return process


def again_and_again(writer, folder, started):
    for number in range(10**9):
        writer.write(folder, number)
        started.set()


@POSIX
@WRITERS
def test_a_killed_writer_leaves_the_old_file_and_nothing_that_stays(tmp_path, own_settings, writer):
    chance, writer = random.Random(0), writer()
    writer.write(tmp_path, 0)
    first = names(tmp_path)
    for _ in range(20):
        started = SERVER.Event()
        process = fork(again_and_again, writer, tmp_path, started)
        assert started.wait(60)
        time.sleep(chance.random() / 50)  # at any moment, as it goes on and on
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        writer.check(tmp_path)
    writer.write(tmp_path, 1)
    writer.check(tmp_path)
    assert names(tmp_path) == first


def five_times(writer, folder, number):
    for _ in range(5):
        writer.write(folder, number)


@POSIX
@WRITERS
def test_eight_programs_write_at_once(tmp_path, own_settings, monkeypatch, writer):
    monkeypatch.setattr(writing, "say", lambda message: None)
    writer = writer()
    writer.write(tmp_path, 0)
    first = names(tmp_path)
    programs = [fork(five_times, writer, tmp_path, number) for number in range(8)]
    for process in programs:
        process.join(60)
    assert [process.exitcode for process in programs] == [0] * 8
    writer.check(tmp_path)
    assert names(tmp_path) == first


@contextmanager
def full_disk(room=20_000):
    """No file may get larger than this: so a full disk is met in the middle of writing."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@POSIX
@WRITERS
def test_a_full_disk_leaves_the_old_file(tmp_path, own_settings, writer):
    writer = writer()
    writer.write(tmp_path, 0)
    first = {name: path.read_bytes() for name, path in contents(tmp_path).items()}
    with full_disk(), pytest.raises(OSError, match=r"make room|File too large"):
        writer.write(tmp_path, 1)
    assert {name: path.read_bytes() for name, path in contents(tmp_path).items()} == first


@POSIX
def test_a_full_disk_is_said_in_a_sentence(tmp_path):
    with full_disk(), pytest.raises(OSError) as caught:
        write(tmp_path / "file", LONG)
    place, reason = tmp_path / "file", os.strerror(errno.EFBIG)
    advice = "make room, or choose another place"
    assert str(caught.value) == f"{place} cannot be written ({reason}): {advice}"
    assert caught.value.errno == errno.EFBIG and names(tmp_path) == []


# ---------------------------------------------------------------- links, devices, homes


@POSIX
def test_links_are_not_followed(tmp_path):
    (tmp_path / "own").write_text("mine")
    (tmp_path / "file").symlink_to("own")
    for name in (".file-abcdefgh", "file.part", ".file.part"):
        (tmp_path / name).symlink_to("own")
    write(tmp_path / "file", "new")
    assert (tmp_path / "own").read_text() == "mine"
    assert (tmp_path / "file").read_text() == "new" and not (tmp_path / "file").is_symlink()
    assert (tmp_path / ".file-abcdefgh").is_symlink()  # ours is a folder
    (tmp_path / "linked").symlink_to("gone")
    write(tmp_path / "linked", "x")
    assert not (tmp_path / "gone").exists()


@POSIX
@pytest.mark.parametrize("place", ["/dev/full", "/dev/null", "/dev/stdout", "/dev/none"])
def test_devices_are_refused(place):
    before = os.path.lexists(place) and os.lstat(place)
    with pytest.raises(OSError, match="is a folder or a device, not a file"):
        write(place, "x")
    assert (os.path.lexists(place) and os.lstat(place).st_ino) == (before and before.st_ino)


def test_what_is_not_ours_stays(tmp_path):
    for name in ("file.part", "file.tmp", ".file.part"):
        (tmp_path / name).write_text("mine")
    own = tmp_path / ".file-12345678"
    own.mkdir()
    (own / "notes").write_text("mine")
    (tmp_path / ".file-empty000").mkdir()  # of a program killed at once
    write(tmp_path / "file", "new")
    assert names(tmp_path) == sorted(
        [".file-12345678", ".file.part", "file", "file.part", "file.tmp"]
    )
    assert (own / "notes").read_text() == "mine"


def test_a_working_folder_in_use_stays(tmp_path):
    with working(tmp_path / "file") as work:
        write(tmp_path / "file", "another program")
        (work / "new").write_text("x")
    assert names(tmp_path) == ["file"]


def test_a_home_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert write("~/file", "x") == tmp_path / "file"
    for place in ("~/none/file", "~nosuchuser/file", tmp_path / "none" / "file"):
        with pytest.raises(FileNotFoundError, match=r"no folder .*(none|~nosuchuser) for file: "):
            write(place, "x")
    with pytest.raises(OSError, match="is a folder or a device"):
        write(tmp_path, "x")


@POSIX
def test_rights_and_long_names_are_kept(tmp_path):
    place = tmp_path / ("é" * 120)
    write(place, "x")
    assert stat.S_IMODE(place.stat().st_mode) & 0o600 == 0o600
    place.chmod(0o755)
    write(place, "y")
    assert stat.S_IMODE(place.stat().st_mode) == 0o755 and place.read_text() == "y"


# ---------------------------------------------------------------- folders


def made(folder, text="made"):
    with new_folder(folder, "MADE", seed=1) as new:
        (new / "a").mkdir()
        (new / "a" / "file").write_text(text)


OTHERS = ["note.md", ".hidden", "a/more.txt", "mine/deep.ipynb", "a/.file.swp"]


@pytest.mark.parametrize("name", OTHERS)
def test_a_folder_with_anything_else_in_it_is_not_replaced(tmp_path, name):
    made(tmp_path / "set")
    other = tmp_path / "set" / name
    other.parent.mkdir(exist_ok=True)
    other.write_text("mine")
    before = {name: path.read_bytes() for name, path in contents(tmp_path).items()}
    with pytest.raises(FileExistsError, match=rf"{name} in it is not what was made here\. Move"):
        made(tmp_path / "set", "anew")
    assert {name: path.read_bytes() for name, path in contents(tmp_path).items()} == before


@pytest.mark.parametrize("marker", [None, "{", "[]", '{"files": 3}', '{"files": {}}'])
def test_a_folder_of_which_nothing_is_known_is_not_replaced(tmp_path, marker):
    made(tmp_path / "set")
    (tmp_path / "set" / "MADE").unlink()
    if marker is not None:
        (tmp_path / "set" / "MADE").write_text(marker)
    with pytest.raises(FileExistsError, match="a/file in it is not what was made here"):
        made(tmp_path / "set", "anew")
    assert (tmp_path / "set/a/file").read_text() == "made"


@POSIX
def test_changed_files_and_links_are_not_replaced(tmp_path):
    made(tmp_path / "set")
    (tmp_path / "set/a/file").write_text("mad3")
    (tmp_path / "set/link").symlink_to(tmp_path)
    with pytest.raises(FileExistsError, match="link and 1 more in it is not what"):
        made(tmp_path / "set", "anew")
    assert (tmp_path / "set/a/file").read_text() == "mad3"


def test_a_file_put_in_while_it_is_made_stays(tmp_path):
    made(tmp_path / "set")
    with pytest.raises(FileExistsError, match="late in it"):
        with new_folder(tmp_path / "set", "MADE") as new:
            (new / "b").write_text("anew")
            (tmp_path / "set" / "late").write_text("mine")
    assert sorted(contents(tmp_path)) == ["set/MADE", "set/a/file", "set/late"]


def test_its_own_folder_is_replaced_whatever_systems_left(tmp_path):
    made(tmp_path / "set")
    for name in LITTER:
        (tmp_path / "set" / name).touch()
    (tmp_path / "set" / "__pycache__").mkdir()
    (tmp_path / "set" / "__pycache__" / "a.pyc").touch()
    made(tmp_path / "set", "anew")
    assert (tmp_path / "set/a/file").read_text() == "anew"
    assert json.loads((tmp_path / "set/MADE").read_text())["seed"] == 1


@POSIX
def test_a_linked_folder_stays_linked(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "set").symlink_to("disk")
    made(tmp_path / "set"), made(tmp_path / "set", "anew")
    assert (tmp_path / "set").is_symlink() and (tmp_path / "disk/a/file").read_text() == "anew"
    assert names(tmp_path) == ["disk", "set"]


def test_the_wait_for_another_program_is_said_with_its_minutes(tmp_path, monkeypatch):
    said, done = [], threading.Event()
    monkeypatch.setattr(writing, "WAIT", 0.01)
    monkeypatch.setattr(writing, "say", lambda m: (said.append(m), len(said) > 2 and done.set()))

    def other():
        with locked(tmp_path / "set", "drawing"):
            held.set()
            done.wait(60)

    held, thread = threading.Event(), threading.Thread(target=other)
    thread.start()
    assert held.wait(60)
    with locked(tmp_path / "set", "drawing"):
        assert done.is_set()
    thread.join()
    assert said[0] == "Another program is drawing: waiting for it."
    assert said[2] == "Another program is drawing: waiting for it for 2 minutes already."


@POSIX
def test_a_linked_lock_is_refused(tmp_path):
    (tmp_path / "own").write_text("mine")
    (tmp_path / ".set.lock").symlink_to("own")
    with pytest.raises(OSError, match=r"\.set\.lock is a link: remove it"):
        with locked(tmp_path / "set", "drawing"):
            pass
    assert (tmp_path / "own").read_text() == "mine"


# ---------------------------------------------------------------- pictures


def test_what_is_left_out_is_said_once(tmp_path, capsys):
    from helpers.sources.pictures import left_out

    for name in ("0_a.jpg", "1_b.webp", "2_c.heic", ".DS_Store", "._0_a.jpg", "Thumbs.db"):
        (tmp_path / name).touch()
    (tmp_path / "more").mkdir()
    if os.name == "posix":
        (tmp_path / "3_d.jpg").symlink_to("gone")
    for _ in range(3):
        left_out(tmp_path, {"0_a.jpg"}, "only JPEG counts")
    count = 3 if os.name == "posix" else 2
    line = f"{tmp_path}: {count} of {count + 1} files are left out, such as 1_b.webp: only JPEG"
    assert capsys.readouterr().err.startswith(line)
    left_out(tmp_path, {"0_a.jpg"}, "only JPEG counts")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (
            "a.jpg",
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
            "cannot identify",
        ),
        ("b.png", b"", "cannot identify"),
        ("c.png", b"<html>", "cannot identify"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path, monkeypatch, name, content, words):
    from helpers.sources.pictures import read

    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_, **__: pytest.fail("started"))
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} cannot be read as a picture .*{words}"):
        read(tmp_path / name)


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_more_than_8_bits_are_refused_by_every_reader(tmp_path, mode):
    from helpers.data import read_picture
    from helpers.signs import SIGNSDataset
    from helpers.sources.pictures import read

    name = "1_IMG_1.png" if mode != "F" else "1_IMG_1.jpg"
    Image.new(mode, (8, 8), 3000).save(tmp_path / name, "TIFF")
    for reader in (read, read_picture, lambda file: SIGNSDataset(file.parent)[0]):
        with pytest.raises(ValueError, match=r"more than 8 bits a pixel|1 damaged"):
            reader(tmp_path / name)


def test_every_reader_turns_a_picture_upright(tmp_path):
    from helpers.data import read_picture
    from helpers.sources.pictures import read

    picture = Image.new("RGB", (30, 20))
    picture.paste((255, 255, 255), (0, 0, 15, 20))  # the left half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: left goes up
    picture.save(tmp_path / "1.png", exif=exif)
    assert read(tmp_path / "1.png", "L").size == (20, 30)
    assert read_picture(tmp_path / "1.png")[:14].min() == 255


# ---------------------------------------------------------------- commands


def ended(main, capsys):
    with pytest.raises(SystemExit) as end:
        terminal.command(main)
    return end.value.code, capsys.readouterr().err


def test_a_command_ends_with_a_sentence_and_a_code(capsys):
    def fail(error):
        raise error

    assert ended(lambda: 3, capsys) == (3, "") and ended(lambda: None, capsys) == (None, "")
    assert ended(lambda: fail(OSError("no disk")), capsys) == (1, "no disk\n")
    assert ended(lambda: fail(RuntimeError("no net")), capsys) == (1, "no net\n")
    assert ended(lambda: fail(KeyboardInterrupt()), capsys) == (130, "Interrupted.\n")
    assert ended(lambda: sys.exit(2), capsys) == (2, "")
    with pytest.raises(ValueError, match="a bug"):
        terminal.command(lambda: fail(ValueError("a bug")))
