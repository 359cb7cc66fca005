"""Every code under which boxes, images and files are counted: what it means, and what to do.

docs/codes.md is made from this module, by docs/generate.py.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

PLUGIN = "plugin-"  #: the beginning of the code of what a plugin leaves out; its name follows
STEP = "step-"  #: the beginning of the code of what a step of the user's own leaves out; its name follows


class _Reason(StrEnum):
    """A word with a sentence that says what it means, and one that says what to do."""

    meaning: str
    remedy: str

    def __new__(cls, word: str, meaning: str, remedy: str) -> Self:
        """Make a member that equals its word."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning, member.remedy = meaning, remedy
        return member


class Outcome(StrEnum):
    """What happens to the boxes that a code counts.

    Attributes:
        WANTED: left out because an option, the format or an earlier push asks for it; a strict run goes on.
        DROPPED: left out, since they cannot be used; the exit code is 1 where no box is left.
        FAILED: the image or file as a whole failed; the exit code is 1, the others go on.
        CHANGED: kept, with other numbers.
        NOTED: kept as they are; worth knowing.
    """

    WANTED = "left out as asked"
    DROPPED = "box dropped"
    FAILED = "image or file failed"
    CHANGED = "box changed"
    NOTED = "note"


W, D, F, C, N = Outcome.WANTED, Outcome.DROPPED, Outcome.FAILED, Outcome.CHANGED, Outcome.NOTED


class Code(StrEnum):
    """One reason. Its value is the word in the summary, the dry run, `--json` and `--ndjson`.

    Attributes:
        outcome: what happens to the boxes. A code that both drops boxes and fails images has the graver one.
        meaning: one sentence: what was found.
        remedy: one sentence: what to do, or that there is nothing to do.
    """

    outcome: Outcome
    meaning: str
    remedy: str

    def __new__(cls, word: str, outcome: Outcome, meaning: str, remedy: str) -> Self:
        """Make a member that equals its word."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.outcome, member.meaning, member.remedy = outcome, meaning, remedy
        return member

    # fmt: off
    # boxes that a rule or an option leaves out
    BELOW_THRESHOLD = "below-threshold", W, "The score is under `--min-score`.", "Lower `--min-score` to keep it."
    ABOVE_THRESHOLD = "above-threshold", W, "The score is over `max_score`.", "Raise `max_score` to keep it."
    OTHER_LABEL = "other-label", W, "Its label is not among the `labels` to be kept.", "Add it to `labels`."
    SMALL_BOX = "small-box", W, "Its area is under `min_area`.", "Lower `min_area`."
    SUPPRESSED = "suppressed", W, "A better box overlaps it by more than `--nms`.", "Raise `--nms`, or leave it out."
    FUSED = "fused", W, "Weighted boxes fusion made one box of it and others.", "Nothing to do: it is asked for."
    OVER_LIMIT = "over-limit", W, "Its image has `--max-boxes` better boxes.", "Raise `--max-boxes`."
    NOT_CHOSEN = ("not-chosen", W, "Its image is not among those that are asked for (`--most-uncertain`, a sample).",
        "Raise `--most-uncertain`, or change the choice.")
    DIFFICULT = "difficult", W, "It is marked as difficult.", "Leave out `--skip-difficult`."
    DELETED = "deleted", W, "LabelMe's XML marks it as deleted.", "Nothing to do: the annotator deleted it."
    IGNORED = ("ignored", W, "Column 7 of a MOT ground truth is 0: the benchmark ignores the row.",
        "Nothing to do; correct the column if the object counts.")
    DUPLICATE = ("duplicate", D, "Its image has the same label at the same pixels twice; one box is kept.",
        "Nothing to do.")
    REPEATED = ("repeated", D, "Another file of the source has the same box, as a padded shard does.",
        "Nothing to do: it counts once.")
    DUPLICATE_LINE = "duplicate-line", D, "The same line is in the file twice.", "Nothing to do: it counts once."
    SAME_TRACK = ("same-track", D, "A better box of its frame has the same label and track number.",
        "Correct the track numbers; one object is at one place in a frame.")

    # boxes that cannot be used
    BAD_BOX = ("bad-box", D, "It has no four usable numbers: one is missing or no number, or a side is negative.",
        "Correct the line; `--bbox-format` or `--parquet-box` says how the numbers are meant.")
    BAD_ROW = "bad-row", D, "The line is not a row of its format.", "Correct the line that the message names."
    BAD_SCORE = ("bad-score", D, "The score is negative.",
        "Write scores from 0 to 1, or name their scale with `--score-scale`.")
    BAD_LABEL = ("bad-label", D, "The label is empty, over 200 characters, or no text.",
        "Rename it with `--names` or `--map`.")
    BAD_TRACK = "bad-track", D, "The track number does not fit into 32 bits.", "Number tracks from 0."
    BAD_FRAME = "bad-frame", D, "The frame number is negative or does not fit into 32 bits.", "Number frames from 0."
    NOT_FINITE = ("not-finite", D, "A coordinate is NaN or infinite.",
        "Find out why the model writes it; filter such boxes out.")
    OUTSIDE_IMAGE = ("outside-image", D, "It lies wholly outside its image.",
        "Check that sizes and `--images` belong to these predictions, and that coordinates are of the whole image.")
    TOO_SMALL = ("too-small", D, "It is under one pixel wide or high after rounding.",
        "`--tiny expand` makes such boxes one pixel.")
    IMAGE_TOO_LARGE = ("image-too-large", D, "A side of its image does not fit into 32 bits.",
        "Correct the size in the file.")
    UNKNOWN_LABEL = ("unknown-label", D, "No name is known for its class id.",
        "Add it to `--names` or `--categories`; `--unknown skip` leaves such boxes out.")
    UNKNOWN_IMAGE = ("unknown-image", D, "Its image id is not in the dataset.",
        "Name the dataset of these results with `--categories`; `--image-id-offset` shifts ids.")
    NO_SUCH_FRAME = ("no-such-frame", D, "Its video has no frame of this number.",
        "Check `--mot-first-frame` or `--yolo-frames`, and the length of the video.")
    NO_AREA = "no-area", D, "A point, a line or a level outline has no area.", "Nothing to do: it is no box."
    CROWD = "crowd", D, "It is a crowd region (`iscrowd` 1), not one object.", "`--crowd keep` takes it as a box."
    GROUP = "group", D, "It spans a group of objects (`IsGroupOf` 1).", "`--openimages-groups keep` takes it as a box."
    DONT_CARE = "dont-care", D, "A `DontCare` region of KITTI is no object.", "Nothing to do."
    CANCELLED = ("cancelled", D, "The annotation was cancelled in Label Studio.",
        "Nothing to do, or submit it there and export again.")
    TURNED_IMAGE = ("turned-image", D, "The region was drawn on an image that was turned in Label Studio.",
        "Turn the image itself, or turn it back there, and export again.")
    STILL_IMAGE = ("still-image", D, "A format of videos has no place for boxes of a still image.",
        "Write another format with `--to`.")

    # images and files that fail
    UNREADABLE = ("unreadable", F, "The file cannot be opened or read to its end.",
        "Check its permissions, and that it was written to the end.")
    BAD_ENCODING = "bad-encoding", F, "The file is no text in UTF-8 or UTF-16.", "Save it as UTF-8."
    BAD_JSON = "bad-json", F, "The file is no JSON object of its format.", "Correct it, or export it again."
    BAD_LINE = ("bad-line", F, "The line is no JSON object of its format, or it was cut off.",
        "Write the file again to its end.")
    BAD_XML = ("bad-xml", F, "The file is no well-formed XML of its format.",
        "Correct it at the line that the message names.")
    BAD_FILE = "bad-file", F, "The list of shapes is no list.", "Correct the file, or export it again."
    BAD_IMAGE = "bad-image", F, "The entry of an image is no object.", "Correct the entry that the message names."
    BAD_TASK = "bad-task", F, "The task is no object of Label Studio's export.", "Export the project again as JSON."
    BAD_SEQINFO = "bad-seqinfo", F, "`seqinfo.ini` cannot be read.", "Correct it, or remove it."
    CLASSIFICATION = ("classification", F, "The file holds classes of the whole image and no boxes.",
        "Give the output of a detection model.")
    NO_BOXES = "no-boxes", F, "The annotations are of a kind that has no boxes.", "Export boxes, segments or poses."
    UNEQUAL_LISTS = ("unequal-lists", F, "The lists of a row differ in length.",
        "Write one label, score and box for each object.")
    NOT_A_SCORE = ("not-a-score", F, "A score is not from 0 to 1.",
        "`--score-scale 100` reads percent; `--columns` says that the last column is a track.")
    PIXELS = "pixels", F, "YOLO coordinates are above 1.", "`--absolute yes` reads them as pixels."
    AMBIGUOUS_IMAGE = ("ambiguous-image", F, "Several images fit the name.",
        "Name the image by its path below `--images`.")
    NO_IMAGE = ("no-image", F, "The image is not given or not in the images folder.",
        "Name the folder that has it with `--images`.")
    NO_SIZE = ("no-size", F, "The size of the image is not known.",
        "Name the images with `--images`, or give `--size` or `--categories`.")
    SIZE_MISMATCH = ("size-mismatch", F, "The file says another image size than the image has.",
        "Use the images that the predictions were made on; COCO has `--scale-from` for resized ones.")
    MASK_SIZE = "mask-size", F, "A mask has another size than its image.", "Write masks of the image's size."
    DUPLICATE_IMAGE = ("duplicate-image", F, "The source has the image twice, with different boxes.",
        "Remove one of the two.")
    DUPLICATE_FILE = "duplicate-file", F, "Two files are about the same image or video.", "Remove one of the two."
    SEVERAL_RESULTS = ("several-results", F, "The task has several results.",
        "`--labelstudio-several last` or `all` chooses, or `--labelstudio-model`.")
    NO_FRAME = "no-frame", F, "The file's name has no frame number at its end.", "Name files like `clip_1.txt`."
    NOT_A_VIDEO = ("not-a-video", F, "The rows have frames and the medium is an image.",
        "Name the folder of the videos with `--images`.")

    # boxes that were changed
    CLIPPED = ("clipped", C, "It reaches beyond its image, and is cut at the edge.",
        "Nothing to do; a large share means that sizes do not fit.")
    EXPANDED = ("expanded", C, "It is under one pixel wide or high, and is made one pixel.",
        "Nothing to do: `--tiny expand` asks for it.")
    SCALED = "scaled", C, "The server scaled its image down, so the box is scaled too.", "Nothing to do."
    BOUNDS = ("bounds", C, "A person drew a line, key points, a curve or a cuboid; its bounds are written.",
        "The attributes `shape` and `points` have what was drawn.")
    OUTLINE = "outline", C, "A person drew an ellipse; it is written as an outline.", "Nothing to do."

    # notes of reading and writing
    ALL_CROWDS = "all-crowds", N, "All boxes are crowd regions.", "`--crowd keep` takes them as boxes."
    ANNOTATION_ID_0 = ("annotation-id-0", N, "A ground truth has the annotation id 0, which pycocotools miscounts.",
        "Number annotations from 1.")
    ANNOTATION_IDS_REPEATED = ("annotation-ids-repeated", N, "An annotation id comes twice: pycocotools miscounts.",
        "Number annotations uniquely.")
    BAD_FIELD = ("bad-field", N, "An additional field has an unexpected value; the box is kept without it.",
        "Correct the field that the message names.")
    CLASS_IDS = ("class-ids", N, "Class ids are not 0, 1, 2, …, or contradict an earlier table.",
        "`--yolo-ids from-0` or `--names` numbers them.")
    CLASSES_FROM_1 = "classes-from-1", N, "MOT classes were counted from 1.", "`--mot-first-class 0` counts from 0."
    DERIVED = ("derived", N, "Boxes are the bounds of outlines or key points.",
        "Nothing to do; `--polygons` sends outlines.")
    JOINED = "joined", N, "Outlines with one `group_id` are parts of one object.", "Nothing to do."
    MANY_FRAMES = ("many-frames", N, "A label file looks like all frames of a video.",
        "Write one file a frame; remove old label files before predicting again.")
    MERGED_CATEGORIES = ("merged-categories", N, "Several categories have one name, and become one label.",
        "Rename one of them.")
    NAMES_FROM_0 = ("names-from-0", N, "Names were counted from 0 though MOT counts from 1.",
        "`--mot-first-class 1` counts from 1.")
    NEW_LABELS = "new-labels", N, "Labels that the class table lacks come after it.", "Add them to `--names`."
    NO_ATTRIBUTES = ("no-attributes", N, "The written format has no place for attributes.",
        "Write `boxferry`, `coco` or `parquet`.")
    NO_FLAG = ("no-flag", N, "A VOC flag is neither yes nor no; the object is written without it.",
        "Correct the attribute.")
    NO_OUTLINE = ("no-outline", N, "An outline is unreadable, or the written format has no place for it: bounds.",
        "Write a format with outlines.")
    IMAGES_LEFT_OUT = ("images-left-out", N, "A sample, a split, a filter or a step left out whole images.",
        "Nothing to do: it is asked for.")
    NO_PREDICTIONS = ("no-predictions", N, "Images of the folder are not mentioned by the source.",
        "`--create-empty` makes files of them.")
    NO_SCORES = "no-scores", N, "Column 7 is -1 in every row: there are no scores.", "Nothing to do."
    NO_SUCH_FIELD = ("no-such-field", N, "The format has no field of this name.",
        "Use one of the fields that the message lists.")
    NO_TRACK = ("no-track", N, "The written format has no place for a track.",
        "Write `boxferry`, `coco`, `mot` or `parquet`.")
    ORIGIN = ("origin", N, "Coordinates were counted from 0 though the format counts from 1.",
        "`--mot-origin` says which.")
    OTHER_FILENAME = ("other-filename", N, "An XML file names another image than its own name does.",
        "Check that it was not copied for another image.")
    OTHER_LENGTH = ("other-length", N, "`seqinfo.ini` and the video differ in length.",
        "Check that they belong together.")
    OUTLINES = "outlines", N, "Boxes are the bounds of outlines.", "`--polygons` sends outlines."
    OUTSIDE = ("outside", N, "CVAT marks that a track's object is outside of the frame.",
        "Nothing to do: there is no box.")
    PARTS = "parts", N, "Parts of VOC objects are left out.", "`--parts yes` reads them as boxes of their own."
    PASSED_OVER = "passed-over", N, "A file of the folder holds no predictions of this format.", "Nothing to do."
    REORDERED = "reordered", N, "Corners came in another order, and were sorted.", "Nothing to do."
    SCALED_MASKS = "scaled-masks", N, "Masks were scaled to the size of their images.", "Nothing to do."
    SCORE_ABOVE_1 = "score-above-1", N, "Some scores are above 1.", "Name their scale with `--score-scale`."
    SHIFTED_CATEGORIES = ("shifted-categories", N, "Category ids begin elsewhere than the dataset's.",
        "`--category-offset` shifts them.")
    SHIFTED_IMAGES = ("shifted-images", N, "Image ids begin elsewhere than the dataset's.",
        "`--image-id-offset` shifts them.")
    UNNAMED_LABELS = "unnamed-labels", N, "Labels are ids such as `/m/01yrx`.", "Name them with `--openimages-classes`."
    UNUSED_MAP = "unused-map", N, "A name of `--map` is not in the source.", "Check its spelling."
    WHOLE_SCORES = "whole-scores", N, "One score stands for all regions of a prediction.", "Nothing to do."
    ZERO_SCORES = "zero-scores", N, "All scores are 0.", "Check whether the source holds scores at all."

    # what sending leaves alone
    ALREADY_SENT = ("already-sent", W, "The run has it in the outbox, or the file on the server holds it.",
        "Nothing to do.")
    UNDER_WAY = ("under-way", W, "The server has accepted it and is still working.",
        "Wait, or run `boxferry resume`; the exit code is 5 where the time limit came first.")
    PEOPLE_HAVE_IT = ("people-have-it", W, "A box that a person drew, changed or approved covers it.",
        "Nothing to do; `--ask-again` sends it all the same.")
    REJECTED_BEFORE = ("rejected-before", W, "A person deleted it or gave it another label.",
        "Nothing to do; `--ask-again` sends it all the same.")
    CORRECTED = ("corrected", W, "The same run sent it before, and a person changed or deleted it.",
        "Nothing to do; use another `--run` with `--ask-again` to send it again.")
    REMOVED_BY_PEOPLE = ("removed-by-people", W, "A person removed its file.",
        "Nothing to do: `--resend-missing` sends only what the server lost.")
    COMPLETED = ("completed", W, "Its file is completed, and would lose boxes.",
        "`--replace-completed` replaces boxes on completed files too.")
    HAS_BOXES = ("has-boxes", W, "Its file has boxes already, and `--on-existing skip` leaves such files alone.",
        "Choose another `--on-existing`.")
    FILE_EXISTS = ("file-exists", W, "The directory has a file of this name.",
        "`--on-existing` says what happens to it; without it the exit code is 1.")
    NO_SUCH_LABEL = ("no-such-label", D, "The server lacks the label, and `--labels skip` leaves such boxes out.",
        "`--labels create` makes it, `--map` renames it.")
    RESAMPLED = ("resampled", D, "The server resamples the video, and does not have this frame.",
        "Nothing to do; `--video-rate` names the project's rate.")

    # what fails in sending
    GONE = ("gone", F, "It was applied, and the server does not have it any more, as after a restored backup.",
        "`--resend-missing` sends it again.")
    PENDING = "pending", F, "An earlier packet for the file has not ended.", "Run `boxferry resume`, then push again."
    CANNOT_CLEAR = ("cannot-clear", F, "`replace-all` would leave the file without a box, in whose place none come.",
        "Delete its boxes in Diffgram.")
    NO_SUCH_FILE = ("no-such-file", F, "The directory has no file of this name or id.",
        "Check `--directory` and `--file-ids`, or upload with `--images`.")
    AMBIGUOUS_FILE = ("ambiguous-file", F, "Several files of the directory have this name.",
        "Name the file with `--file-ids`, or remove one in Diffgram.")
    REMOVED_FILE = ("removed-file", F, "The file was removed from the directory.",
        "Restore it in Diffgram, or leave the image out.")
    WRONG_KIND = ("wrong-kind", F, "The file is an image where a video was expected, or the reverse.",
        "Check `--file-ids` and the names.")
    NAME_CLASH = ("name-clash", F, "Two images of the source would have one name on the server.",
        "Give them different names with `--file-name`.")
    SIZE_DIFFERS = ("size-differs", F, "The file on the server has another size than the image of the boxes.",
        "Use the images that were predicted on.")
    OTHER_PICTURE = ("other-picture", F, "The file on the server was uploaded from another picture.",
        "Use another `--directory` or `--file-name`.")
    FRAMES_DIFFER = ("frames-differ", F, "The file on the server has another number of frames.",
        "Name the video itself with `--images`.")
    HAS_PREDICTIONS = ("has-predictions", F, "The file has boxes of another run.",
        "Choose `--on-existing append`, `skip` or `replace-own`.")
    VIDEO_REPLACE = "video-replace", F, "Boxes of a video cannot be replaced.", "Use `--on-existing append`."
    LONG_VIDEO = ("long-video", F, "The server would cut the uploaded video, and not say how its clips ended.",
        "Use `--media-url` or `--blob-path`.")
    UNSUPPORTED_MEDIA = ("unsupported-media", F, "The server does not take media of this type.",
        "Convert the image or the video.")
    UNSUPPORTED_NAME = ("unsupported-name", F, "The name is over 250 characters or no text in UTF-8.",
        "Rename the file, or use `--file-name`.")
    UNREADABLE_MEDIA = ("unreadable-media", F, "No frame of the video can be read.",
        "Check that it was written to its end.")
    SET_ASIDE = ("set-aside", F, "A collector could not send the image.",
        "Correct what the message names, then run `boxferry resume RUN`.")

    # notes of sending
    LABEL_RENAMED = ("label-renamed", N, "A label was renamed on the server since boxes were sent with it.",
        "Rename it in the source with `--map`.")
    LABEL_TWICE = ("label-twice", N, "The server has several labels of this name; the smallest id is used.",
        "Remove one in Diffgram.")
    NEAR_LABEL = "near-label", N, "The server has a label with a similar name.", "`--map NAME=OTHER` merges the two."
    UNUSED_LABELS = "unused-labels", N, "The server has labels that are not classes of the source.", "Nothing to do."
    NO_SUCH_ATTRIBUTE = ("no-such-attribute", N, "The schema has no such attribute; the boxes are sent without it.",
        "`--attributes create` makes it.")
    NO_SUCH_OPTION = ("no-such-option", N, "The attribute has no such choice; the boxes are sent without it.",
        "`--attributes create` adds it.")
    NO_TEXT = "no-text", N, "The value of an attribute is no text that can be sent.", "Correct the value."
    NOTHING_REPLACED = ("nothing-replaced", N, "No untouched box of the `--replaces` model is on these files.",
        "Check the model's name with `boxferry runs`.")

    # pulling
    UNREADABLE_BOX = "unreadable-box", D, "A row of the server is no box.", "Look at the file in Diffgram."
    UNREVIEWED = "unreviewed", D, "It came after people looked at the file last.", "`--all` writes it too."
    VIDEO = ("video", D, "The written format has no frames, or the export has key frames only.",
        "Write `coco`, `mot` or `boxferry`; export Label Studio tasks as frames.")
    # fmt: on


class Loss(_Reason):
    """Why a collector lost results; the keys of `report.lost`.

    Attributes:
        meaning: one sentence: what happened.
        remedy: one sentence: what to do.
    """

    # fmt: off
    QUEUE_FULL = ("queue-full", "The disk is slower than the loop, and the buffer in memory is full.",
        "Use a faster disk for the outbox, or a larger buffer.")
    NOT_KEPT = "not-kept", "The disk is full or cannot be written.", "Free space beside the outbox."
    UNUSABLE = ("unusable", "The result is of no known kind, or its columns or its image differ in size.",
        "See the table of results that are recognised.")
    FORKED = "forked", "Frames of a video came in a child process.", "Collect the frames of a video in one process."
    OUTSIDE = "outside", "The collector was called outside its `with` block.", "Call it inside."
    # fmt: on


class Fault(_Reason):
    """What `boxferry status --check` finds amiss; the field `problem` of `--json`.

    Attributes:
        meaning: one sentence: what was found.
        remedy: one sentence: what to do.
    """

    # fmt: off
    GONE_FILE = ("gone-file", "The server does not have the file any more.",
        "`boxferry resume RUN --resend-missing` sends it again.")
    OTHER_FILE = ("other-file", "The id stands for another file now.",
        "Adopt the run from the server that has it, or push into a new directory.")
    LOST_BOXES = ("lost-boxes", "Boxes that were applied are gone, and no person deleted them.",
        "`boxferry resume RUN --resend-missing` sends them again.")
    # fmt: on


WANTED = frozenset(code for code in Code if code.outcome is Outcome.WANTED)
ASKED_FOR = WANTED | {Code.DUPLICATE, Code.NO_SUCH_LABEL, Code.UNKNOWN_LABEL}  #: rules at which a strict run goes on
