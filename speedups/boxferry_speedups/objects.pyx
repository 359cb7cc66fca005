"""A plain annotation file of VOC as columns; its twin is `boxferry_adapters.voc.xml.parse`.

Plain is: elements without attributes, of ASCII, without entities, comments and sections; each object has a name and a
bndbox of decimal numbers, and no parts. Everything else is left to the twin.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.math cimport NAN
from libc.stdint cimport int64_t

from boxferry_speedups.text cimport DECLINED, Text, at, fabs, json_number, stands, text_of

cdef double LARGEST = 1e300  # of a coordinate
cdef double LONGEST_SIDE = 1e15  # of an image in pixels

cdef enum:
    DEEPEST_ELEMENT = 16
    SIDES = 15  # all four corners are there


cdef struct Span:
    Py_ssize_t start  # of a text; -1 where it is missing
    Py_ssize_t end


cdef struct Element:
    Span name
    bint used  # the first of its name where it counts
    bint parent  # another element stands in it
    Py_ssize_t inner  # where its content begins


cdef struct Found:
    Span filename
    Span path
    Span width
    Span height
    bint sized  # a size was met
    Span label
    bint boxed  # a bndbox was met
    Span confidence
    Span score
    int sides
    double corners[4]


DECLARATIONS = (
    b'<?xml version="1.0"?>', b'<?xml version="1.0" encoding="UTF-8"?>', b'<?xml version="1.0" encoding="utf-8"?>',
)


def voc_objects(bytes data not None):
    """File name, path, width, height, labels, corners and scores (float64) of an annotation file; else None."""
    cdef Text text = text_of(data)
    cdef Py_ssize_t room = data.count(b"<object>"), count = 0, place = 0, side
    cdef bytes corners = PyBytes_FromStringAndSize(NULL, 32 * room), scores = PyBytes_FromStringAndSize(NULL, 8 * room)
    cdef double *corner_out = <double *><char *>corners
    cdef double *score_out = <double *><char *>scores
    cdef Element stack[DEEPEST_ELEMENT]
    cdef int depth = 0
    cdef Found found
    cdef Span name
    cdef Element *top
    cdef list labels = []
    cdef str label
    cdef double width = 0, height = 0
    for declaration in DECLARATIONS:
        if data.startswith(declaration):
            place = len(declaration)
    found.filename.start = found.path.start = found.width.start = found.height.start = -1
    found.sized = False
    place = _blank(text, place)
    if not stands(text, place, b"<annotation", 11):
        return None
    place += 11
    if stands(text, place, b' verified="yes"', 15):
        place += 15
    if at(text, place) != 62:
        return None
    place += 1
    stack[0].name.start, stack[0].name.end = place - 11, place - 1
    stack[0].used, stack[0].parent, stack[0].inner = True, False, place
    depth = 1
    while depth:
        place = _characters(text, place)
        if at(text, place) != 60:
            return None
        if at(text, place + 1) == 47:  # it ends
            top = &stack[depth - 1]
            name.start = place + 2
            name.end = _name(text, name.start)
            if at(text, name.end) != 62 or not _is_end_of(text, name, top, depth):
                return None
            if top.used and not _take(text, top, place, depth, stack, &found):
                return None
            if depth == 2 and _is(text, top.name, b"object", 6):
                label = _label(text, found.label)
                if count >= room or label is None or not found.boxed or found.sides != SIDES:
                    return None
                labels.append(label)
                for side in range(4):
                    corner_out[4 * count + side] = found.corners[side]
                if not _score(text, &found, &score_out[count]):
                    return None
                count += 1
            depth -= 1
            place = name.end + 1
            continue
        name.start = place + 1
        name.end = _name(text, name.start)
        if name.end == name.start or depth >= DEEPEST_ELEMENT:
            return None
        stack[depth - 1].parent = True
        stack[depth].name, stack[depth].parent = name, False
        stack[depth].used = _use(text, name, depth, stack, &found)
        if _is_odd(text, name, depth, stack):
            return None
        if at(text, name.end) == 47 and at(text, name.end + 1) == 62:  # it is empty, and ends at once
            if depth == 1 and _is(text, name, b"object", 6):
                return None
            stack[depth].inner = name.end
            if stack[depth].used and not _take(text, &stack[depth], name.end, depth + 1, stack, &found):
                return None
            place = name.end + 2
            continue
        if at(text, name.end) != 62:
            return None
        place = name.end + 1
        stack[depth].inner = place
        depth += 1
    if _blank(text, place) != text.size or count != room:
        return None
    if not _side(text, found.width, &width) or not _side(text, found.height, &height):
        return None
    return _string(text, found.filename), _string(text, found.path), int(width), int(height), labels, corners, scores


cdef inline Py_ssize_t _blank(Text text, Py_ssize_t place) noexcept nogil:
    """Past blanks and ends of lines."""
    cdef int byte = at(text, place)
    while byte == 32 or byte == 10 or byte == 13 or byte == 9:
        place += 1
        byte = at(text, place)
    return place


cdef inline Py_ssize_t _characters(Text text, Py_ssize_t place) noexcept nogil:
    """Past characters that mean themselves: printable ASCII and blanks, no markup and no entity."""
    cdef int byte = at(text, place)
    while (32 <= byte < 127 and byte != 60 and byte != 62 and byte != 38) or byte == 10 or byte == 13 or byte == 9:
        place += 1
        byte = at(text, place)
    return place


cdef inline Py_ssize_t _name(Text text, Py_ssize_t place) noexcept nogil:
    """Past a name of letters, digits and underscores, which begins with no digit."""
    cdef Py_ssize_t start = place
    cdef int byte = at(text, place)
    while 97 <= byte <= 122 or 65 <= byte <= 90 or byte == 95 or (48 <= byte <= 57 and place > start):
        place += 1
        byte = at(text, place)
    return place


cdef inline bint _is(Text text, Span name, const char *word, Py_ssize_t length) noexcept nogil:
    return name.end - name.start == length and stands(text, name.start, word, length)


cdef bint _is_end_of(Text text, Span name, Element *top, int depth) noexcept nogil:
    """Whether a closing name is that of the element that is open."""
    cdef Py_ssize_t index
    if depth == 1:
        return _is(text, name, b"annotation", 10)
    if name.end - name.start != top.name.end - top.name.start:
        return False
    for index in range(name.end - name.start):
        if at(text, name.start + index) != at(text, top.name.start + index):
            return False
    return True


cdef bint _use(Text text, Span name, int depth, Element *stack, Found *found) noexcept nogil:
    """Whether an element that begins is the first of its name, and is looked at; what is met is remembered."""
    if depth == 1:
        if _is(text, name, b"object", 6):
            found.label.start = found.confidence.start = found.score.start = -1
            found.boxed, found.sides = False, 0
            return True
        if _is(text, name, b"size", 4):
            if found.sized:
                return False
            found.sized = True
            return True
        return (_is(text, name, b"filename", 8) and found.filename.start < 0) or (
            _is(text, name, b"path", 4) and found.path.start < 0
        )
    if not stack[depth - 1].used:
        return False
    if depth == 2 and _is(text, stack[1].name, b"size", 4):
        return (_is(text, name, b"width", 5) and found.width.start < 0) or (
            _is(text, name, b"height", 6) and found.height.start < 0
        )
    if depth == 2 and _is(text, stack[1].name, b"object", 6):
        if _is(text, name, b"bndbox", 6):
            if found.boxed:
                return False
            found.boxed = True
            return True
        return (
            (_is(text, name, b"name", 4) and found.label.start < 0)
            or (_is(text, name, b"confidence", 10) and found.confidence.start < 0)
            or (_is(text, name, b"score", 5) and found.score.start < 0)
        )
    if depth == 3 and _is(text, stack[2].name, b"bndbox", 6):
        return _corner(text, name) >= 0 and not found.sides & (1 << _corner(text, name))
    return False


cdef inline int _corner(Text text, Span name) noexcept nogil:
    """Which of the four corners a name is; -1 for none."""
    if _is(text, name, b"xmin", 4):
        return 0
    if _is(text, name, b"ymin", 4):
        return 1
    if _is(text, name, b"xmax", 4):
        return 2
    return 3 if _is(text, name, b"ymax", 4) else -1


cdef bint _is_odd(Text text, Span name, int depth, Element *stack) noexcept nogil:
    """Whether the twin has to look at a file with this element."""
    if depth == 1:
        return _is(text, name, b"imagesize", 9)
    return (
        depth == 2
        and _is(text, stack[1].name, b"object", 6)
        and (_is(text, name, b"deleted", 7) or _is(text, name, b"part", 4))
    )


cdef bint _take(Text text, Element *top, Py_ssize_t end, int depth, Element *stack, Found *found) except -1:
    """Take the text of an element that is looked at and has ended; False where it is not plain."""
    cdef Span inner
    cdef int corner
    if depth == 1 or (depth == 2 and (_is(text, top.name, b"object", 6) or _is(text, top.name, b"size", 4))):
        return True
    if depth == 3 and _is(text, top.name, b"bndbox", 6):
        return True
    inner.start, inner.end = _stripped(text, top.inner, end)
    if top.parent or not _is_one_line(text, inner):
        return False
    if depth == 2:
        if _is(text, top.name, b"filename", 8):
            found.filename = inner
        else:
            found.path = inner
    elif depth == 3 and _is(text, stack[1].name, b"size", 4):
        if _is(text, top.name, b"width", 5):
            found.width = inner
        else:
            found.height = inner
    elif depth == 3:
        if _is(text, top.name, b"name", 4):
            found.label = inner
        elif _is(text, top.name, b"confidence", 10):
            found.confidence = inner
        else:
            found.score = inner
    else:
        corner = _corner(text, top.name)
        found.sides |= 1 << corner
        return _number(text, inner, &found.corners[corner])
    return True


cdef inline (Py_ssize_t, Py_ssize_t) _stripped(Text text, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
    start = _blank(text, start)
    if start > end:
        start = end
    while end > start and (at(text, end - 1) == 32 or 9 <= at(text, end - 1) <= 13):
        end -= 1
    return start, end


cdef inline bint _is_one_line(Text text, Span span) noexcept nogil:
    cdef Py_ssize_t place
    for place in range(span.start, span.end):
        if at(text, place) < 32:
            return False
    return True


cdef bint _number(Text text, Span span, double *value) except -1:
    """A number as JSON has it; False for any other, and for a negative zero."""
    cdef Py_ssize_t end = json_number(text, span.start, value)
    if end != span.end or not fabs(value[0]) <= LARGEST:
        return False
    return value[0] != 0 or at(text, span.start) != 45


cdef bint _side(Text text, Span span, double *value) except -1:
    """A side of an image; 0 where it is not there, or empty."""
    value[0] = 0
    if span.start < 0 or span.start == span.end:
        return True
    return _number(text, span, value) and 0 <= value[0] <= LONGEST_SIDE


cdef bint _score(Text text, Found *found, double *value) except -1:
    """The first score that is not empty; NaN where it is missing."""
    value[0] = NAN
    if found.confidence.start >= 0 and found.confidence.end > found.confidence.start:
        return _number(text, found.confidence, value)
    if found.score.start >= 0 and found.score.end > found.score.start:
        return _number(text, found.score, value)
    return True


cdef str _string(Text text, Span span):
    """The characters of a span; empty where it is missing."""
    if span.start < 0 or span.end > text.size or span.end < span.start:
        return ""
    return (<const char *>text.bytes)[span.start : span.end].decode("ascii")


cdef str _label(Text text, Span span):
    """The same with single blanks; None where it is missing."""
    cdef str found = _string(text, span)
    if "  " in found:
        found = " ".join(found.split())
    return found or None


def voc_rows(bytes block not None):
    """The image and five float64 of each row 'image score x_min y_min x_max y_max' of some lines; else None."""
    cdef Text text = text_of(block)
    cdef Py_ssize_t room = block.count(b"\n") + 1, count = 0, place = 0
    cdef bytes numbers = PyBytes_FromStringAndSize(NULL, 40 * room)
    cdef double *out = <double *><char *>numbers
    cdef list images = []
    cdef Span name
    cdef int column
    while place < text.size:
        if count >= room:
            return None
        name.start = place
        while 32 < at(text, place) < 127:
            place += 1
        name.end = place
        if name.end == name.start:
            return None
        for column in range(5):
            if at(text, place) != 32:
                return None
            place = json_number(text, place + 1, &out[5 * count + column])
            if place < 0 or not fabs(out[5 * count + column]) <= LARGEST:
                return None
            if out[5 * count + column] == 0 and at(text, place - 1) == 48 and at(text, place - 2) == 45:
                return None
        if at(text, place) == 13 and at(text, place + 1) == 10:
            place += 1
        if place < text.size and at(text, place) != 10:
            return None
        place += 1
        images.append(_string(text, name))
        count += 1
    return images, numbers if count == room else numbers[: 40 * count]
