"""XML from strangers, element by element: what is asked for comes whole, and nothing is expanded."""

import io
import tracemalloc

import pytest

from boxferry.parsing.xml import XmlError, elements_of, root_of

TEXT = b"<?xml version='1.0'?><a v='1'><b n='1'><c>x</c></b><d><b/></d><b n='2'>y</b></a>"


def test_the_root_and_the_elements_asked_for_come_with_what_is_in_them():
    """One with the same name deeper down is no element of the root."""
    root, first, second = elements_of(io.BytesIO(TEXT), {"b"})
    assert (root.tag, root.get("v"), len(root)) == ("a", "1", 0)
    assert (first.get("n"), first.findtext("c"), second.get("n"), second.text) == ("1", "x", "2", "y")


@pytest.mark.parametrize("read", [root_of, lambda data: list(elements_of(io.BytesIO(data), {"b"}))])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_before_anything_is_expanded(read, encoding):
    """In any encoding that the parser reads by itself."""
    bomb = '<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;">]><a><b>&z;</b></a>'
    with pytest.raises(XmlError, match="document type"):
        read(bomb.encode(encoding))


@pytest.mark.parametrize("text", [b"<a><b></a>", b"<a><b/>", b"", b"<a>&x;</a>", b"<a/><a/>"])
def test_what_is_malformed_is_an_error_with_its_line(text):
    """After the elements before it."""
    with pytest.raises(XmlError) as raised:
        list(elements_of(io.BytesIO(text), {"b"}))
    assert raised.value.line == 1


def test_memory_holds_one_element_at_a_time():
    """Of a text that is much larger."""

    class Endless(io.RawIOBase):
        left = 40

        def read(self, size=-1):
            self.left -= 1
            if self.left < 0:
                return b""
            begun = b"<a>" if self.left == 39 else b""
            return begun + b"<b><c/></b>" * 5000 + (b"</a>" if self.left == 0 else b"")

    tracemalloc.start()
    assert sum(1 for _ in elements_of(Endless(), {"b"})) == 1 + 40 * 5000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
