"""The format `mot`: a video's boxes as rows of frame, track, corner, size and score, in the text of MOT Challenge.

The format is defined at https://motchallenge.net/instructions/ and in the benchmark's development kit,
https://github.com/dendorferpatrick/MOTChallengeEvalKit: `frame, id, left, top, width, height, conf, x, y, z`, where
frames and boxes count from 1, so that a box at 1, 1 has its corner at 0, 0 here, and its size is as it stands. An id of
-1 is no track. In ground truth the seventh column is no score but a flag, 0 for a box that the benchmark ignores; the
eighth is a class, and the ninth how much of the box can be seen (https://arxiv.org/abs/1603.00831, table 5).
"""

from __future__ import annotations

from boxferry.formats import Format, Option
from boxferry.hookspecs import registering
from boxferry_adapters.mot.files import sniff, stumble
from boxferry_adapters.mot.read import read
from boxferry_adapters.mot.write import write

KIND = Option(
    name="mot-kind",
    help="What the seventh column of MOT rows is: a score (results), or 0 for boxes to be ignored (gt). "
    "Where it is not given, it is gt in gt.txt and gt_*.txt.",
    choices=("results", "gt"),
)
LABEL = Option(
    name="mot-label",
    help="The label of MOT boxes whose class has no name, since there is none or --names is not given.",
)
FIRST_CLASS = Option(
    name="mot-first-class",
    help="The number of the first class in MOT rows, where --names is a list (labels.txt): 1 or 0. "
    "Where it is not given, it is 1, and 0 in a run in which a class 0 occurs.",
    choices=("1", "0"),
)
ORIGIN = Option(
    name="mot-origin",
    help="The first pixel's number in MOT rows: 1, as the format defines it; 0 takes numbers as they are. "
    "Where it is not given, it is 1, and a box that begins at 0 is an error.",
    choices=("1", "0"),
)
FIRST_FRAME = Option(
    name="mot-first-frame",
    help="The first frame's number in MOT rows: 1, as the format defines it, or 0. "
    "Where it is not given, it is 1, and a frame 0 is an error.",
    choices=("1", "0"),
)


SUMMARY = "a text file a video, rows of 'frame,id,x,y,w,h,score,…' (det.txt, gt.txt), as MOT Challenge has them"
boxferry_register_formats = registering(
    Format(
        name="mot",
        summary=SUMMARY,
        sniff=sniff,
        stumble=stumble,
        read=read,
        write=write,
        writes_videos=True,
        options=(KIND, LABEL, FIRST_FRAME, FIRST_CLASS, ORIGIN),
        any_scores=True,
    )
)
