"""What a collector reads later is what it was handed: copies that are joined, and their parts."""

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from boxferry.collector.taking import joined, parts_of
from boxferry.formats import Snapshot

NAMES = st.sampled_from(["", "a.jpg", "b.jpg", "c.jpg", "folder/a.jpg", "folder/d.jpg"])
COPIES = st.builds(
    Snapshot,
    st.sampled_from(["ultralytics", "torchvision"]),
    st.just("dict"),
    st.lists(st.tuples(NAMES, st.integers(0, 3), st.integers()), max_size=3),
)


def results(values):
    """Every result, with the format that reads it; chunks stand for themselves."""
    return [one for each in values for one in (_formatted(each) if isinstance(each, Snapshot) else [each])]


def _formatted(copy):
    return [(copy.format, result) for result in copy.results]


@given(st.lists(COPIES | st.lists(st.integers(), max_size=2), max_size=8))
def test_joined_copies_hold_the_same_results_in_the_same_order(values):
    """No two of one image in one copy, unless they were handed over so; what is no copy keeps its place."""
    found = list(joined(values))
    assert results(found) == results(values)
    for copy in found:
        if isinstance(copy, Snapshot) and copy not in values:
            files = [name.rpartition("/")[2] for name, _, _ in copy.results]
            assert "" not in files
            assert len(set(files)) == len(files)


@given(st.lists(COPIES, max_size=8))
def test_copies_of_different_images_are_read_together(values):
    """As many as come one after the other."""
    each = [Snapshot("ultralytics", "dict", [(f"{number}.jpg", 1, number)]) for number in range(len(values))]
    assert [len(copy.results) for copy in joined(each)] == ([len(values)] if values else [])
    kinds = [copy._replace(results=[]) for copy in values]
    assert list(joined(kinds)) == [kind for kind, _ in groupby(kinds)]


@given(COPIES)
def test_the_parts_of_a_copy_are_its_results(copy):
    """Each by itself; of one result there are none."""
    parts = parts_of(copy)
    assert results(parts) == (results([copy]) if len(copy.results) > 1 else [])
    assert all(len(part.results) == 1 for part in parts)
    assert sum(part.boxes for part in parts) == (copy.boxes if parts else 0)
