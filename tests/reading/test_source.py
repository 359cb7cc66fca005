"""A file, a folder, a glob or a pipe is read alike: from the start, as often as asked, unzipped, and in order."""

import gc
import gzip
import io
import os
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from boxferry.errors import InputError
from boxferry.reading.source import source_of
from boxferry.reading.sources import HEAD_BYTES

needs_permissions = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read anything")


def put(folder, *names, content="x"):
    """Files below `folder`, each with `content`."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def relatives(source, *suffixes):
    return [relative for relative, _ in source.files(*suffixes)]


@pytest.fixture
def given_stdin(monkeypatch, tmp_path):
    """Puts bytes on standard input, and temporary files below tmp_path."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return lambda data: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_file_is_a_stream_that_can_be_read_again(tmp_path):
    source = source_of(put(tmp_path, "a.json", content="[1]") / "a.json")
    assert (source.is_stream, source.name) == (True, str(tmp_path / "a.json"))
    for _ in range(2):
        with source.open() as file:
            assert file.read() == b"[1]"
    assert source.head == b"[1]"


@pytest.mark.parametrize("name", ["a.json.gz", "a.json"], ids=["named gz", "named otherwise"])
def test_gzip_is_undone_by_content_whatever_the_name(tmp_path, name):
    (tmp_path / name).write_bytes(gzip.compress(b"0 1 2\n" * 50_000))
    source = source_of(str(tmp_path / name))
    with source.open() as file:
        assert file.readline() == b"0 1 2\n"
        assert len(file.read()) == 6 * 49_999
    assert source.head == (b"0 1 2\n" * 50_000)[:HEAD_BYTES]


def test_a_file_named_gz_that_is_not_zipped_is_read_as_it_is(tmp_path):
    assert source_of(put(tmp_path, "a.gz", content="plain") / "a.gz").head == b"plain"


@pytest.mark.parametrize("damage", [lambda data: data[:-20], lambda data: data[:40] + b"\0" * 40], ids=["short", "bad"])
def test_damaged_gzip_is_one_clear_error(tmp_path, damage):
    path = tmp_path / "a.gz"
    path.write_bytes(damage(gzip.compress(os.urandom(500))))
    with source_of(path).open() as file, pytest.raises(InputError, match=r"a\.gz: the gzip data is damaged or cut"):
        file.read()


def test_the_head_is_64_kib_at_most(tmp_path):
    (tmp_path / "big").write_bytes(b"x" * (HEAD_BYTES + 1))
    assert len(source_of(tmp_path / "big").head) == HEAD_BYTES


def test_a_single_file_gives_itself_whatever_its_suffix(tmp_path):
    source = source_of(put(tmp_path, "labels.dat") / "labels.dat")
    assert list(source.files(".txt")) == [("labels.dat", str(tmp_path / "labels.dat"))]


def test_a_single_zipped_file_gives_an_unzipped_copy(tmp_path):
    (tmp_path / "cat.txt.gz").write_bytes(gzip.compress(b"content"))
    source = source_of(tmp_path / "cat.txt.gz")
    ((relative, path),) = source.files(".txt")
    assert relative == "cat.txt"
    assert Path(path).read_bytes() == b"content"
    del source
    gc.collect()
    assert not Path(path).exists()


def test_a_folder_gives_its_files_sorted_and_depth_first(tmp_path):
    put(tmp_path, "b.txt", "a/z.txt", "a/B.TXT", "a/deep/er/1.txt", "c.xml", "a.txt")
    source = source_of(tmp_path)
    assert relatives(source, ".txt") == ["a/B.TXT", "a/deep/er/1.txt", "a/z.txt", "a.txt", "b.txt"]
    assert relatives(source, ".txt", ".xml")[-1] == "c.xml"
    assert len(relatives(source)) == 6
    assert all(Path(path).is_file() for _, path in source.files())
    assert (source.is_stream, source.head) == (False, b"")


def test_a_folder_has_no_stream(tmp_path):
    with pytest.raises(InputError, match="many files, where one file is expected"):
        source_of(tmp_path).open()


def test_names_that_begin_with_a_dot_are_left_out(tmp_path):
    put(tmp_path, "a.txt", "._a.txt", ".ipynb_checkpoints/a.txt")
    assert relatives(source_of(tmp_path)) == ["a.txt"]


def test_linked_folders_are_gone_into_but_not_in_circles(tmp_path):
    put(tmp_path, "data/a.txt", "elsewhere/b.txt")
    (tmp_path / "data/up").symlink_to(tmp_path)
    (tmp_path / "data/same").symlink_to(tmp_path / "data")
    (tmp_path / "data/self").symlink_to("self")
    (tmp_path / "data/other").symlink_to(tmp_path / "elsewhere")
    found = relatives(source_of(tmp_path / "data"), ".txt")
    assert found == ["a.txt", "other/b.txt", "up/elsewhere/b.txt"]
    assert relatives(source_of(str(tmp_path / "data/**/*.txt"))) == found


def test_a_link_that_leads_nowhere_is_listed_rather_than_lost(tmp_path):
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    assert relatives(source_of(tmp_path), ".txt") == ["gone.txt"]


def test_a_name_that_is_not_text_is_an_error(tmp_path):
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with pytest.raises(InputError, match=r"caf\\udce9\.txt: the file's name is not UTF-8"):
        relatives(source_of(tmp_path))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("runs/*.txt", ["a.txt"], id="star"),
        pytest.param("runs/?/x.txt", ["1/x.txt", "2/x.txt"], id="question mark in a folder"),
        pytest.param("runs/[2-9]/*.txt", ["2/x.txt", "2/y.txt"], id="set"),
        pytest.param("runs/**/x.txt", ["1/x.txt", "2/deep/x.txt", "2/x.txt"], id="any depth"),
        pytest.param("runs/**/deep/**/*.txt", ["2/deep/x.txt"], id="any depth, twice"),
        pytest.param("r*/**", ["runs/1/x.txt", "runs/2/deep/x.txt", "runs/2/x.txt", "runs/2/y.txt", "runs/a.txt"],
                     id="everything below"),
        pytest.param("runs/[12]", ["1/x.txt", "2/deep/x.txt", "2/x.txt", "2/y.txt"], id="a folder is its files"),
        pytest.param("runs/.hid*/*", [".hidden/h.txt"], id="hidden when asked for"),
    ],
)  # fmt: skip
def test_a_glob_is_relative_to_the_folder_of_its_first_wildcard(tmp_path, monkeypatch, pattern, expected):
    put(
        tmp_path,
        "runs/a.txt",
        "runs/1/x.txt",
        "runs/2/x.txt",
        "runs/2/y.txt",
        "runs/2/deep/x.txt",
        "runs/.hidden/h.txt",
    )
    monkeypatch.chdir(tmp_path)
    for spec in (pattern, str(tmp_path / pattern)):
        source = source_of(spec)
        assert relatives(source, ".txt") == expected
        assert (source.is_stream, source.head, source.name) == (False, b"", spec)
        assert all(Path(path).is_file() for _, path in source.files())


def test_a_glob_without_a_folder_begins_where_one_is(tmp_path, monkeypatch):
    monkeypatch.chdir(put(tmp_path, "a.txt", "b/c.txt"))
    assert relatives(source_of("**/*.txt")) == ["a.txt", "b/c.txt"]


def test_a_name_with_wildcards_that_exists_is_itself(tmp_path):
    put(tmp_path, "run[1].txt", "run1.txt", "set [a]/x.txt")
    assert relatives(source_of(tmp_path / "run[1].txt")) == ["run[1].txt"]
    assert relatives(source_of(tmp_path / "set [a]")) == ["x.txt"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        pytest.param("nowhere", "no such file or folder: nowhere", id="absent"),
        pytest.param("", "no such file or folder: (an empty name)", id="empty"),
        pytest.param("a\0b", "no such file or folder: a\0b", id="not a path"),
        pytest.param("x" * 5000, "no such file or folder: xxx", id="too long for a path"),
        pytest.param("*.json", "no file matches *.json", id="glob without a match"),
        pytest.param("nowhere/*.json", "nowhere: the folder cannot be listed: No such file", id="glob in no folder"),
    ],
)
def test_what_is_not_there_is_one_clear_error(tmp_path, monkeypatch, spec, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        source_of(spec)
    assert str(error.value).startswith(message)


@needs_permissions
def test_what_may_not_be_read_is_one_clear_error(tmp_path):
    put(tmp_path, "secret.json", "closed/a.json")
    (tmp_path / "secret.json").chmod(0)
    (tmp_path / "closed").chmod(0)
    with pytest.raises(InputError, match=r"secret\.json: cannot be read: Permission denied"):
        source_of(tmp_path / "secret.json").open()
    with pytest.raises(InputError, match="closed: the folder cannot be listed: Permission denied"):
        relatives(source_of(tmp_path))
    with pytest.raises(InputError, match=r"a\.json: cannot be read: Permission denied"):
        source_of(tmp_path / "closed/a.json")
    (tmp_path / "closed").chmod(0o700)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "zipped"])
def test_standard_input_can_be_read_again(given_stdin, tmp_path, pack):
    given_stdin(pack(b"[1, 2]"))
    source = source_of("-")
    assert (source.name, source.is_stream, source.head) == ("-", True, b"[1, 2]")
    for _ in range(2):
        with source.open() as file:
            assert file.read() == b"[1, 2]"
    ((relative, path),) = source.files(".json")
    assert (relative, Path(path).read_bytes()) == ("-", b"[1, 2]")


def test_standard_input_is_not_touched_before_it_is_asked_for_and_leaves_nothing_behind(given_stdin, tmp_path):
    given_stdin(b"content")
    source = source_of("-")
    assert list((tmp_path / "temporary").iterdir()) == []
    assert source.head == b"content"
    assert not sys.stdin.closed
    assert len(list((tmp_path / "temporary").iterdir())) == 1
    del source
    gc.collect()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_no_standard_input_is_one_clear_error(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="there is no standard input"):
        source_of("-").open()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_with_a_name_can_be_read_again(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(b"once"))
    writer.start()
    source = source_of(tmp_path / "pipe")
    assert source.head == b"once"
    with source.open() as file:
        assert file.read() == b"once"
    writer.join()


def test_several_sources_are_one_whose_files_are_relative_to_where_all_lie(tmp_path):
    """Files, folders and globs; each file once, however often it is named."""
    for name in ("a/x.txt", "a/y.txt", "b/c/x.txt", "z.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = source_of([tmp_path / "a", f"{tmp_path}/b/*/*.txt", f"{tmp_path}/z.txt", f"{tmp_path}/a/x.txt"])
    assert [relative for relative, _ in found.files()] == ["a/x.txt", "a/y.txt", "b/c/x.txt", "z.txt"]
    assert found.name == f"{tmp_path / 'a'} and 3 more"
    assert [source.name for _, source in found.each(".txt")] == [path for _, path in found.files()]
    assert source_of([tmp_path / "z.txt"]).name == str(tmp_path / "z.txt")
    with pytest.raises(InputError, match="standard input cannot be one of several sources"):
        source_of(["-", str(tmp_path)])


def test_a_folder_gives_the_files_of_a_suffix_whatever_else_is_in_it(tmp_path):
    """However it is written; one that no file has costs no look at each of them."""
    for name in ("a.JSON", "b.json.gz", "c.txt", "d", "e.x.json"):
        (tmp_path / name).touch()
    folder = source_of(tmp_path)
    assert [name for name, _ in folder.files(".json")] == ["a.JSON", "e.x.json"]
    assert [name for name, _ in folder.files(".json", ".json.gz")] == ["a.JSON", "b.json.gz", "e.x.json"]
    assert list(folder.files(".xml", ".json.bz2")) == []
    assert len(list(folder.files())) == 5
