"""Bytes that come from outside: each is read by `at`, which knows where they end."""

from libc.math cimport fabs
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

cdef extern from "Python.h":
    double PyOS_string_to_double(const char *s, char **end, void *overflow) except? -1.0

cdef enum:
    DECLINED = -1  # in place of a position: the pure twin is to read this
    NUMBER_ROOM = 64  # characters of a number; a longer one is left to the pure twin
    DEEPEST = 32  # lists and objects in each other; deeper ones likewise

cdef extern from *:
    """
    static const double boxferry_powers[23] = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22};
    """
    const double boxferry_powers[23]

cdef struct Text:
    const unsigned char *bytes
    Py_ssize_t size


cdef inline Text text_of(bytes source):
    """A view of a bytes object, which has to outlive it."""
    cdef Text text
    text.bytes = <const unsigned char *>source
    text.size = len(source)
    return text


cdef inline int at(Text text, Py_ssize_t place) noexcept nogil:
    """The byte at a place; -1 outside the text."""
    return text.bytes[place] if 0 <= place < text.size else -1


cdef inline bint is_digit(int byte) noexcept nogil:
    return 48 <= byte <= 57


cdef inline Py_ssize_t json_space(Text text, Py_ssize_t place) noexcept nogil:
    """Past the white space of JSON."""
    cdef int byte = at(text, place)
    while byte == 32 or byte == 10 or byte == 13 or byte == 9:
        place += 1
        byte = at(text, place)
    return place


cdef inline Py_ssize_t json_integer(Text text, Py_ssize_t place, int64_t *value) noexcept nogil:
    """Past a whole number of up to 18 digits, written as one; DECLINED for anything else."""
    cdef bint negative = at(text, place) == 45
    cdef Py_ssize_t first
    cdef int byte
    cdef int64_t found = 0
    if negative:
        place += 1
    first = place
    byte = at(text, place)
    while is_digit(byte) and place - first <= 18:
        found = 10 * found + (byte - 48)
        place += 1
        byte = at(text, place)
    if place == first or place - first > 18 or byte == 46 or byte == 69 or byte == 101:
        return DECLINED
    if place - first > 1 and at(text, first) == 48:
        return DECLINED
    value[0] = -found if negative else found
    return place


cdef inline Py_ssize_t json_number(Text text, Py_ssize_t place, double *value) except -2:
    """Past a number as JSON has it, exactly rounded; DECLINED for anything else, and for very long ones."""
    cdef Py_ssize_t start = place, first
    cdef bint negative = at(text, place) == 45, whole = True
    cdef int byte, exponent = 0, shift = 0, digits = 0, sign = 1
    cdef uint64_t found = 0
    if negative:
        place += 1
    first = place
    byte = at(text, place)
    while is_digit(byte):
        if digits < 19:
            found = 10 * found + <uint64_t>(byte - 48)
        if found:
            digits += 1
        place += 1
        byte = at(text, place)
    if place == first or (place - first > 1 and at(text, first) == 48):
        return DECLINED
    if byte == 46:
        whole = False
        place += 1
        first = place
        byte = at(text, place)
        while is_digit(byte):
            if digits < 19:
                found = 10 * found + <uint64_t>(byte - 48)
                shift -= 1
            if found:
                digits += 1
            place += 1
            byte = at(text, place)
        if place == first:
            return DECLINED
    if byte == 69 or byte == 101:
        whole = False
        place += 1
        byte = at(text, place)
        if byte == 43 or byte == 45:
            sign = -1 if byte == 45 else 1
            place += 1
            byte = at(text, place)
        first = place
        while is_digit(byte) and place - first < 4:
            exponent = 10 * exponent + (byte - 48)
            place += 1
            byte = at(text, place)
        if place == first or is_digit(byte):
            return DECLINED
        shift += sign * exponent
    if place - start >= NUMBER_ROOM:
        return DECLINED
    if found == 0 and digits == 0:
        value[0] = -0.0 if negative and not whole else 0.0
        return place
    if digits <= 19 and found <= <uint64_t>1 << 53 and -22 <= shift <= 22:
        value[0] = <double>found / boxferry_powers[-shift] if shift < 0 else <double>found * boxferry_powers[shift]
        if negative:
            value[0] = -value[0]
        return place
    value[0] = slow_number(text, start, place)
    return place


cdef inline double slow_number(Text text, Py_ssize_t start, Py_ssize_t end) except? -1.0:
    """A number that takes more than one exact step."""
    cdef char room[NUMBER_ROOM]
    cdef Py_ssize_t length = end - start
    if length >= NUMBER_ROOM or start < 0 or end > text.size:
        raise ValueError("a number that is too long")
    memcpy(room, text.bytes + start, length)
    room[length] = 0
    return PyOS_string_to_double(room, NULL, NULL)


cdef inline Py_ssize_t json_plain_text(Text text, Py_ssize_t place) noexcept nogil:
    """Past a text without escapes, of printable ASCII alone; the place is that of its first quotation mark."""
    cdef int byte
    if at(text, place) != 34:
        return DECLINED
    place += 1
    byte = at(text, place)
    while 32 <= byte < 127 and byte != 34 and byte != 92:
        place += 1
        byte = at(text, place)
    return place + 1 if byte == 34 else DECLINED


cdef inline bint stands(Text text, Py_ssize_t place, const char *word, Py_ssize_t length) noexcept nogil:
    """Whether a word stands at a place."""
    cdef Py_ssize_t index
    for index in range(length):
        if at(text, place + index) != <unsigned char>word[index]:
            return False
    return True
