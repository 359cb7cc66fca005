"""The frames that the values of `answers` come in, as the server's calls give them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from boxferry.diffgram.answers import (  # noqa: TC001 # msgspec reads the annotations
    AttributeGroup,
    Directory,
    FileRecord,
    Id,
    LabelFile,
    ModelRun,
    Size,
    ViewedFile,
)
from boxferry.diffgram.inputs import InputRecord  # noqa: TC001 # msgspec reads the annotations

Frame = Annotated[str, msgspec.Meta(pattern="^[0-9]{1,9}$")]


class Log(msgspec.Struct, frozen=True):
    """The part of an answer that says how it went; `error` is a text or maps what is wrong to why."""

    success: bool | None = None
    error: Any = None


class Queued(msgspec.Struct, frozen=True):
    """What the packet call answers."""

    log: Log | None = None


class Batch(msgspec.Struct, frozen=True):
    """An input batch."""

    id: Id


class NewBatch(msgspec.Struct, frozen=True):
    """The answer to a new input batch."""

    input_batch: Batch


class Labels(msgspec.Struct, frozen=True):
    """The label files of a schema."""

    labels_out: list[LabelFile] | None = None


class Label(msgspec.Struct, frozen=True):
    """A label file."""

    id: Id


class NewLabel(msgspec.Struct, frozen=True):
    """The answer to a new label."""

    label: Label


class Directories(msgspec.Struct, frozen=True):
    """The directories."""

    directory_list: list[Directory]


class Members(msgspec.Struct, frozen=True):
    """The members of a project; each as the server has it."""

    member_list: list[dict[str, Any]] | None = None


class ProjectView(msgspec.Struct, frozen=True):
    """The answer that shows a project."""

    project: Members


class NewDirectory(msgspec.Struct, frozen=True):
    """The answer to a new directory."""

    new_directory: Directory


class Page(msgspec.Struct, frozen=True):
    """Where in the file list a page is; `total_pages` and `file_count` are those of the whole list."""

    next_page: Size | bool | None = None
    total_pages: Size | None = None
    file_count: Size | None = None


class Files(msgspec.Struct, frozen=True):
    """A page of the file list; False stands for none."""

    file_list: list[FileRecord] | bool
    metadata: Page

    @property
    def files(self) -> list[FileRecord]:
        """The files of the page."""
        return self.file_list if isinstance(self.file_list, list) else []

    @property
    def following(self) -> int | None:
        """The number of the next page; None after the last. A list of none has a next page too, on a real server."""
        return self.metadata.next_page if self.files and self.metadata.next_page else None


class View(msgspec.Struct, frozen=True):
    """The answer that shows one file."""

    file: ViewedFile


class Inputs(msgspec.Struct, frozen=True):
    """The list of inputs."""

    input_list: list[InputRecord]


class Viewed(msgspec.Struct, frozen=True):
    """The answer that shows one input."""

    input: InputRecord


class Annotations(msgspec.Struct, frozen=True):
    """The answer that shows a file with its boxes."""

    file_serialized: FileRecord


class Buffered(msgspec.Struct, frozen=True):
    """The answer that shows the boxes of some frames of a video."""

    instance_buffer_dict: dict[Frame, list[dict[str, Any]]] | None = None


class ModelRuns(msgspec.Struct, frozen=True):
    """The runs of models."""

    model_run_list: list[ModelRun] | None = None


class AttributeGroups(msgspec.Struct, frozen=True):
    """The attributes of a schema."""

    attribute_group_list: list[AttributeGroup] | None = None
