"""Checks of the lesson Pooling."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from helpers.checks.engine import Check, Hint, conv, normal, output_of, same
from helpers.checks.engine import guess as guess


def pool(picture, patch, reduce=np.max):
    h, w = (n // patch for n in picture.shape)
    return reduce(picture[: h * patch, : w * patch].reshape(h, patch, w, patch), axis=(1, 3))

def overlapping(picture, patch):
    return np.lib.stride_tricks.sliding_window_view(picture, (patch, patch)).max(axis=(2, 3))

max_pool = Check(
    "max_pool",  # (H, W) → (H // patch, W // patch), the patches' largest
    first_step="The result at (i, j) belongs to one patch: at which row and column of the picture does it begin, where does it end?",
    cases=[
        (normal(6, 8).numpy(), 2), (normal(9, 6).numpy(), 3),
        (normal(5, 7).numpy(), 2),  # the last row and column belong to no whole patch
        (normal(6, 6).numpy() - 9, 3),  # all negative
    ],
    right=pool,
    mistakes=[
        (lambda p, n: pool(p, n, np.mean), "That is the mean of each patch: take the max."),
        (lambda p, n: pool(p, n, np.min), "That is the smallest of each patch: take the max."),
        (overlapping, "The patches overlap: move by `patch` pixels, not by one."),
        (lambda p, n: overlapping(p, n)[: p.shape[0] // n, : p.shape[1] // n], "The patches overlap: the one for row i of the result begins at row i * patch."),
        (lambda p, n: np.maximum(0, pool(p, n)), "Negative numbers are lost: the largest of a patch may be below 0."),
        (lambda p, n: p[::n, ::n], "That keeps the first pixel of each patch, not the largest."),
        (lambda p, n: pool(p, n).T, "Rows and columns of the result are swapped."),
        (lambda p, n: pool(p, n, np.sum), "That is the sum of each patch: take the max."),
        (lambda p, n: pool(np.pad(p, [(0, -size % n) for size in p.shape], constant_values=-np.inf), n), "A patch that hangs over the edge is left out: 5 rows make 2 patches of 2."),
])

def field(layers, strides=np.multiply, after=False, minus=1):
    seen, jump = 1, 1
    for kernel, stride in layers:
        seen += (kernel - minus) * (jump * stride if after else jump)
        jump = strides(jump, stride)
    return seen

receptive_field = Check(
    "receptive_field",  # layers as (kernel, stride), first to last → pixels seen
    first_step="Keep two numbers while you go through the layers: how many pixels are seen so far, and how many pixels two neighbouring outputs are apart.",
    cases=[([(3, 1)],), ([(3, 1), (3, 1)],), ([(3, 1), (2, 2)],), ([(3, 1), (2, 2), (3, 1)],), ([(3, 1), (2, 2)] * 3,), ([(5, 2), (3, 1), (2, 2), (3, 1)],), ([(7, 3), (3, 4), (3, 1)],)],
    right=field,
    mistakes=[
        (lambda x: field(x, strides=lambda jump, stride: 1), "The strides are forgotten: after a stride of 2, neighbours are two pixels of the picture apart."),
        (lambda x: field(x, strides=lambda jump, stride: stride), "The jump is that of the last layer alone: the strides of all layers multiply."),
        (lambda x: field(x, strides=np.add), "Strides multiply: after two strides of 2 the jump is 4, not 5."),
        (lambda x: field(x, after=True), "A layer's own stride counts only for the layers after it: first add, then multiply the jump."),
        (lambda x: field(x, minus=0), "A kernel adds its size minus 1: its first pixel is already counted."),
        (lambda x: field(x) - 1, "One too few: begin with 1, the pixel itself."),
        (lambda x: np.prod([k for k, _ in x]), "Kernels do not multiply: two 3×3 in a row see 5 pixels, not 9."),
        (lambda x: sum(k for k, _ in x), "Neighbouring windows overlap, so their sizes do not simply add up: a kernel adds its size minus 1."),
        (lambda x: field(x[::-1]), "Begin with the first layer, not with the last."),
])

def window(patch, value, stride):
    return conv(torch.full((1, 1, patch, patch), value), stride=stride)

average_by_convolution = Check(
    "average_by_convolution",  # an nn.Conv2d, 1 → 1, equal to nn.AvgPool2d(patch)
    first_step="A mean is a weighted sum in which each number has the same weight. Which weight, for patch × patch numbers? And how far does pooling move?",
    cases=[(n, normal(2, 1, 12, 18)) for n in (2, 3, 4)],
    run=output_of,
    right=lambda n: window(n, 1 / n**2, n),
    otherwise="The weights are not those of an average. Are they still random?",
    mistakes=[
        (lambda n: window(n, 1 / n**2, 1), "The stride is missing: the windows of pooling do not overlap."),
        (lambda n: window(n, 1.0, n), "That is the sum of each patch: the weights must add up to 1."),
        (lambda n: window(n, 1 / n, n), "A patch×patch window has patch² pixels: each weight is 1 / patch²."),
        (lambda n: window(n, 1 / 4, n), "1/4 is right for a patch of 2 only."),
        (lambda n: window(n, 1 / 9, n), "1/9 is right for a patch of 3 only."),
        (lambda n: window(n, 0.5, n), "Each weight is {}: patch² of them should add up to 1.", lambda f, n, X: (w := f(n).weight).std() < 1e-6 and not same(w.sum(), 1) and f"{w.mean():.4g}"),
])

SHAPES = {  # rows of a drawing; the lesson shows them, and its picture is made of them
    "the corner": "#### #... #... #...",
    "a long corner": "####### #...... #...... #...... #...... #...... #......",
    "a large frame": "######## #......# #......# #......# #......# #......# #......# ########",
    "a bar": "####", "a post": "# # # #",
    "a mirror image": "#### ...# ...# ...#", "upside down": "#... #... #... ####", "turned round": "...# ...# ...# ####",
    "a short bar": "###. #... #... #...", "a short post": "#### #... #...", "a gap": ".### #... #... #...",
    "a T": "####### ...#... ...#... ...#...", "a T on its side": "#... #... #... #### #... #... #...",
    "a plus": "...#... ...#... ...#... ####### ...#... ...#... ...#...",
    "a small frame": "#### #..# #..# ####", "a block": "#### #### #### ####",
    "a thick corner": "##### ##### ##... ##... ##...", "a diagonal": "#... .#.. ..#. ...#", "a dot": "#",
}
HAS_IT = ("the corner", "a long corner", "a large frame")  # all three look the same within 5 × 5 pixels

def sheet(name, size=18, top=5, left=5):
    """A dark picture (size, size) with a shape in white, for the lesson, too."""
    picture = torch.zeros(size, size)
    rows = torch.tensor([[sign == "#" for sign in row] for row in SHAPES[name].split()])
    picture[top : top + len(rows), left : left + rows.shape[1]] = rows.float()
    return picture

PLACES = [(1, 1), (1, 13), (13, 4)]  # as near to the border as the corner is still seen with what surrounds it
NAMES = [*SHAPES, "a dark picture", "a bright picture", *["the corner"] * len(PLACES)]
SHEETS = torch.stack([*map(sheet, SHAPES), torch.zeros(18, 18), torch.ones(18, 18), *(sheet("the corner", top=i, left=j) for i, j in PLACES)])[:, None]

class Convolutions(TorchFunctionMode):
    """Notes the size of the kernels of each convolution."""
    def __init__(self):
        super().__init__()
        self.sizes = []

    def __torch_function__(self, function, types, given=(), named=None):
        if function is torch.conv2d:
            self.sizes.append(tuple([*given, *(named or {}).values()][1].shape[2:]))
        return function(*given, **(named or {}))

def sizes_used(detector, X):
    with Convolutions() as convolutions:
        detector(X)
    return convolutions.sizes

def places_found(detector, X):
    """How many places of each picture it answers to."""
    answers = detector(X)
    if answers is None or answers is ...:
        return answers
    if not torch.is_tensor(answers):
        raise Hint(f"A tensor is asked for, this is of the type {type(answers).__name__}.")
    if answers.shape != (len(X), 1, 14, 14):
        raise Hint(f"The result has the shape {tuple(answers.shape)}, it should be {(len(X), 1, 14, 14)}: one map, 4 rows and columns smaller than the picture, since nothing is padded.")
    return (answers > 0.5).flatten(1).sum(1)

def listed(names):
    names = list(dict.fromkeys(names))
    return ", ".join(names[:3]) + f" and {len(names) - 3} more" * (len(names) > 3)

def missed(detector, X):
    found = places_found(detector, X)
    strongest = detector(X).flatten(1).amax(1)
    return next((f"the corner is to be answered by more than ½; the strongest answer to the picture with {name} is {strongest[i]:.3g}" for i, name in enumerate(NAMES) if name in HAS_IT and not found[i]), "")

def false_alarms(detector, X):
    return listed(name for name, n in zip(NAMES, places_found(detector, X), strict=True) if n and name not in HAS_IT)

CORNER, BAR, POST = [[-1, -1, -1], [-1, 1, 1], [-1, 1, -1]], [[-1] * 3, [1] * 3, [-1] * 3], [[-1, 1, -1]] * 3
PARTS = {(0, 0): CORNER, (0, 2): BAR, (2, 0): POST}  # the place of each in the second filter

def two_layers(parts, bias, first_bias=0.0):
    """A detector that adds up the answers to 3×3 parts, each at its place, and a bias."""
    first = torch.tensor([*parts.values()], dtype=torch.float32)[:, None]
    second = torch.zeros(1, len(parts), 3, 3)
    for i, (row, column) in enumerate(parts):
        second[0, i, row, column] = 1
    biases = torch.full((len(parts),), first_bias), torch.tensor([bias])
    return lambda X: F.conv2d(F.conv2d(X, first, biases[0]).relu(), second, biases[1]).relu()

def one_layer(X):
    """A 5×5 filter that fits the corner exactly."""
    template = torch.full((5, 5), -1.0)
    template[1, 1:] = template[1:, 1] = 1
    return F.conv2d(X, template[None, None], torch.tensor([-6.0])).relu()

detector = Check(
    "detector",  # (N, 1, H, W) → (N, 1, H - 4, W - 4), above 1/2 where the corner is
    first_step="On paper: draw the 5 × 5 pixels of the corner, with the dark ones around it. Which 3 × 3 pieces of them tell it from all other shapes? Each is a filter of the first layer, and answers most where its piece is whole. In the second layer each gets a 1 at its own place; the bias lets the sum pass only if none is missing.",
    cases=[(SHEETS,)],
    run=places_found,
    right=two_layers(PARTS, -8.0),
    otherwise="It answers at more than one place to one corner.",
    mistakes=[
        (one_layer, "{}", lambda f, X: len(sizes := sizes_used(f, X)) != 2 and f"Two convolutions are asked for, {'there is one' if len(sizes) == 1 else f'there are {len(sizes)}'}."),
        (lambda X: F.conv2d(one_layer(X), torch.ones(1, 1, 1, 1)), "Both kernels are to be 3 × 3; there is one of {}.", lambda f, X: next((f"{h} × {w}" for h, w in sizes_used(f, X) if (h, w) != (3, 3)), "")),
        (two_layers(PARTS, 1.0), "It answers where nothing is at all, to a dark picture: the bias must be negative.", lambda f, X: bool(places_found(f, X)[len(SHAPES)])),
        (two_layers(PARTS, -9.0), "It misses it: {}.", missed),
        (two_layers({(0, 2): BAR, (2, 0): POST}, -5.0), "It finds the corner, but it also answers to {}.", false_alarms),
    ],
)

def convolutions(model):
    return [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]

def run_block(block, channels, X):
    """Run a block on X, with weights that are the same for every answer."""
    model = block(channels)
    for layer in convolutions(model) if isinstance(model, nn.Module) else []:
        layer.weight.data = normal(*layer.weight.shape)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return model(X)

class ListedBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.layers = [nn.Conv2d(1, channels, 3, padding=1)]

    def forward(self, X):
        return nn.functional.max_pool2d(self.layers[0](X).relu(), 2)

def begins_alike(weights):
    return bool((weights == (weights[:1] if len(weights) > 1 else weights.mean())).all())

def block_with(change, channels):
    """The right block, after a change of its filter's weights."""
    model = nn.Sequential(nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    change(model[0].weight)
    return model

class BlockWithoutGradient(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.layers = block_with(lambda weights: None, channels)

    def forward(self, X):
        with torch.no_grad():
            return self.layers(X)

block = Check(
    "block",  # an nn.Module: 3×3 convolution, ReLU, 2×2 max pooling
    first_step="Layers with weights are made in __init__ and kept as attributes of self; forward says in which order they are used. Which size of padding keeps the height and width?",
    cases=[(n, normal(2, 1, *size)) for n, size in [(4, (8, 8)), (3, (10, 6)), (1, (7, 12))]],
    run=run_block,
    right=lambda n: nn.Sequential(nn.Conv2d(1, n, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
    otherwise="The shape is right, the numbers are not: are there the convolution, ReLU and max pooling, in this order, and nothing else?",
    mistakes=[
        (lambda n: nn.functional.relu, "Block must be a class derived from nn.Module.", lambda block, n, X: not isinstance(block(n), nn.Module)),
        (ListedBlock, "Its weights are not its own: make the convolution in `__init__` and keep it as `self.…`, not in a plain list.", lambda block, n, X: not convolutions(model := block(n)) and model(X).requires_grad),
        (lambda n: nn.MaxPool2d(2), "One nn.Conv2d is asked for, there are {}.", lambda block, n, X: (count := len(convolutions(block(n)))) != 1 and str(count)),
        (lambda n: nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)), "The weights should be {}.", lambda block, n, X: (found := convolutions(block(n))[0].weight.shape) != (n, 1, 3, 3) and f"{(n, 1, 3, 3)}, they are {tuple(found)}"),
        (lambda n: block_with(lambda w: w.requires_grad_(False), n), "Its weights are frozen, requires_grad is False: they could not be learned.", lambda block, n, X: not all(w.requires_grad for w in block(n).parameters())),
        (lambda n: block_with(nn.init.zeros_, n), "All its filters begin with the same weights, and so would stay the same: leave the random ones that nn.Conv2d begins with.", lambda block, n, X: begins_alike(convolutions(block(n))[0].weight)),
        (BlockWithoutGradient, "No gradient leads from its result to its weights, so they could not be learned: is the convolution itself called, and neither torch.no_grad() nor detach()?", lambda block, n, X: not block(n)(X).requires_grad),
        (lambda n: nn.Sequential(nn.Conv2d(1, n, 3, padding=1), nn.MaxPool2d(2)), "The ReLU is missing."),
        (lambda n: nn.Sequential(nn.Conv2d(1, n, 3, padding=1), nn.ReLU()), "The pooling is missing."),
        (lambda n: nn.Sequential(nn.Conv2d(1, n, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2)), "That is average pooling: max is asked for."),
        (lambda n: nn.Sequential(nn.ReLU(), nn.Conv2d(1, n, 3, padding=1), nn.MaxPool2d(2)), "The ReLU comes before the filter: it should come after."),
        (lambda n: nn.Sequential(nn.Conv2d(1, n, 3), nn.ReLU(), nn.MaxPool2d(2)), "The convolution makes the picture smaller: padding=1 keeps the size."),
])
