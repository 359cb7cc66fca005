"""pyarrow, which only this format needs."""

from __future__ import annotations

from typing import Any

from boxferry.errors import UsageError


def pyarrow() -> Any:  # noqa: ANN401 # a module without types
    """The library.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise UsageError(f"Parquet needs pyarrow ({error}); pip install '.[parquet]'") from None
    return pa
