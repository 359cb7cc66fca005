"""Annotation files of Pascal VOC, made of their parts."""

from dataclasses import replace

from boxferry.reading.source import source_of
from formats.reading import FORMATS, a_context, read, write_text

SIZE = "<size><width>100</width><height>80</height><depth>3</depth></size>"


def corners(*values):
    tags = ("xmin", "ymin", "xmax", "ymax")
    return "<bndbox>" + "".join(f"<{t}>{v}</{t}>" for t, v in zip(tags, values, strict=True)) + "</bndbox>"


BOX = corners(11, 21, 30, 40)


def an_object(box=BOX, *, name="cat", more=""):
    return f"<object><name>{name}</name>{more}{box}</object>"


def an_annotation(*objects, filename="a.jpg", size=SIZE, more=""):
    return f"<annotation><filename>{filename}</filename>{size}{more}{''.join(objects)}</annotation>"


def one(tmp_path, text, *, name="a.xml", **options):
    """The boxes of one file, and the tally."""
    write_text(tmp_path / name, text)
    return read("voc", tmp_path, **options)


def a_chunk(tmp_path, text, *, polygons=False, attributes=(), **options):
    """The chunk of one file, and the tally; with outlines and further fields where they are asked for."""
    write_text(tmp_path / "a.xml", text)
    context = replace(a_context("voc", **options), polygons=polygons, attributes=attributes)
    (chunk,) = FORMATS["voc"].read(source_of(tmp_path), context)
    return chunk, context.tally
