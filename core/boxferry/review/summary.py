"""Fates counted: by label, by score, what was relabelled into what, and the threshold that would have saved work."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from boxferry.review.judged import FATES, PEOPLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.review.judged import Judged
    from boxferry.review.pull import ReviewedFile

BINS = 10
THRESHOLD_MEANS = (
    "the score under which a label's boxes should not have been sent; "
    "what correcting cost with everything that was sent, and what it would have cost with the threshold"
)  #: for who reads '0.56: 9 to 4 clicks'


@dataclass(frozen=True, kw_only=True, slots=True)
class Clicks:
    """What corrections cost.

    Attributes:
        deletion: clicks to delete a box.
        addition: clicks to draw a box and give it its label.
    """

    deletion: float = 1.0
    addition: float = 4.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """The score under which predictions of a label had better not been sent.

    Attributes:
        score: boxes under it are left out; 0 sends all.
        clicks: what corrections would cost with it.
        clicks_now: what they cost with everything that was sent.
    """

    score: float
    clicks: float
    clicks_now: float


@dataclass(slots=True)
class Summary:
    """Many files' fates, counted.

    Attributes:
        files, reviewed: files of the run, and those that people have looked at since its boxes came.
        overtaken: those of them from which a later push took boxes; a pull leaves them out.
        fates: fate → boxes.
        labels: label → fate → boxes.
        scores: label → for each of ten equal parts of the scores from 0 to 1, fate → boxes.
        relabelled: (from, to) → boxes.
        moved_iou: the overlaps of moved boxes, before and after.
        thresholds: label → the threshold that costs the fewest clicks.
        worst: (file name, corrections), the most first.
        images: of each file that people have looked at: its id, its name, and fate → boxes.
        by: how boxes were found again: 'reference' or 'iou' → boxes.
    """

    files: int = 0
    reviewed: int = 0
    overtaken: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    labels: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    scores: dict[str, list[Counter[str]]] = field(
        default_factory=lambda: defaultdict(lambda: [Counter() for _ in range(BINS)])
    )
    relabelled: Counter[tuple[str, str]] = field(default_factory=Counter)
    moved_iou: list[float] = field(default_factory=list)
    thresholds: dict[str, Threshold] = field(default_factory=dict)
    worst: list[tuple[str, int]] = field(default_factory=list)
    images: list[tuple[int, str, Counter[str]]] = field(default_factory=list)
    by: Counter[str] = field(default_factory=Counter)

    @property
    def corrected_share(self) -> float | None:
        """The share of the boxes that people looked at which they had to correct; None where they looked at none."""
        seen = sum(self.fates[fate] for fate in PEOPLES) - self.fates["added"]
        return 1 - self.fates["kept"] / seen if seen else None

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return {
            "files": self.files,
            "reviewed": self.reviewed,
            "overtaken": self.overtaken,
            "fates": {fate: self.fates[fate] for fate in FATES},
            "corrected_share": self.corrected_share,
            "labels": {name: {fate: found[fate] for fate in FATES} for name, found in sorted(self.labels.items())},
            "scores": {name: [dict(part) for part in parts] for name, parts in sorted(self.scores.items())},
            "relabelled": [{"from": a, "to": b, "boxes": n} for (a, b), n in self.relabelled.most_common()],
            "moved_iou": {"boxes": len(self.moved_iou), "mean": _mean(self.moved_iou)},
            "thresholds": {
                name: {"score": t.score, "clicks": t.clicks, "clicks_now": t.clicks_now}
                for name, t in sorted(self.thresholds.items())
            },
            "worst": [{"file": name, "corrections": n} for name, n in self.worst],
            "images": [
                {"file_id": number, "file": name, "fates": {fate: found[fate] for fate in FATES}}
                for number, name, found in self.images
            ],
            "found_by": dict(self.by),
        }


def counted(summary: Summary) -> str:
    """How many files are reviewed, in words."""
    overtaken = f", {summary.overtaken} of them overtaken by a later push" if summary.overtaken else ""
    return f"{summary.reviewed} of {summary.files} files reviewed{overtaken}"


def percent(share: float | None) -> str:
    """A share in words; empty where there is none."""
    return "" if share is None else f"{share:.1%}"


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def summarized(files: Iterable[ReviewedFile], clicks: Clicks, *, worst: int = 20) -> Summary:
    """Count the fates; what no person has looked at has no part in anything but the numbers of fates."""
    found = Summary()
    judged: dict[str, list[Judged]] = defaultdict(list)
    corrections: Counter[str] = Counter()
    for file in files:
        found.files += 1
        for box in file.judged:
            _count(found, box)
            if box.fate in PEOPLES:
                judged[box.label].append(box)
                corrections[file.file_name] += box.fate != "kept"
        if not file.reviewed:
            continue
        found.reviewed += 1
        found.overtaken += file.overtaken
        found.images.append((file.file_id, file.file_name, Counter(box.fate for box in file.judged)))
    found.worst = [(name, n) for name, n in corrections.most_common(worst) if n]
    found.thresholds = {
        label: threshold for label, boxes in judged.items() if (threshold := best_threshold(boxes, clicks)) is not None
    }
    return found


def _count(found: Summary, box: Judged) -> None:
    found.fates[box.fate] += 1
    found.labels[box.label][box.fate] += 1
    if box.fate not in PEOPLES:
        return
    if box.by:
        found.by[box.by] += 1
    if box.predicted is not None and box.predicted.score is not None:
        part = min(BINS - 1, max(0, int(box.predicted.score * BINS)))
        found.scores[box.label][part][box.fate] += 1
    if box.fate == "moved":
        found.moved_iou.append(box.iou)
    if box.fate == "relabelled" and box.predicted and box.stored:
        found.relabelled[box.predicted.label, box.stored.label] += 1


def best_threshold(boxes: list[Judged], clicks: Clicks) -> Threshold | None:
    """The threshold that costs the fewest clicks; the lowest of equals. None where no box has a score.

    A deleted box under it would not have had to be deleted; any other under it would have had to be drawn.
    """
    scored = sorted(
        (box.predicted.score, box.fate) for box in boxes if box.predicted and box.predicted.score is not None
    )
    if not scored:
        return None
    added = clicks.addition * sum(box.fate == "added" for box in boxes)
    cost = now = added + clicks.deletion * sum(fate == "deleted" for _, fate in scored)
    best = (now, 0.0)
    for index, (score, fate) in enumerate(scored):
        cost += clicks.addition if fate != "deleted" else -clicks.deletion
        following = scored[index + 1][0] if index + 1 < len(scored) else None
        if following == score:
            continue
        threshold = (score + following) / 2 if following is not None else score + 0.01
        best = min(best, (cost, threshold))
    return Threshold(score=round(best[1], 4), clicks=best[0], clicks_now=now)
