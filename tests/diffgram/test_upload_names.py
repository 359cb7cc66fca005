"""What the server makes of names, and which media it takes."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.utils import secure_filename

from boxferry.diffgram.names import media_problem, server_name


@given(st.text(max_size=30))
@example("my dir/lócal 1.v2.jpg")
@example("../../etc/passwd")
@example("日本.jpg")
@example("a\x1fb\x85c\u2028d.jpg")
@example("CON.txt")
def test_the_servers_name_of_an_upload_is_known_beforehand(name):
    """As werkzeug, which the server uses, makes it; and made of itself, it stays."""
    assert server_name(name) == secure_filename(name)
    assert server_name(server_name(name)) == server_name(name)


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "x/y.v2.png", "a.bmp", "a.tif"])
def test_media_that_the_server_takes(name):
    """By its extension."""
    assert media_problem(name) is None


@pytest.mark.parametrize("name", ["a.webp", "a.gif", "a.GIF", "a", "a.txt", ".jpg", ""])
def test_media_that_it_does_not_take(name):
    """Said before it is sent, with what it takes."""
    assert ".jpg, .jpeg, .png" in media_problem(name)
