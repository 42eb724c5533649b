"""How long each lesson takes to run: python benchmarks/times.py [TOPIC or number …]

Executes the lessons (all, or those given, such as 01 or pooling) one after the other, as
`jupyter nbconvert --execute` does, and writes into helpers/recorded/times.json: seconds from start
to end, the start of the kernel included, and the largest memory of a process. Data must be there
already; nothing else should run. Works on Linux and macOS. Afterwards `python tools/contents.py`
writes the tables.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import RSS_BYTES, begin, record

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


def measure(lesson: Path) -> dict:
    """Execute one lesson into a temporary folder; give seconds and peak memory (10**9 bytes)."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "notebook", "--execute"]
        command += ["--log-level=ERROR", "--output-dir", folder, str(lesson)]
        start = time.perf_counter()
        _, status, usage = os.wait4(subprocess.Popen(command).pid, 0)
        seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{lesson.name} failed: nothing is recorded for it")
    memory = usage.ru_maxrss * RSS_BYTES / 1e9
    return {"seconds": round(seconds, 1), "peak_memory_gb": round(memory, 2)}


def main(wanted: list[str]) -> None:
    lessons = sorted(NOTEBOOKS.glob("*.ipynb"))
    names = {name: lesson for lesson in lessons for name in lesson.stem.split("_", 1)}
    if unknown := ", ".join(sorted({*wanted} - {*names})):
        sys.exit(f"there is no lesson {unknown}; there are: {', '.join(names)}")
    begin("times")
    for lesson in dict.fromkeys(names[name] for name in wanted or names):
        topic, run = lesson.stem.split("_", 1)[1], measure(lesson)
        record("times", topic, f"{topic}, executed from start to end", [run])
        print(f"{lesson.name}: {run['seconds']} s, {run['peak_memory_gb']} GB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
