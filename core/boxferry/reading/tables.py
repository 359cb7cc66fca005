"""Tables of pandas, which is imported when one is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxferry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pandas import DataFrame


def data_frame(columns: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]]) -> DataFrame:
    """A table of columns by name, or of rows.

    Raises:
        UsageError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise UsageError("to_pandas: needs the package pandas: pip install pandas") from error
    return pd.DataFrame(columns)
