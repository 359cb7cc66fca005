"""Model servers: a function that answers requests hands its results to a collector too, and answers as before.

For whatever calls a Python function for a request: Ray Serve, BentoML, Triton's Python back end, FastAPI.
"""

from __future__ import annotations

import functools
import inspect
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from boxferry.boxes.codes import Loss
from boxferry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.collector.collector import Collector


def collecting(
    answer: Callable[..., Any],
    collect: Collector,
    *,
    image: Callable[..., str],
    result: Callable[[Any], Any] = lambda answered: answered,
) -> Callable[..., Any]:
    """The same function, whose results go to a collector too; it waits for no server and no disk.

    What goes wrong with that is in the collector's report, and the answer is given all the same.

    Args:
        answer: answers a request; a function or a coroutine function.
        collect: takes the results; its context is entered.
        image: the name or path of the image, out of what `answer` is called with.
        result: the result as a framework gives it, out of what `answer` gives.
    """

    def hand_over(answered: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:  # noqa: ANN401 # as given
        try:
            given = result(answered), image(*args, **options)
        except Exception as error:  # noqa: BLE001 # the answer is right all the same
            collect.report.lose(Loss.UNUSABLE, 1)
            collect.report.note(str(error) or repr(error))
        else:
            with suppress(UsageError):  # its context was not entered, which it has counted
                collect(*given)
        return answered

    if inspect.iscoroutinefunction(answer):

        @functools.wraps(answer)
        async def later(*args: Any, **options: Any) -> Any:  # noqa: ANN401 # as given
            return hand_over(await answer(*args, **options), args, options)

        return later

    @functools.wraps(answer)
    def now(*args: Any, **options: Any) -> Any:  # noqa: ANN401 # as given
        return hand_over(answer(*args, **options), args, options)

    return now
