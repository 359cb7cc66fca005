"""Which runs a name means: a run's number or name, a model's name, or both as 'model/run'."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from boxferry.boxes.counted import some_of
from boxferry.errors import NotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.outbox.entry import Run

LISTED = 10  #: names in a message


class Pair(NamedTuple):
    """A run: its model's name, empty for annotations, and its own."""

    model: str
    run: str

    def __str__(self) -> str:
        """As it is shown, and can be named; annotations have no model."""
        return f"{self.model}/{self.run}" if self.model else self.run


def known_runs(name: str, runs: Iterable[Run]) -> list[Run]:
    """The runs of an outbox that a name means; all of a model where it is a model's."""
    listed = list(runs)
    if found := [run for run in listed if str(run.id) == name]:
        return found
    return [run for run in listed if name in {run.name, run.model, f"{run.model}/{run.name}"}]


def meant(name: str, models: Iterable[str], runs: Iterable[str]) -> set[Pair]:
    """The pairs of model and run that a name may mean.

    Args:
        name: what the user wrote; no number of a run.
        models: the names of the models that are known.
        runs: the names of the runs that are known.
    """
    there = set(runs)
    found = {Pair(model, name) for model in {*models, name, ""}} | {Pair(name, run) for run in there}
    return found | {Pair(name[: -len(run) - 1], run) for run in there if name.endswith(f"/{run}")}


def chosen(name: str, seen: set[Pair], known: Iterable[str]) -> set[Pair]:
    """The runs that a name means among those that were seen.

    Raises:
        NotFound: none of them.
        UsageError: it is the name of a model with several runs and of a run of another model, or of several models.
    """
    exact = {pair for pair in seen if str(pair) == name}
    if exact and not any(name in pair for pair in seen):
        return exact
    of_model = {pair for pair in seen if pair.model == name}
    as_run = {pair for pair in seen if pair.run == name}
    if not of_model | as_run:
        raise NotFound(
            f"no box of a run or model '{name}' was found; the runs are: {some_of(dict.fromkeys(known), LISTED)}"
        )
    if len(as_run) > 1 or (as_run - of_model and of_model - as_run):
        listed = some_of(map(str, sorted(of_model | as_run)), LISTED)
        raise UsageError(f"'{name}' is the name of several: {listed}; name each that is meant as MODEL/RUN")
    return of_model | as_run
