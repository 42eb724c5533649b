"""Checks of the lesson The SIGNS dataset."""

import random
import re
import tempfile
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset
from torchvision.transforms import v2

from helpers.checks.engine import Check, Hint
from helpers.checks.engine import guess as guess
from helpers.machine import set_seed


def reads(pattern):
    """Make a `label_of` that reads the label from names of this pattern."""
    return lambda name: int(found[1]) if (found := re.fullmatch(pattern, name)) else None

def wrong_at(name, label):
    def shows(label_of, _):
        try:
            found = label_of(name)
        except Exception as error:
            return f"stops with {type(error).__name__}"
        return found != label and f"returns {found!r}"
    return shows

PICTURES_AND_OTHERS = [
    # a wrong answer that is right for all names above, the name it gets wrong, its label, why
    (reads(r"([1-5])_.*(?i:[.]jpg)"), "0_IMG_1.jpg", 0, "labels go from 0 to 5"),
    (reads(r"([0-5])_.*[.]jpg"), "0_IMG_5864.JPG", 0, "compare its ending in small letters, name.lower()"),
    (reads(r"([0-5])_.*(?i:[.]jpg)"), "5_IMG_1 (1).jpeg", 5, "a picture may end in .jpeg"),
    (reads(r"([0-5])_.*((?i:[.]jpg)|[.]jpeg)"), "1_IMG_0004.JPEG", 1, "compare its ending in small letters, name.lower()"),
    (reads(r"([0-5])_.*(?i:[.]jpe?g)"), "4_IMG_0033.png", 4, "a picture may end in .png"),
    (reads(r"([0-5])_.*((?i:[.]jpe?g)|[.]png)"), "2_IMG_7.PNG", 2, "compare its ending in small letters, name.lower()"),
    (lambda name: int(name.split("_")[0]), "._0_IMG_1.jpg", None, "a Mac leaves such files beside the pictures; they begin with a dot"),
    (lambda name: None if name[:2] == "._" else int(name.split("_")[0]), ".DS_Store", None, "a Mac leaves it; it begins with a dot"),
    (lambda name: None if name[0] == "." else int(name[0]), "Thumbs.db", None, "Windows leaves it; it begins with no label"),
    (reads(r"(\d)_.*"), "6_IMG_1.jpg", None, "labels go from 0 to 5"),
    (reads(r"([0-5]).*"), "12_IMG_1.jpg", None, "labels go from 0 to 5, and `_` must follow at once"),
    (reads(r"([0-5])_.*"), "3_notes.txt", None, "it does not end like a picture"),
    (reads(r"([0-5])_.*(?i:[.]jpe?g|[.]png).*"), "1_IMG_1.jpg.txt", None, "it does not end like a picture"),
    (reads(r"([0-5])_.*((?i:[.]jpe?g)|(?i:[.]png).*)"), "1_IMG_1.png.txt", None, "it does not end like a picture"),
    (reads(r"(?:IMG_)?([0-5])(_.*)?(?i:[.]jpe?g|[.]png)"), "IMG_3.jpg", None, "it begins with no label"),
    (reads(r"([0-5])_.*(?i:jpe?g|png)"), "4_notajpg", None, "it does not end in .jpg: mind the dot"),
    (reads(r"([0-5])_.*(?i:[.]jpe?g|png)"), "4_notapng", None, "it does not end in .png: mind the dot"),
]

label_of = Check(
    "label_of",  # the label at the beginning of a picture's name, or None
    first_step="Three questions in turn: does it end like a picture (whatever the case)? is the first character one of 0 to 5? does _ follow at once? Any no gives None.",
    cases=[("3_IMG_0123.jpg",)],
    run=lambda label_of, name: [label_of(name)],  # in a list, since None is an answer here
    mistakes=[
        (lambda name: name[0], 'For "3_IMG_0123.jpg" it returns the text {}: make it a number with int().', lambda f, name: isinstance(f(name), str) and repr(f(name))),
        (lambda name: 2, 'For "3_IMG_0123.jpg" it {}, it should return 3.', wrong_at("3_IMG_0123.jpg", 3)),
        *[(wrong, f'For "{name}" it {{}}, it should return {label}: {why}.', wrong_at(name, label)) for wrong, name, label, why in PICTURES_AND_OTHERS],
])

NAMES = [f"{i % 6}_IMG_{i:03d}.jpg" for i in range(60)]

def mixed(names, seed):
    return random.Random(seed).sample(sorted(names), len(names))

def parts(names, share, more=0):
    cut = int(share * len(names))
    return names[:cut], names[cut + more :]

def seeding_all(names, share, seed):
    random.seed(seed)
    return parts(random.sample(sorted(names), len(names)), share)

def training_part(split, names=NAMES, share=0.8, seed=230):
    return sorted(split(list(names), share, seed)[0])

def is_not_mixed(split, *case):
    train = training_part(split)
    return train in (sorted(sorted(NAMES)[: len(train)]), sorted(NAMES[: len(train)]))

def changes_random_numbers(split, *case):
    """Whether random numbers of the whole program differ after a call: Python's, NumPy's, torch's."""
    numpy = np.random.mtrand  # what np.random.shuffle and the like draw from
    draws = []
    for do in (lambda: None, lambda: split(*case)):
        set_seed(0)
        do()
        draws.append((random.random(), numpy.random(), torch.rand(1).item()))
    return draws[0] != draws[1]

split = Check(
    "split",  # two lists, the same for any order of the names
    first_step="The same result in every run and for every order needs two things: a fixed order to begin with, and random numbers of your own, from the seed.",
    cases=[(NAMES, 0.8, 230)],
    mistakes=[
        (lambda names, share, seed: sorted(names), "Two lists are asked for: return training, rest", lambda f, *case: not isinstance(f(*case), tuple | list) or len(f(*case)) != 2 or not all(hasattr(part, "__len__") for part in f(*case))),
        (lambda names, share, seed: parts(mixed(names, seed), share, more=1), "Together the two lists should hold each name exactly once.", lambda f, *case: sorted(name for part in f(*case) for name in part) != sorted(NAMES)),
        (lambda names, share, seed: parts(mixed(names, seed), 1 - share), "0.8 of 60 names are 48 and 12, not {}.", lambda f, *case: abs((n := len(f(*case)[0])) - 48) > 1 and f"{n} and {60 - n}"),
        (lambda names, share, seed: parts(sorted(names), share), "The names are not shuffled: the last labels would be missing in training.", is_not_mixed),
        (lambda names, share, seed: parts(random.sample(sorted(names), len(names)), share), "A second call gives another split: shuffle with random.Random(seed).", lambda f, *case: training_part(f) != training_part(f)),
        (lambda names, share, seed: parts(random.Random(seed).sample(names, len(names)), share), "Another order of the names gives another split: sort them first.", lambda f, *case: training_part(f) != training_part(f, NAMES[::-1])),
        (lambda names, share, seed: parts(mixed(names, 1), share), "Another seed gives the same split: the seed is not used.", lambda f, *case: training_part(f) == training_part(f, seed=231)),
        (lambda names, share, seed: parts(mixed(names, seed), 0.8), "With a share of 0.5 the first list should hold 30 of 60 names: is share used?", lambda f, *case: len(training_part(f, share=0.5)) != 30),
        (seeding_all, "It uses the random numbers of the whole program: random.Random(seed) keeps it to itself.", changes_random_numbers),
])

# ---------------------------------------------------------------- a Dataset

HANDS = ["0_IMG_3.png", "0_IMG_7.jpg", "1_IMG_2.jpg", "2_IMG_5.png", "3_IMG_4.jpg", "4_IMG_1.png", "5_IMG_6.jpg"]
MODES = {"1_IMG_2.jpg": "L", "2_IMG_5.png": "RGBA"}  # grey, and with transparency; the others are RGB

def draw(file, size):
    """Draw a tiny picture where the name is that of one; a few bytes, which are no picture, where not."""
    if file.name[0] == "." or file.suffix.lower() not in (".jpg", ".jpeg", ".png"):
        file.write_bytes(b"no picture")
        return
    kind = "PNG" if file.suffix.lower() == ".png" else "JPEG"
    Image.new(MODES.get(file.name, "RGB"), size, size[0]).save(file, kind)

@contextmanager
def folder_of(names):
    """Make a folder with these files; the k-th picture is 10 + k pixels wide, and 6 high."""
    with tempfile.TemporaryDirectory() as place:
        for k in sorted(range(len(names)), key=lambda k: (k % 3, -k)):  # in another order than that of the names
            draw(Path(place) / names[k], (10 + k, 6))
        yield Path(place)

METHODS = {"__len__": (), "__getitem__": (0,)}

def read_hands(Hands, names):
    """Give the length, then label and width of each picture, with and without a transform."""
    if not callable(Hands):
        raise Hint(f"Give the class itself; this is of the type {type(Hands).__name__}.")
    with folder_of(names) as folder:
        dataset, changed = Hands(folder), Hands(folder, lambda picture: picture)
        for name in METHODS:
            if getattr(type(dataset), name, None) is getattr(Dataset, name, None):
                raise Hint(f"The class has no method `{name}`: mind the two underscores before and after.")
        found = {name: getattr(dataset, name)(*given) for name, given in METHODS.items()}
        missing = [name for name, result in found.items() if result is ...]
        if len(missing) == 2:
            return ...
        for name, result in found.items():
            if result is ... or result is None:
                raise Hint(f"`{name}` returns nothing." if result is None else f"`{name}` still returns `...`.")
        items = [part[i] if i < len(part) else None for part in (dataset, changed) for i in range(len(names))]
        return [len(dataset), *(number for item in items for number in pair_of(item))]

def pair_of(item):
    """Give label and width of a sample, whatever is wrong with it; -1 for what it has not."""
    picture, label = item if isinstance(item, tuple | list) and len(item) == 2 else (item, -1)
    return [label if isinstance(label, Integral) else -1, getattr(picture, "width", -1)]

def first_of(found):
    """Give the first of these that is neither false nor empty, else False."""
    return next(filter(None, found), False)

def samples(Hands, names, look, transform=None):
    """Look at each sample of a folder; give the first thing that is found."""
    with folder_of(names) as folder:
        dataset = Hands(folder, *([transform] if transform else []))
        return first_of(look(dataset[i]) for i in range(len(dataset)))

def no_pair(Hands, names):
    return samples(Hands, names, lambda item: (not isinstance(item, tuple | list) and type(item).__name__) or (len(item) != 2 and f"{type(item).__name__} of {len(item)}"))

def counted(extra, wanted):
    """For a row: which of these files, each beside one picture, is taken or left out against the rule."""
    def shows(Hands, names):
        for name in extra:
            with folder_of(sorted([names[1], name])) as folder:
                try:
                    dataset = Hands(folder)
                    found = len(dataset)
                    [dataset[i] for i in range(found)]
                except Exception as error:
                    return f"With `{name}` in the folder it stops with {type(error).__name__}"
                if found != 1 + wanted:
                    return f"`{name}` {'is left out' if wanted else 'is taken for one'}"
        return False
    return shows

def out_of_order(Hands, names):
    places = iter(range(10, 99))
    return samples(Hands, names, lambda item: item[0].width != next(places))

def reads_early(Hands, names):
    """Whether a picture that is put into the place of another afterwards is not seen."""
    with folder_of(names) as folder:
        dataset = Hands(folder)
        draw(folder / names[0], (99, 6))
        return getattr(dataset[0][0], "width", 99) != 99

def given_to_transform(Hands, names):
    """Give what a transform is given, in a list for each sample."""
    calls = []
    with folder_of(names) as folder:
        dataset = Hands(folder, lambda picture: calls[-1].append(picture) or "changed")
        for i in range(2):
            calls.append([])
            if "changed" not in tuple(dataset[i]):
                calls[-1].append("lost")
    return calls

def past_the_end(Hands, names):
    with folder_of(names) as folder:
        dataset = Hands(folder)
        try:
            dataset[len(dataset)]
        except IndexError:
            return False
        except Exception as error:
            return f"stops with {type(error).__name__}"
        return "gives something"

class Pictures(Dataset):
    """The right answer, in parts that a wrong one replaces."""
    def __init__(self, folder, transform=None):
        self.files, self.transform = [file for file in self.order(folder.iterdir()) if self.takes(file.name)], transform

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        file = self.files[index]
        return self.sample(self.change(self.read(file)), self.label(file.name))

    order = staticmethod(sorted)
    takes = staticmethod(lambda name: re.fullmatch("[0-5]_.*(jpe?g|png)", name.lower()))
    read = staticmethod(lambda file: Image.open(file).convert("RGB"))
    label = staticmethod(lambda name: int(name[0]))
    sample = staticmethod(lambda picture, label: (picture, label))

    def change(self, picture):
        return picture if self.transform is None else self.transform(picture)

def dataset_with(**parts):
    """Make the right class with other parts; a method takes `self`, a plain part does not."""
    methods = ("__init__", "__len__", "__getitem__", "change")
    return type("Hands", (Pictures,), {name: part if name in methods else staticmethod(part) for name, part in parts.items()})

def early_init(self, folder, transform=None):
    Pictures.__init__(self, folder, transform)
    self.pictures = [self.read(file) for file in self.files]

hands = Check(
    "hands",  # a Dataset of the pictures in a folder
    first_step="Three questions, one for each method. Which files are pictures, in which order (remember that list)? How many are there? And for one of them: open, make RGB, change if there is a transform, read the label from its name.",
    cases=[(HANDS,)],
    run=read_hands,
    right=Pictures,
    otherwise="Pictures or labels are not those of the files, in the order of their names.",
    mistakes=[
        (dataset_with(sample=lambda picture, label: picture), "A sample is two things, picture and label; this is a {}.", no_pair),
        (dataset_with(sample=lambda picture, label: (label, picture)), "The picture comes first, then the label.", lambda H, names: samples(H, names, lambda item: isinstance(item[0], int))),
        (dataset_with(label=lambda name: name[0]), "The label should be a number, int(…); it is a {}.", lambda H, names: samples(H, names, lambda item: not isinstance(item[1], Integral) and type(item[1]).__name__)),
        (dataset_with(read=lambda file: file), "The picture should be a PIL picture, Image.open(…); it is a {}.", lambda H, names: samples(H, names, lambda item: not isinstance(item[0], Image.Image) and type(item[0]).__name__)),
        (dataset_with(read=Image.open), 'Without a transform, a grey or transparent picture comes as {}: `.convert("RGB")`.', lambda H, names: samples(H, names, lambda item: item[0].mode != "RGB" and repr(item[0].mode))),
        (dataset_with(takes=lambda name: re.fullmatch("[0-5]_.*[.]jpg", name)), "{}: pictures end in .jpg, .jpeg or .png, small or capital.", counted(["5_IMG_1.jpeg", "4_IMG_0.png", "2_IMG_7.PNG", "3_IMG_5.JPG", "1_IMG_4.JPEG"], True)),
        (dataset_with(takes=lambda name: name != ".DS_Store"), "{}. What begins with a dot is no picture of a hand.", counted([".DS_Store", "._0_IMG_1.jpg"], False)),
        (dataset_with(takes=lambda name: name[0] != "."), "{}. Leave out what does not begin with a label and `_`, or does not end like a picture.", counted(["Thumbs.db", "3_notes.txt", "IMG_3.jpg", "6_IMG_1.jpg"], False)),
        (dataset_with(order=lambda files: sorted(files, reverse=True)), "The pictures should come in the order of their names, the same on every computer: sorted(…).", out_of_order),
        (dataset_with(label=lambda name: 0), "The label should be the number that the name begins with; for 5_IMG_6.jpg it is {}.", lambda H, names: samples(H, names, lambda item: item[0].width == 16 and item[1] != 5 and str(item[1]))),
        (dataset_with(__init__=early_init, __getitem__=lambda self, i: (self.change(self.pictures[i]), self.label(self.files[i].name))), "All pictures are opened in `__init__`, and a large set would not fit: open one when it is asked for, in `__getitem__`.", reads_early),
        (dataset_with(change=lambda self, picture: picture), "The transform makes no difference: return what it gives, in the place of the picture.", lambda H, names: any(call[-1:] == ["lost"] for call in given_to_transform(H, names))),
        (dataset_with(change=lambda self, picture: (self.transform and (self.transform(picture), self.transform(picture))[0]) or picture), "The transform is called {} times for one sample.", lambda H, names: first_of(len(call) != 1 and str(len(call)) for call in given_to_transform(H, names))),
        (dataset_with(change=lambda self, picture: self.transform(str(picture)) if self.transform else picture), "The transform should be given the PIL picture; it is given a {}.", lambda H, names: first_of(not isinstance(call[0], Image.Image) and type(call[0]).__name__ for call in given_to_transform(H, names))),
        (dataset_with(change=lambda self, picture: self.transform(picture.convert("L")) if self.transform else picture), "The transform should be given the picture as RGB; it is given {}.", lambda H, names: first_of(call[0].mode != "RGB" and repr(call[0].mode) for call in given_to_transform(H, names))),
        (dataset_with(__getitem__=lambda self, i: Pictures.__getitem__(self, i % len(self))), "`dataset[len(dataset)]` {}. It should raise an IndexError, as a list does: else `for picture, label in dataset` does not know where to end.", past_the_end),
])

# ---------------------------------------------------------------- two transforms

def drawn(width, height):
    """Draw a picture that is bright on the left, and red at the top: what was done to it can be seen."""
    picture = np.full((height, width, 3), 60, np.uint8)
    picture[:, : width // 2] = 160
    picture[: height // 3, :, 0] = 255
    return Image.fromarray(picture)

def made_by(transforms_of, size, part, times=1, shape=(100, 60)):
    """Give what one of the two transforms (0 training, 1 validation) makes of a picture, so many times."""
    transform, picture = transforms_of(size)[part], drawn(*shape)
    set_seed(0)
    return [transform(picture) for _ in range(times)]

def run_transforms(transforms_of, size):
    """Give the shapes that the two transforms make of a wide picture."""
    pair = transforms_of(size)
    if pair is ... or pair is None:
        return pair
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise Hint("Two transforms are asked for: `return train, validation`.")
    if ... in pair:
        return ...
    for part in pair:
        if not callable(part):
            raise Hint(f"A transform can be called with a picture, this is of the type {type(part).__name__}: chain several with v2.Compose([…]).")
    return [list(getattr(part(drawn(100, 60)), "shape", [])) for part in pair]

def upside_down(X):
    """Whether there is more colour at the bottom of a picture (3, H, W) than at its top."""
    colour, rows = X.amax(0) - X.amin(0), X.shape[1] // 4
    return bool(colour[-rows:].mean() > colour[:rows].mean() + 0.1)

def mirror(X):
    """Whether a picture (3, H, W) is brighter on the right."""
    columns = X.shape[2] // 4
    return bool(X[1:, :, -columns:].mean() > X[1:, :, :columns].mean())

def varies(transforms_of, size, part):
    first, *others = made_by(transforms_of, size, part, times=40)
    return not all(torch.equal(first, other) for other in others)

def of_either(look):
    """For a row: the first thing found in what training or validation makes of a picture."""
    return lambda f, size: first_of(look(X) for part in (0, 1) for X in made_by(f, size, part, times=3))

TO_TENSOR = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
FLIP = v2.RandomHorizontalFlip()

def two(train=(FLIP,), validation=(), resize=lambda size: (size, size), end=TO_TENSOR):
    """Make a `transforms_of`; by default a right one."""
    return lambda size: tuple(v2.Compose([v2.Resize(resize(size)), *more, *end]) for more in (train, validation))

transforms_of = Check(
    "transforms_of",  # a transform for training, one for validation
    first_step="Write the one for validation first: size, tensor, 0–1. The one for training is the same with one step more. Where in the chain may it stand?",
    cases=[(64,), (32,)],
    run=run_transforms,
    right=two(),
    mistakes=[
        (two(end=[]), "A tensor is asked for, this is of the type {}: v2.ToImage() makes one of a PIL picture.", of_either(lambda X: not torch.is_tensor(X) and type(X).__name__)),
        (two(resize=lambda size: size), "A picture 100 wide and 60 high becomes {}, which does not stack with others: v2.Resize((size, size)).", of_either(lambda X: X.shape[-1] != X.shape[-2] and str(tuple(X.shape)))),
        (two(resize=lambda size: (64, 64)), "It makes pictures of 64 × 64 for any size.", lambda f, size: [X.shape[-1] for X in made_by(f, 16, 0) + made_by(f, 32, 1)] == [64, 64]),
        (two(end=TO_TENSOR[:1]), "The numbers are still whole, {}, from 0 to 255: v2.ToDtype(torch.float32, scale=True).", of_either(lambda X: not X.is_floating_point() and X.dtype)),
        (two(end=[v2.ToImage(), v2.ToDtype(torch.float64, scale=True)]), "The numbers are {}: networks compute in torch.float32.", of_either(lambda X: X.dtype != torch.float32 and X.dtype)),
        (two(end=[v2.ToImage(), v2.ToDtype(torch.float32)]), "The numbers go from {}, they should lie in 0–1: is scale=True there?", of_either(lambda X: (X.min() < 0 or X.max() > 1) and f"{X.min():.3g} to {X.max():.3g}")),
        (two(train=(), validation=(FLIP,)), "It is the wrong way round: validation changes at random, training does not. Return the one for training first.", lambda f, size: varies(f, size, 1) and not varies(f, size, 0)),
        (two(validation=(FLIP,)), "Validation changes from call to call, so its score would, too: random changes are for training only.", lambda f, size: varies(f, size, 1)),
        (two(train=()), "Training is the same at each call: put a random change in, such as v2.RandomHorizontalFlip().", lambda f, size: not varies(f, size, 0)),
        (two(train=(FLIP, v2.RandomVerticalFlip())), "Some training pictures are upside down, and such hands will not come.", lambda f, size: any(map(upside_down, made_by(f, size, 0, times=40)))),
        (two(validation=(v2.RandomHorizontalFlip(1),)), "Validation pictures are turned or mirrored: leave them as they are.", lambda f, size: any(mirror(X) or upside_down(X) for X in made_by(f, size, 1))),
    ],
)
