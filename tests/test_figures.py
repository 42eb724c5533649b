"""The figures of networks and of their parts: what is drawn is what the model has and does."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from torch import nn

from helpers import plotting
from helpers.lessons.repairs import show_faults, show_layers, show_rates
from helpers.lessons.signs_network import (
    show_batch_norm,
    show_dropout,
    show_network,
    show_softmax_and_loss,
    show_what_it_sees,
)
from helpers.models import BlockNet, FourConvNet, RemedyNet, SignsNet, TanhConvNet, TanhMLP, TinyNet
from helpers.plotting import COLORS

ALT = "A figure that a test looks at."


@pytest.fixture(autouse=True)
def shown(monkeypatch):
    """Collect the texts of what would be displayed, and keep the last figure open."""
    collected = []

    def display(data, *, metadata, raw):
        collected.append(metadata["image/png"]["alt"])

    plt.close("all")
    with monkeypatch.context() as patch:
        patch.setattr(plotting, "display", display)
        patch.setattr(plt, "close", lambda: None)
        yield collected
    plt.close("all")


def axes():
    return plt.gcf().axes


# ---------------------------------------------------------------- a network as boxes

SMALL, COLOUR = torch.rand(2, 1, 28, 28), torch.rand(2, 3, 32, 32)
NETS = {
    "signs": (SignsNet(), torch.rand(2, 3, 64, 64)),
    "tiny": (TinyNet(), SMALL),
    "four": (FourConvNet(), SMALL),
    "blocks": (BlockNet(), SMALL),
    "average": (BlockNet((8, 16), (1, 2), 3, 32, global_average=True), COLOUR),
    "mlp": (TanhMLP(), COLOUR),
    "birds": (TanhConvNet(), COLOUR),
    "remedies": (RemedyNet(blocks=2, batch_norm=True, dropout=0.3, skip=True), COLOUR),
    "linear": (nn.Linear(7, 3), torch.rand(1, 7)),
}


def bars():
    """The bars of the parameters, with what stands at each box: below the maps, below the bar."""
    (ax,) = axes()
    middle = {}
    for text in ax.texts:
        x, y = text.get_position()
        middle.setdefault(round(x, 6), {})[y] = text.get_text()
    bars = [bar for container in ax.containers for bar in container]
    texts = [middle[round(bar.get_x() + bar.get_width() / 2, 6)] for bar in bars]
    return bars, texts


@pytest.mark.parametrize("net", NETS)
def test_bars_are_the_parameters_of_the_model(net):
    model, X = NETS[net]
    show_network(model, X, alt=ALT)
    drawn, texts = bars()
    parameters = [int(at[-2.42].split("\n")[0].replace(",", "")) for at in texts[1:]]
    total = sum(p.numel() for p in model.parameters())
    assert sum(parameters) == total
    assert f"parameters\n{total:,}\nin all" in [text.get_text() for text in axes()[0].texts]
    heights = np.array([bar.get_height() for bar in drawn])
    assert heights[0] == 0  # of the input
    assert heights[1:] / heights.max() == pytest.approx(np.array(parameters) / max(parameters))
    marked = [to_hex(bar.get_facecolor()).upper() == COLORS["mark"] for bar in drawn]
    assert marked == (heights == heights.max()).tolist()
    largest = texts[int(heights.argmax())][-2.42]
    assert largest.endswith(f"\n{100 * max(parameters) / total:.3g} %")


@pytest.mark.parametrize("net", NETS)
def test_boxes_hold_every_layer_and_end_with_the_output(net):
    model, X = NETS[net]
    show_network(model, X, alt=ALT)
    drawn, texts = bars()
    text = "\n".join(at for box in texts for at in box.values())
    leaves = [type(layer).__name__ for layer in model.modules() if not list(layer.children())]
    for kind in set(leaves) - {"AdaptiveAvgPool2d"}:
        assert text.split("\n").count(kind) == leaves.count(kind)
    assert texts[-1][-0.9].startswith(f"{model(X).shape[1]}\n")
    edges = [bar.get_x() for bar in drawn]
    assert edges == sorted(edges)


def test_boxes_of_the_signs_net_have_its_shapes():
    show_network(*NETS["signs"], alt=ALT)
    made = ["3 channels\n64 × 64", "32 maps\n32 × 32", "64 maps\n16 × 16", "128 maps\n8 × 8"]
    made += ["8,192\nnumbers", "128\nnumbers", "6\nnumbers"]
    assert [at[-0.9] for at in bars()[1]] == made
    named = [text.get_text() for text in axes()[0].texts if text.get_weight() == "bold"]
    assert named == ["input", "block1", "block2", "block3", "flatten", "hidden", "output"]


def test_boxes_are_drawn_to_scale_and_the_input_as_its_picture():
    model, X = NETS["signs"]
    show_network(model, X, alt=ALT)
    (ax,) = axes()
    sides = [np.ptp(p.get_xy(), axis=0) for p in ax.patches if isinstance(p, plt.Polygon)]
    thick, height = np.array([sides[0], *sides[4::3]]).T  # front, top, face; a frame for the first
    assert height[:4] / height[0] == pytest.approx([1, 1 / 2, 1 / 4, 1 / 8])
    assert (thick[1:4] / thick[1]) ** 2 == pytest.approx([1, 2, 4])
    assert height[4:] / height[4] == pytest.approx(np.log([8193, 129, 7]) / np.log(8193))
    (image,) = ax.images
    picture = X[0].permute(1, 2, 0).numpy()
    expected = (picture - picture.min()) / np.ptp(picture)
    assert np.asarray(image.get_array()) == pytest.approx(expected, abs=1e-6)


def test_a_net_may_be_nested_and_stays_as_it_was():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), nn.Flatten())
            self.out = nn.Linear(2 * 4 * 4, 3)

        def forward(self, X):
            return self.out(self.net(X))

    model = Own().train()
    show_network(model, torch.zeros(1, 1, 6, 6), alt=ALT)
    made = [at[-0.9] for at in bars()[1]]
    assert made == ["1 channel\n6 × 6", "2 maps\n4 × 4", "32\nnumbers", "3\nnumbers"]
    assert model.training and not model.out._forward_hooks


def test_a_model_that_does_not_take_the_batch_is_not_drawn(shown):
    with pytest.raises(ValueError, match=r"shape \(1, 3, 32, 32\) stops half-way"):
        show_network(SignsNet(), torch.zeros(1, 3, 32, 32), alt=ALT)
    assert shown == []


# ---------------------------------------------------------------- batch norm


def test_histograms_are_those_of_the_maps():
    torch.manual_seed(0)
    before = torch.randn(4, 8, 6, 6) * 2 + torch.arange(8.0).view(8, 1, 1)
    after = nn.BatchNorm2d(8)(before)
    show_batch_norm(before, after, maps=3, alt=ALT)
    drawn = axes()
    assert len(drawn) == 6 and len({ax.get_xlim() for ax in drawn}) == 1
    assert [drawn[k].get_ylabel() for k in (0, 2, 4)] == ["map 0", "map 3", "map 7"]
    for row, k in enumerate((0, 3, 7)):
        for ax, values in zip(drawn[2 * row : 2 * row + 2], (before, after), strict=True):
            values = values[:, k].detach()
            counted = sum(bar.get_height() for bar in ax.patches)
            assert 0.95 * values.numel() <= counted <= values.numel()
            assert ax.lines[0].get_xdata()[0] == pytest.approx(values.mean().item(), abs=1e-5)
            text = f"mean {values.mean():.1f}\ndeviation {values.std():.1f}"
            assert ax.texts[0].get_text() == text.replace("-0.0", "0.0")


@pytest.mark.parametrize(
    ("before", "after", "maps"),
    [((2, 4, 3, 3), (2, 4, 3, 2), 3), ((2, 4), (2, 4), 3), ((2, 4, 3, 3), (2, 4, 3, 3), 5)],
)
def test_batch_norm_of_other_shapes_is_refused(before, after, maps):
    with pytest.raises(ValueError, match=f"maps is {maps}, before .* give two tensors"):
        show_batch_norm(torch.zeros(before), torch.zeros(after), maps=maps, alt=ALT)


# ---------------------------------------------------------------- dropout


@pytest.mark.parametrize("mode", [True, False])
def test_dropout_is_shown_in_both_modes_and_keeps_its_own(mode):
    torch.manual_seed(0)
    dropout, X = nn.Dropout(0.75).train(mode), torch.arange(1, 65) / 64
    show_dropout(dropout, X, alt=ALT)
    heights = [np.array([bar.get_height() for bar in ax.patches]) for ax in axes()]
    for row, ax in zip(heights[:2], axes(), strict=False):
        crossed = ax.lines[0].get_xdata().astype(int)
        assert row == pytest.approx(np.where(np.isin(np.arange(64), crossed), 0, 4 * X))
        assert f"{len(crossed)} of 64 are 0, mean {row.mean():.2f}" in ax.get_title(loc="left")
        assert 32 < len(crossed) < 64
    assert (heights[0] != heights[1]).any()
    assert heights[2] == pytest.approx(X.numpy())
    assert [ax.get_title(loc="left").split(":")[0] for ax in axes()] == [
        "train",
        "train, again",
        "eval",
    ]
    assert dropout.training is mode


@pytest.mark.parametrize("X", [torch.ones(2, 3), torch.tensor([1.0, -1.0]), torch.ones(0)])
def test_dropout_wants_a_row_of_numbers(X):
    with pytest.raises(ValueError, match="give one row of numbers from 0 up"):
        show_dropout(nn.Dropout(), X, alt=ALT)


# ---------------------------------------------------------------- softmax and loss


@pytest.mark.parametrize("label", [0, 2])
def test_the_way_from_scores_to_the_loss(label):
    scores = torch.tensor([2.0, 0.5, -1.0])
    show_softmax_and_loss(scores, ["cat", "dog", "cow"], label, alt=ALT)
    left, middle, right = axes()
    assert [bar.get_height() for bar in left.patches] == scores.tolist()
    shares = 100 * scores.softmax(dim=0)
    assert [bar.get_height() for bar in middle.patches] == pytest.approx(shares.tolist())
    for ax in (left, middle):
        marked = [to_hex(bar.get_facecolor()).upper() == COLORS["mark"] for bar in ax.patches]
        assert marked == [k == label for k in range(3)]
    loss = nn.CrossEntropyLoss()(scores[None], torch.tensor([label])).item()
    dots = [line.get_xydata()[0] for line in right.lines if line.get_marker() == "o"]
    expected = [(1, 0), (0.5, 0.6931), (1 / 3, 1.0986), (shares[label] / 100, loss)]
    assert np.array(dots) == pytest.approx(np.array(expected, dtype=float), abs=1e-4)
    assert [t.get_text() for t in right.texts] == ["sure: 0", "one half: 0.69", "guessing: 1.1"]
    assert f"= {loss:.2f}" in right.get_legend().texts[0].get_text()


def test_a_hopeless_score_still_has_its_dot_inside():
    show_softmax_and_loss(torch.tensor([0.0, 300.0]), ["a", "b"], 0, alt=ALT)
    assert axes()[2].lines[-1].get_ydata()[0] == 300 < axes()[2].get_ylim()[1]


@pytest.mark.parametrize(("shape", "label"), [((2,), 0), ((1, 3), 0), ((3,), 3), ((3,), -1)])
def test_scores_names_and_label_must_fit(shape, label):
    with pytest.raises(ValueError, match="give one score a class, and a label from 0 to 2"):
        show_softmax_and_loss(torch.zeros(shape), list("abc"), label, alt=ALT)


# ---------------------------------------------------------------- what a network sees


def test_maps_are_those_that_vary_most_and_bars_the_probabilities():
    torch.manual_seed(0)
    model, picture = SignsNet(size=32, channels=4).train(), torch.rand(3, 32, 32)
    kept = {name: values.clone() for name, values in model.state_dict().items()}
    show_what_it_sees(model, picture, list("012345"), alt=ALT)
    assert model.training and not model.block1._forward_hooks
    assert all(torch.equal(values, kept[name]) for name, values in model.state_dict().items())
    first, *blocks, last = axes()
    assert [ax.get_title().split("\n") for ax in blocks] == [
        ["block1", "4 maps, 16 × 16"],
        ["block2", "8 maps, 8 × 8"],
        ["block3", "16 maps, 4 × 4"],
    ]
    spread = picture.max() - picture.min()
    drawn = np.asarray(first.images[0].get_array())
    assert drawn == pytest.approx(((picture - picture.min()) / spread).permute(1, 2, 0).numpy())
    with torch.no_grad():
        maps = model.eval()[:2](picture[None])[0]
        expected = 100 * model(picture[None])[0].exp()
    chosen = maps[maps.flatten(1).std(dim=1).argmax()].numpy()
    tile = np.asarray(blocks[1].images[0].get_array())[
        4:132:16, 4:132:16
    ]  # a pixel has become 16 wide
    high = np.percentile(chosen, 99)
    assert tile == pytest.approx((chosen - chosen.min()) / (high - chosen.min()), abs=1e-5)
    assert [bar.get_width() for bar in last.patches] == pytest.approx(expected.tolist(), rel=1e-4)
    marked = [to_hex(bar.get_facecolor()).upper() == COLORS["mark"] for bar in last.patches]
    assert marked.index(True) == expected.argmax() and sum(marked) == 1


def test_other_nets_are_looked_into_by_the_names_of_their_layers():
    layers = ["0", "3"]
    show_what_it_sees(TinyNet(), torch.rand(1, 28, 28), list("0123456789"), layers=layers, alt=ALT)
    assert [ax.get_title().split("\n")[0] for ax in axes()[1:-1]] == layers


def test_a_layer_without_maps_and_a_wrong_number_of_names_are_refused(shown):
    model, picture = TinyNet(), torch.rand(1, 28, 28)
    with pytest.raises(ValueError, match=r"layer '9' makes \(10,\)"):
        show_what_it_sees(model, picture, list("0123456789"), layers=["0", "9"], alt=ALT)
    with pytest.raises(ValueError, match="there are 10 probabilities, but 2 names"):
        show_what_it_sees(model, picture, ["a", "b"], layers=["0"], alt=ALT)
    with pytest.raises(AttributeError, match="block1"):
        show_what_it_sees(model, picture, list("0123456789"), alt=ALT)
    assert not any(layer._forward_hooks for layer in model.modules()) and shown == []


# ---------------------------------------------------------------- all of them

CALLS = {
    "network": (show_network, (nn.Linear(2, 2), torch.ones(1, 2))),
    "batch norm": (show_batch_norm, (torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4))),
    "dropout": (show_dropout, (nn.Dropout(), torch.ones(8))),
    "softmax": (show_softmax_and_loss, (torch.zeros(2), ["a", "b"], 0)),
    "sees": (show_what_it_sees, (SignsNet(), torch.rand(3, 64, 64), list("012345"))),
}


@pytest.mark.parametrize("name", CALLS)
def test_figures_say_what_there_is_to_see(shown, name):
    draw, given = CALLS[name]
    with pytest.raises(TypeError, match="alt"):
        draw(*given)
    with pytest.raises(ValueError, match="too short: say what there is to see"):
        draw(*given, alt="a net")
    draw(*given, alt=ALT)
    assert shown == [ALT]


@pytest.mark.parametrize("name", CALLS)
def test_letters_can_be_read_and_lie_inside(name):
    draw, given = CALLS[name]
    draw(*given, alt=ALT)
    figure = plt.gcf()
    assert figure.get_figwidth() <= plotting.WIDEST
    colours = {to_hex(COLORS[part]) for part in ("train", "validation", "test")}
    for text in figure.findobj(plt.Text):
        if text.get_text():
            assert text.get_size() >= 9, text
    used = {to_hex(patch.get_facecolor()) for patch in figure.findobj(plt.Rectangle)}
    used |= {to_hex(line.get_color()) for line in figure.findobj(plt.Line2D)}
    assert not used & colours


def test_each_training_has_its_dots_on_the_map_and_the_named_ones_their_names(shown):
    results = {"sound": {"start": [2.3, 2.4], "end": [0.1, 0.2]}}
    results["ill"] = {"start": [2.3, 9.0], "end": [2.2, 2.1]}
    show_faults(results, alt=ALT, names=["ill"])
    ax = plt.gcf().axes[0]
    dots = [line.get_xydata().tolist() for line in ax.lines if line.get_marker() == "o"]
    assert dots == [[[2.3, 0.1], [2.4, 0.2]], [[2.3, 2.2], [9.0, 2.1]]]
    assert [text.get_text() for text in ax.texts] == ["ill"]


def test_layers_have_bars_of_their_zeros_and_gradients(shown):
    nets = {"alive": {"conv": (0.25, 0.5)}, "dead": {"conv": (1.0, 0.0)}}
    show_layers(nets, alt=ALT)
    zeros, gradients = ([bar.get_width() for bar in ax.patches] for ax in plt.gcf().axes)
    assert zeros == [25, 100] and gradients == [0.5, 0]
    assert [text.get_text() for text in plt.gcf().axes[1].texts] == ["0"]


def test_rates_have_a_curve_a_seed_and_a_mark_for_each_sweep(shown):
    grid = {"settings": {"rates": [0.1, 1.0]}, "losses": [[2.0, 1.0], [2.1, 1.1]]}
    show_rates(grid, {"one": [0.2, 0.3], "other": [0.4, 0.5]}, alt=ALT)
    lines = plt.gcf().axes[0].lines
    assert [line.get_ydata().tolist() for line in lines[:2]] == grid["losses"]
    assert [list(line.get_xdata()) for line in lines[2:]] == [[0.2, 0.3], [0.4, 0.5]]
