"""What was measured, as a page of Markdown and a plot."""

from __future__ import annotations

import json
import statistics
import subprocess
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

OURS, TWO, SCANNER, PLAIN = "boxferry", "boxferry --jobs 2", "C scanner", "plain"
CONNECTIONS = 4  #: of plans and pulls
COCO, SHUFFLED, LARGE, YOLO, VOC, VOC_TEXT = "coco", "shuffled", "large", "yolo", "voc", "voctext"

INTRODUCTION = """# Performance

`make bench` measured this in one run on one machine, and wrote this page; `make bench-small` does the same at a
twentieth of the size in under two minutes. Absolute times do not carry over to another machine, ratios do, roughly.

The work: read an input, and write one packet an image, with whole pixels and scores, as JSON lines. Each tool runs in
a process of its own, in turn with the others; the seconds are those of the work, imports left out; the memory is the
peak of the largest process. The median of the rounds stands first, then the range. Tools that take more than three
times as long as the fastest peer ran once. All checks are on: there is no other path.

`plain` is what somebody writes in ten minutes: `json.load`, `split` or ElementTree, dicts, `json.dumps`, no checks. The
C scanner knows the layout of the file byte by byte, checks nothing, and writes the same fields. supervision and pylabel
read no scores, and were given annotations without them.
"""
MISSED = """\
Where a target is missed, no function stands out in the [profiles](profiles.md): JSON is read and written in C, and
what is between are loops over Python's objects, a few for each box (its numbers into columns, its reference, the
object that becomes JSON again) and a few for each file (calls to the system, the look-up of its image). It would take
text that is built out of columns in compiled code, without an object for each box.
`--jobs` is for XML, where parsing is most of the work; COCO and YOLO are read in one process.
"""
PLOT = """
import json, sys
import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt
plt.rcParams["svg.fonttype"] = "none"
plt.rcParams["svg.hashsalt"] = "boxferry"
found = json.load(sys.stdin)
figure, axes = plt.subplots(len(found), 1, figsize=(8, 1.1 + 2.1 * len(found)), layout="constrained")
for axis, (title, tools) in zip(axes, found.items()):
    names = sorted(tools, key=lambda name: -tools[name])
    colours = ["#0b6e99" if "boxferry" in name else "#b8bec4" for name in names]
    bars = axis.barh(names, [tools[name] for name in names], color=colours)
    axis.bar_label(bars, [f" {tools[name]:.2f} s" for name in names], fontsize=8)
    axis.set_title(title, fontsize=9, loc="left")
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    axis.margins(x=0.12)
figure.savefig(sys.argv[1], metadata={"Date": None})
"""


class Measured(NamedTuple):
    """One tool on one input: seconds and peak megabytes of each round."""

    seconds: list[float]
    megabytes: list[float]

    @property
    def median(self) -> float:
        """Of the seconds."""
        return statistics.median(self.seconds)

    @property
    def memory(self) -> float:
        """The median of the megabytes."""
        return statistics.median(self.megabytes)

    def __str__(self) -> str:
        """Median and range, and memory."""
        span = f" ({min(self.seconds):.2f}-{max(self.seconds):.2f})" if len(self.seconds) > 1 else " (once)"
        return f"{self.median:.2f} s{span} | {self.memory:.0f} MB"


class Compared(NamedTuple):
    """One input, and what each tool took."""

    title: str
    tools: dict[str, Measured]

    def best_peer(self) -> tuple[str, float]:
        """The fastest of the other tools, the plain script and the scanner left out."""
        others = {name: each.median for name, each in self.tools.items() if name not in {OURS, TWO, SCANNER, PLAIN}}
        name = min(others, key=lambda tool: others[tool])
        return name, others[name]


class Sending(NamedTuple):
    """What sending to a sandbox in another process took."""

    seconds: float
    limit: float
    share: float
    limited: float
    packets: int
    per_second: float
    cpu_ms: float
    grown_mb: float
    status_s: float
    resume_s: float


class Calls(NamedTuple):
    """How many calls plans and pulls over so many files make, and what a first pull takes.

    Those for single files, which no page showed, are counted by themselves; `two_calls_s` is what a pull takes that
    asks twice for each file.
    """

    files: int
    bare: int
    boxed: int
    boxed_singly: int
    pull: int
    pull_singly: int
    pull_s: float
    two_calls_s: float
    moved: int
    again: int


def page(
    found: Mapping[str, Compared],
    stages: Mapping[str, Mapping[str, float]],
    started: Mapping[str, float],
    sending: Sending,
    calls: Sequence[Calls],
    machine: str,
    rounds: int,
) -> str:
    """The whole page.

    Args:
        found: what was measured, by the inputs' kinds.
        stages: seconds of each stage of boxferry's own work, by the inputs' titles.
        started: seconds of whole processes, by their commands.
        sending: what sending took.
        calls: how many calls plans and pulls make, at growing numbers of files.
        machine: what it was measured on.
        rounds: how often.
    """
    tables = "\n".join(_table(each) for each in found.values())
    startup = "\n".join(f"| `{name}` | {1000 * seconds:.0f} ms |" for name, seconds in started.items())
    return f"""{INTRODUCTION}
{machine}; {rounds} rounds.

![seconds of each tool](performance.svg)

## Targets

| what | target | reached | |
|---|---|---|---|
{_targets(found, started, sending, calls)}

{tables}
## Where boxferry's seconds go

{_stages(stages)}

{MISSED}
## Start-up

| whole process | |
|---|---|
{startup}

## Sending

Against a sandbox in a process of its own. Under a limit of {sending.limit:g} requests a second:
{sending.share:.1%} of it over {sending.seconds:.0f} s, {sending.limited:.2%} of the answers were 429. Without a limit,
{sending.packets:,} packets of 50 boxes: {sending.per_second:.0f} a second, {sending.cpu_ms:.2f} ms of the client's CPU
each, the outbox included; the peak of its memory is {sending.grown_mb:.1f} MB above that of a run of a tenth. `status`
of that run takes {sending.status_s:.2f} s, `resume --no-wait` {sending.resume_s:.2f} s, as whole processes.

## Calls

Against a sandbox in a process of its own, whose pages with boxes are in no order, {CONNECTIONS} connections. Files that
no page showed are asked for singly, and counted after the plus.

{_calls(calls)}
"""


def _calls(calls: Sequence[Calls]) -> str:
    columns = {
        "plan, no boxes there": lambda each: f"{each.bare}",
        "plan, boxes there": lambda each: f"{each.boxed} + {each.boxed_singly}",
        "first pull": lambda each: f"{each.pull} + {each.pull_singly}, {each.pull_s:.1f} s",
        "by two calls a file": lambda each: f"{2 * each.files:,}, {each.two_calls_s:.1f} s",
        "pull again": lambda each: f"{each.again}, {each.moved} moved",
    }
    rows = [f"| {each.files:,} files | " + " | ".join(cell(each) for cell in columns.values()) + " |" for each in calls]
    return "\n".join([f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|", *rows])


def _stages(stages: Mapping[str, Mapping[str, float]]) -> str:
    names = list(next(iter(stages.values())))
    rows = [
        f"| {title} | " + " | ".join(f"{each[name]:.2f} s" for name in names) + " |" for title, each in stages.items()
    ]
    return "\n".join([f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|", *rows])


def _table(compared: Compared) -> str:
    own = compared.tools[OURS].median
    rows = [
        f"| {name} | {each} | {each.median / own:.1f} |"
        for name, each in sorted(compared.tools.items(), key=lambda item: item[1].median)
    ]
    head = "| | seconds | peak memory | times boxferry's |\n|---|---|---|---|"
    return f"## {compared.title}\n\n{head}\n" + "\n".join(rows) + "\n"


def _targets(
    found: Mapping[str, Compared], started: Mapping[str, float], sending: Sending, calls: Sequence[Calls]
) -> str:
    coco, own = found[COCO].tools, found[COCO].tools[OURS]
    rows = [("COCO: times faster than globox", ">=", 8, coco["globox"].median / own.median)]
    if SCANNER in coco:
        rows.append(("COCO: times the C scanner's seconds", "<=", 6, own.median / coco[SCANNER].median))
    shuffled, large = found[SHUFFLED].tools[OURS], found[LARGE].tools[OURS]
    (yolo_peer, yolo), (voc_peer, voc) = found[YOLO].best_peer(), found[VOC].best_peer()
    rows += [
        ("COCO: peak memory in MB", "<=", 80, own.memory),
        ("COCO, shuffled: times the grouped seconds", "<=", 1.5, shuffled.median / own.median),
        ("COCO, shuffled: peak memory in MB", "<=", 150, shuffled.memory),
        ("COCO, five times as many: more memory in MB", "<=", 20, large.memory - own.memory),
        (f"YOLO: times faster than the best peer ({yolo_peer})", ">=", 5, yolo / found[YOLO].tools[OURS].median),
        (f"VOC: times faster than the best peer ({voc_peer})", ">=", 2.5, voc / found[VOC].tools[OURS].median),
        ("VOC: the same with --jobs 2", ">=", 4, voc / found[VOC].tools[TWO].median),
        ("`--version`: times `python -c pass`", "<=", 3, started["boxferry --version"] / started["python -c pass"]),
        ("sending: percent of the server's limit", ">=", 97, 100 * sending.share),
        ("sending: percent of answers 429", "<=", 1, 100 * sending.limited),
        ("sending: client CPU a packet in ms", "<=", 2, sending.cpu_ms),
    ]
    for each in calls:
        count = f"{each.files:,} files"
        rows += [
            (f"calls of a plan over {count} without boxes", "<=", 5 + each.files / 500, each.bare),
            (f"calls of a plan over {count} with boxes, single ones left out", "<=", 5 + each.files / 250, each.boxed),
            (
                f"calls of a second pull of {count}, {each.moved} moved",
                "<=",
                5 + each.files / 500 + each.moved,
                each.again,
            ),
        ]
    share = calls[-1].pull_s / calls[-1].two_calls_s
    rows.append((f"first pull of {calls[-1].files:,} files: times the seconds by two calls a file", "<=", 0.33, share))
    return "\n".join(
        f"| {what} | {sign} {target:g} | {reached:.2f} | {_verdict(sign, target, reached)} |"
        for what, sign, target, reached in rows
    )


def _verdict(sign: str, target: float, reached: float) -> str:
    return "reached" if (reached >= target if sign == ">=" else reached <= target) else "**missed**"


def plot(found: Mapping[str, Compared], python: str, target: Path) -> None:
    """Bars of the medians, where there are peers; drawn by matplotlib of the peers' environment."""
    medians = {
        each.title: {name: tool.median for name, tool in each.tools.items()}
        for each in found.values()
        if len(each.tools) > 1
    }
    subprocess.run([python, "-c", PLOT, str(target)], input=json.dumps(medians), text=True, check=True)
