"""Templates that make a URL, a blob's path or a file's name out of an image's name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote

from boxferry.errors import UsageError


@dataclass(frozen=True, slots=True)
class Template:
    """A text with '{file_name}' (the image's relative path), '{name}' (its last part) or '{stem}' (without suffix).

    Attributes:
        text: the template.
        option: the option that it was given by, for messages.
        encoded: percent-encode what is put in, as a URL needs it.

    Raises:
        UsageError: it has none of them, or another.
    """

    text: str
    option: str
    encoded: bool = False

    def __post_init__(self) -> None:
        try:
            first, second = self.of("a/b.jpg"), self.of("c/d.png")
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            raise UsageError(f"{self.option} {self.text}: {error} is not {{file_name}}, {{name}} or {{stem}}") from None
        if first == second:
            raise UsageError(
                f"{self.option} {self.text}: needs {{file_name}}, {{name}} or {{stem}}, one for each image"
            )

    def of(self, key: str) -> str:
        """The text for one image."""
        path = PurePosixPath(key)
        parts = {"file_name": str(path), "name": path.name, "stem": str(path.with_suffix(""))}
        return self.text.format(**{name: quote(part) if self.encoded else part for name, part in parts.items()})
