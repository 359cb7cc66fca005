"""The examples at the end of each command's `--help`; a test parses every one."""

from __future__ import annotations

from typing import Final

EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "adopt": (
        "boxferry adopt 2026-11-23 --directory incoming",
        "boxferry adopt 2026-11-23 --directory incoming --model yolo26n",
        "boxferry adopt 2026-11-23 --directory 4 --json",
    ),
    "completion": (
        "boxferry completion --install             # for the shell that you are in",
        'eval "$(boxferry completion bash)"        # for this terminal alone',
        "boxferry completion fish > ~/.config/fish/completions/boxferry.fish",
    ),
    "convert": (
        "boxferry convert results.json --categories instances.json -o packets.ndjson",
        "boxferry convert runs/predict/labels --names data.yaml --images images/ --to coco -o results.json",
        "boxferry convert voc/Annotations --to yolo -o converted/ --min-score 0.25",
    ),
    "dedupe": (
        "boxferry dedupe 2026-11-23 --dry-run",
        "boxferry dedupe 2026-11-23",
        "boxferry dedupe 2026-11-23 --replace-completed --json",
    ),
    "demo": (
        "boxferry demo",
        "boxferry demo --stay --port 8088          # keep its pages up until Ctrl-C",
        "boxferry demo --fixtures fixtures --html report.html",
    ),
    "doctor": (
        "boxferry doctor",
        "boxferry doctor --profile production",
        "boxferry doctor --json",
    ),
    "evaluate": (
        "boxferry evaluate 2026-11-23",
        "boxferry evaluate model-a.json model-b.json --against instances.json --per-class",
        "boxferry evaluate runs/predict/labels --against instances.json --names data.yaml --images images/",
    ),
    "formats": (
        "boxferry formats",
        "boxferry formats --json",
        "boxferry push --format yolo --help        # the options of one format",
    ),
    "init": (
        "boxferry init                             # asks for host, project and API key",
        "boxferry init --profile production --keyring",
        "boxferry init --host https://diffgram.example.com --project cats --no-check",
    ),
    "init-plugin": (
        "boxferry init-plugin mylab",
        "boxferry init-plugin mylab -o plugins/mylab",
        "pip install -e boxferry-mylab             # afterwards: boxferry plugins lists it",
    ),
    "labels": (
        "boxferry labels --check data.yaml",
        "boxferry labels --sync data.yaml          # what would be created",
        "boxferry labels --sync data.yaml --create",
    ),
    "nightly": (
        "boxferry nightly out/labels --names data.yaml --images images/ --directory incoming",
        'boxferry nightly out/ --names data.yaml --images images/ --directory incoming --run "$(date +%F)" --json',
        "boxferry nightly results.json --categories instances.json --existing --directory incoming --min-score 0.25",
    ),
    "plugins": (
        "boxferry plugins",
        "boxferry plugins --json",
        "boxferry --disable-plugin mylab plugins",
    ),
    "preview": (
        "boxferry preview runs/predict/labels --names data.yaml --images images/",
        "boxferry preview results.json --categories instances.json --images images/ -o preview.html --drawn 100",
        "boxferry preview runs/predict/labels --names data.yaml --images images/ --directory incoming",
    ),
    "pull": (
        "boxferry pull 2026-11-23 --to yolo -o corrected/",
        "boxferry pull --directory incoming --to yolo --names data.yaml --images images/ --link-images -o dataset/",
        "boxferry pull night1 night2 --val 0.2 -o dataset/ --to coco --json",
    ),
    "push": (
        "boxferry push runs/predict/labels --names data.yaml --images images/ --directory incoming --dry-run",
        "boxferry push results.json --categories instances.json --existing --directory incoming --min-score 0.25",
        "boxferry push images/ --directory incoming --create-directory   # images without boxes",
    ),
    "report": (
        "boxferry report 2026-11-23 --html report.html",
        "boxferry report model-a model-b           # side by side",
        "boxferry report --since 7d --directory incoming --html week.html",
    ),
    "resume": (
        "boxferry resume                           # every run that has not ended",
        "boxferry resume 2026-11-23",
        "boxferry resume 2026-11-23 --resend-stuck",
    ),
    "retire": (
        "boxferry retire yolo26n-v1                # what would be removed",
        "boxferry retire yolo26n-v1 --remove",
        "boxferry retire 2026-11-23 --directory incoming   # a run that another machine pushed",
    ),
    "runs": (
        "boxferry runs",
        "boxferry runs --server                    # and how far each review is",
        "boxferry runs --all --json",
    ),
    "sandbox": (
        "boxferry sandbox",
        "boxferry sandbox --port 0 --folder ~/sandbox",
        "boxferry sandbox --rate-limit 20 --faults drop_after=0.1,seed=7",
    ),
    "status": (
        "boxferry status",
        "boxferry status 2026-11-23 --ndjson       # every packet of one run",
        "boxferry status --forget 2026-11-23       # take it out of the outbox",
    ),
    "validate": (
        "boxferry validate runs/predict/labels --names data.yaml --images images/",
        "boxferry validate results.json --categories instances.json --html check.html --images images/",
        "boxferry validate results.json --categories instances.json --ndjson",
    ),
    "work": (
        "boxferry work",
        "boxferry work incoming --most 100 --csv next.csv",
        "boxferry work incoming --json",
    ),
}  # fmt: skip
