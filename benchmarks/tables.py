"""Make the tables in benchmarks/README.md of the recorded results: python benchmarks/tables.py"""

import re
from pathlib import Path
from statistics import mean, median

from ladder import BESIDE, FAST, LADDER
from record import read

from helpers.sources.writing import write

ON = ("", " cuda")  # the ends of names: a CPU with bfloat16, a GPU
LAST = list(LADDER)[-2]  # the mirror trains as the step before
README = Path(__file__).with_name("README.md")
MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(rows, columns):
    """Give recorded entries as a Markdown table; each column makes its cell of an entry."""
    lines = [[*columns], ["---"] * len(columns)]
    lines += [[cell(row) for cell in columns.values()] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


# What makes a cell. Shares 0-1 are written in per cent.
def what(row):
    return row["what"]


def share(key, of=mean, digits=1):
    return lambda row: f"{100 * of(row[key]):.{digits}f} %"


def spread(key, head="mean", digits=1):
    ways = {head: mean, "from": min, "to": max}
    return {head: share(key, of, digits) for head, of in ways.items()}


def seconds(digits=0):
    return lambda row: f"{median(row['seconds']):.{digits}f}" if "seconds" in row else "–"


def count(key):  # of seeds, or a number itself
    return lambda row: f"{row[key] if isinstance(row[key], int) else len(row[key]):,}"


def where(row):
    found = row["machine"]
    return f"{found['cores']} CPU cores" if found["device"] == "cpu" else found["device"]


def version(row):
    return f"torch {row['machine']['torch']}, {row['machine']['date']}"


def measured(rows):
    on = [f"{where(row)} ({row['machine']['processor']}), {version(row)}" for row in rows]
    return f"Measured on {'; '.join(dict.fromkeys(on))}. Seconds are medians."


def accuracies(topic, first):
    rows, last = list(read(topic).values()), {"seconds a training": seconds()}
    columns = {first: what, **spread("accuracy"), "seeds": count("seeds"), **last}
    return f"{table(rows, columns)}\n\n{measured(rows)}"


def signs():
    return accuracies("signs", "trained on → judged on")


def faults():
    """What broken trainings look like; what sweeps recommend, and what that is worth."""
    found = read("faults")

    def three(key, digits=2):
        return lambda row: " / ".join(f"{f(row[key]):.{digits}f}" for f in (min, mean, max))

    broken = [row for row in found.values() if "end" in row]
    columns = {"what is wrong": what, "loss before the first step": three("start")}
    columns |= {"after 60 steps": three("end", 3), "right": share("right", digits=0)}
    text = f"{table(broken, columns)}\n\nLeast, mean, most of {count('seeds')(broken[0])} seeds. "
    rows = [row for row in found.values() if "steepest" in row]
    columns = {"sweep": what, "the rate of the steepest fall": three("steepest", 4)}
    columns |= {"loss after 100 steps at that rate": three("loss")}
    best = [
        f"{row['what']} {min(map(mean, zip(*row['losses'], strict=True))):.2f}"
        for name, row in found.items()
        if name.startswith("grid: ")
    ]
    text += f"{measured(broken)}\n\n{table(rows, columns)}\n\n"
    return text + f"The best of the grid, a mean of the seeds: {'; '.join(best)}."


def fashion():
    found = read("fashion")
    old, fast = (median(found[name]["seconds"]) for name in ("old", "fast"))
    return (
        f"{accuracies('fashion', 'trained')} The old loop and BlockNet with 2 epochs took turns "
        f"in one program, and are {old / fast:.1f} times apart. The 25 steps on all pictures at "
        f"once took {max(found['full']['peak_memory_gb']):.1f} GB of memory."
    )


def birds():
    rows = [row for row in read("birds").values() if "test" in row]
    columns = {"network and training": what, "parameters": count("parameters")}
    columns |= spread("test", "held out, mean") | {"training, mean": share("train")}
    columns |= {"seeds": count("seeds"), "seconds": seconds()}
    return f"{table(rows, columns)}\n\n{measured(rows)}"


def regularization():
    def gap(row):
        return f"{100 * mean(row['train']) - 100 * mean(row['validation']):.1f}"

    rows = sorted(read("regularization").values(), key=lambda row: -mean(row["validation"]))
    columns = {"setting": what, "training": share("train"), **spread("validation", "validation")}
    text = table(rows, columns | {"gap": gap, "seconds a training": seconds(1)})
    tested = []
    for row in (row for row in rows if "test" in row):
        counts = ", ".join(f"{round(2000 * value):,}" for value in row["test"])
        tested.append(f"{row['what']} {share('test', digits=2)(row)} ({counts} of 2,000)")
    text += f"\n\nOn the 2,000 test pictures, once each: {'; '.join(tested)}."
    return f"{text}\n\n{count('seeds')(rows[0])} seeds. {measured(rows)}"


def steps():
    """The ladder and what was tried beside it, each with the step that it changes."""
    found, rows = read("cifar10"), []
    beside = [(name, other) for name, (other, _) in BESIDE.items()]
    for name, other in [*zip(LADDER, ["", *LADDER], strict=False), *beside]:
        timed = [found.get(f"seconds: {step}", {}).get("seconds") for step in (other, name)]
        factor = f"÷ {median(timed[0]) / median(timed[1]):.1f}" if all(timed) else ""
        row = found[f"steps: {name}"] | {"step": name, "other": other, "factor": factor}
        row["gpu"] = found.get(f"seconds: {name} cuda", {})
        rows.append(row | ({"seconds": timed[1]} if timed[1] else {}))
    columns = {"step": lambda row: row["step"], "changes": lambda row: row["other"]}
    columns |= {"seconds an epoch": seconds(1), "to that": lambda row: row["factor"]}
    columns |= {"on a GPU": lambda row: seconds(2)(row["gpu"])}
    columns |= spread("validation", "validation, mean") | {"accuracy measured": version}
    plain, one = found["plain"], found["one epoch"]
    epochs = zip(*plain["validation_by_epoch"], strict=True)
    means = ", ".join(f"{100 * mean(shares):.1f}" for shares in epochs)
    return (
        f"{table(rows, columns)}\n\n"
        f"{measured([found[f'seconds: {LAST}'], found[f'seconds: {LAST} cuda']])}\n\n"
        f"The plain loop, {count('seeds')(plain)} seeds, after each epoch: {means} %. The last "
        f"step, when it is given a single epoch, {count('seeds')(one)} seeds: "
        f"{share('validation')(one)}."
    )


def limits():
    """The machines' limits, and what the last step makes of one."""
    found, columns = read("cifar10"), {"in billions": what}
    rows = [found[f"limits: {dtype}{on}"] for on in ON for dtype in ("float32", "bfloat16")]
    for work in ("matrix product", "convolution"):
        columns[work] = lambda row, work=work: f"{row[work][0] / 1e9:,.0f}"
    last, best = found[f"seconds: {LAST}"], rows[1]["convolution"][0]
    pictures = 45_000 // FAST.batch_size * FAST.batch_size  # whole batches only
    rate = last["operations_a_picture"] * pictures / median(last["seconds"])
    said = (
        f"The last step makes {last['operations_a_picture'] / 1e6:.0f} million operations a "
        f"picture, {rate / 1e9:.0f} billion a second: {100 * rate / best:.0f} % of the "
        "convolution's."
    )
    kinds = {kind: s for kind, s in found.get("kinds", {}).items() if isinstance(s, list)}
    whole = sum(s for (s,) in kinds.values())
    shares = ", ".join(f"{kind} {100 * s / whole:.0f} %" for kind, (s,) in kinds.items())
    said += f" Its time: {shares}." if kinds else ""
    return f"{table(rows, columns)}\n\n{said}"


def ways():
    """One training on a GPU in four ways; what else the card's records say."""
    found = read("cifar10")
    example, views = found["example cuda"], ("mirror the unsure quarter", "mirror")
    quarter, all_of_them = (share(name, digits=2)(example) for name in views)
    clocks = [f"{median(example[f'seconds of the test, {name}']):.2f}" for name in views]
    plain = found["plain cuda"]
    said = (
        f"Mirroring only the quarter of the test pictures of which the example is least sure gets "
        f"{quarter}, in {clocks[0]} seconds; mirroring all of them {all_of_them}, in {clocks[1]}. "
        f"The plain loop's training, from memory and with bfloat16, gets "
        f"{100 * plain['validation_by_epoch'][0][-1]:.1f} % of validation after eight epochs, in "
        f"{plain['seconds'][0]:.0f} seconds (one seed)."
    )
    rows = [row for name, row in found.items() if name.startswith("ways: ")]
    best = found["limits: bfloat16 cuda"]["matrix product"][0]

    def utilization(row):
        rate = row["operations_a_picture"] * row["pictures"] / median(row["seconds"])
        return f"{100 * rate / best:.0f} %"

    columns = {"an epoch of the example": what, "seconds": seconds(3)}
    columns |= {"seconds of preparation": lambda row: f"{row['preparation']:.1f}"}
    columns |= {"of the matrix product's rate": utilization}
    columns |= {"peak memory": lambda row: f"{row['peak_memory_gb']:.1f} GB"}
    return f"{table(rows, columns)}\n\n{said} {measured(rows)}"


def trainings():
    rows = [row for row in read("cifar10").values() if "accuracy" in row]
    columns = {"training": what, "parameters": count("parameters")}
    columns |= spread("accuracy", "test, mean", 2) | {"with mirror": share("mirror", digits=2)}
    columns |= {"seeds": count("seeds"), "seconds": seconds()}
    columns |= {"peak memory": lambda row: f"{max(row['peak_memory_gb']):.1f} GB"}
    columns |= {"on": lambda row: f"{where(row)}, {version(row)}"}
    said = "Seconds are medians. In 32 bits: on a machine whose processor has no bfloat16."
    return f"{table(rows, columns)}\n\n{said}"


def readme():
    """Give benchmarks/README.md with the tables as they should be."""
    text = README.read_text(encoding="utf-8")
    makers = (signs, faults, fashion, birds, regularization, steps, limits, trainings, ways)
    made = {make.__name__: make() for make in makers}
    if sorted(name for _, name, _ in MARKED.findall(text)) != sorted(made):
        raise SystemExit(f"{README} should have a mark for each of these, once: {', '.join(made)}")
    return MARKED.sub(lambda mark: f"{mark[1]}\n{made[mark[2]]}\n\n{mark[3]}", text)


if __name__ == "__main__":
    write(README, readme())
