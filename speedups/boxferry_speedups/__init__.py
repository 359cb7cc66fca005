"""Compiled twins of a few functions of boxferry; `boxferry.parsing.compiled` says what each gives."""

from boxferry_speedups.lists import instance_lists, whole_edges
from boxferry_speedups.objects import voc_objects, voc_rows
from boxferry_speedups.results import coco_results
from boxferry_speedups.rows import yolo_rows

__version__ = "0.1.0"
INTERFACE = 2  #: what boxferry holds against its own

__all__ = ["coco_results", "instance_lists", "voc_objects", "voc_rows", "whole_edges", "yolo_rows"]
