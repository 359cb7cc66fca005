"""A JSON list of COCO results as columns; its twin is `boxferry_adapters.coco.columns.Columns.of`."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.math cimport NAN
from libc.stdint cimport int64_t

from boxferry_speedups.text cimport (
    DECLINED, DEEPEST, Text, at, fabs, json_integer, json_number, json_plain_text, json_space, stands, text_of,
)

cdef double LARGEST = 1e300  # of a coordinate, as the twin has it

cdef enum:
    IMAGE = 1
    CATEGORY = 2
    BBOX = 4
    SCORE = 8
    CROWD = 16
    NEEDED = IMAGE | CATEGORY | BBOX


cdef struct Item:
    int64_t image
    int64_t category
    double bbox[4]
    double score
    bint crowd


def coco_results(bytes text not None):
    """Image ids, category ids (int64), bbox, scores (float64) and crowds (bool) of a list, as bytes; else None."""
    cdef Text view = text_of(text)
    cdef Py_ssize_t room = text.count(b"{"), count = 0, place
    cdef Item item
    cdef bytes images = PyBytes_FromStringAndSize(NULL, 8 * room)
    cdef bytes categories = PyBytes_FromStringAndSize(NULL, 8 * room)
    cdef bytes bbox = PyBytes_FromStringAndSize(NULL, 32 * room)
    cdef bytes scores = PyBytes_FromStringAndSize(NULL, 8 * room)
    cdef bytes crowds = PyBytes_FromStringAndSize(NULL, room)
    cdef int64_t *image_out = <int64_t *><char *>images
    cdef int64_t *category_out = <int64_t *><char *>categories
    cdef double *bbox_out = <double *><char *>bbox
    cdef double *score_out = <double *><char *>scores
    cdef char *crowd_out = <char *>crowds
    cdef int byte, side
    place = json_space(view, 0)
    if room == 0 or at(view, place) != 91:
        return None
    byte = 44
    while byte == 44:
        place = _item(view, json_space(view, place + 1), &item)
        if place < 0 or count >= room:
            return None
        image_out[count] = item.image
        category_out[count] = item.category
        for side in range(4):
            bbox_out[4 * count + side] = item.bbox[side]
        score_out[count] = item.score
        crowd_out[count] = item.crowd
        count += 1
        place = json_space(view, place)
        byte = at(view, place)
    if byte != 93 or json_space(view, place + 1) != view.size:
        return None
    if count == room:
        return images, categories, bbox, scores, crowds
    return images[: 8 * count], categories[: 8 * count], bbox[: 32 * count], scores[: 8 * count], crowds[:count]


cdef Py_ssize_t _item(Text text, Py_ssize_t place, Item *item) except -2:
    """Past an object that is a plain result."""
    cdef int seen = 0, byte = 44
    item.score = NAN
    item.crowd = False
    if at(text, place) != 123:
        return DECLINED
    while byte == 44:
        place = _pair(text, json_space(text, place + 1), item, &seen)
        if place < 0:
            return DECLINED
        place = json_space(text, place)
        byte = at(text, place)
    return place + 1 if byte == 125 and seen & NEEDED == NEEDED else DECLINED


cdef Py_ssize_t _pair(Text text, Py_ssize_t place, Item *item, int *seen) except -2:
    """Past a key and its value."""
    cdef Py_ssize_t key = place + 1, length
    cdef int which
    place = json_plain_text(text, place)
    if place < 0:
        return DECLINED
    length = place - 1 - key
    which = _which(text, key, length)
    if which < 0 or seen[0] & which:
        return DECLINED
    seen[0] |= which
    place = json_space(text, place)
    if at(text, place) != 58:
        return DECLINED
    place = json_space(text, place + 1)
    if which == IMAGE:
        return json_integer(text, place, &item.image)
    if which == CATEGORY:
        return json_integer(text, place, &item.category)
    if which == BBOX:
        return _bbox(text, place, item)
    if which == SCORE:
        return _score(text, place, item)
    if which == CROWD:
        return _crowd(text, place, item)
    return _passed(text, place, 0)


cdef inline int _which(Text text, Py_ssize_t key, Py_ssize_t length) noexcept nogil:
    """What a key means: 0 where it is passed over, -1 where the twin has to look at it."""
    if length == 8 and stands(text, key, b"image_id", 8):
        return IMAGE
    if length == 11 and stands(text, key, b"category_id", 11):
        return CATEGORY
    if length == 4 and stands(text, key, b"bbox", 4):
        return BBOX
    if length == 5 and stands(text, key, b"score", 5):
        return SCORE
    if length == 7 and stands(text, key, b"iscrowd", 7):
        return CROWD
    if length == 9 and stands(text, key, b"file_name", 9):
        return -1
    if length == 8 and stands(text, key, b"track_id", 8):
        return -1
    if length == 11 and stands(text, key, b"instance_id", 11):
        return -1
    if length == 10 and stands(text, key, b"attributes", 10):
        return -1
    return 0


cdef Py_ssize_t _bbox(Text text, Py_ssize_t place, Item *item) except -2:
    """Past a list of four numbers of a size that a coordinate can have."""
    cdef int side
    if at(text, place) != 91:
        return DECLINED
    for side in range(4):
        place = json_number(text, json_space(text, place + 1), &item.bbox[side])
        if place < 0 or not fabs(item.bbox[side]) <= LARGEST:
            return DECLINED
        place = json_space(text, place)
        if at(text, place) != (44 if side < 3 else 93):
            return DECLINED
    return place + 1


cdef Py_ssize_t _score(Text text, Py_ssize_t place, Item *item) except -2:
    """Past a number of any finite size, or null."""
    if at(text, place) == 110:
        return place + 4 if stands(text, place, b"null", 4) else DECLINED
    place = json_number(text, place, &item.score)
    return place if place >= 0 and fabs(item.score) <= LARGEST else DECLINED


cdef Py_ssize_t _crowd(Text text, Py_ssize_t place, Item *item) noexcept:
    """Past a whole number."""
    cdef int64_t value = 0
    place = json_integer(text, place, &value)
    item.crowd = value != 0
    return place


cdef Py_ssize_t _passed(Text text, Py_ssize_t place, int depth) except -2:
    """Past a value that is not looked at."""
    cdef int byte = at(text, place), closing
    cdef double number
    if byte == 34:
        return json_plain_text(text, place)
    if byte == 110:
        return place + 4 if stands(text, place, b"null", 4) else DECLINED
    if byte == 116:
        return place + 4 if stands(text, place, b"true", 4) else DECLINED
    if byte == 102:
        return place + 5 if stands(text, place, b"false", 5) else DECLINED
    if byte != 91 and byte != 123:
        return json_number(text, place, &number)
    if depth >= DEEPEST:
        return DECLINED
    closing = byte + 2
    place = json_space(text, place + 1)
    if at(text, place) == closing:
        return place + 1
    while True:
        if closing == 125:
            place = json_plain_text(text, place)
            if place < 0:
                return DECLINED
            place = json_space(text, place)
            if at(text, place) != 58:
                return DECLINED
            place = json_space(text, place + 1)
        place = _passed(text, place, depth + 1)
        if place < 0:
            return DECLINED
        place = json_space(text, place)
        byte = at(text, place)
        if byte == closing:
            return place + 1
        if byte != 44:
            return DECLINED
        place = json_space(text, place + 1)
