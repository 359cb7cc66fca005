"""Columns of boxes: fitted to whole pixels, and as the JSON of instance lists.

Their twins are `boxferry.boxes.fit`, and the list of boxes of `boxferry.packets.build`, encoded.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.math cimport fabs, floor
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy

from boxferry_speedups.text cimport Text, at, text_of

cdef enum:
    NUMBER = 20  # characters of a whole number
    AROUND = 8 * NUMBER + 64  # of all numbers of a box, and what stands between them

cdef double LARGEST = 9007199254740992.0  # up to it a double can be any whole number
cdef double GRACE = 0.002  # pixels, as the fit has it
cdef double LARGEST_SIDE = 2147483647.0  # likewise

cdef enum:
    MOST_BOXES = 512  # of an image: each is compared with all others; of more the twin sorts them


cdef class _Numbers:
    """The bytes of a column; held until this goes."""

    cdef Py_buffer view
    cdef bint held

    def __cinit__(self, object column):
        PyObject_GetBuffer(column, &self.view, PyBUF_SIMPLE)
        self.held = True

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)


cdef class _Texts:
    """The texts of a list, each once looked up; None is an empty one."""

    cdef list texts
    cdef Text *views
    cdef Py_ssize_t count

    def __cinit__(self, object texts):
        cdef Py_ssize_t index
        cdef bytes each
        self.texts = list(texts)
        self.count = len(self.texts)
        self.views = <Text *>PyMem_Malloc((self.count + 1) * sizeof(Text))
        if self.views == NULL:
            raise MemoryError
        for index in range(self.count):
            each = self.texts[index] or b""
            self.views[index] = text_of(each)
            self.texts[index] = each

    def __dealloc__(self):
        PyMem_Free(self.views)


cdef class _Room:
    """Room for what is written, which grows."""

    cdef char *bytes
    cdef Py_ssize_t size
    cdef Py_ssize_t used

    def __cinit__(self):
        self.size = 1 << 16
        self.bytes = <char *>PyMem_Malloc(self.size)
        if self.bytes == NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.bytes)

    cdef int need(self, Py_ssize_t more) except -1:
        """See that so many bytes can be written."""
        cdef char *larger
        cdef Py_ssize_t size
        if self.used + more > self.size:
            size = 2 * (self.used + more)
            larger = <char *>PyMem_Realloc(self.bytes, size)
            if larger == NULL:
                raise MemoryError
            self.bytes, self.size = larger, size
        return 0


def whole_edges(bounds not None, corners not None, sizes not None):
    """(N, 4) float64, the corners in whole pixels; None where the fit drops or counts anything, or may have to.

    Args:
        bounds: (M + 1,) int64, the first box of each image, and N.
        corners: (N, 4) float64.
        sizes: (M, 2) int64, width and height of each image.

    Raises:
        ValueError: the columns do not fit each other.
    """
    cdef _Numbers bound_column = _Numbers(bounds), corner_column = _Numbers(corners), size_column = _Numbers(sizes)
    cdef const int64_t *bound = <const int64_t *>bound_column.view.buf
    cdef const double *corner = <const double *>corner_column.view.buf
    cdef const int64_t *size = <const int64_t *>size_column.view.buf
    cdef Py_ssize_t images = size_column.view.len // 16, count = corner_column.view.len // 32, image, row = 0, last
    cdef bytes found = PyBytes_FromStringAndSize(NULL, 32 * count)
    cdef double *edges = <double *><char *>found
    if size_column.view.len != 16 * images or corner_column.view.len != 32 * count:
        raise ValueError("the columns are of different lengths")
    if bound_column.view.len != 8 * (images + 1):
        raise ValueError("the columns are of different lengths")
    for image in range(images):
        last = bound[image + 1]
        if bound[image] != row or last < row or last > count:
            raise ValueError("the bounds do not rise")
        if not _fits(&corner[4 * row], &edges[4 * row], last - row, size[2 * image], size[2 * image + 1]):
            return None
        row = last
    if row != count:
        raise ValueError("the bounds do not rise")
    return found


cdef bint _fits(const double *corner, double *edge, Py_ssize_t boxes, int64_t width, int64_t height) noexcept nogil:
    """Write the edges of the boxes of an image; whether nothing is to be said of any."""
    cdef double limits[2]
    cdef double value
    cdef Py_ssize_t place, one
    limits[0], limits[1] = <double>width, <double>height
    if boxes and not (1 <= limits[0] <= LARGEST_SIDE and 1 <= limits[1] <= LARGEST_SIDE and boxes <= MOST_BOXES):
        return False
    for place in range(4 * boxes):
        value = _within(corner[place], limits[place & 1])
        if not fabs(corner[place] - value) <= GRACE:
            return False
        edge[place] = floor(value + (0.5 + GRACE))
    for place in range(boxes):
        if not (edge[4 * place] < edge[4 * place + 2] and edge[4 * place + 1] < edge[4 * place + 3]):
            return False
        for one in range(place):
            if edge[4 * one] == edge[4 * place] and _alike(&edge[4 * one], &edge[4 * place]):
                return False
    return True


cdef inline double _within(double value, double limit) noexcept nogil:
    return 0.0 if value < 0.0 else limit if value > limit else value


cdef inline bint _alike(const double *one, const double *other) noexcept nogil:
    return one[1] == other[1] and one[2] == other[2] and one[3] == other[3]


def instance_lists(
    bounds not None, corners not None, labels not None, bytes scores not None, heads not None, tails not None,
    middles not None,
):
    """The JSON of the boxes of each image.

    Args:
        bounds: (M + 1,) int64, the first box of each image, and N.
        corners: (N, 4) float64, whole numbers.
        labels: (N,) int32, which of `heads` and `tails` are a box's.
        scores: (N,) as JSON, null for none; empty where no box has a score.
        heads: (L,) a box's JSON up to its score.
        tails: (L,) from the corners in its reference to the first corner.
        middles: (M,) from the score to the corners in the reference; None leaves an image out.

    Raises:
        ValueError: the columns do not fit each other.
    """
    cdef _Numbers bound_column = _Numbers(bounds), corner_column = _Numbers(corners), label_column = _Numbers(labels)
    cdef _Texts head = _Texts(heads), tail = _Texts(tails), middle = _Texts(middles)
    cdef const int64_t *bound = <const int64_t *>bound_column.view.buf
    cdef const double *corner = <const double *>corner_column.view.buf
    cdef const int32_t *label = <const int32_t *>label_column.view.buf
    cdef Py_ssize_t images = middle.count, count = label_column.view.len // 4, image, row, last, place = 1
    cdef Text score = text_of(scores), around
    cdef _Room room = _Room()
    cdef list found = []
    if bound_column.view.len != 8 * (images + 1) or corner_column.view.len != 32 * count:
        raise ValueError("the columns are of different lengths")
    if label_column.view.len != 4 * count or head.count != tail.count:
        raise ValueError("the columns are of different lengths")
    row = 0
    for image in range(images):
        last = bound[image + 1]
        if bound[image] != row or last < row or last > count:
            raise ValueError("the bounds do not rise")
        room.used = 0
        around = middle.views[image]
        room.need(1)
        room.bytes[0] = 91
        room.used = 1
        while row < last:
            if not 0 <= label[row] < head.count:
                raise ValueError("a label is out of range")
            place = _box(room, &corner[4 * row], head.views[label[row]], around, tail.views[label[row]], score, place)
            row += 1
        if room.bytes[room.used - 1] == 44:
            room.used -= 1
        room.need(1)
        room.bytes[room.used] = 93
        room.used += 1
        found.append(None if middles[image] is None else PyBytes_FromStringAndSize(room.bytes, room.used))
    return found


cdef Py_ssize_t _box(
    _Room room, const double *corner, Text head, Text middle, Text tail, Text score, Py_ssize_t place
) except -1:
    """Write one box, and a comma; gives the place of the next score."""
    cdef int64_t whole[4]
    cdef int side
    cdef Py_ssize_t end = place
    cdef char *out
    for side in range(4):
        if not -LARGEST <= corner[side] <= LARGEST:
            raise ValueError("a corner is no number of pixels")
        whole[side] = <int64_t>corner[side]
    while at(score, end) >= 0 and at(score, end) != 44 and at(score, end) != 93:
        end += 1
    if score.size and end == place:
        raise ValueError("there are fewer scores than boxes")
    room.need(head.size + middle.size + tail.size + (end - place) + AROUND)
    out = _put(room.bytes + room.used, head)
    if score.size and at(score, place) != 110:
        out = _word(out, b',"score":', 9)
        memcpy(out, score.bytes + place, end - place)
        out += end - place
    out = _put(out, middle)
    for side in range(4):
        out = _whole(out, whole[side])
        out[0] = 44
        out += side < 3
    out = _put(out, tail)
    out = _word(_whole(out, whole[0]), b',"y_min":', 9)
    out = _word(_whole(out, whole[1]), b',"x_max":', 9)
    out = _word(_whole(out, whole[2]), b',"y_max":', 9)
    out = _word(_whole(out, whole[3]), b"},", 2)
    room.used = out - room.bytes
    return end + 1


cdef inline char *_put(char *out, Text text) noexcept nogil:
    memcpy(out, text.bytes, text.size)
    return out + text.size


cdef inline char *_word(char *out, const char *word, Py_ssize_t length) noexcept nogil:
    memcpy(out, word, length)
    return out + length


cdef inline char *_whole(char *out, int64_t value) noexcept nogil:
    """Write a whole number of up to 16 digits."""
    cdef char digits[NUMBER]
    cdef int count = 0
    if value < 0:
        out[0] = 45
        out += 1
        value = -value
    while True:
        digits[count] = <char>(48 + value % 10)
        count += 1
        value //= 10
        if not value:
            break
    while count:
        count -= 1
        out[0] = digits[count]
        out += 1
    return out
