"""Every name under which a run is observed: stages (spans), metrics with their label, and the facts about them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Self

PREFIX: Final = "boxferry"  #: of all spans, metrics and attributes


class _Word(StrEnum):
    """A word, with what is known of it under the names that a class of words annotates, in their order."""

    def __new__(cls, word: str, *facts: object) -> Self:
        """Make a member that equals its word."""
        member = str.__new__(cls, word)
        member._value_ = word
        for name, fact in zip(cls.__annotations__, facts, strict=True):
            setattr(member, name, fact)
        return member


class Stage(_Word):
    """Something that takes time; a span of the name 'boxferry.<stage>'."""

    meaning: str

    PUSH = "push", "A push from its first question to its last."
    CARRY_OUT = "carry_out", "A plan is sent: `push --from`, `Diffgram.carry_out`."
    RESUME = "resume", "A run of the outbox is continued."
    NIGHTLY = "nightly", "Earlier runs are resumed and a new one is pushed."
    PLAN = "plan", "The source is read and each packet is stored in the outbox (or listed, in a dry run)."
    PACKET = "packet", "One packet is sent, its image with it; it is in flight as long."
    VERIFY = "verify", "The stored boxes are read back and compared."
    PULL = "pull", "The files of a run are read with their boxes as they are now."
    DATASET = "dataset", "The files that people have completed are read."

    @property
    def span(self) -> str:
        """The name of the span."""
        return f"{PREFIX}.{self}"


class Fact(_Word):
    """A field of a log line; on a span it is an attribute."""

    attribute: str
    meaning: str

    COMMAND = "command", "boxferry.command", "The command of the command line."
    STAGE = "stage", "boxferry.stage", "The stage that the line belongs to."
    MODEL = "model", "boxferry.model", "The model's name."
    RUN = "run", "boxferry.run", "The run's name."
    DIRECTORY = "directory", "boxferry.directory", "The directory on the server, as it was named."
    PACKET = "packet", "boxferry.packet.id", "The packet's number in the outbox."
    FILE = "file", "boxferry.file.name", "The file's name on the server, or the file of the source."
    FILE_ID = "file_id", "boxferry.file.id", "The file's id on the server."
    ROUTE = "route", "boxferry.packet.route", "How the image gets there: `upload`, `url`, `blob` or `existing`."
    STATE = "state", "boxferry.packet.state", "The state that the packet has come to."
    BOXES = "boxes", "boxferry.packet.boxes", "Number of boxes in the packet."
    REASON = "reason", "boxferry.packet.reason", "Why the packet is in this state; the server's words."
    CODE = "code", "boxferry.code", "The code of a dropped box or a failed image."
    LINE = "line", "boxferry.line", "The line in the file of the source, from 1."
    ITEM = "item", "boxferry.item", "The index in a list of the source, from 0."
    SECONDS = "seconds", "boxferry.seconds", "How long the stage took."
    ERROR = "error", "error.type", "The class of the error that ended the stage."
    EXIT_CODE = "exit_code", "boxferry.exit_code", "The exit code of the command."


class Kind(StrEnum):
    """How the values of a metric are combined."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"  #: how a run stands; in the metrics file only, since it says nothing without the run's name


class Metric(_Word):
    """Something counted or measured; it has one label at most, with few different values.

    Attributes:
        kind: how its values are combined.
        unit: in UCUM, as OpenTelemetry writes it.
        label: the label's name; empty where it has no label.
        meaning: one sentence.
    """

    kind: Kind
    unit: str
    label: str
    meaning: str

    # fmt: off
    IMAGES = "images.read", Kind.COUNTER, "{image}", "", "Images read from the source."
    BOXES = "boxes.read", Kind.COUNTER, "{box}", "", "Boxes read from the source."
    DROPPED = "boxes.dropped", Kind.COUNTER, "{box}", "code", "Boxes dropped, by the code of the reason."
    ERRORS = "errors", Kind.COUNTER, "{error}", "code", "Images and files that failed as a whole, by code."
    PACKETS = "packets", Kind.COUNTER, "{packet}", "state", "Times that a packet has come to a state."
    SENT = "packet.boxes", Kind.COUNTER, "{box}", "state", "Boxes of the packets that have come to a state."
    REFUSALS = "refusals", Kind.COUNTER, "{packet}", "route", "Packets that the server refused, by route."
    RETRIES = "retries", Kind.COUNTER, "{retry}", "cause", "Calls and packets tried again, by cause."
    WAIT = "wait.duration", Kind.HISTOGRAM, "s", "cause", "Time spent waiting, by cause."
    STAGE = "stage.duration", Kind.HISTOGRAM, "s", "stage", "Time spent in each stage."
    RUN_PACKETS = "run.packets", Kind.GAUGE, "{packet}", "state", "Packets of the run by state, at the end."
    RUN_BOXES = "run.boxes", Kind.GAUGE, "{box}", "state", "Boxes of the run's packets by state, at the end."
    # fmt: on

    @property
    def instrument(self) -> str:
        """The name in OpenTelemetry."""
        return f"{PREFIX}.{self}"

    @property
    def series(self) -> str:
        """The name in the metrics file."""
        return f"{PREFIX}_{self.replace('.', '_')}" + ("_seconds" if self.unit == "s" else "")


class Cause(_Word):
    """Why something was waited for, or tried again."""

    meaning: str

    CALL = "call", "A call failed and is made again at once, after a short pause."
    RATE_LIMIT = "rate_limit", "The server's rate limit, or its answer 429."
    BACKOFF = "backoff", "The server failed or was unreachable; each pause is longer than the last."
    PROCESSING = "processing", "The server works on packets that it has accepted."
