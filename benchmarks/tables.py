"""Make the table in benchmarks/README.md of the recorded results: python benchmarks/tables.py"""

import json
from pathlib import Path

HERE = Path(__file__).parent
HEAD = "# Benchmarks"


def signs_table() -> str:
    """Give the table of signs.json in Markdown."""
    lines = ["| trained on → judged on | mean | from | to | seeds | seconds a training |"]
    lines += ["|---|---|---|---|---|---|"]
    experiments = json.loads((HERE / "signs.json").read_text(encoding="utf-8"))["experiments"]
    for result in experiments.values():
        runs, seconds = result["accuracy"], sorted(result["seconds"])
        mean = f"{100 * sum(runs) / len(runs):.1f} %"
        low, high = (f"{100 * run:.1f} %" for run in (min(runs), max(runs)))
        middle = seconds[len(seconds) // 2]
        lines.append(f"| {result['what']} | {mean} | {low} | {high} | {len(runs)} | {middle:.0f} |")
    machine = result["machine"]
    where = f"{machine['cores']} CPU cores" if machine["device"] == "cpu" else machine["device"]
    lines += ["", f"Measured on {where} ({machine['processor']}), torch {machine['torch']}, "]
    lines[-1] += f"{machine['date']}. Seconds are medians."
    return "\n".join(lines)


def birds_table() -> str:
    """Give the table of birds.json in Markdown."""
    lines = ["| network and training | parameters | held out, mean | from | to | training, mean "]
    lines[0] += "| seeds | seconds |"
    lines += ["|---|---|---|---|---|---|---|---|"]
    experiments = json.loads((HERE / "birds.json").read_text(encoding="utf-8"))["experiments"]
    for result in experiments.values():
        runs, seconds = result["test"], sorted(result["seconds"])
        mean, train = (f"{100 * sum(v) / len(v):.1f} %" for v in (runs, result["train"]))
        low, high = (f"{100 * run:.1f} %" for run in (min(runs), max(runs)))
        middle = seconds[len(seconds) // 2]
        lines.append(
            f"| {result['what']} | {result['parameters']:,} | {mean} | {low} | {high} | {train} "
            f"| {len(runs)} | {middle:.0f} |"
        )
    machine = result["machine"]
    where = f"{machine['cores']} CPU cores" if machine["device"] == "cpu" else machine["device"]
    lines += ["", f"Measured on {where} ({machine['processor']}), torch {machine['torch']}, "]
    lines[-1] += f"{machine['date']}. Seconds are medians."
    return "\n".join(lines)


def readme() -> str:
    """Give the text of benchmarks/README.md."""
    return f"""{HEAD}

Made by `python benchmarks/tables.py` of the recorded results; do not edit by hand.

## Lesson 04: drawn hands and photographs

`benchmarks/signs.py` trains the network of lesson 04; its text says how. Every run is recorded in
`signs.json`, with machine and versions. Training settings: Adam 0.001 falling to 0 in a straight
line, batches of 32, 10 epochs; for the varied hands AdamW 0.002, one cycle, batches of 64.

{signs_table()}

What the numbers mean:

- Drawn hands: the weights of the epoch that was best on 216 validation hands, judged on 120 others.
- Photographs: the 216 validation photographs of the original SIGNS set, after the last epoch; they
  choose nothing. They are a random share of the same series as the 864 for training, and these were
  looked at while the drawing was designed. So this is "no photograph was trained on", and not "a
  world never seen". The photographs may not be passed on and are not part of this project.

## Lesson 06: birds and airplanes

`benchmarks/birds.py` trains the networks of lesson 06; its text says how. Every run is recorded in
`birds.json`. 9,000 pictures for training and 1,000 for validation, drawn anew by each seed; the
2,000 held-out pictures are the two classes of CIFAR-10's test set.

{birds_table()}

What the numbers mean:

- Held out: the weights of the epoch that was best on validation. No test-time flips.
- Training: accuracy in the last epoch, taken while the weights change; for DoubleBlockNet on
  changed (mirrored, shifted) pictures.
- Seconds: the training loop; reading the data and validation are not counted. Batches come
  from memory, with channels_last; DoubleBlockNet and the deep MLP also use 16-bit numbers. The
  published loop (SGD 0.01, batches of 64) uses a DataLoader and 32-bit numbers.
- The settings were chosen on validation with other seeds than these (SGD for DoubleBlockNet after
  few trials). One earlier choice was tried with seed 10 and dropped: BlockNet with Muon, 94.8 %;
  the convolutional network without weight decay, 89.3 %.
"""


if __name__ == "__main__":
    (HERE / "README.md").write_text(readme(), encoding="utf-8")
