"""A plugin that raises, ends the program or registers nonsense costs one line, which names its distribution."""

import sys

import pytest

HEAD = "from boxferry import *\nfrom boxferry.hookspecs import hookimpl\nfrom boxferry.formats import Format\n"


def registering(what):
    return f"{HEAD}@hookimpl\ndef boxferry_register_formats(register):\n    {what}\n"


def hooked(hook, what):
    return f"{HEAD}@hookimpl\ndef {hook}:\n    {what}\n"


REFINE = "boxferry_refine(detections, context)"
BUILT = "boxferry_packet_built(packet, context)"
FORMAT = "Format(name='odd', summary='s', sniff=lambda source: 'mine', read=%s)"

#: → the plugin's text, and what its one line says
AT_START = {
    "exits-at-import": ("import sys; sys.exit(7)", "SystemExit: 7"),
    "exits-at-import-silently": ("raise SystemExit", "SystemExit"),
    "interrupts-at-import": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "raises-at-import": ("1 / 0", "ZeroDivisionError: division by zero"),
    "is-no-python": ("def", "SyntaxError"),
    "imports-what-is-missing": ("import nothing_of_this_name", "ModuleNotFoundError"),
    "recurses-at-import": ("def f(): f()\nf()", "RecursionError"),
    "an-error-without-text": (
        "class E(Exception):\n    def __str__(self): 1 / 0\nraise E",
        "E: (an error without a text)",
    ),
    "an-error-of-two-lines": ("raise ValueError('one\\n\\x1b[31mtwo')", r"ValueError: one \x1b[31mtwo"),
    "exits-in-the-hook": (registering("raise SystemExit(0)"), "SystemExit: 0"),
    "interrupts-in-the-hook": (registering("raise KeyboardInterrupt"), "KeyboardInterrupt"),
    "registers-a-text": (registering("register('coco')"), "registered str, expected a Format"),
    "registers-none": (registering("register(None)"), "registered NoneType, expected a Format"),
    "registers-a-format-without-a-name": (
        registering("register(Format(name=None, summary='', sniff=len))"),
        "registered a format called None",
    ),
    "registers-a-steering-name": (
        registering(r"register(Format(name='\x1b[31m', summary='', sniff=len))"),
        r"registered a format called '\x1b[31m'",
    ),
    "registers-a-sniff-that-is-none": (
        registering("register(Format(name='odd', summary='', sniff=3))"),
        "format 'odd': sniff, read, write, catalog and stumble must be functions",
    ),
    "registers-odd-options": (
        registering("register(Format(name='odd', summary='', sniff=len, options=['x']))"),
        "format 'odd': options must be a tuple of Option",
    ),
    "a-hook-of-another-signature": (hooked("boxferry_refine(boxes)", "pass"), "boxes"),
}  # fmt: skip
IN_USE = {
    "refine-exits": (hooked(REFINE, "raise SystemExit(0)"), "failed in boxferry_refine: SystemExit: 0"),
    "refine-interrupts": (hooked(REFINE, "raise KeyboardInterrupt"), "failed in boxferry_refine: KeyboardInterrupt"),
    "refine-raises": (hooked(REFINE, "raise ValueError('no')"), "failed in boxferry_refine: ValueError: no"),
    "refine-gives-nonsense": (hooked(REFINE, "return 'boxes'"), "boxferry_refine returned str, expected Detections"),
    "read-exits": (registering("register(" + FORMAT % "lambda source, context: exit(3)" + ")"), "SystemExit"),
    "read-raises": (registering("register(" + FORMAT % "lambda source, context: iter([1 / 0])" + ")"), "ZeroDivision"),
    "read-raises-later": (
        registering("register(" + FORMAT % "lambda source, context: (1 / 0 for _ in 'a')" + ")"),
        "ZeroDivisionError",
    ),
}


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Installs a plugin of a distribution called 'evil'."""

    def install(text):
        site = tmp_path / "site"
        (site / "evil_boxes-1.0.dist-info").mkdir(parents=True)
        (site / "evil_boxes.py").write_text(text)
        (site / "evil_boxes-1.0.dist-info" / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: evil-boxes\nVersion: 1.0\n"
        )
        (site / "evil_boxes-1.0.dist-info" / "entry_points.txt").write_text("[boxferry]\nevil = evil_boxes\n")
        monkeypatch.syspath_prepend(site)
        monkeypatch.delitem(sys.modules, "evil_boxes", raising=False)

    yield install
    sys.modules.pop("evil_boxes", None)


OWNER = "plugin 'evil' of evil-boxes 1.0"


@pytest.mark.parametrize("name", AT_START)
def test_a_plugin_that_breaks_as_it_is_loaded(name, boxferry, folder, installed):
    """It is left out, in one line, and the command does its work."""
    text, words = AT_START[name]
    installed(text)
    done = boxferry("validate", folder / "labels", "-f", "yolo", "--names", "cat", "--images", folder / "images")
    lines = [line for line in done.lines if "evil" in line]
    assert done.code == 0, done
    assert len(lines) == 1, done
    assert f"{OWNER} is left out: " in lines[0]
    assert words in lines[0]


@pytest.mark.parametrize("name", IN_USE)
def test_a_plugin_that_breaks_at_work(name, boxferry, folder, installed):
    """What it was to do cannot be left out: the command ends with one line."""
    text, words = IN_USE[name]
    installed(text)
    form = "odd" if name.startswith("read") else "yolo"
    done = boxferry(
        "convert", folder / "labels", "-f", form, "--names", "cat", "--images", folder / "images", "-o", folder / "out"
    )
    assert done.code == 2, done
    assert [OWNER in line and words in line for line in done.lines if "evil" in line] == [True], done


def test_a_sniff_that_exits_recognises_nothing(boxferry, folder, installed):
    """The source is looked at by the other formats."""
    installed(registering("register(Format(name='odd', summary='s', sniff=lambda source: exit(3)))"))
    done = boxferry("validate", folder / "labels", "--names", "cat", "--images", folder / "images", "--json")
    assert (done.code, '"format": "yolo"' in done.out) == (0, True), done


@pytest.mark.parametrize("what", ["raise SystemExit(0)", "raise KeyboardInterrupt", "raise ValueError('no')"])
def test_an_observer_that_breaks(what, push, sandbox, installed):
    """A push goes on; the line names the plugin."""
    installed(hooked(BUILT, what))
    done = push()
    assert done.code == 0, done
    assert f"{OWNER} failed in boxferry_packet_built: " in done.err
    assert len(sandbox.files()) == 3
