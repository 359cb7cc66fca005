"""Sources at URLs: what is read is what the same files give on this machine."""

import builtins
import gzip
import json
import shutil

import pytest

from boxferry.boxes.tally import Tally
from boxferry.cli.app import run
from boxferry.errors import InputError, UsageError
from boxferry.plan.source import name_of_source
from boxferry.reading.names import load_class_names
from boxferry.reading.read import read
from boxferry.reading.source import source_of

LABELS = {f"run/labels/{name}.txt": f"0 .5 .5 .{size} .2\n" for name, size in (("a", 2), ("b", 3), ("sub/c", 4))}
RESULTS = json.dumps([{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}])
DATASET = json.dumps(
    {"images": [{"id": 1, "file_name": "x.jpg", "width": 64, "height": 48}], "categories": [{"id": 1, "name": "cat"}],
     "annotations": []}
)  # fmt: skip
TREE = {
    **LABELS,
    "run/data.yaml": "names: names.txt\n",
    "run/names.txt": "cat\ndog\n",
    "run/.cache/hidden.txt": "0 .5 .5 .5 .5\n",
    "coco/results.json": RESULTS,
    "coco/dataset.json": DATASET,
    "coco/results.json.gz": gzip.compress(RESULTS.encode()),
    "voc/one.xml": "<annotation><filename>x.jpg</filename><size><width>64</width><height>48</height></size><object>"
    "<name>cat</name><bndbox><xmin>2</xmin><ymin>3</ymin><xmax>9</xmax><ymax>8</ymax></bndbox></object></annotation>",
    "mot/seq/det/det.txt": "1,-1,1,2,3,4,.5,-1,-1,-1\n",
    "mot/seq/seqinfo.ini": "[Sequence]\nname=walk\nimWidth=64\nimHeight=48\nseqLength=3\n",
}


def write_tree(folder):
    for path, data in TREE.items():
        (target := folder / path).parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder


@pytest.fixture(params=["memory", "web", "web without ranges"])
def base(request, tmp_path, memory, web):
    """The tree behind a URL, and the same tree on this machine."""
    folder = write_tree(tmp_path / "tree")
    if request.param == "memory":
        memory({f"/bucket/{path}": data for path, data in TREE.items()})
        return "memory://bucket/", f"{folder}/"
    return web(folder, ranges=request.param == "web").url, f"{folder}/"


def boxes_of(source, **options):
    """Every box with its image, and with where it comes from, below the source."""
    found = read(source, **options)
    return sorted(
        (image.key, chunk.labels[label], tuple(box))
        for chunk in found.chunks(Tally())
        for image, rows in chunk.each_image()
        for label, box in zip(chunk.label[rows].tolist(), chunk.xyxy[rows].tolist(), strict=True)
    )


SOURCES = {
    "yolo": ("run/labels/", {"names": "cat,dog", "size": "64x48"}),
    "yolo glob": ("run/labels/*.txt", {"names": "cat,dog", "size": "64x48"}),
    "yolo glob of folders": ("run/*/**", {"names": "cat,dog", "size": "64x48"}),
    "yolo file": ("run/labels/a.txt", {"names": "cat,dog", "size": "64x48"}),
    "voc": ("voc/", {}),
    "mot": ("mot/seq/det/det.txt", {"options": {"mot-label": "person"}}),
    "mot folder": ("mot/", {"options": {"mot-label": "person"}}),
}


@pytest.mark.parametrize(("path", "options"), SOURCES.values(), ids=SOURCES)
def test_what_is_read_is_what_the_same_files_give_here(base, path, options):
    there, here = base
    expected = boxes_of(here + path, **options)
    assert expected
    assert boxes_of(there + path, **options) == expected


@pytest.mark.parametrize("path", ["coco/results.json", "coco/results.json.gz"])
def test_results_names_and_categories_come_from_urls(base, path):
    there, here = base
    expected = boxes_of(here + path, categories=here + "coco/dataset.json")
    assert boxes_of(there + path, categories=there + "coco/dataset.json") == expected


def test_names_follow_a_file_beside_them(base):
    there, _ = base
    assert load_class_names(there + "run/data.yaml").names == {0: "cat", 1: "dog"}


@pytest.mark.parametrize("elsewhere", ["../secret.txt", "memory://other/names.txt"])
def test_a_strangers_data_yaml_leads_to_nothing_outside_its_folder(memory, elsewhere):
    memory({"/b/run/data.yaml": f"names: {elsewhere}\n", "/b/secret.txt": "cat\n", "/other/names.txt": "cat\n"})
    with pytest.raises(InputError, match=r"lies outside the yaml's folder|no such file of class names"):
        load_class_names("memory://b/run/data.yaml")


def test_jobs_read_the_same(base):
    there, here = base
    assert boxes_of(there + "voc/", jobs=2) == boxes_of(here + "voc/")


def test_a_folder_here_and_a_folder_there_are_one_source(base):
    there, here = base
    options = {"names": "cat,dog", "size": "64x48"}
    mixed = boxes_of([there + "run/labels/sub/", here + "run/labels/a.txt"], **options)
    assert [(key, label) for key, label, _ in mixed] == [("a", "cat"), ("c", "cat")]


def test_several_urls_are_relative_to_what_they_have_in_common(base):
    there, _ = base
    source = source_of([there + "run/labels/sub/", there + "run/labels/a.txt"])
    assert [relative for relative, _ in source.files()] == ["sub/c.txt", "a.txt"]


def test_messages_name_the_url_and_the_line(base):
    there, _ = base
    with pytest.raises(InputError, match="class ids need names"):
        boxes_of(there + "run/labels/", size="64x48")
    with pytest.raises(InputError, match=f"{there}run/none.json: cannot be read: no such file"):
        read(there + "run/none.json")
    with pytest.raises(InputError, match="no file matches"):
        read(there + "run/*.none")


def test_small_files_are_fetched_many_at_the_same_time(tmp_path, web, monkeypatch):
    """A window grows to hundreds of files; none is fetched twice but those that recognition looks at."""
    from boxferry.remote import ahead

    (labels := tmp_path / "labels").mkdir()
    for number in range(300):
        (labels / f"{number:04}.txt").write_text("0 .5 .5 .2 .2\n")
    server, windows, fetch = web(tmp_path), [], ahead.read_many
    monkeypatch.setattr(ahead, "read_many", lambda urls: windows.append(len(urls)) or fetch(urls))
    assert len(boxes_of(server.url + "labels/", names="cat", size="64x48")) == 300
    assert max(windows) >= 128
    gets = [path for method, path, _ in server.asked if method == "GET" and path.endswith(".txt")]
    assert len(gets) < 300 + 150


def test_windows_are_bounded_by_bytes():
    from boxferry.remote.ahead import MOST_BYTES, Window

    urls = [f"memory://{i}" for i in range(10)]
    fetched = []
    window = Window(urls, lambda some: fetched.append(len(some)) or list(some), lambda _: MOST_BYTES // 3)
    assert [window.at(i) for i in range(10)] == urls
    assert max(fetched) == 3


def test_a_large_file_is_streamed(tmp_path, web):
    """No more than a few blocks of it are in memory."""
    import tracemalloc

    item = '{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}'
    (tmp_path / "large.json").write_text("[" + ",\n".join([item] * 400_000) + "]")
    source = source_of(web(tmp_path).url + "large.json")
    tracemalloc.start()
    with source.open() as stream:
        total = sum(len(block) for block in iter(lambda: stream.read(1 << 16), b""))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == (tmp_path / "large.json").stat().st_size > 25 << 20
    assert peak < 6 << 20


def test_without_the_extra_one_line_names_it(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "fsspec":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        UsageError, match=r"^s3://bucket/x: a URL needs the extra 'remote': pip install '\.\[remote\]'$"
    ):
        read("s3://bucket/x")


def test_a_url_that_fsspec_does_not_know_is_one_line():
    pytest.importorskip("fsspec")
    with pytest.raises(InputError, match=r"^nosuch://x/y: .*nosuch"):
        read("nosuch://x/y")


def test_the_query_of_a_signed_url_is_in_no_message_and_no_name(tmp_path, web):
    write_tree(tmp_path)
    (tmp_path / "bad.json").write_text('[{"image_id": 1, "category_id": 1, "bbox": [1, 2], "score": 0.5}, oops')
    server = web(tmp_path)
    source = source_of(server.url + "coco/results.json?X-Signature=s3cret")
    assert source.name == server.url + "coco/results.json"
    assert source.open().read() == RESULTS.encode()
    assert server.asked[-1][1] == "/coco/results.json?X-Signature=s3cret"
    for path in ("bad.json", "none.json"):
        with pytest.raises(InputError) as caught:
            boxes_of(server.url + f"{path}?X-Signature=s3cret", categories=server.url + "coco/dataset.json?s=s3cret")
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(("answer", "reason"), [(403, "access is denied"), (500, "the server answered 500")])
def test_what_a_server_answers_is_said_without_the_query(tmp_path, web, answer, reason):
    server = web(write_tree(tmp_path), answer=answer)
    with pytest.raises(InputError, match=reason) as caught:
        read(server.url + "coco/results.json?token=s3cret")
    assert "s3cret" not in str(caught.value)


def test_a_server_that_is_not_there_is_one_line():
    pytest.importorskip("aiohttp")
    with pytest.raises(InputError, match=r"^http://127.0.0.1:9/x.json: cannot be read: the server cannot be reached: "):
        read("http://127.0.0.1:9/x.json")


def test_a_cache_is_used_only_where_it_is_asked_for(tmp_path, web, memory):
    """What changes between two looks is seen."""
    memory({"/bucket/labels/a.txt": "0 .5 .5 .2 .2\n"})
    options = {"names": "cat", "size": "64x48"}
    assert len(boxes_of("memory://bucket/labels", **options)) == 1
    memory({"/bucket/labels/b.txt": "0 .5 .5 .2 .2\n"})
    assert len(boxes_of("memory://bucket/labels", **options)) == 2
    shutil.copytree(write_tree(tmp_path / "tree"), tmp_path / "web")
    server = web(tmp_path / "web")
    assert len(boxes_of(server.url + "run/labels/", **options)) == 3
    (tmp_path / "web/run/labels/d.txt").write_text("0 .5 .5 .2 .2\n")
    assert len(boxes_of(server.url + "run/labels/", **options)) == 4


@pytest.mark.parametrize("to", ["coco", "yolo"])
def test_what_is_written_goes_to_no_folder_that_looks_like_a_url(memory, tmp_path, monkeypatch, to):
    monkeypatch.chdir(tmp_path)
    memory({"/b/labels/a.txt": "0 .5 .5 .2 .2\n"})
    names = ["--names", "cat", "--size", "64x48"]
    assert run(["convert", "memory://b/labels", *names, "--to", to, "-o", "s3://bucket/out"]) == 2
    assert list(tmp_path.iterdir()) == []
    assert run(["convert", "memory://b/labels", *names, "--to", to, "-o", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://fleet", "fleet"),
        ("s3://fleet/labels/", "fleet"),
        ("s3://fleet/night#2/labels", "night#2"),
        ("https://user:s3cret@host/run1/labels/?sig=s3cret", "run1"),
    ],
)
def test_a_runs_name_comes_from_the_url_and_not_from_this_machine(url, name):
    assert name_of_source(url) == name


def test_names_in_a_web_servers_listing_are_decoded(tmp_path, web):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/café 1.txt").write_text("0 .5 .5 .2 .2\n")
    (tmp_path / "labels/a[1].txt").write_text("0 .5 .5 .2 .2\n")
    found = boxes_of(web(tmp_path).url + "labels/", names="cat", size="64x48")
    assert [key for key, *_ in found] == ["a[1]", "café 1"]
