"""Many trainings side by side: a runner that can be stopped and goes on, and their figure."""

from __future__ import annotations

import dis
import itertools
import json
import math
import statistics
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn
from tqdm.auto import tqdm

from helpers.plotting import COLORS, in_style, show_figure

__all__ = ["compared", "l1_penalty", "l2_penalty", "run_all", "show_runs"]


def l1_penalty(model: nn.Module) -> torch.Tensor:
    """Add up the absolute values of all weights of a model."""
    return sum(weight.abs().sum() for weight in model.parameters())


def l2_penalty(model: nn.Module) -> torch.Tensor:
    """Add up the squares of all weights of a model.

    Half of it, times a number, is what plain SGD's `weight_decay` of that number adds.
    """
    return sum(weight.square().sum() for weight in model.parameters())


def run_all(
    train: Callable[..., dict[str, float]],
    settings: Mapping[str, dict],
    seeds: Iterable[int],
    cache: str | Path,
    *,
    progress: bool = True,
) -> dict[str, list[dict[str, float]]]:
    """Train with each setting and each seed, and keep every finished run in a file.

    Stopped half-way, it goes on where it was. It says how many runs it took from the file, and how
    many lines there it could not use. If the file vanishes meanwhile, it is written anew; if it
    cannot be written any more, the runs are kept until it can, or until they are returned.

    Parameters
    ----------
    train : callable `(seed, **setting)` -> dict
        One run; gives numbers by name (or tensors of one number). It must not return when it was
        interrupted.
    settings : {name: setting}
        A setting is a dict of numbers, words and lists. It should hold everything that matters,
        epochs too: a run is taken from the file if its setting, its seed and PyTorch's version
        are the same. The name does not matter. Changes of the code are NOT noticed.
    seeds : iterable of int
    cache : path
        The file, one finished run a line (JSON); made if it is not there, its folder too.
    progress : bool
        Show a progress bar.

    Returns
    -------
    dict {name: list of results}
        In the order of `settings` and `seeds`.

    Raises
    ------
    ValueError
        If a run gives something that is not a finite number. It is not stored, but named.
    TypeError
        If a setting holds something that cannot be written down, such as a function; if `train`
        returns nothing. Both before anything is trained.
    OSError
        If the file cannot be written; before anything is trained.
    """
    if _returns_nothing(train):
        raise TypeError(
            "train returns nothing, so its results would be lost: let it end with a line such as "
            'return {"validation": history.validation[-1].accuracy}'
        )
    cache, seeds = Path(cache).expanduser(), list(seeds)
    keys = {name: [_key(setting, seed) for seed in seeds] for name, setting in settings.items()}
    wanted = dict.fromkeys(key for row in keys.values() for key in row)  # each once, in order
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.open("a").close()  # if it cannot be written, fail before the first training
    known, damaged = _read(cache)
    missing = [key for key in wanted if key not in known]
    print(f"{len(wanted)} runs: {len(wanted) - len(missing)} taken from {cache.name}, ", end="")
    print(f"{len(missing)} to train.")
    if foreign := len(known.keys() - wanted.keys()):
        print(f"Not used: {foreign} of other settings, seeds or versions of PyTorch.")
    if damaged:
        print(f"Ignored: {damaged} damaged {'line' if damaged == 1 else 'lines'}.")
    unsaved = []
    for key in tqdm(missing, desc="run", disable=not progress):
        run = json.loads(key)
        known[key] = _checked(train(run["seed"], **run["setting"]), run)
        unsaved.append(key)
        try:
            _save(cache, known, unsaved)
        except KeyboardInterrupt:
            _save(cache, known, unsaved)
            raise
    return {name: [known[key] for key in row] for name, row in keys.items()}


def _returns_nothing(train):
    """Whether each `return` of a function is one of None, as where it was forgotten."""
    if not hasattr(train, "__code__"):
        return False
    code = [*dis.get_instructions(train)]
    values = [op.argval for op in code if op.opname == "RETURN_CONST"]
    values += [
        before.argval if before.opname == "LOAD_CONST" else ...
        for before, op in itertools.pairwise(code)
        if op.opname == "RETURN_VALUE"
    ]
    return bool(values) and all(value is None for value in values)


def _key(setting, seed):
    run = {"setting": setting, "seed": seed, "torch": torch.__version__}
    return json.dumps(run, sort_keys=True)


def _read(cache):
    """Give the usable lines of a cache file as {key: result}, and the number of damaged ones."""
    known, damaged = {}, 0
    for line in filter(None, cache.read_text(encoding="utf-8", errors="replace").split("\n")):
        try:
            run = json.loads(line)
            result = _checked(run.pop("result"), run)
            known[json.dumps(run, sort_keys=True)] = result
        except Exception:  # half a line, another format, a number too large, too deep a nesting
            damaged += 1
    return known, damaged


def _checked(result, run):
    if not isinstance(result, Mapping):
        raise ValueError(f"the run {run} gave {result!r}: it should be a dict of numbers")
    plain = {name: getattr(value, "item", lambda v=value: v)() for name, value in result.items()}
    for name, value in plain.items():
        if not isinstance(value, int | float) or not math.isfinite(value):
            found = f"{value} ({type(value).__name__})"
            advice = "it should be a finite, plain number (a tensor gives one by .item())"
            raise ValueError(f"{name} of the run {run} is {found}: {advice}. It gave {result}")
    return plain


def _save(cache, known, unsaved):
    """Write what is not yet in the file, and close it, so that it survives whatever happens."""
    try:
        if not cache.exists():  # somebody removed it: all again
            cache.parent.mkdir(parents=True, exist_ok=True)
            unsaved[:] = known
            cache.touch()
        torn = cache.read_bytes()[-1:] not in (b"", b"\n")
        lines = [json.dumps({**json.loads(key), "result": known[key]}) + "\n" for key in unsaved]
        with cache.open("a", encoding="utf-8") as file:
            file.write("\n" * torn + "".join(lines))  # half a line must not spoil the next
    except OSError as error:
        print(f"Not yet saved: {len(unsaved)} runs, for {cache} cannot be written ({error}).")
    else:
        unsaved.clear()


def compared(setting: list[dict], plain: list[dict]) -> tuple[float, float]:
    """Say how far a setting is ahead of another in the mean, and the standard error of that.

    Parameters
    ----------
    setting, plain : lists of dicts with "validation"
        Accuracies 0-1 of two runs or more, with the same seeds in the same order. Otherwise there
        is a ValueError.

    Returns
    -------
    difference, error : float
        In percentage points, from the differences seed by seed.
    """
    if len(setting) != len(plain) or len(plain) < 2:
        raise ValueError(
            f"there are {len(setting)} and {len(plain)} runs: give two or more of each, of the "
            "same seeds"
        )
    pairs = zip(setting, plain, strict=True)
    points = [100 * (run["validation"] - other["validation"]) for run, other in pairs]
    return statistics.fmean(points), statistics.stdev(points) / len(points) ** 0.5


@in_style
def show_runs(results: Mapping[str, list[dict]], *, alt: str, start: float = 0) -> None:
    """Draw the accuracy of each run as a dot and the mean as a line, training and validation.

    Parameters
    ----------
    results : {name: list of dicts with "train" and "validation"}
        Accuracies 0-1, as `run_all` returns them. The best mean validation comes first.
    alt : str
        The text alternative, see `helpers.plotting.show_figure`.
    start : float
        Where the axis begins, in per cent. Runs below it are not drawn: their mean is written.
    """

    def mean(name, part):
        return 100 * sum(run[part] for run in results[name]) / len(results[name])

    names = sorted(results, key=lambda name: mean(name, "validation"))
    _, ax = plt.subplots(figsize=(9, 0.42 * len(names) + 1.2), layout="constrained")
    for row, name in enumerate(names):
        low, high = (mean(name, part) for part in ("validation", "train"))
        if high < start:
            ax.text(start, row, f" ← {low:.0f} %, training {high:.0f} %", va="center")
            continue
        ax.plot([low, high], [row, row], color=COLORS["quiet"], lw=1, zorder=0)
        for part, marker in (("train", "s"), ("validation", "o")):
            values = [100 * run[part] for run in results[name]]
            ax.plot(values, [row] * len(values), marker, ms=5, alpha=0.6, color=COLORS[part])
            ax.plot(mean(name, part), row, "|", ms=18, mew=2, color=COLORS[part])
    ax.plot([], [], "s", color=COLORS["train"], label="training")
    ax.plot([], [], "o", color=COLORS["validation"], label="validation")
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel="accuracy (%): a dot for each run, a bar for the mean", ylim=(-0.6, len(names)))
    ax.set_xlim(left=start or None)
    ax.grid(axis="x", color=COLORS["quiet"], alpha=0.3)
    ax.legend(loc="upper left", ncols=2, frameon=False)
    show_figure(alt)
