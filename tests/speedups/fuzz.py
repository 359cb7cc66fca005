"""Inputs for the compiled functions, each held against its twin: `python -m speedups.fuzz [RUNS [SEED]] [NAME …]`.

Texts are made as the tests make them, and then changed here and there, half of them a little. Run by `make
fuzz-speedups` on a build under AddressSanitizer and UndefinedBehaviorSanitizer, which end the process where they find
anything; a difference is an AssertionError that holds the input.
"""

import random
import sys
import time

from boxferry.parsing import compiled
from speedups.both import CASES, spoilt

KEPT = 400  #: texts that are changed, and made anew now and then
WHOLE = ("instance_lists", "instance_lists' pieces", "whole_edges")  #: made anew each time: they are no texts
SLOW = "instance_lists"  #: by way of packets: a hundredth, since its pieces are held against their sum too


def texts(make, rng, runs):
    """So many texts: some as they are made, most of them changed."""
    kept = [make(rng) for _ in range(KEPT)]
    for _ in range(runs):
        place = rng.randrange(KEPT)
        if rng.random() < 0.01:
            kept[place] = make(rng)
        yield rng.choice((nudged, spoilt))(rng, kept[place])


def nudged(rng, text):
    """A text with one byte that is another digit, sign or letter, so that it often stays what it is."""
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice((b"", b"0", b"7", b"12", b".", b"-", b"e", b" ")) + text[at + rng.randrange(2) :]


def main():
    """Go through all functions."""
    only = [name for name in CASES if name in sys.argv[1:]] or list(CASES)
    given = [int(word) for word in sys.argv[1:] if word.isdigit()]
    runs, seed = [*given, *(1_000_000, 1)[len(given) :]]
    print(f"speedups {compiled.state}: {compiled.speedups.coco_results.__module__}", flush=True)
    for name in only:
        make, same = CASES[name]
        rng, taken, started = random.Random(seed), 0, time.monotonic()
        count = runs // 100 if name == SLOW else runs
        inputs = (make(rng) for _ in range(count)) if name in WHOLE else texts(make, rng, count)
        for each in inputs:
            taken += same(each)
        print(f"{name}: {count:,} inputs, {taken:,} taken, {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
