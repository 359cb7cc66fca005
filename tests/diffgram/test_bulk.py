"""Many files in few calls, and each of them once."""

import json

import msgspec
import pytest

from boxferry.diffgram.answers import FileRecord
from boxferry.diffgram.bulk import BOXES_SHARE, Bulk, few, listed
from boxferry.diffgram.client import Client
from boxferry.diffgram.envelopes import Files, Page
from boxferry.errors import AuthError, Unreachable
from counting import counted
from diffgram.peers import a_client
from filled import fill
from sending.pushing import server_of
from videos import a_video

ONE = "/api/project/sandbox/file/{n}/annotation/list"


@pytest.fixture
def client(sandbox):
    with Client(server_of(sandbox)) as opened:
        yield opened


def pages_of(*rounds, file_count):
    """A list's pages by number, and each time that the first is asked for, those of the next round."""
    left = iter(rounds)
    pages = []

    def page(number):
        nonlocal pages
        if number == 1:
            pages = next(left)
        following = number + 1 if number < len(pages) else None
        return Files([FileRecord(id=n) for n in pages[number - 1]], Page(following, len(pages), file_count))

    return page


@pytest.mark.parametrize(
    ("rounds", "file_count", "seen"),
    [
        ([[[5, 4], [3, 2], [1]]], 5, [5, 4, 3, 2, 1]),
        ([[[5, 4], [4, 3], [2, 1]]], 5, [5, 4, 3, 2, 1]),
        ([[[6, 5], [3, 2]], [[5, 4], [3, 2]]], 5, [6, 5, 3, 2, 4]),
        ([[[6, 5], [3]], [[6, 5], [3]]], 4, [6, 5, 3]),
        ([[[]]], 0, []),
    ],
    ids=["in order", "one came meanwhile", "one went meanwhile", "one is never shown", "empty"],
)
def test_a_list_shows_each_file_once(rounds, file_count, seen):
    """Whatever moves between its pages; it is gone through twice at most."""
    assert [file.id for file in listed(pages_of(*rounds, file_count=file_count))] == seen


def test_a_list_of_none_has_a_next_page(sandbox):
    """On a real server: it is not asked for."""
    asked = []

    def page(number):
        asked.append(number)
        return Files(False, Page(2))

    assert list(listed(page)) == []
    assert asked == [1]


def test_sizes_come_by_pages(sandbox):
    """Two names alike are two files, and a removed one is none."""
    ids = fill(sandbox, 5)
    ids += fill(sandbox, 1)
    sandbox.remove_file(ids[2])
    with counted(sandbox.host) as (host, calls), Client(server_of(sandbox, host=host)) as client:
        files = list(Bulk(client, sandbox.directory_id).sized())
        plain = list(client.files(sandbox.directory_id))
    assert sorted(file.id for file in files) == sorted(set(ids) - {ids[2]}) == sorted(file.id for file in plain)
    assert {file.size for file in files} == {(640, 480)}
    assert [file.original_filename for file in files].count("000000.png") == 2
    assert all(file.never_had_boxes for file in plain)
    assert calls == ["list annotation", "list base"]


def test_ten_thousand_sizes_are_ten_calls(sandbox):
    """And their names, states and changes another ten."""
    fill(sandbox, 10_000)
    with counted(sandbox.host) as (host, calls), Client(server_of(sandbox, host=host)) as client:
        assert len({file.id for file in client.files(sandbox.directory_id)}) == 10_000
        assert len({file.id for file in Bulk(client, sandbox.directory_id).sized()}) == 10_000
    assert calls.counted() == {"list base": 10, "list annotation": 10}


def read(host, sandbox, wanted=None, **options):
    """What a bulk read gives of all files or those with the wanted ids, and how many calls it made of each kind."""
    with counted(host, **options) as (proxy, calls), Client(server_of(sandbox, host=proxy), connections=3) as client:
        files = list(client.files(sandbox.directory_id))
        calls.clear()
        chosen = [file for file in files if wanted is None or file.id in wanted]
        by_pages = not few(len(chosen), among=len(files), share=BOXES_SHARE)
        found = list(Bulk(client, sandbox.directory_id).boxes(chosen, by_pages=by_pages))
    assert len(found) == len({each.file_id for each in found})
    return {each.file_id: each for each in found}, calls.counted()


def test_boxes_of_many_files_come_by_pages(sandbox, client, monkeypatch):
    """Of pages in no order, some files come twice, and those that never came are asked for singly: all are there."""
    monkeypatch.setattr("boxferry.diffgram.client.PAGE", 20)
    ids = fill(sandbox, 150, boxes=2, box=lambda number, index: {"creation_ref_id": f"{number}/{index}"})
    found, calls = read(sandbox.host, sandbox)
    assert sorted(found) == ids
    assert calls["list explorer"] == 8
    assert 0 < calls[ONE] < 100
    for number, file_id in enumerate(ids):
        rows = found[file_id].rows
        assert {row["creation_ref_id"] for row in rows} == {f"{number}/0", f"{number}/1"}
        assert found[file_id].size == (640, 480)
        key = lambda row: row["id"]  # noqa: E731 # the order of rows is none
        assert sorted(rows, key=key) == sorted(client.rows(file_id, directory_id=sandbox.directory_id), key=key)


@pytest.mark.parametrize(
    ("fields", "shows", "boxes"),
    [("", False, 0), (', "instance_list": null', False, 0), (', "instance_list": []', True, 0),
     (', "instance_list": [{"id": 3}, {"id": 4, "soft_delete": true}, 7]', True, 1)],
    ids=["left out", "null", "none", "one that is deleted, and one that is no box"],
)  # fmt: skip
def test_a_page_tells_a_files_boxes_or_does_not(fields, shows, boxes):
    """Where it does not, they are asked for singly: that there are none has to be said."""
    file = msgspec.json.decode(f'{{"id": 1{fields}}}', type=FileRecord)
    assert (file.shows_boxes, len(file.rows)) == (shows, boxes)


def test_deleted_boxes_are_left_out(sandbox):
    """As one file's own call does."""
    ids = fill(sandbox, 30, boxes=2)
    gone = sandbox._store.instances(ids[7])[0]["id"]
    sandbox._store.delete_instances([gone])
    found, _ = read(sandbox.host, sandbox)
    assert [row["id"] for row in found[ids[7]].rows] == [gone + 1]


@pytest.mark.parametrize(
    ("wanted", "among", "share", "singly"),
    [(20, 20, 20, True), (21, 400, 20, False), (21, 421, 20, True), (21, 84, 4, False), (21, 85, 4, True)],
)
def test_few_files_are_asked_for_singly(wanted, among, share, singly):
    """Twenty, or under that share of the directory."""
    assert few(wanted, among=among, share=share) is singly


def test_nothing_wanted_asks_nothing():
    """By pages or singly."""
    with a_client("http://127.0.0.1:9") as client:
        assert list(Bulk(client, 1).boxes([], by_pages=True)) == []


def test_few_wanted_files_are_no_pages(sandbox):
    """One call each."""
    ids = fill(sandbox, 30, boxes=1)
    found, calls = read(sandbox.host, sandbox, wanted=set(ids[:7]))
    assert sorted(found) == ids[:7]
    assert calls == {ONE: 7}


@pytest.mark.parametrize("status", [400, 500])
def test_a_server_without_such_pages_is_asked_singly(sandbox, monkeypatch, status):
    """One that refuses them, and one that breaks down on them."""
    monkeypatch.setattr("boxferry.diffgram.http.BACKOFF_S", (0.0,))
    ids = fill(sandbox, 40, boxes=1)
    found, calls = read(sandbox.host, sandbox, instead=lambda call: status if call == "list explorer" else None)
    assert sorted(found) == ids
    assert calls[ONE] == 40


def test_who_may_not_read_is_told_so(sandbox):
    """A 403 is no reason to ask singly."""
    fill(sandbox, 40, boxes=1)
    with pytest.raises(AuthError):
        read(sandbox.host, sandbox, instead=lambda call: 403 if call == "list explorer" else None)


def test_a_file_that_went_meanwhile_is_left_out(sandbox, client):
    """Nothing is known of it any more; the others come."""
    ids = fill(sandbox, 3, boxes=1)
    files = [*client.files(sandbox.directory_id), FileRecord(id=999, type="image")]
    sandbox.remove_file(ids[0])
    found = Bulk(client, sandbox.directory_id).boxes(files, by_pages=True)
    assert sorted(each.file_id for each in found) == ids[1:]


def test_a_video_comes_by_its_frames(sandbox, client):
    """With its size; images come beside it."""
    label = client.create_label("cat", schema_id=client.schemas()[0].id)
    ids = fill(sandbox, 2, boxes=1)
    box = {"type": "box", "label_file_id": label, "x_min": 1, "y_min": 2, "x_max": 30, "y_max": 40, "number": 1}
    fields = {"directory_id": sandbox.directory_id, "frame_packet_map": {"0": [box], "3": [box]}}
    video = client.upload("v.mp4", a_video(frames=10), json.dumps(fields).encode()).file_id
    assert sandbox.wait_idle()
    found, _ = read(sandbox.host, sandbox)
    assert sorted(found) == [*ids, video]
    assert sorted(row["frame_number"] for row in found[video].rows) == [0, 3]
    assert (found[video].video, found[video].size) == (True, (64, 48))


def test_all_that_is_under_way_is_one_call(sandbox, client):
    """Of the project, or of one file; with how far it is, and since when."""
    first, second = fill(sandbox, 2)
    sandbox._store.insert("input", {"project": "sandbox", "status": "success", "file_id": first, "created_time": 0.0})
    for file_id, status in ((first, "processing"), (second, "init")):
        facts = {"project": "sandbox", "status": status, "file_id": file_id, "created_time": 0.0, "due": 1e15}
        sandbox._store.insert("input", facts | {"percent_complete": 38.0})
    assert [record.file_id for record in client.unfinished()] == [second, first]
    (record,) = client.unfinished(file_id=first)
    assert (record.percent_complete, record.created_time[:10]) == (38.0, "1970-01-01")


def test_a_server_that_is_gone_is_said_so():
    """Not taken for one without pages."""
    with a_client("http://127.0.0.1:9") as client, pytest.raises(Unreachable):
        list(Bulk(client, 1).boxes([FileRecord(id=n, type="image") for n in range(40)], by_pages=True))
