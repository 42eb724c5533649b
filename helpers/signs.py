"""SIGNS: hands that show 0 to 5, drawn on first use; the real photographs drop in.

A set is a folder with train_signs, val_signs and test_signs; pictures are named
{label}_IMG_{id}.jpg.
"""

from collections.abc import Callable
from pathlib import Path

from torch.utils.data import Dataset

from helpers.sources.pictures import read
from helpers.sources.signs import LABELS, PARTS, pictures, prepare_signs, read_all

__all__ = ["SIGNSDataset", "check_pictures", "prepare_signs", "signs"]


class SIGNSDataset(Dataset):
    """The pictures of one folder, with the labels that their names begin with.

    An item is an upright RGB PIL picture in its own size (or what `transform`
    makes of it) and an int label in 0-5; `files` is the sorted list of paths, `labels` of ints,
    `classes` of the six names. Other files and subfolders are left out. Raises FileNotFoundError
    without the folder, ValueError for no picture, a label outside 0-5 or damaged pictures: up to
    50 MB all are decoded to find these (64x64: 0.2 s), for larger ones call `check_pictures`.
    """

    def __init__(self, folder, transform=None):
        self.files, self.transform, self.classes = pictures(folder), transform, [*LABELS]
        self.labels = [int(file.name.split("_")[0]) for file in self.files]
        if sum(file.stat().st_size for file in self.files) <= 50_000_000:
            read_all(self.files, "checking")

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        picture = read(self.files[index])
        return self.transform(picture) if self.transform else picture, self.labels[index]


def signs(part: str, transform: Callable | None = None) -> SIGNSDataset:
    """Return the "train" (864 pictures), "val" (216) or "test" (120) part, drawn on first use.

    A set of your own in the data folder's 64x64_SIGNS is used as it is. Raises ValueError for
    another part, and what `prepare_signs` and `SIGNSDataset` raise.
    """
    if part not in PARTS:
        raise ValueError(f"there is no part {part!r}: choose from {', '.join(PARTS)}")
    return SIGNSDataset(prepare_signs() / f"{part}_signs", transform)


def check_pictures(folder: str | Path) -> None:
    """Decode all pictures of a folder; raises as `SIGNSDataset`, naming all that are cut short."""
    read_all(pictures(folder), "checking")
