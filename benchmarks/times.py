"""How long each lesson takes to run: python benchmarks/times.py [01 04 …]

Executes the lessons (all, or those whose numbers are given) one after the other, as
`jupyter nbconvert --execute` does, and writes into benchmarks/times.json: seconds from start to
end, the start of the kernel included, and the largest memory of a process. Data must be there
already; nothing else should run. Works on Linux and macOS. Afterwards `python tools/contents.py`
writes the tables.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import RSS_BYTES, machine

RESULTS = Path(__file__).with_suffix(".json")
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


def main(numbers: list[str]) -> None:
    recorded = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    where = machine()
    device = "cpu" if where["device"] == "cpu" else "gpu"
    if device == "cpu" and not where["bf16"]:
        device = "cpu without bfloat16"  # a column of its own: it would replace the faster one
    lessons = {lesson.stem[:2]: lesson for lesson in sorted(NOTEBOOKS.glob("*.ipynb"))}
    if unknown := ", ".join(sorted({*numbers} - {*lessons})):
        sys.exit(f"there is no lesson {unknown}; there are: {', '.join(lessons)}")
    for number, lesson in lessons.items():
        if not numbers or number in numbers:
            entry = measure(lesson) | {"machine": where}
            entries = recorded.get(device, {}) | {number: entry}
            recorded[device] = dict(sorted(entries.items()))
            print(f"{lesson.name}: {entry['seconds']} s, {entry['peak_memory_gb']} GB")
            text = json.dumps(recorded, indent=1, ensure_ascii=False) + "\n"
            RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
