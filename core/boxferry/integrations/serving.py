"""Model servers: a function that answers requests hands its results to a collector too, and answers as before.

For whatever calls a Python function for a request: BentoML, Ray Serve, Triton's Python back end, FastAPI.
"""

from __future__ import annotations

import functools
import inspect
import os
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from boxferry.errors import UsageError
from boxferry.integrations.handing_over import hand_over, paired
from boxferry.integrations.kept_images import KeptImages
from boxferry.project import Diffgram

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.collector.collector import Collector
    from boxferry.collector.report import CollectorReport

CLOSE_S = 5.0  #: seconds that the end of a service waits for the server at most; what is on disk goes out later


def _first(*args: Any, **options: Any) -> Any:  # noqa: ANN401 # whatever a function is called with
    """What a function is called with first."""
    return args[0] if args else next(iter(options.values()))


def _kept_of(kept: KeptImages, image: Callable[..., Any], /, *args: Any, **options: Any) -> Any:  # noqa: ANN401
    """The paths of the copies of what a function is called with."""
    return kept.paths(image(*args, **options))


class _Opened(NamedTuple):
    process: int
    collector: Collector
    answer: Callable[..., Any]


class Serving:
    """A function that answers requests. It answers as before, and what it answered is sent to be corrected.

    Workers, replicas and instances make one each, with one outbox on each machine: they take turns at sending, and what
    one that ended or was killed has left is sent by the others, or by the next one. A process that was forked from one
    that had made it has a collector of its own.
    """

    def __init__(
        self,
        answer: Callable[..., Any],
        diffgram: Diffgram,
        *,
        image: Callable[..., Any] = _first,
        result: Callable[[Any], Any] = lambda answered: answered,
        keep_images: bool = True,
        close_s: float = CLOSE_S,
        **collecting: Any,  # noqa: ANN401 # the options of `Diffgram.collector`
    ) -> None:
        """Wrap a function, and begin with what an earlier process has left.

        Args:
            answer: answers a request; a function or a coroutine function.
            diffgram: the project; its outbox is where results wait.
            image: the image, out of what `answer` is called with: its path, or its bytes; a list of them for a batch,
                of which `answer` gives a list of results. What it is called with first, where left out.
            result: the result as a framework gives it, out of what `answer` gives.
            keep_images: copy each image into the folder `<outbox>.images`, until it is sent: a server may delete the
                file of a request when it is answered. The copy is named by its content, so that an image that is asked
                for twice is one file. Without it `image` gives paths, and the files have to stay.
            close_s: seconds that `close` waits for the server at most.
            collecting: directory, model, run and the other options of `Diffgram.collector`.

        Raises:
            UsageError: an option is not valid.
        """
        self._answer, self._image, self._result = answer, image, result
        self._server, self._outbox = diffgram.server, diffgram.outbox_path
        self._keep, self._options = keep_images, {"close_s": close_s, **collecting}
        self._locks: dict[int, threading.Lock] = {}
        self._opened = self._open(diffgram)

    def __call__(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 # as the function's own
        """Answer; a coroutine where the function is one."""
        return self._here().answer(*args, **options)

    @property
    def report(self) -> CollectorReport:
        """What happened to the results of this process."""
        return self._here().collector.report

    def close(self) -> None:
        """Send the rest, for `close_s` seconds at most; what is called later answers, and is not sent."""
        self._here().collector.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _here(self) -> _Opened:
        """What this process has opened."""
        process = os.getpid()
        if self._opened.process == process:
            return self._opened
        with self._locks.setdefault(process, threading.Lock()):  # not one that another thread held at the fork
            if self._opened.process != process:
                self._opened = self._open(Diffgram(self._server, outbox=self._outbox))
            return self._opened

    def _open(self, diffgram: Diffgram) -> _Opened:
        collector = diffgram.collector(**self._options)
        image = self._image
        if self._keep:
            kept = KeptImages(diffgram.workspace)
            image = partial(_kept_of, kept, self._image)
        answer = collecting(self._answer, collector.__enter__(), image=image, result=self._result)
        return _Opened(os.getpid(), collector, answer)


def collecting(
    answer: Callable[..., Any],
    collect: Collector,
    *,
    image: Callable[..., Any],
    result: Callable[[Any], Any] = lambda answered: answered,
) -> Callable[..., Any]:
    """The same function, whose results go to a collector too; it waits for no server and no disk.

    What goes wrong with that is in the collector's report, and the answer is given all the same.

    Args:
        answer: answers a request; a function, or one that gives a coroutine.
        collect: takes the results; its context is entered.
        image: the name or path of the image, out of what `answer` is called with; a list of them for a batch, of which
            there is a list of results.
        result: the result as a framework gives it, out of what `answer` gives.
    """
    handing = _Handing(collect, image, result)
    if inspect.iscoroutinefunction(answer):

        @functools.wraps(answer)
        async def later(*args: Any, **options: Any) -> Any:  # noqa: ANN401 # as given
            return handing(await answer(*args, **options), args, options)

        return later

    @functools.wraps(answer)
    def now(*args: Any, **options: Any) -> Any:  # noqa: ANN401 # as given
        answered = answer(*args, **options)
        if inspect.iscoroutine(answered):  # of an object that is called
            return handing.awaited(answered, args, options)
        return handing(answered, args, options)

    return now


class _Handing(NamedTuple):
    """Hands what was answered to a collector, and gives it back."""

    collect: Collector
    image: Callable[..., Any]
    result: Callable[[Any], Any]

    def __call__(self, answered: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:  # noqa: ANN401 # as given
        with suppress(UsageError):  # its context was not entered, which it has counted
            hand_over(self.collect, lambda: _pairs(self.result(answered), self.image(*args, **options)))
        return answered

    async def awaited(self, answering: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:  # noqa: ANN401
        return self(await answering, args, options)


def _pairs(results: Any, images: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 # as a function gives them
    """Each result with the image that it is of."""
    return paired(results, images) if isinstance(images, list | tuple) else [(results, images)]
