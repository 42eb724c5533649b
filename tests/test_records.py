"""Tests of the records of benchmarks: what is in them, how they are written, what is refused."""

import importlib.util
import json
import math
import os
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "benchmarks"
sys.path.insert(0, str(FOLDER))
import record  # noqa: E402
import tables  # noqa: E402

TOPICS = ["birds", "cifar10", "fashion", "faults", "regularization", "signs", "times"]
CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder for records, of a CPU that has bfloat16."""
    monkeypatch.setattr(record, "RECORDED", tmp_path)
    monkeypatch.setattr(record, "fast_bf16", lambda device: True)
    monkeypatch.setattr(record.signal, "signal", lambda *options: None)
    return tmp_path


def write(name="a", value=0.5, **options):
    runs = [{"accuracy": value, "curve": [0.1, value]}, {"accuracy": 0.75, "curve": [0.2, 0.75]}]
    record.record("toys", name, f"{name} was trained", runs, [7, 8], CPU, **options)


# ---------------------------------------------------------------- what is recorded


def test_every_topic_has_a_record_and_no_other():
    assert sorted(path.name for path in record.RECORDED.iterdir()) == [f"{t}.json" for t in TOPICS]


@pytest.mark.parametrize("topic", TOPICS)
def test_every_entry_follows_the_schema(topic):
    for name, entry in record.read(topic).items():
        assert entry["what"] and entry["machine"]["torch"] and entry["machine"]["date"], name
        lists = {key: value for key, value in entry.items() if isinstance(value, list)}
        assert len({len(values) for values in lists.values()}) == 1, name  # one value a run
        assert lists.keys() - {"seeds"}, name
        others = entry.keys() - lists.keys() - {"what", "machine", "settings"}
        assert all(isinstance(entry[key], int | float) for key in others), name


def test_lessons_are_timed_by_topic():
    lessons = {path.stem.split("_", 1)[1] for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert record.read("times").keys() >= lessons


def test_five_seeds_were_trained_on_birds():
    assert {len(entry["seeds"]) for entry in record.read("birds").values()} == {5}


# ---------------------------------------------------------------- writing


def test_an_entry_is_what_was_given_and_replaces_only_its_own(folder):
    write(settings={"lr": 0.1}, parameters=12)
    write("b")
    write("a", 0.25, parameters=12)
    found = record.read("toys")
    assert list(found) == ["a", "b"]  # each in its place
    assert found["a"].pop("machine") == record.machine(CPU)
    assert found["a"] == {
        "what": "a was trained",
        "seeds": [7, 8],
        "parameters": 12,
        "accuracy": [0.25, 0.75],
        "curve": [[0.1, 0.25], [0.2, 0.75]],
    }
    assert found["b"]["accuracy"] == [0.5, 0.75]
    assert [path.name for path in folder.iterdir()] == ["toys.json"]


def test_no_kind_of_machine_replaces_the_record_of_another(folder, monkeypatch):
    write()
    monkeypatch.setattr(record, "fast_bf16", lambda device: False)
    write(value=0.25)
    found = record.read("toys")
    assert found["a"]["accuracy"][0] == 0.5 and found["a 32 bits"]["accuracy"][0] == 0.25
    assert found["a 32 bits"]["what"] == "a was trained, in 32 bits"
    ends = {record.kind(torch.device(name)) for name in ("cpu", "mps", "cuda")}
    assert ends == record.KINDS.keys() - {""}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)  # the CPU was asked for
    assert record.machine(CPU)["device"] == "cpu"


def script(name):
    """Load a benchmark under a name of its own: other modules are called so, too."""
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_record_names_the_driver_and_the_clocks_of_a_card(tmp_path, monkeypatch):
    cuda = torch.device("cuda")
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '580.1, 345 MHz, 1980 MHz, 2619 MHz, 700.00 W'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert record.card(cuda)["driver_version"] == "580.1"
    assert record.card(cuda)["clocks.max.sm"] == "1980 MHz"
    assert record.card(CPU) == {}
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert record.card(cuda) == {}


def test_a_lesson_is_timed_under_its_topic(folder, monkeypatch):
    times = script("times")
    measured = {"seconds": 11.5, "peak_memory_gb": 1.2}
    monkeypatch.setattr(times, "measure", lambda lesson: measured)
    (lesson,) = (ROOT / "notebooks").glob("*_signs_dataset.ipynb")
    times.main(["pooling", lesson.stem[:2], "signs_dataset"])  # the last two are one
    found = record.read("times")
    assert list(found) == ["pooling", "signs_dataset"]
    assert found["pooling"]["seconds"] == [11.5]
    with pytest.raises(SystemExit, match="there is no lesson 77, knitting; there are: "):
        times.main(["knitting", "77"])


def test_the_networks_on_birds_are_recorded_by_seed(folder, monkeypatch):
    birds = script("birds")
    monkeypatch.setattr(birds, "run", lambda name, seed: ({"test": seed / 100}, 17))
    for seeds in (["1"], ["10", "11"]):
        monkeypatch.setattr(sys, "argv", ["birds.py", *seeds, "--only", "mlp", "conv"])
        birds.main()
    found = record.read("birds")
    assert list(found) == ["mlp", "conv"]
    assert found["conv"]["seeds"] == [10, 11] and found["conv"]["test"] == [0.1, 0.11]
    assert found["conv"]["parameters"] == 17


def untouched(folder, text, wrong, **options):
    """Expect that writing ends with a sentence, and leaves the file as it was, and no other."""
    for start in (lambda: record.begin("toys"), lambda: write(**options)):
        with pytest.raises(SystemExit, match=wrong):
            start()
        assert (folder / "toys.json").read_text() == text
        assert [path.name for path in folder.iterdir()] == ["toys.json"]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('{"experiments": {}}', "toys.json is of schema 1: this program knows 2"),
        ('{"schema": 3, "experiments": {}}', "toys.json is of schema 3: this program knows 2"),
        ("[]", "toys.json is of schema 1"),
        ('{"schema": 2, "exper', "toys.json is damaged .*: put back the one of git"),
    ],
)
def test_a_file_that_cannot_be_used_stays_as_it_is(folder, text, wrong):
    (folder / "toys.json").write_text(text)
    untouched(folder, text, wrong)


@pytest.mark.parametrize(("where", "step"), [(Path, "write_bytes"), (os, "replace")])
def test_a_folder_that_cannot_be_written_is_named(folder, monkeypatch, where, step):
    write()
    text = (folder / "toys.json").read_text()

    def refuse(path, *content, **options):
        assert path.parent.exists()  # and is removed afterwards
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(where, step, refuse)
    wrong = "toys.json stays as it was, nothing is recorded: .*Read-only file system"
    untouched(folder, text, wrong)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_not_recorded(folder, value):
    write()
    text = (folder / "toys.json").read_text()
    with pytest.raises(SystemExit, match="nothing is recorded: Out of range"):
        write("b", value)
    assert (folder / "toys.json").read_text() == text


def test_a_stop_while_writing_leaves_the_record(folder, monkeypatch):
    write()
    text = (folder / "toys.json").read_text()

    def stop(path, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write("b")
    assert json.loads(text) == json.loads((folder / "toys.json").read_text())
    assert len(list(folder.iterdir())) == 1


def test_a_record_that_is_missing_is_named(folder):
    with pytest.raises(SystemExit, match=r"toys\.json cannot be read: No such file"):
        record.read("toys")
    record.begin("toys")  # a first benchmark starts it
    assert record.read("toys") == {}


# ---------------------------------------------------------------- tables


def test_tables_are_made_of_what_is_recorded():
    said = tables.README.read_text(encoding="utf-8")
    assert tables.readme() == said, "run: python benchmarks/tables.py"


def test_tables_stand_between_their_marks(tmp_path, monkeypatch):
    readme = tmp_path / "README.md"
    monkeypatch.setattr(tables, "README", readme)
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    readme.write_text(text.replace("98.5 %", "12.3 %").replace("What the numbers mean", "Said"))
    assert tables.readme() == text.replace("What the numbers mean", "Said")
    readme.write_text(text.replace("<!-- table: birds -->", ""))
    with pytest.raises(SystemExit, match="a mark for each of these, once: signs, faults, fashion"):
        tables.readme()


def test_a_table_follows_its_record(folder):
    for topic in ("signs", "fashion"):
        record.record(topic, "x", "X → Y", [{"accuracy": a} for a in (0.5, 0.75)], [0, 1], CPU)
    assert "| X → Y | 62.5 % | 50.0 % | 75.0 % | 2 | – |" in tables.signs()
    runs = [{"accuracy": 1.0, "seconds": seconds} for seconds in (1, 2, 30)]
    record.record("signs", "z", "Z", runs, [0, 1, 2], CPU)
    assert "| Z | 100.0 % | 100.0 % | 100.0 % | 3 | 2 |" in tables.signs()
    assert f"torch {torch.__version__}" in tables.signs()
    old = record.read("signs")
    old["x"]["machine"]["torch"] = "1.0"
    (folder / "signs.json").write_text(json.dumps({"schema": 2, "experiments": old}))
    assert "torch 1.0, " in tables.signs() and f"torch {torch.__version__}" in tables.signs()
