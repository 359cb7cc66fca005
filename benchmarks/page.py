"""What was measured, as a page of Markdown and a plot."""

from __future__ import annotations

import json
import statistics
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    Row = Mapping[str, Any]

OURS, PURE, TWO = "boxferry", "boxferry, pure", "boxferry --jobs 2"
SCANNER, PLAIN = "C scanner", "plain"
OTHERS = "ultralytics"  #: does other work, and is no measure
CONNECTIONS = 4  #: of plans, pushes and pulls
INPUTS = ("coco", "shuffled", "large", "yolo", "voc", "voctext")

INTRODUCTION = """# Performance

`make bench` measured this in one run on one machine, and wrote this page; `make bench-small` does the same at a
twentieth of the size. Absolute times do not carry over to another machine, ratios do, roughly.

The work: read an input, and write one packet an image, with whole pixels and scores, as JSON lines. Each tool runs in
a process of its own, in turn with the others; the seconds are those of the work, imports left out; the memory is the
peak of the largest process. The median of the rounds stands first, then the range. Tools that take more than twice
as long as the fastest peer ran once. All checks are on: there is no other path.

`boxferry` has the [compiled functions](speedups.md), `boxferry, pure` has not. `plain` is what is written in ten
minutes: `json.load`, `split` or ElementTree, dicts, `json.dumps`, no checks. The C scanner knows the layout of the file
byte by byte, checks nothing, and writes the same fields. supervision, pylabel and labelformat read no scores, and were
given annotations without them. FiftyOne's importers ran without its database, Ultralytics' converter writes YOLO files.
"""
PROFILE = """\
With compiled functions the loops over boxes are gone from the [profiles](profiles.md). What is left of COCO is numpy
over columns (the records that wait in a file until every image's boxes stand together), the bytes that are written,
and what each image costs in Python: its look-up, its digest, its packet. With ten boxes an image, as YOLO and VOC have
here, these costs and the system's of opening two files outweigh the boxes. The C scanner does none of this.

`--jobs` is for XML. For COCO and YOLO it is left out: bytes to columns, the part that another process could do, is now
{coco_share} of COCO's time and {yolo_share} of YOLO's, of which two processes would save half at most, less what it
costs to start one and to hand the columns over.
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


class Calls(NamedTuple):
    """How many calls plans, pushes and pulls over so many files make, and how long they take at 20 ms a call.

    Those for single files, which no page showed, are counted by themselves; `two_calls_s` is what two calls a file
    take, and `two_calls_pull_s` a pull that makes them.
    """

    files: int
    bare: int
    boxed: int
    boxed_singly: int
    pull: int
    pull_singly: int
    pull_s: float
    plan_s: float
    push: int
    push_s: float
    two_calls_s: float
    two_calls_pull_s: float
    moved: int
    again: int


def page(rows: Mapping[str, Row], machine: str, rounds: int) -> str:
    """The whole page, of the parts that were measured.

    Args:
        rows: what was measured, by its part.
        machine: what it was measured on.
        rounds: how often.
    """
    sections = [
        INTRODUCTION,
        f"{machine}; {rounds} rounds.",
        "![seconds of each tool](performance.svg)",
        "## Targets\n\n| what | target | reached | |\n|---|---|---|---|\n" + "\n".join(map(_target, _targets(rows))),
        *(_table(rows[kind]) for kind in INPUTS if kind in rows),
        *_growth(rows),
        *_where(rows),
        *_start_up(rows),
        *_sending(rows),
        *_calls(rows),
    ]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _tools(row: Row) -> dict[str, Measured]:
    return {name: Measured(**each) for name, each in row["tools"].items()}


def _best_peer(tools: Mapping[str, Measured]) -> tuple[str, float] | None:
    """The fastest of the other tools, the plain script and the scanner left out."""
    ours = {OURS, PURE, TWO, SCANNER, PLAIN, OTHERS}
    others = {name: each.median for name, each in tools.items() if name not in ours}
    return min(others.items(), key=lambda item: item[1]) if others else None


def _table(row: Row) -> str:
    tools = _tools(row)
    own = tools[OURS].median
    lines = [
        f"| {name} | {each} | {each.median / own:.1f} |"
        for name, each in sorted(tools.items(), key=lambda item: item[1].median)
    ]
    lines += [f"| {name} | not measured: {why.replace('|', '/')} | | |" for name, why in row["failed"].items()]
    head = "| | seconds | peak memory | times boxferry's |\n|---|---|---|---|"
    return f"## {row['title']}\n\n{head}\n" + "\n".join(lines)


def _growth(rows: Mapping[str, Row]) -> Iterator[str]:
    for part, title in (("growth-coco", "More boxes"), ("growth-yolo", "More files")):
        if part in rows:
            row = rows[part]
            names = list(row["tools"])
            lines = [
                f"| {images:,} images, {row['boxes_an_image'] * images:,} boxes | "
                + " | ".join(_cell(row["tools"][name], index) for name in names)
                for index, images in enumerate(row["images"])
            ]
            head = f"| {row['form'].upper()} | {' | '.join(names)} |\n|---" + "|---" * len(names) + "|\n"
            yield f"## {title}\n\n{head}" + "\n".join(f"{line} |" for line in lines)


def _cell(tool: Row, index: int) -> str:
    seconds, megabytes = tool["seconds"][index], tool["megabytes"][index]
    return "not measured" if seconds is None else f"{seconds:.2f} s, {megabytes:.0f} MB"


def _where(rows: Mapping[str, Row]) -> Iterator[str]:
    found = {
        f"{rows[kind]['title']}: {tool}": each
        for kind in ("coco", "yolo", "voc")
        if kind in rows
        for tool, each in rows[kind]["stages"].items()
    }
    if not found:
        return
    names = list(next(iter(found.values())))
    lines = [
        f"| {title} | " + " | ".join(f"{each[name]:.2f} s" for name in names) + " |" for title, each in found.items()
    ]
    table = "\n".join([f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|", *lines])
    shares = {f"{kind}_share": _share_of_parsing(rows, kind) for kind in ("coco", "yolo")}
    yield f"## Where boxferry's seconds go\n\n{table}\n\n{PROFILE.format(**shares)}"


def _share_of_parsing(rows: Mapping[str, Row], kind: str) -> str:
    each = rows[kind]["stages"].get(OURS) if kind in rows else None
    return f"{each['boxes out of them'] / sum(each.values()):.0%}" if each else "a part"


def _start_up(rows: Mapping[str, Row]) -> Iterator[str]:
    if "start-up" in rows:
        lines = "\n".join(f"| `{name}` | {1000 * seconds:.0f} ms |" for name, seconds in rows["start-up"].items())
        yield f"## Start-up\n\n| whole process | |\n|---|---|\n{lines}"


def _sending(rows: Mapping[str, Row]) -> Iterator[str]:
    text = []
    if pace := rows.get("pace"):
        text.append(
            f"Under a limit of {pace['limit']:g} requests a second: {pace['share']:.1%} of it over "
            f"{pace['seconds']:.0f} s, {pace['limited']:.2%} of the answers were 429."
        )
    if long := rows.get("long-run"):
        text.append(
            f"Without a limit, {long['packets']:,} packets of 50 boxes, each for a file of its own: "
            f"{long['per_second']:.0f} a second, "
            f"{long['cpu_ms']:.2f} ms of the client's CPU each, the outbox included; the peak of its memory is "
            f"{long['grown_mb']:.1f} MB above that of a run of a tenth. `status` of that run takes "
            f"{long['status_s']:.2f} s, `resume --no-wait` {long['resume_s']:.2f} s, as whole processes. A packet "
            "is two calls and three transactions of the outbox; most of its CPU is spent in requests, urllib3 and the "
            "standard library's HTTP ([profiles](profiles.md))."
        )
    if text:
        yield "## Sending\n\nAgainst a sandbox in a process of its own. " + " ".join(text)


def _counted(rows: Mapping[str, Row]) -> list[Calls]:
    return [Calls(**rows[part]) for part in ("calls-1000", "calls-10000") if part in rows]


def _calls(rows: Mapping[str, Row]) -> Iterator[str]:
    if not (calls := _counted(rows)):
        return
    columns = {
        "plan, no boxes there": lambda each: f"{each.bare}",
        "plan, boxes there": lambda each: f"{each.boxed} + {each.boxed_singly}, {each.plan_s:.1f} s",
        "push, read back": lambda each: f"{each.push:,}, {each.push_s:.1f} s",
        "first pull": lambda each: f"{each.pull} + {each.pull_singly}, {each.pull_s:.1f} s",
        "two calls a file": lambda each: f"{2 * each.files:,}, {each.two_calls_s:.1f} s",
        "pull again": lambda each: f"{each.again}, {each.moved} moved",
    }
    lines = [
        f"| {each.files:,} files | " + " | ".join(cell(each) for cell in columns.values()) + " |" for each in calls
    ]
    table = "\n".join([f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|", *lines])
    yield f"""## Calls

Against a sandbox in a process of its own, whose pages with boxes are in no order, {CONNECTIONS} connections, each call
20 ms longer than on this machine. Files that no page showed are asked for singly, and counted after the plus. Beside
them what two calls a file take, for its size and for its boxes, which a plan, the plan of a push and a pull would
make without the server's lists.

A push onto files that are there takes two calls for each: the packet, and just before it the question whether another
sender's packet with the same boxes has come to the file since. The question stays one a file: asked for many files
together, its answer would be as old as the last of them has waited, and the server adds boxes twice without comparing.
It costs no time where the server's limit of 20 packets a second holds: {CONNECTIONS} connections ask and send more.

{table}"""


def _targets(rows: Mapping[str, Row]) -> Iterator[tuple[str, str, float, float]]:
    """What, the sign, the target, what was reached."""
    tools = {kind: _tools(rows[kind]) for kind in INPUTS if kind in rows}
    yield from _coco_targets(tools)
    for kind, name, least in (("yolo", "YOLO", 6), ("voc", "VOC", 5)):
        if kind in tools and (peer := _best_peer(tools[kind])):
            yield (
                f"{name}: times faster than the best peer ({peer[0]})",
                ">=",
                least,
                peer[1] / tools[kind][OURS].median,
            )
    if "voctext" in tools and PLAIN in tools["voctext"]:
        own, plain = tools["voctext"][OURS].median, tools["voctext"][PLAIN].median
        yield "VOC text: times faster than the plain script", ">=", 4, plain / own
    if start := rows.get("start-up"):
        yield "`--version`: times `python -c pass`", "<=", 3, start["boxferry --version"] / start["python -c pass"]
    if pace := rows.get("pace"):
        yield "sending: percent of the server's limit", ">=", 97, 100 * pace["share"]
        yield "sending: percent of answers 429", "<=", 1, 100 * pace["limited"]
    if long := rows.get("long-run"):
        yield "sending: client CPU a packet in ms", "<=", 2, long["cpu_ms"]
    yield from _call_targets(_counted(rows))


def _coco_targets(tools: Mapping[str, Mapping[str, Measured]]) -> Iterator[tuple[str, str, float, float]]:
    if not (coco := tools.get("coco")):
        return
    peer = _best_peer(coco)
    for tool, times, scans, name in ((OURS, 10, 1.5, "COCO"), (PURE, 5, 4, "COCO, pure")):
        if tool in coco and peer:
            yield f"{name}: times faster than the best peer ({peer[0]})", ">=", times, peer[1] / coco[tool].median
        if tool in coco and SCANNER in coco:
            yield f"{name}: times the C scanner's seconds", "<=", scans, coco[tool].median / coco[SCANNER].median
        if tool in coco:
            yield f"{name}: peak memory in MB", "<=", 80, coco[tool].memory
    if shuffled := tools.get("shuffled"):
        yield "COCO, shuffled: times the grouped seconds", "<=", 1.5, shuffled[OURS].median / coco[OURS].median
        yield "COCO, shuffled: peak memory in MB", "<=", 150, shuffled[OURS].memory
    if large := tools.get("large"):
        yield "COCO, five times as many: more memory in MB", "<=", 20, large[OURS].memory - coco[OURS].memory


def _call_targets(calls: Sequence[Calls]) -> Iterator[tuple[str, str, float, float]]:
    for each in calls:
        count, files = f"{each.files:,} files", each.files
        yield f"calls of a plan over {count} without boxes", "<=", 5 + files / 500, each.bare
        yield f"calls of a plan over {count} with boxes, single ones left out", "<=", 5 + files / 250, each.boxed
        yield f"calls of a second pull of {count}, {each.moved} moved", "<=", 5 + files / 500 + each.moved, each.again
    if calls:
        last = calls[-1]
        what = f"first pull of {last.files:,} files: times the seconds by two calls a file"
        yield what, "<=", 0.33, last.pull_s / last.two_calls_pull_s


def _target(row: tuple[str, str, float, float]) -> str:
    what, sign, target, reached = row
    good = reached >= target if sign == ">=" else reached <= target
    return f"| {what} | {sign} {target:g} | {reached:.2f} | {'reached' if good else '**missed**'} |"


def plot(rows: Mapping[str, Row], python: str, target: Path) -> None:
    """Bars of the medians, where there are peers; drawn by matplotlib of the peers' environment."""
    medians = {
        rows[kind]["title"]: {name: tool.median for name, tool in _tools(rows[kind]).items()}
        for kind in INPUTS
        if kind in rows and len(rows[kind]["tools"]) > 2
    }
    subprocess.run([python, "-c", PLOT, str(target)], input=json.dumps(medians), text=True, check=True)
