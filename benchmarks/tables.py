"""Make the tables in benchmarks/README.md of the recorded results: python benchmarks/tables.py"""

import json
import statistics
from pathlib import Path

HERE = Path(__file__).parent
HEAD = "# Benchmarks"


def read(file: str) -> dict:
    """Give a recorded file."""
    return json.loads((HERE / file).read_text(encoding="utf-8"))


def table(file: str, first: str) -> str:
    """Give a recorded file as a Markdown table, a row for each experiment, and its machine.

    `first` heads the first column. An experiment has the keys `what`, `accuracy` and `machine`,
    and mostly `seconds`: a list with one value a seed.
    """
    lines = [f"| {first} | mean | from | to | seeds | seconds a training |"]
    lines += ["|---|---|---|---|---|---|"]
    experiments = read(file)["experiments"]
    for result in experiments.values():
        runs = result["accuracy"]
        values = (statistics.mean(runs), min(runs), max(runs))
        shares = " | ".join(f"{100 * value:.1f} %" for value in values)
        seconds = "–"
        if "seconds" in result:
            seconds = f"{statistics.median(result['seconds']):.0f}"
        lines.append(f"| {result['what']} | {shares} | {len(runs)} | {seconds} |")
    return "\n".join([*lines, "", measured_on(result["machine"])])


def where(machine: dict) -> str:
    """Name what a run was measured on."""
    return f"{machine['cores']} CPU cores" if machine["device"] == "cpu" else machine["device"]


def measured_on(machine: dict) -> str:
    """Say in a sentence what the seconds belong to."""
    return (
        f"Measured on {where(machine)} ({machine['processor']}), torch {machine['torch']}, "
        f"{machine['date']}. Seconds are medians."
    )


def birds_table() -> str:
    """Give the table of birds.json in Markdown."""
    lines = ["| network and training | parameters | held out, mean | from | to | training, mean "]
    lines[0] += "| seeds | seconds |"
    lines += ["|---|---|---|---|---|---|---|---|"]
    experiments = read("birds.json")["experiments"]
    for result in experiments.values():
        runs = result["test"]
        values = (statistics.mean(runs), min(runs), max(runs), statistics.mean(result["train"]))
        shares = " | ".join(f"{100 * value:.1f} %" for value in values)
        lines.append(
            f"| {result['what']} | {result['parameters']:,} | {shares} | {len(runs)} "
            f"| {statistics.median(result['seconds']):.0f} |"
        )
    return "\n".join([*lines, "", measured_on(result["machine"])])


def regularization_table() -> str:
    """Give the table of regularization.json in Markdown, the best mean validation first."""
    recorded = read("regularization.json")
    lines = ["| setting | training | validation | from | to | gap | seconds a training |"]
    lines += ["|---|---|---|---|---|---|---|"]

    def mean(runs, part):
        return 100 * statistics.mean(run[part] for run in runs)

    ranking = sorted(recorded["runs"].items(), key=lambda item: -mean(item[1], "validation"))
    for name, runs in ranking:
        train, validation = mean(runs, "train"), mean(runs, "validation")
        low, high = (100 * f(run["validation"] for run in runs) for f in (min, max))
        middle = statistics.median(run["seconds"] for run in runs)
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
    lines += ["", f"On the 2,000 test pictures, once each: {'; '.join(tested)}."]
    lines += ["", f"{len(recorded['seeds'])} seeds. {measured_on(recorded['machine'])}"]
    return "\n".join(lines)


def ladder_table() -> str:
    """Give the steps of lesson 08 in Markdown: seconds an epoch, and validation."""
    recorded = read("cifar10.json")
    seconds = recorded["seconds"]["an_epoch"]
    lines = ["| step | seconds an epoch | to the step before | validation, mean | from | to |"]
    lines += ["|---|---|---|---|---|---|"]
    before = None
    for name, runs in recorded["steps"]["validation"].items():
        shares = " | ".join(
            f"{100 * value:.1f} %" for value in (statistics.mean(runs), min(runs), max(runs))
        )
        now = seconds.get(name)  # the mirror trains as the step before it
        cells = f"{now:.1f} | {f'÷ {before / now:.1f}' if before else ''}" if now else "as before |"
        lines.append(f"| {name} | {cells} | {shares} |")
        before = now
    seconds_on = measured_on(recorded["seconds"]["machine"])
    places = {}
    for name, machine in recorded["steps"]["machines"].items():
        places.setdefault(f"torch {machine['torch']}, {machine['date']}", []).append(name)
    measured = [f"{place} ({names[0]} to {names[-1]})" for place, names in places.items()]
    return "\n".join([*lines, "", seconds_on, f"Accuracies: {'; '.join(measured)}."])


def speed_table() -> str:
    """Give the trainings of lesson 08 that were shown the test set, in Markdown."""
    lines = ["| training | parameters | test, mean | from | to | with mirror | seeds | seconds "]
    lines[0] += "| peak memory | on |"
    lines += ["|---|---|---|---|---|---|---|---|---|---|"]
    experiments = read("cifar10.json")["experiments"]
    for result in experiments.values():
        runs = result["accuracy"]
        values = (statistics.mean(runs), min(runs), max(runs), statistics.mean(result["mirror"]))
        shares = " | ".join(f"{100 * value:.2f} %" for value in values)
        seconds, memory = statistics.median(result["seconds"]), max(result["peak_memory_gb"])
        lines.append(
            f"| {result['what']} | {result['parameters'][0]:,} | {shares} | {len(runs)} "
            f"| {seconds:.0f} | {memory:.1f} GB "
            f"| {where(result['machine'])}, {result['machine']['date']} |"
        )
    versions = sorted({result["machine"]["torch"] for result in experiments.values()})
    said = f"Measured with torch {' and '.join(versions)}. Seconds are medians. "
    said += "In 32 bits: on a machine whose processor has no bfloat16."
    return "\n".join([*lines, "", said])


def plain_sentence() -> str:
    """Say how far the plain loop of lesson 08 gets in more epochs, and the last step in one."""
    recorded = read("cifar10.json")["plain"]
    means = [100 * statistics.mean(runs) for runs in zip(*recorded["validation"], strict=True)]
    shares = ", ".join(f"{mean:.1f}" for mean in means)
    one = 100 * statistics.mean(recorded["one_epoch"])
    return (
        f"The plain loop, {len(recorded['validation'])} seeds, after each epoch: {shares} %. Muon, "
        f"when it is given a single epoch, {len(recorded['one_epoch'])} seeds: {one:.1f} %."
    )


def readme() -> str:
    """Give the text of benchmarks/README.md."""
    return f"""{HEAD}

Made by `python benchmarks/tables.py` of the recorded results; do not edit by hand.

## Lesson 04: drawn hands and photographs

`benchmarks/signs.py` trains the network of lesson 04; its text says how. Every run is recorded in
`signs.json`, with machine and versions. Training settings: Adam 0.001 falling to 0 in a straight
line, batches of 32, 10 epochs. For the varied hands: AdamW 0.002 with weight decay 0.001, one
cycle, batches of 64, 10 epochs, label smoothing 0.1, each picture brought to mean 0 and
deviation 1.

{table("signs.json", "trained on → judged on")}

What the numbers mean:

- Drawn hands: the weights of the epoch that was best on 216 validation hands, judged on 120 others.
- Photographs: the 216 validation photographs of the original SIGNS set; they choose nothing. They
  judge the weights of the line above (864 drawn hands), else those after the last epoch. They are a
  random share of the same series as the 864 for training, and these were looked at while the
  drawing was designed. So this is "no photograph was trained on", and not "a
  world never seen". The photographs may not be passed on and are not part of this project.

## Lesson 05: Fashion-MNIST

`benchmarks/fashion.py` trains the networks of lesson 05; its text says how. Accuracies are those of
the 10,000 test pictures, which judge each finished net once, with seeds that chose no setting.

{table("fashion.json", "trained")}

What the seconds mean: training alone, with the data in memory, without validation. For the old loop
they run until validation first passes 91 %; its ten epochs take two to three times as long. The old
loop and BlockNet with 2 epochs took turns in one program, and are {race_factor():.1f} times apart.
The 25 steps on all pictures at once took {memory():.1f} GB of memory.

## Lesson 06: birds and airplanes

`benchmarks/birds.py` trains the networks of lesson 06; its text says how. Every run is recorded in
`birds.json`. 9,000 pictures for training and 1,000 for validation, drawn anew by each seed; the
2,000 held-out pictures are the two classes of CIFAR-10's test set.

{birds_table()}

What the numbers mean:

- Held out: the weights of the epoch that was best on validation. No test-time flips.
- Training: accuracy in the last epoch, taken while the weights change; for BlockNet on
  changed (mirrored, shifted) pictures.
- Seconds: the training loop; reading the data and validation are not counted. Batches come
  from memory, with channels_last; BlockNet and the deep MLP also use 16-bit numbers. The
  published loop (SGD 0.01, batches of 64) uses a DataLoader and 32-bit numbers.
- The settings were chosen on validation with other seeds than these (SGD for BlockNet after
  few trials). One earlier choice was tried with seed 10 and dropped: BlockNet with Muon, 94.8 %;
  the convolutional network without weight decay, 89.3 %.

## Lesson 07: remedies against overfitting

`benchmarks/regularization.py` trains on 1,000 pictures of birds and airplanes, 30 epochs with
batches of 50, SGD with Nesterov momentum 0.9 at a learning rate of 0.02; its text and
`regularization.json` say what each setting changes. Training accuracy is of the pictures trained on
(as they are, in evaluation mode), validation of 4,000 others that chose nothing, both after the
last epoch; with early stopping after the epoch that was best on 1,000 further pictures. The gap is
in percentage points. The strengths and the combination were chosen on 5,000 further pictures, with
other seeds. "6,000 pictures" is no remedy but a yardstick: the plain net with as many steps, and
these 5,000 pictures to learn from as well.

{regularization_table()}

## Lesson 08: CIFAR-10 at speed

`benchmarks/cifar10.py` trains the steps of lesson 08; its text says how, and what the clock
includes. Validation: 5,000 pictures, after two epochs. The first three rows compute the same, so
they share their accuracies. Every step keeps those before it, but identity is taken back.

{ladder_table()}

{plain_sentence()}

On the 10,000 test pictures, after the last epoch, once for each training, with seeds that chose
nothing; without and with the scores of the mirrored picture added:

{speed_table()}

On a GPU: not measured.
"""


def race_factor() -> float:
    """How many times sooner the fast net of lesson 05 has finished (medians)."""
    results = read("fashion.json")["experiments"]
    old, fast = (statistics.median(results[name]["seconds"]) for name in ("old", "fast"))
    return old / fast


def memory() -> float:
    """The peak memory of the steps on all pictures at once, in GB."""
    results = read("fashion.json")["experiments"]
    return max(results["full"]["peak_memory_gb"])


if __name__ == "__main__":
    (HERE / "README.md").write_text(readme(), encoding="utf-8")
