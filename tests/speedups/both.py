"""Inputs for the compiled functions, good ones and spoilt ones, and what holds each against its pure twin."""

from __future__ import annotations

import io
import math
from array import array
from itertools import accumulate

import msgspec
import numpy as np

from boxferry.boxes.detections import Detections, Image
from boxferry.boxes.fit import fit
from boxferry.boxes.tally import Tally
from boxferry.packets.bodies import Packet, encode
from boxferry.packets.build import BoxMaker
from boxferry.parsing import compiled
from boxferry.parsing.quick_fit import quickly_fitted
from boxferry_adapters.coco.columns import Columns
from boxferry_adapters.coco.items import PlainItem
from boxferry_adapters.voc.objects import Wish
from boxferry_adapters.voc.results import _numbers
from boxferry_adapters.voc.xml import parse_carefully as parse_annotation
from boxferry_adapters.voc.xml import parse_compiled as parse_annotation_compiled
from boxferry_adapters.yolo.rows import parse_compiled, parse_quickly

NUMBERS = (
    "0", "-0", "1", "-1", "12.5", "0.30000000000000004", "1e3", "-1.5E-7", "0.000000000000000000001", "1e300", "1e301",
    "9007199254740993", "9007199254740992.5", "123456789012345678901234567890", "2.2250738585072011e-308", "4.9e-324",
    "0.9998410940170288", "179.76931348623157e306", "1e-400", "-0.0", "-0e5", "0.1e23", "8.5e22", "8.5e23", "1e22",
    "5e-22", "000", "1.", ".5", "+1", "1e", "1e+", "NaN", "Infinity", "0x1", "1_0", "1" * 70, "0." + "3" * 80,
    "1e99999",
)  # fmt: skip
PIECES = (b"", b"{", b"}", b"[", b"]", b",", b":", b'"', b" ", b"\n", b"\0", b"\xff", b"null", b"-", b"1", b"e", b"\\")


def a_number(rng):
    """A number as text: mostly one as files have them."""
    kind = rng.random()
    if kind < 0.8:
        return f"{rng.uniform(-50, 2000):.{rng.randrange(5)}f}"
    if kind < 0.99:
        return repr(rng.uniform(0, 10 ** rng.randrange(-9, 20)))
    return rng.choice(NUMBERS)


def spoilt(rng, text):
    """A text, changed in some places."""
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(PIECES) + text[at + rng.randrange(3) :]
    return text


def results_text(rng):
    """A JSON list of results, often spoilt."""

    def item():
        pairs = [("image_id", an_id()), ("category_id", an_id())]
        pairs.append(("bbox", f"[{','.join(a_number(rng) for _ in range(4 if rng.random() < 0.97 else 3))}]"))
        if rng.random() < 0.8:
            pairs.append(("score", rng.choice(("null", "0.5", a_number(rng)))))
        if rng.random() < 0.1:
            pairs.append((rng.choice(OTHER_KEYS), rng.choice(OTHER_VALUES)))
        rng.shuffle(pairs)
        if rng.random() < 0.05:
            pairs.append(rng.choice(pairs))
        space = rng.choice(("", " ", "\n\t"))
        return "{" + f",{space}".join(f'"{key}":{space}{value}' for key, value in pairs) + f"{space}}}"

    def an_id():
        odd = ("-3", "1.0", '"7"', "9223372036854775807", "99999999999999999999", "007", "true", "1e2")
        return str(rng.randrange(100)) if rng.random() < 0.95 else rng.choice(odd)

    text = ("[" + rng.choice((",", ", ")).join(item() for _ in range(rng.randrange(1, 4))) + "]").encode()
    return spoilt(rng, text) if rng.random() < 0.3 else text


OTHER_KEYS = (
    "id",
    "area",
    "iscrowd",
    "segmentation",
    "file_name",
    "track_id",
    "instance_id",
    "attributes",
    "é",
    "k\\n",
)
OTHER_VALUES = (
    "1", "0", "true", "null", '"text"', '"é"', '"\\u00e9"', "[]", "{}", "[[1,2.5,3]]", '{"a":[{"b":null}],"c":false}',
    "[1,]", '{"a"}', "1.5", "[" * 40 + "]" * 40, "1e999",
)  # fmt: skip


def same_results(text):
    """Whether the compiled function takes a text; what it gives is what msgspec gives."""
    found = Columns.compiled(text)
    if found is None:
        return False
    expected = Columns.of(msgspec.json.decode(text, type=list[PlainItem]))
    for name in ("image_ids", "category_ids", "bbox", "scores", "crowds"):
        one, other = getattr(found, name), getattr(expected, name)
        assert one.dtype == other.dtype, (text, name)
        assert one.shape == other.shape, (text, name)
        assert one.tobytes() == other.tobytes() or same_bits(one, other), (text, name, one, other)
    return True


def same_bits(one, other):
    """Whether floats are the same, -0.0 and 0.0 told apart, whichever NaN is NaN."""
    nan = np.isnan(one)
    return bool((nan == np.isnan(other)).all() and one[~nan].tobytes() == other[~nan].tobytes())


def pure(decode, text):
    """What a decoder gives without compiled functions."""
    before, compiled.speedups = compiled.speedups, None
    try:
        return decode(text)
    finally:
        compiled.speedups = before


def a_fitted_chunk(rng):
    """Boxes of some images, with whole-numbered corners, and the maker of their packets."""
    counts = [rng.randrange(4) for _ in range(rng.randrange(5))]
    n = sum(counts)
    most = rng.choice((9, 5000, 2**31))
    xyxy = [[rng.randrange(-3 if rng.random() < 0.01 else 0, most) for _ in range(4)] for _ in range(n)]
    labels = rng.sample(LABELS, rng.randrange(1, 6))
    scores = [rng.choice((math.nan, math.inf, 0.0, 1.0, rng.random(), rng.random() / 1e8)) for _ in range(n)]
    images = [Image(f"é{number}.jpg", 10, 10) for number in range(len(counts))]
    chunk = Detections.from_counts(
        images, counts, xyxy, [rng.randrange(len(labels)) for _ in range(n)], labels, score=scores
    )
    ids = {name: rng.randrange(10**9) for name in labels} if rng.random() < 0.5 else None
    maker = BoxMaker(
        model=rng.choice(("", "m", 'é"\\\n')), run="r\u2028", label_ids=ids, machine_made=rng.random() < 0.9
    )
    return maker, chunk, [None if rng.random() < 0.1 else image.key for image in images]


LABELS = ("cat", "", "é", '"', "\\", "\n\x00\x7f", "\u2028", "😀", "a:b/c#1@2")


def packets_of(maker, chunk, names):
    """The packets' JSON by each image's place."""
    return [(index, encode(contents.put(Packet()))) for index, contents in maker.contents(chunk, names)]


def same_lists(maker, chunk, names):
    """Whether there are boxes; the packets are the same by both ways, and by the boxes looked at first."""
    found = packets_of(maker, chunk, names)
    assert found == pure(lambda _: packets_of(maker, chunk, names), None)
    looked_at = [(index, contents, [*contents]) for index, contents in maker.contents(chunk, names)]
    assert found == [(index, encode(contents.put(Packet()))) for index, contents, _ in looked_at]
    return len(chunk) > 0


def label_rows(rng):
    """A YOLO label file, often spoilt."""
    width = rng.choice((5, 6))
    blank, end = (rng.choice((" ", "\t")) if rng.random() < 0.05 else " "), rng.choice(("\n", "\r\n"))
    rows = []
    for _ in range(rng.randrange(1, 6)):
        first = str(rng.randrange(80)) if rng.random() < 0.97 else rng.choice(NUMBERS)
        wide = width if rng.random() < 0.97 else rng.randrange(9)
        rows.append(blank.join([first, *(a_number(rng) for _ in range(1, wide))]))
    if rng.random() < 0.05:
        rows.append(rng.choice(rows))
    text = (end.join(rows) + rng.choice(("", end, "\n\n", " \t"))).encode()
    return spoilt(rng, text) if rng.random() < 0.3 else text


def same_rows(text):
    """Whether the compiled function takes a text; what it gives is what msgspec gives."""
    found = parse_compiled(text)
    if found is None:
        return False
    expected = parse_quickly(text)
    assert expected is not None, text
    assert same_bits(np.array(found.table), np.array(expected.table)), text
    assert (found.lines, found.widths, found.highest) == (expected.lines, expected.widths, expected.highest), text
    assert str(found.best) == str(expected.best), text
    return True


def annotation_file(rng):
    """An annotation file of VOC, often spoilt."""

    def leaf(tag, value):
        blank = rng.choice(("", "", "", " ", "\n\t", "\r\n"))
        return f"<{tag}>{blank}{value}{blank}</{tag}>" if value or rng.random() < 0.5 else f"<{tag}/>"

    def some(share, *parts):
        chosen = [part for part in parts if rng.random() < share]
        rng.shuffle(chosen)
        return rng.choice(("", "\n  ")).join(chosen)

    def an_object():
        sides = [leaf(tag, a_number(rng)) for tag in ("xmin", "ymin", "xmax", "ymax")]
        box = f"<bndbox>{some(0.999, *sides)}</bndbox>"
        label = (
            rng.choice(("cat", "traffic  light", "a.b-c 2", "", "é", "&amp;", "]]")) if rng.random() < 0.2 else "dog"
        )
        more = some(0.1, leaf("score", a_number(rng)), leaf("confidence", a_number(rng)), rng.choice(ODD_ELEMENTS))
        return f"<object>{some(0.999, leaf('name', label), leaf('pose', 'Left'), box, more)}</object>"

    size = f"<size>{some(0.95, leaf('width', a_side(rng)), leaf('height', a_side(rng)), leaf('depth', '3'))}</size>"
    objects = [an_object() for _ in range(rng.randrange(4))]
    head = leaf("filename", rng.choice(("a.jpg", "b c.png", "", "ü.jpg"))), leaf("path", "/x/a.jpg"), size
    whole = some(0.97, *head, *objects, rng.choice(ODD_ELEMENTS) if rng.random() < 0.05 else "")
    root = rng.choice(ROOTS) if rng.random() < 0.2 else "<annotation>"
    text = f"{root}\n{whole}</annotation>\n".encode()
    return spoilt(rng, text) if rng.random() < 0.3 else text


def a_side(rng):
    """A side of an image as text."""
    return a_number(rng) if rng.random() < 0.1 else str(rng.randrange(2000))


ROOTS = (
    '<?xml version="1.0"?><annotation>', '<?xml version="1.0" encoding="UTF-8"?>\n<annotation verified="yes">',
    "<!-- x --><annotation>", "<annotations>", '<annotation a="b">', "<!DOCTYPE a><annotation>", "\ufeff<annotation>",
)  # fmt: skip
ODD_ELEMENTS = (
    "<part><name>x</name></part>", "<deleted>1</deleted>", "<filename>2</filename>", "<size><width>7</width></size>",
    "<bndbox><xmin>9</xmin></bndbox>", "<name>second</name>", "<!-- c -->", "<a b='c'/>", "<x><y><z/></y></x>",
    "<imagesize/>", "<x>" * 20 + "</x>" * 20, "<robndbox/>", "<object/>", "<xmin>3</xmin>", "<score>0.5</score>",
    "<filename>a<b/>c</filename>",
)  # fmt: skip


def same_objects(data):
    """Whether the compiled function takes a file; what it gives is what the twin gives, each object a box."""
    found = parse_annotation_compiled(data)
    if found is None:
        return False
    expected = parse_annotation(data, Wish())
    one, other = ((each.filename, each.path, each.width, each.height, each.parts) for each in (found, expected))
    assert one == other, data
    assert found.columns.labels == [each.name for each in expected.objects], data
    assert not any(each.problem or each.remarks or each.rotated or each.derived for each in expected.objects), data
    corners = [corner for each in expected.objects for corner in each.corners]
    assert same_bits(np.array(found.columns.corners), np.array(corners, np.float64)), data
    assert same_bits(np.array(found.columns.scores), np.array([each.score for each in expected.objects])), data
    return True


def result_lines(rng):
    """Lines of VOC results, often spoilt."""
    end = rng.choice(("\n", "\r\n", "\n", "\n", "\r"))
    rows = []
    for _ in range(rng.randrange(1, 6)):
        image = rng.choice(("000001", "a", "é", "x/y", "")) if rng.random() < 0.1 else f"{rng.randrange(99):06}"
        numbers = [a_number(rng) for _ in range(5 if rng.random() < 0.98 else rng.randrange(7))]
        rows.append((" " if rng.random() < 0.98 else "\t").join([image, *numbers]))
    text = (end.join(rows) + rng.choice(("", end, end))).encode()
    return spoilt(rng, text) if rng.random() < 0.3 else text


def same_lines(block):
    """Whether the compiled function takes some lines; what it gives is what the twin gives, row by row."""
    found = compiled.speedups.voc_rows(block)
    if found is None:
        return False
    images, numbers = found
    rows = [line.split() for line in io.StringIO(block.decode(), newline=None)]
    assert images == [row[0] for row in rows], block
    expected = [_numbers(row) for row in rows]
    assert not any(isinstance(each, str) for each in expected), block
    assert same_bits(np.frombuffer(numbers), np.array(expected, np.float64).reshape(-1)), block
    return True


def raw_call(rng):
    """Arguments of `instance_lists`, now and then such as do not fit each other."""
    counts = [rng.randrange(4) for _ in range(rng.randrange(5))]
    bounds, n, codes = [0, *accumulate(counts)], sum(counts), rng.randrange(1, 4)
    if rng.random() < 0.05:
        bounds[rng.randrange(len(bounds))] = rng.choice((-1, 1, n + 1, 2**62))
    numbers = (0, 1, -7, 99, 2**31, 2**53, -(2**53)) if rng.random() < 0.95 else (math.nan, math.inf, 2e16)
    corners = [rng.choice(numbers) for _ in range(4 * n)]
    labels = [rng.randrange(codes) if rng.random() < 0.98 else rng.choice((-1, codes, 2**31 - 1)) for _ in range(n)]
    scores = [rng.choice((b"null", b"0.5", b"1.0", b"1e-7", b"0.9998410940170288")) for _ in range(n)]
    if rng.random() < 0.03:
        scores = scores[1:]
    around = ([rng.choice((b"", b"x", b"{" * 90, None)) for _ in range(codes)] for _ in range(2))
    middles = [rng.choice((b"", b"m" * rng.randrange(300), None)) for _ in counts]
    text = b"[%b]" % b",".join(scores) if rng.random() < 0.9 else b""
    cut = rng.randrange(1, 9) if rng.random() < 0.02 else 0
    columns = (array("q", bounds).tobytes(), array("d", corners).tobytes(), array("i", labels).tobytes()[cut:])
    return *columns, text, *around, middles


def same_raw(call):
    """Whether the compiled function takes a call; what it gives is what the pieces come to."""
    try:
        found = compiled.speedups.instance_lists(*call)
    except ValueError:
        return False
    bounds, corners, labels = (array(kind, data) for kind, data in zip("qdi", call, strict=False))
    scores = call[3][1:-1].split(b",") if call[3] else [b"null"] * len(labels)
    expected = []
    for image, middle in enumerate(call[6]):
        boxes = []
        for row in range(bounds[image], bounds[image + 1]):
            head, tail = (call[part][labels[row]] or b"" for part in (4, 5))
            x1, y1, x2, y2 = (b"%d" % int(corner) for corner in corners[4 * row : 4 * row + 4])
            score = b"" if scores[row] == b"null" else b',"score":' + scores[row]
            first = b"%b%b%b%b,%b,%b,%b" % (head, score, middle or b"", x1, y1, x2, y2)
            boxes.append(b'%b%b%b,"y_min":%b,"x_max":%b,"y_max":%b}' % (first, tail, x1, y1, x2, y2))
        expected.append(None if middle is None else b"[%b]" % b",".join(boxes))
    assert found == expected, call
    return True


def a_chunk(rng):
    """Boxes of some images, most of them such as the fit leaves where they are, but for the rounding."""
    odd = (-0.0, -0.002, -0.0020000001, 9.998, 10.002, 10.0021, 0.498, 0.4979999, 1e300, math.nan, math.inf, -math.inf)

    def edge(low, high):
        kind = rng.random()
        return (
            rng.choice(odd) if kind < 0.01 else float(rng.randint(low, high)) if kind < 0.2 else rng.uniform(low, high)
        )

    side = rng.choice((640, 10) if rng.random() < 0.9 else (1, 2**31 - 1, 2**31, 2**62, 0, -5))
    counts = [rng.randrange(4) for _ in range(rng.randrange(4))]
    half, whole = max(side, 0) // 2, max(side, 0)
    xyxy = [[edge(0, half), edge(0, half), edge(half, whole), edge(half, whole)] for _ in range(sum(counts))]
    if len(xyxy) > 1 and rng.random() < 0.1:
        xyxy[-1] = list(xyxy[0])
    images = [Image(f"{number}.jpg", side, side) for number in range(len(counts))]
    labels = [rng.randrange(2) for _ in xyxy]
    return Detections.from_counts(images, counts, xyxy, labels, ("cat", "dog"), score=[rng.random() for _ in xyxy])


def same_fit(chunk):
    """Whether the compiled function takes a chunk; the twin gives the same corners, and has nothing to say."""
    found = quickly_fitted(chunk)
    if found is None:
        return False
    tally = Tally()
    expected = fit(chunk, tally=tally)
    assert found.xyxy.tobytes() == expected.xyxy.tobytes(), chunk.xyxy
    assert not tally.dropped, chunk.xyxy
    assert not tally.changed, chunk.xyxy
    return True


CASES = {
    "coco_results": (results_text, same_results),
    "instance_lists": (a_fitted_chunk, lambda call: same_lists(*call)),
    "instance_lists' pieces": (raw_call, same_raw),
    "whole_edges": (a_chunk, same_fit),
    "yolo_rows": (label_rows, same_rows),
    "voc_objects": (annotation_file, same_objects),
    "voc_rows": (result_lines, same_lines),
}  #: compiled function → makes an input, and holds what comes of it against the twin; True where it was taken
