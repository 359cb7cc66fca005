"""The rows of a YOLO label file as columns; its twin is `boxferry_adapters.yolo.rows.parse_quickly`."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.math cimport NAN, floor

from boxferry_speedups.text cimport DECLINED, Text, at, fabs, json_number, text_of

cdef double LARGEST = 1e9  # of a number, as the twin has it

cdef enum:
    NUMBERS = 6  # of a row as it is kept
    MOST_ROWS = 512  # each is compared with all others; of more the twin makes a set


def yolo_rows(bytes text not None):
    """Six float64 a row, NaN for no score, how many stand there, the largest coordinate and score; else None."""
    cdef Text view = text_of(text)
    cdef Py_ssize_t room = text.count(b"\n") + 1, rows = 0, place = 0, row, end = view.size
    cdef int width = 0, found = 0, column
    cdef bytes table
    cdef double *out
    cdef double highest = 0, best = NAN
    while end > 0 and _is_blank(at(view, end - 1)):
        end -= 1
    view.size = end
    if end == 0 or room > MOST_ROWS:
        return None
    table = PyBytes_FromStringAndSize(NULL, 8 * NUMBERS * room)
    out = <double *><char *>table
    while place < end:
        if rows >= room:
            return None
        place = _row(view, place, &out[NUMBERS * rows], &found)
        if place < 0 or (width and found != width):
            return None
        width = found
        rows += 1
    if at(view, end - 1) == 10:
        return None
    for row in range(rows):
        for column in range(1, 5):
            if (row == 0 and column == 1) or out[NUMBERS * row + column] > highest:
                highest = out[NUMBERS * row + column]
        if width == NUMBERS and not out[NUMBERS * row + 5] <= best:
            best = out[NUMBERS * row + 5]
    if _repeats(out, rows, width):
        return None
    return table if rows == room else table[: 8 * NUMBERS * rows], width, highest, best


cdef inline bint _is_blank(int byte) noexcept nogil:
    return byte == 32 or 9 <= byte <= 13


cdef Py_ssize_t _row(Text text, Py_ssize_t place, double *out, int *width) except -2:
    """Past a row and its end: numbers between single blanks, a whole number from 0 first."""
    cdef int column = 0
    out[5] = NAN
    while True:
        if column >= NUMBERS:
            return DECLINED
        place = json_number(text, place, &out[column])
        if place < 0 or not fabs(out[column]) <= LARGEST:
            return DECLINED
        column += 1
        if at(text, place) != 32:
            break
        place += 1
    if column < 5 or out[0] < 0 or floor(out[0]) != out[0]:
        return DECLINED
    width[0] = column
    if at(text, place) == 13 and at(text, place + 1) == 10:
        place += 1
    if at(text, place) == 10:
        return place + 1
    return place if place == text.size else DECLINED


cdef bint _repeats(const double *table, Py_ssize_t rows, int width) noexcept nogil:
    """Whether two rows have the same numbers."""
    cdef Py_ssize_t one, other
    cdef int column
    for one in range(1, rows):
        for other in range(one):
            if table[NUMBERS * one + 1] == table[NUMBERS * other + 1]:
                column = 0
                while column < width and table[NUMBERS * one + column] == table[NUMBERS * other + column]:
                    column += 1
                if column == width:
                    return True
    return False
