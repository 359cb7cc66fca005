"""Uploads of images at URLs: fetched while they are sent, compared with what was planned, and without secrets."""

import hashlib
import tempfile

import pytest
from PIL import Image as Picture

from boxferry import Diffgram, PushOptions, read
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError
from boxferry.plan.plan_file import read_plan
from collector.collecting import a_collector, a_result
from sending.pushing import A_BOXES, ROWS, boxes_in, push, server_of

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def diffgram(sandbox, tmp_path):
    with Diffgram(server_of(sandbox), outbox=tmp_path / "outbox.sqlite") as opened:
        yield opened


@pytest.fixture
def tree(tmp_path):
    """Three images of 100x80; YOLO rows for two of them, the third has none."""
    for name in ("a.jpg", "b.png", "c.jpg"):
        (tmp_path / "tree/images").mkdir(exist_ok=True, parents=True)
        Picture.effect_noise((100, 80), 50).convert("RGB").save(tmp_path / "tree/images" / name)
    (tmp_path / "tree/labels").mkdir()
    (tmp_path / "tree/labels/a.txt").write_text(ROWS)
    (tmp_path / "tree/labels/b.txt").write_text(ROWS.splitlines()[0] + "\n")
    return tmp_path / "tree"


@pytest.fixture(params=["memory", "web", "web without ranges"])
def base(request, tree, memory, web):
    if request.param == "memory":
        memory({f"/bucket/{path.relative_to(tree)}": path.read_bytes() for path in tree.rglob("*.*")})
        return "memory://bucket/"
    return web(tree, ranges=request.param == "web").url


def predictions(base):
    return read(f"{base}labels/", format="yolo", names=["cat", "dog"], images=f"{base}images/")


def test_images_and_boxes_arrive_from_there(sandbox, diffgram, base, tree):
    report = push(diffgram, predictions(base))
    assert (report.exit_code, report.states) == (0, {"applied": (3, 3)}), report.failed
    assert boxes_in(sandbox, "a.jpg") == A_BOXES
    (run,) = diffgram.outbox.runs()
    digests = {entry.media: entry.digest for entry in diffgram.outbox.entries(run.id)}
    assert digests == {
        f"{base}images/{path.name}": hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        for path in (tree / "images").iterdir()
    }


def test_a_second_push_sends_nothing_again(sandbox, diffgram, base):
    push(diffgram, predictions(base))
    assert push(diffgram, predictions(base)).states == {"applied": (3, 3)}
    assert len(sandbox.inputs()) == 3


def test_what_an_earlier_read_listed_is_not_relied_on(sandbox, diffgram, base, tree, memory):
    """In a process that lives long, and still holds what it read from there before."""
    earlier = predictions(base)
    assert [len(chunk) for chunk in earlier.chunks(Tally())]
    assert list(earlier.images.known())
    later, boxes = Picture.new("RGB", (100, 80), (9, 9, 9)), "1 0.5 0.5 0.5 0.5 0.9\n"
    later.save(tree / "images/a.jpg")
    (tree / "labels/a.txt").write_text(boxes)
    memory({f"/bucket/{name}": (tree / name).read_bytes() for name in ("images/a.jpg", "labels/a.txt")})
    report = push(diffgram, predictions(base))
    assert (report.exit_code, report.states) == (0, {"applied": (3, 2)}), [each.reason for each in report.failed]
    assert boxes_in(sandbox, "a.jpg") == [(25, 20, 75, 60)]
    (run,) = diffgram.outbox.runs()
    (digest,) = {entry.digest for entry in diffgram.outbox.entries(run.id) if entry.file_name == "a.jpg"}
    assert digest == hashlib.blake2b((tree / "images/a.jpg").read_bytes(), digest_size=16).hexdigest()
    del earlier


def test_no_image_is_copied_to_this_machine(diffgram, tmp_path, tree, web, monkeypatch):
    """Each is fetched once, while it is sent, but for the beginnings by which sizes are known."""
    Picture.effect_noise((1500, 1000), 90).convert("RGB").save(tree / "images/large.png")
    (scratch := tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    made = []
    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", made.append)
    server = web(tree)
    assert push(diffgram, predictions(server.url)).exit_code == 0
    whole = [path for method, path, wanted in server.asked if method == "GET" and wanted is None and "images/" in path]
    assert sorted(whole) == ["/images/", "/images/a.jpg", "/images/b.png", "/images/c.jpg", "/images/large.png"]
    assert (list(scratch.iterdir()), made) == ([], [])


@pytest.fixture
def planned(diffgram, base, tmp_path):
    """A plan of the three images."""
    push(diffgram, predictions(base), plan=tmp_path / "plan.json")
    with pytest.raises(InputError, match="name its folder with --images"):
        read_plan(tmp_path / "plan.json")
    with pytest.raises(InputError, match="name its folder with --images"):
        read_plan(tmp_path / "plan.json", images=f"{base}labels")
    return read_plan(tmp_path / "plan.json", images=f"{base}images")


def rewrite(base, tree, memory, data):
    """Put other bytes in the place of an image; None removes it."""
    if base.startswith("memory"):
        fs = fsspec.filesystem("memory")
        fs.rm("/bucket/images/c.jpg") if data is None else memory({"/bucket/images/c.jpg": data})
    elif data is None:
        (tree / "images/c.jpg").unlink()
    else:
        (tree / "images/c.jpg").write_bytes(data)


def test_a_picture_that_changed_since_it_was_planned_is_not_sent(diffgram, planned, base, tree, memory):
    rewrite(base, tree, memory, (tree / "images/a.jpg").read_bytes())
    report = diffgram.carry_out(planned)
    assert report.states.get("applied") == (2, 3), [each.reason for each in report.failed]
    assert f"{base}images/c.jpg: changed since its boxes were planned" in str(report.failed)


def test_a_picture_that_is_gone_is_refused_alone(diffgram, planned, base, tree, memory):
    rewrite(base, tree, memory, None)
    report = diffgram.carry_out(planned)
    assert report.states.get("applied") == (2, 3), [each.reason for each in report.failed]
    assert f"{base}images/c.jpg: no such file" in str(report.failed)


def test_no_secret_is_in_the_outbox_the_plan_or_the_report(sandbox, tmp_path, tree, web):
    """Neither a query nor a password of a URL: not in one byte of what is written."""
    server = web(tree)
    host = server.url.removeprefix("http://")
    with Diffgram(server_of(sandbox), outbox=tmp_path / "outbox.sqlite") as diffgram:
        source = read(
            f"http://user:s3cret@{host}labels/a.txt?X-Amz-Signature=s3cret",
            format="yolo",
            names=["cat", "dog"],
            images=f"http://user:s3cret@{host}images/",
        )
        push(diffgram, source, plan=tmp_path / "plan.ndjson")
        report = push(diffgram, source)
        assert report.states["applied"] == (3, 2), report.failed
        (run,) = diffgram.outbox.runs()
        assert run.source == f"{server.url}labels/a.txt"
    assert (
        next(entry.media for entry in read_plan(tmp_path / "plan.ndjson", images=f"{server.url}images").entries)
        == f"{server.url}images/a.jpg"
    )
    written = b"".join(path.read_bytes() for path in tmp_path.glob("*.*") if path.is_file())
    assert b"images/a.jpg" in written
    assert b"s3cret" not in written + repr(report).encode()


def test_a_folder_with_a_query_is_refused_without_it(tree, web):
    with pytest.raises(InputError, match="a folder's URL cannot have a query") as caught:
        list(read(web(tree).url + "images/?token=s3cret").images.known())
    assert "s3cret" not in str(caught.value)


def test_a_collectors_files_hold_no_secret_of_the_images_url(sandbox, diffgram, tree, web):
    """The images are found under the whole URL all the same; another process is given its own credentials."""
    host = web(tree, ranges=True).url.removeprefix("http://")
    images = f"http://someone:topsecret@{host}images/"
    with a_collector(diffgram, images=images, options=PushOptions(labels="create", on_existing="append")) as collect:
        collect(a_result("a.jpg"))
    (head,) = diffgram.outbox_path.parent.glob("*.spool/*/run.json")
    assert f"http://{host}images/" in head.read_text()
    for path in diffgram.outbox_path.parent.rglob("*"):
        if path.is_file() and "sandbox" not in path.parts:
            assert b"secret" not in path.read_bytes(), path
    assert boxes_in(sandbox, "a.jpg") == [(40, 30, 60, 50)], collect.report
