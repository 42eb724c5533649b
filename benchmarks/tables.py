"""Make the tables in benchmarks/README.md of the recorded results: python benchmarks/tables.py"""

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


def regularization_table() -> str:
    """Give the table of regularization.json in Markdown, the best mean validation first."""
    recorded = json.loads((HERE / "regularization.json").read_text(encoding="utf-8"))
    lines = ["| setting | training | validation | from | to | gap | seconds a training |"]
    lines += ["|---|---|---|---|---|---|---|"]

    def mean(runs, part):
        return 100 * sum(run[part] for run in runs) / len(runs)

    ranking = sorted(recorded["runs"].items(), key=lambda item: -mean(item[1], "validation"))
    for name, runs in ranking:
        train, validation = mean(runs, "train"), mean(runs, "validation")
        low, high = (100 * f(run["validation"] for run in runs) for f in (min, max))
        middle = sorted(run["seconds"] for run in runs)[len(runs) // 2]
        lines.append(
            f"| {name} | {train:.1f} % | {validation:.1f} % | {low:.1f} % | {high:.1f} % | "
            f"{train - validation:.1f} | {middle:.1f} |"
        )
    tested = [
        f"{name} {mean(runs, 'test'):.2f} % ("
        + ", ".join(f"{round(2000 * run['test']):,}" for run in runs)
        + " of 2,000)"
        for name, runs in ranking
        if "test" in runs[0]
    ]
    machine = recorded["machine"]
    where = f"{machine['cores']} CPU cores" if machine["device"] == "cpu" else machine["device"]
    lines += ["", f"On the 2,000 test pictures, once each: {'; '.join(tested)}."]
    lines += ["", f"{len(recorded['seeds'])} seeds. Measured on {where} ({machine['processor']}), "]
    lines[-1] += f"torch {machine['torch']}, {machine['date']}. Seconds are medians."
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

## Lesson 07: remedies against overfitting

`benchmarks/regularization.py` trains on 1,000 pictures of birds and airplanes, 30 epochs with
batches of 50, SGD with Nesterov momentum 0.9 at a learning rate of 0.02; its text and
`regularization.json` say what each setting changes. Training accuracy is of the pictures trained on
(as they are, in evaluation mode), validation of 4,000 others that chose nothing, both after the
last epoch; with early stopping after the epoch that was best on 1,000 further pictures. The gap is
in percentage points. The strengths and the combination were chosen
on 5,000 further pictures, with other seeds. "6,000 pictures" is no remedy but a yardstick:
the plain net, as many steps, and the 5,000 pictures for choosing to learn from as well.

{regularization_table()}
"""


if __name__ == "__main__":
    (HERE / "README.md").write_text(readme(), encoding="utf-8")
