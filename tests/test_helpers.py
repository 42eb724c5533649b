"""machine, plotting and explorer."""

import subprocess
import sys
import types

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.colors import to_hex

from helpers import machine, plotting
from helpers.lessons import filters as explorer
from helpers.lessons import start


@pytest.fixture
def shown(monkeypatch):
    """Collect what would be displayed: (data, metadata) of each output."""
    collected = []

    def display(data, *, metadata, raw):
        assert raw
        collected.append((data, metadata))

    monkeypatch.setattr(plotting, "display", display)
    monkeypatch.setattr(explorer, "display", display)
    return collected


def size_of(png):
    """Width and height of a PNG file."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


# ---------------------------------------------------------------- machine


def test_device_is_one_that_works():
    device = machine.choose_device()
    assert (torch.ones(2, device=device) + 1).sum().item() == 4


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_device_prefers_the_gpu(monkeypatch, cuda, mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert machine.choose_device().type == expected


@pytest.mark.parametrize(
    ("cuda", "mps", "has"),
    [(True, True, ["cuda", "mps", "cpu"]), (False, True, ["mps", "cpu"]), (False, False, ["cpu"])],
)
def test_device_can_be_asked_for(monkeypatch, cuda, mps, has):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    for wanted in ("cuda", "mps", "cpu", "gpu", ""):
        if wanted in has:
            assert machine.choose_device(wanted) == torch.device(wanted)
        else:
            said = f"there is no '{wanted}' on this machine: PyTorch sees {', '.join(has)} here"
            with pytest.raises(ValueError, match=said):
                machine.choose_device(wanted)


def test_seed_repeats_all_random_numbers():
    import random

    def draw():
        machine.set_seed(3)
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    assert draw() == draw()


def test_report_says_ready(capsys):
    machine.report()
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "Ready."
    assert sum(line.startswith("✓") for line in lines) == 13
    assert any(line.startswith("✓ data folder ") for line in lines)


def test_report_looks_for_all_data(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("CNN_DATA", str(tmp_path))
    machine.report()
    assert capsys.readouterr().out.count("missing: ") == 3
    own = tmp_path / "64x64_SIGNS" / "train_signs"
    own.mkdir(parents=True)
    (own / "0_IMG_1.jpg").touch()
    machine.report()
    said = capsys.readouterr().out
    assert "✓ signs          whole" in said and f"✓ data folder    {tmp_path}" in said


def test_report_names_a_data_folder_that_cannot_be_written(monkeypatch, capsys, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CNN_DATA", str(tmp_path / "file"))
    machine.report()
    said = capsys.readouterr().out
    assert f"→ data folder    {tmp_path}/file (cannot be written: Not a directory)" in said
    assert "set the environment variable CNN_DATA" in said.replace("Set", "set")
    assert "Not ready" in said


def test_report_goes_on_where_data_cannot_be_read(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("CNN_DATA", str(tmp_path))
    (tmp_path / "cifar-10-batches-bin" / "data_batch_1.bin").mkdir(parents=True)
    machine.report()
    said = capsys.readouterr().out
    place = tmp_path / "cifar-10-batches-bin" / "data_batch_1.bin"
    assert "→ cifar10        unreadable\n" in said
    assert f"  {'':<14} {place} cannot be read (Is a directory): put it right, or set" in said
    assert "✓ fashion_mnist  missing" in said and "Not ready" in said


@pytest.mark.parametrize(
    ("name", "error", "advice"),
    [
        (
            "torchvision",
            RuntimeError("operator torchvision::nms does not exist"),
            "pip install --upgrade torch torchvision",
        ),
        ("cv2", ImportError("libGL.so.1: cannot open"), "opencv-python-headless"),
        ("ipywidgets", ModuleNotFoundError("No module named 'ipywidgets'"), "pip install ipywid"),
    ],
)
def test_report_says_what_to_do(monkeypatch, capsys, name, error, advice):
    real = machine.importlib.import_module

    def broken(module):
        if module == name:
            raise error
        return real(module)

    monkeypatch.setattr(machine, "importlib", types.SimpleNamespace(import_module=broken))
    machine.report()
    said = capsys.readouterr().out
    assert f"→ {name}" in said and advice in said and "Not ready" in said


def test_report_names_an_old_python(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    machine.report()
    assert "Python 3.10 or later" in capsys.readouterr().out


# ---------------------------------------------------------------- plotting

IMPORT_ALL = """
import importlib, pkgutil, matplotlib
before = dict(matplotlib.rcParams)
import helpers
for module in pkgutil.walk_packages(helpers.__path__, "helpers."):
    importlib.import_module(module.name)
changed = {key for key, value in matplotlib.rcParams.items() if value != before[key]}
assert "helpers.plotting" in sys.modules and not changed, changed
"""


def test_importing_helpers_leaves_the_readers_settings_alone():
    subprocess.run([sys.executable, "-c", f"import sys{IMPORT_ALL}"], check=True)


def test_figures_look_the_same_whatever_the_readers_style(shown):
    for style in ("default", "helpers.convnets", {"font.size": 20, "image.cmap": "hot"}):
        with plt.style.context(style):
            before = plt.rcParams.copy()
            plotting.show_images([np.eye(6)], ["six"], alt="A white diagonal on black.")
            plotting.show_numbers([np.eye(2)], ["two"], alt="Ones on the diagonal, else zeros.")
            start.show_training_flow()
            assert plt.rcParams == before
    pngs = [data["image/png"] for data, _ in shown]
    assert pngs[:3] == pngs[3:6] == pngs[6:]


def test_style_has_the_colours_of_the_helpers():
    with plt.style.context("helpers.convnets"):
        cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    assert [to_hex(color).upper() for color in cycle] == list(plotting.COLORS.values())


def test_figure_carries_its_text(shown):
    plt.plot([1, 2])
    plotting.show_figure("A line that rises from 1 to 2.")
    data, metadata = shown[0]
    assert data["image/png"].startswith(b"\x89PNG")
    assert data["text/plain"] == "Figure: A line that rises from 1 to 2."
    assert metadata == {"image/png": {"alt": "A line that rises from 1 to 2."}}
    assert plt.get_fignums() == []


def test_figure_without_a_text_is_refused():
    with pytest.raises(ValueError, match="too short: say what there is to see"):
        plotting.show_figure("a plot")


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((8, 6), np.uint8),
        np.zeros((8, 6, 3)),
        torch.zeros(3, 8, 6),
        torch.zeros(1, 8, 6, requires_grad=True),
        torch.full((8, 6), 255, dtype=torch.uint8),
    ],
)
def test_pictures_of_all_usual_shapes_are_drawn(shown, picture):
    plotting.show_images([picture, picture], ["a", "b"], alt="Two pictures side by side.")
    with pytest.raises(ValueError, match="2 pictures, but 1 titles"):
        plotting.show_images([picture, picture], ["a"], alt="One would be lost.")
    assert len(shown) == 1


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.zeros(5), r"shape \(5,\) cannot be drawn"),
        (np.zeros((2, 8, 6)), r"shape \(2, 8, 6\)"),
        (torch.zeros(1, 3, 8, 6), r"shape \(1, 3, 8, 6\)"),
        (np.full((4, 4), 2.5), "from 2.5 to 2.5: divide by 255"),
        (-np.ones((4, 4)), "undo the normalisation"),
    ],
)
def test_pictures_that_cannot_be_drawn_are_named(picture, words):
    with pytest.raises(ValueError, match=words):
        plotting.show_images([picture], alt="A picture that cannot be drawn.")
    plt.close("all")


def test_a_row_of_pictures_is_not_too_wide(shown):
    plotting.show_images([np.zeros((4, 4))] * 8, alt="Eight black squares in a row.")
    width, _ = size_of(shown[0][0]["image/png"])
    assert width <= plotting.WIDEST * 80 * 1.1


@pytest.fixture
def drawn(shown, monkeypatch):
    """Give the axes of what was drawn last; the figures stay open until the test ends."""
    with monkeypatch.context() as patch:
        patch.setattr(plt, "close", lambda: None)
        yield lambda: plt.gcf().axes
    plt.close("all")


def test_zero_of_signed_pictures_is_drawn_mid_grey(drawn):
    pictures = [np.linspace(-9, 3, 16).reshape(4, 4), np.zeros((4, 4)), torch.ones(1, 4, 4)]
    plotting.show_images(pictures, signed=True, alt="A ramp, and two that are flat.")
    limits = [ax.images[0].get_clim() for ax in drawn()]
    assert all(low == -high < 0 for low, high in limits)
    assert 8 < limits[0][1] <= 9 and limits[2] == (-1, 1)  # each has its own scale


def test_unsigned_pictures_are_drawn_from_black_to_white(drawn):
    pictures = [np.full((4, 4), 0.5), np.full((4, 4), 99, np.uint8)]
    plotting.show_images(pictures, alt="Two squares, both grey.")
    assert [ax.images[0].get_clim() for ax in drawn()] == [(0, 1), (0, 255)]


def test_cells_are_framed_where_they_are_marked(drawn):
    grids = [np.arange(20).reshape(4, 5), np.arange(4).reshape(2, 2)]
    alt = "Two grids, a frame in the first."
    plotting.show_numbers(grids, marked=[(1, 2, 3, 2), None], alt=alt)
    first, second = drawn()
    (frame,) = first.patches
    assert frame.get_xy() == (1.5, 0.5) and frame.get_bbox().size.tolist() == [2, 3]
    assert list(second.patches) == []


@pytest.mark.parametrize("same", [True, False])
def test_grids_share_a_scale_where_asked(drawn, same):
    grids = [np.array([[0, 10]]), np.array([[4, 5]])]
    plotting.show_numbers(grids, same_scale=same, alt="Two grids of two numbers.")
    first, second = (ax.images[0].get_clim() for ax in drawn())
    assert (first == second) is same


def test_numbers_are_written_into_the_cells(drawn):
    grids = [np.array([[1, -2], [3, 4]]), torch.tensor([[0.25, -0.001]]), [[444]]]
    signs = ["×", "="]
    plotting.show_numbers(grids, ["a", "b", "c"], between=signs, alt="Three grids of numbers.")
    texts = {text.get_text() for ax in drawn() for text in ax.texts}
    assert texts == {"1", "-2", "3", "4", "0.25", "0", "444", "×", "="}


def test_training_flow_names_its_steps_in_order(drawn, shown):
    start.show_training_flow()
    (ax,) = drawn()
    named = [text.get_text() for text in ax.texts if text.get_weight() == "bold"]
    assert named == [name for name, _ in start.FLOW] and len(named) == 6
    alt = shown[0][0]["text/plain"]
    places = [alt.index(name) for name in named]
    assert places == sorted(places)


# ---------------------------------------------------------------- explorer


def test_filtered_draws_zero_as_mid_grey():
    flat = np.full((6, 6), 0.3)
    assert (explorer.filtered(flat, explorer.KERNELS["vertical edges"]) == 128).all()
    assert (explorer.filtered(flat, explorer.KERNELS["unchanged"]) == round(0.3 * 255)).all()


def test_filtered_agrees_with_conv2d():
    picture = np.random.default_rng(0).random((9, 8), dtype=np.float32)
    kernel = np.array(explorer.KERNELS["sharpen"], dtype=np.float32)
    X, weight = (torch.tensor(a)[None, None] for a in (picture, kernel))
    expected = (255 * F.conv2d(X, weight)[0, 0].clip(0, 1)).round().numpy()
    assert np.abs(explorer.filtered(picture, kernel)[1:-1, 1:-1] - expected).max() <= 1


def test_explorer_shows_a_still_picture_where_widgets_cannot_run(shown):
    explorer.explore_kernel(np.random.default_rng(0).random((12, 10)))
    data, metadata = shown[0]
    assert size_of(data["image/png"]) == (20, 12)
    assert "vertical edges" in data["text/plain"]
    assert "vertical edges" in metadata["image/png"]["alt"]


def test_explorer_follows_the_numbers(shown, monkeypatch):
    import ipywidgets

    made = []
    for kind in ("FloatText", "Dropdown", "Image", "Label"):
        real = getattr(ipywidgets, kind)

        def make(*args, real=real, **kwargs):
            made.append(real(*args, **kwargs))
            return made[-1]

        monkeypatch.setattr(ipywidgets, kind, make)
    explorer.explore_kernel(np.random.default_rng(0).random((12, 10)))
    cells, (choice, total, image) = made[:9], made[9:]
    first = bytes(image.value)
    cells[4].value = 9.0
    assert bytes(image.value) != first
    assert total.value == "The nine numbers add up to 9."
    choice.value = "blur"
    assert [round(cell.value, 3) for cell in cells] == [0.111] * 9


def test_explorer_names_the_kernels_there_are():
    with pytest.raises(ValueError, match="no kernel is called 'laplace': choose from unchanged"):
        explorer.explore_kernel(np.zeros((4, 4)), start="laplace")
