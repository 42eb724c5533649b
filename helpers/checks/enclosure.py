"""Nothing that an answer does stays behind: settings, random numbers, figures, output, exits."""

from __future__ import annotations

import io
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

SECONDS = 30  # for all that a check asks of an answer; a right one takes milliseconds
LINES, CHARACTERS = 10, 1000  # of what an answer prints

CPU = torch.device("cpu")
# (read it, put it back): what decides the results of others is put back after each call,
SETTINGS = [
    (random.getstate, random.setstate),
    (np.random.mtrand.get_state, np.random.mtrand.set_state),
    (torch.get_rng_state, torch.set_rng_state),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_default_device, lambda old: torch.set_default_device(None if old == CPU else old)),
    (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    (torch.get_num_threads, torch.set_num_threads),
    (np.geterr, lambda old: np.seterr(**old)),
    # not `catch_warnings`, which would show the same warning again in each call
    (lambda: warnings.filters[:], lambda old: warnings.filters.__setitem__(slice(None), old)),
]
if torch.cuda.is_available():
    SETTINGS.append((torch.cuda.get_rng_state_all, torch.cuda.set_rng_state_all))
if torch.backends.mps.is_available():
    SETTINGS.append((torch.mps.get_rng_state, torch.mps.set_rng_state))
# the rest after each check
OTHERS = [
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (np.get_printoptions, lambda old: np.set_printoptions(**old)),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (sys.path.copy, lambda old: sys.path.__setitem__(slice(None), old)),
    (os.getcwd, os.chdir),
    (lambda: dict(os.environ), lambda old: (os.environ.clear(), os.environ.update(old))),
]


def unchanged(now: object, before: object) -> bool:
    """Whether two values are the same to the last bit; of objects not known here, always."""
    if type(now) is not type(before):
        return False
    if isinstance(now, nn.Module):
        return unchanged(_parts(now), _parts(before))
    if isinstance(now, torch.Tensor):
        kinds = [(t.shape, t.dtype, t.device, t.requires_grad) for t in (now, before)]
        return kinds[0] == kinds[1] and torch.equal(now, before)
    if isinstance(now, np.ndarray):
        return now.dtype == before.dtype and np.array_equal(now, before)
    if isinstance(now, dict):
        return unchanged([*now.items()], [*before.items()])
    if isinstance(now, list | tuple):
        return len(now) == len(before) and all(map(unchanged, now, before))
    return now == before if type(now).__module__ in ("builtins", "torch") else True


def _parts(model):
    frozen = [not weight.requires_grad for weight in model.parameters()]
    return [model.state_dict(), [part.training for part in model.modules()], frozen]


class TooLong(BaseException):
    """The time is up. No `except Exception` of the answer stops it."""


class Enclosure:
    """What `enclosed` gives: calls an answer, and knows whether the reader pressed stop."""

    stopped = running = quiet = False

    def call(self, answer: Callable, *arguments: object) -> object:
        """Call an answer, and put back whatever of `SETTINGS` it changes."""
        with kept(SETTINGS):
            self.running = True
            try:
                return answer(*arguments)
            finally:
                self.running = False


@contextmanager
def kept(settings: list[tuple[Callable, Callable]]) -> Iterator[None]:
    """Put back these settings in the end."""
    before = [read() for read, _ in settings]
    try:
        yield
    finally:
        for old, (_, put_back) in zip(before, settings, strict=True):
            put_back(old)


@contextmanager
def enclosed(seconds: float | None = None) -> Iterator[Enclosure]:
    """Keep to itself what answers do inside.

    It begins with the settings of a fresh kernel. Figures and `plt.show` do nothing. After so many
    seconds the answer is stopped by `TooLong` (where the system has an alarm), and only the first
    lines of its output are shown. Without a limit, as a debugger needs it, all are.
    """
    inside, figures = Enclosure(), set(plt.get_fignums())
    with ExitStack() as undo:
        undo.enter_context(kept(SETTINGS + OTHERS))
        torch.set_grad_enabled(True)
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
        undo.enter_context(matplotlib.rc_context())
        _replace(undo, plt, "show", lambda *_, **__: None)
        if shell := getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)():
            _replace(undo, shell, "ask_exit", sys.exit)  # what exit() calls in a notebook
        if seconds is not None:
            undo.enter_context(redirect_stdout(_FirstLines(sys.stdout, inside)))
            undo.enter_context(redirect_stderr(_FirstLines(sys.stderr, inside)))
        if threading.current_thread() is threading.main_thread():  # others have no signals
            _listen(undo, inside, seconds)
        try:
            yield inside
        finally:
            for number in set(plt.get_fignums()) - figures:
                plt.close(number)
    if inside.stopped:  # and the answer caught it
        raise KeyboardInterrupt


def _replace(undo, owner, name, value):
    undo.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)


def _listen(undo, inside, seconds):
    """Note the stop button, which a `KeyboardInterrupt` of an answer is not; set the alarm."""

    def stop(*_):
        inside.stopped = True
        raise KeyboardInterrupt

    def late(*_):
        if inside.running:
            raise TooLong

    def on(number, act):
        old = signal.signal(number, act)
        undo.callback(signal.signal, number, signal.SIG_DFL if old is None else old)

    if callable(signal.getsignal(signal.SIGINT)):
        on(signal.SIGINT, stop)
    if seconds is not None and hasattr(signal, "setitimer"):
        on(signal.SIGALRM, late)
        old = signal.setitimer(signal.ITIMER_REAL, seconds, 0.1)  # again, if one was caught
        undo.callback(signal.setitimer, signal.ITIMER_REAL, *old)


class _FirstLines(io.TextIOBase):
    """Passes on the first lines, until `inside.quiet`."""

    def __init__(self, to, inside):
        self.to, self.inside, self.last = to, inside, "\n"
        self.lines, self.characters = LINES, CHARACTERS

    def write(self, text):
        if not self.inside.quiet and self.lines >= 0:
            shown = "".join(text[: self.characters].splitlines(keepends=True)[: self.lines])
            self.lines -= shown.count("\n")
            self.characters -= len(shown)
            self.last = (self.last + shown)[-1:]
            if len(shown) < len(text):
                self.lines = -1
                shown += "\n" * (self.last != "\n") + "… and more, left out\n"
            self.to.write(shown)
        return len(text)
