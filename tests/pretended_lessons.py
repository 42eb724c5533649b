"""Lessons from top to bottom on a pretended GPU, to find device faults in their cells.

    python tests/pretended_lessons.py [mps] [TOPIC or number …]

Trainings are cut short, so asserts about their results may fail; they are listed apart.
"""

import ast
import itertools
import sys
import time
from pathlib import Path

from nbclient import NotebookClient
from nbformat import v4
from torch.utils.data import DataLoader, RandomSampler

HERE = Path(__file__).resolve().parent
SAMPLES = 16  # of each batch in training, from memory
FIRST, LATER = 30, 2  # batches of a training's first two passes, and of each later one
BEGIN = """
import sys
sys.path.insert(0, {folder!r})
import pretended_gpu, pretended_lessons
pretended_lessons.shorten()
pretended_gpu.within = pretended_gpu.pretended({kind!r})
pretended_gpu.gpu = pretended_gpu.within.__enter__()
"""
END = "print(sum(pretended_gpu.gpu.waits.values()))"


def shorten():
    """Cut what training goes through: passes in random order, of each loader of batches."""
    from helpers.batches import Batches

    def cut(loader, shuffled, samples=None):
        whole = loader.__iter__

        def cut_pass(self):
            if not shuffled(self):
                return whole(self)
            self.passes = getattr(self, "passes", 0) + 1
            some = itertools.islice(whole(self), FIRST if self.passes <= 2 else LATER)
            return ((X[:samples], y[:samples]) for X, y in some)

        loader.__iter__ = cut_pass

    cut(Batches, lambda loader: loader.shuffle, SAMPLES)
    cut(DataLoader, lambda loader: isinstance(loader.sampler, RandomSampler))


def parts(cell):
    """Give a cell with asserts as a cell for each statement, so that one does not hide the rest."""
    if cell.cell_type != "code" or "assert " not in cell.source:
        return [cell]
    nodes = ast.parse(cell.source).body
    sources = [ast.get_source_segment(cell.source, node) for node in nodes]
    return [v4.new_code_cell(source, metadata=cell.metadata) for source in sources]


def run(lesson, kind="cuda"):
    """Run a lesson; give its faults, the claims that failed, and how often it waited.

    A fault is an error that the lesson does not intend, or an intended one that did not come.
    """
    from notebooks import tags, to_change

    notebook = to_change(lesson)
    numbered = [(n, part) for n, cell in enumerate(notebook.cells) for part in parts(cell)]
    begin = v4.new_code_cell(BEGIN.format(folder=str(HERE), kind=kind))
    end = v4.new_code_cell(END)
    notebook.cells = [begin, *(part for _, part in numbered), end]
    where = {"metadata": {"path": str(lesson.parent)}}
    settings = {"timeout": 900, "allow_errors": True, "kernel_name": "python3"}
    NotebookClient(notebook, **settings, resources=where).execute()
    faults, claims = [], []
    for number, cell in numbered:
        intended = "raises-exception" in tags(cell)
        errors = [o for o in cell.get("outputs", []) if o.output_type == "error"]
        for error in errors if not intended else []:
            lines = faults if error.ename != "AssertionError" else claims
            source = cell.source.splitlines()[0]
            lines.append(f"cell {number}: {error.ename}: {error.evalue[:300]}  [{source}]")
        if cell.cell_type == "code" and intended and not errors:
            faults.append(f"cell {number}: the intended error did not come")
    return faults, claims, int(end.outputs[0].text)


def main(arguments):
    """Run the lessons that are named, or all, and list what failed."""
    sys.path.insert(0, str(HERE.parent / "tools"))
    from notebooks import LESSONS, find

    kind, failed = "mps" if "mps" in arguments else "cuda", False
    for lesson in [find(name) for name in arguments if name != "mps"] or LESSONS:
        start = time.perf_counter()
        faults, claims, waits = run(lesson, kind)
        seconds = time.perf_counter() - start
        print(f"{lesson.stem}: {len(faults)} faults, {waits} waits, {seconds:.0f} s", flush=True)
        for line in [*faults, *(f"(claim, {line})" for line in claims)]:
            print(f"  {line}", flush=True)
        failed = failed or bool(faults)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
