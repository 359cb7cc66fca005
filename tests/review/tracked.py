"""A reviewed run in memory, for what is recorded of it."""

from types import SimpleNamespace

from boxferry.review.fates import fates_of
from boxferry.review.judged import Predicted, Stored
from boxferry.review.pull import ReviewedFile
from boxferry.review.review import Review


def a_review(name="night", labels=("cat", "dog/wild")):
    """One file: the first label's box kept, the second's deleted, one drawn."""
    predicted = [
        Predicted(
            reference=f"boxferry:{label}", label=label, corners=(10.0 + 50 * n, 10.0, 50.0 + 50 * n, 50.0), score=s
        )
        for n, (label, s) in enumerate(zip(labels, (0.9, 0.4), strict=True))
    ]
    first = predicted[0]
    stored = [
        Stored(row_id=1, reference=first.reference, label=first.label, corners=first.corners),
        Stored(row_id=2, reference="", label=first.label, corners=(120.0, 10.0, 160.0, 50.0), machine_made=False),
    ]
    file = ReviewedFile(
        file_name="a.jpg", file_id=1, width=200, height=100, complete=True, reviewed=True, predicted=predicted,
        stored=stored, judged=fates_of(predicted, stored),
    )  # fmt: skip
    run = SimpleNamespace(name=name, model="m", project="p", directory_id=1, classes="")
    return Review(run, [file])
