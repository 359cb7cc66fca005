"""Labels look the same everywhere, and different from each other for everyone; what is shown is escaped."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from boxferry.pages.assets import SCRIPTS, asset, whole_script
from boxferry.pages.colours import FATES, MARKS, PALETTE, look_of, luminance
from boxferry.pages.elements import cards, heading, html_table, script_json, section, whole_page

TO_LMS = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
TO_LAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]]
)  # fmt: skip
#: what people see, on linear sRGB: Machado, Oliveira and Fernandes 2009, at full severity
SEEN = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def oklab(colours, seen):
    """(N, 3) as someone sees them; distances in it are about as large as they look."""
    parts = np.array([[int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in colours])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return np.cbrt(np.clip(linear @ SEEN[seen].T, 0, 1) @ TO_LMS.T) @ TO_LAB.T


@pytest.mark.parametrize("seen", SEEN)
def test_any_two_colours_of_labels_are_far_apart_for_everyone(seen):
    """0.02 is what one can just tell apart side by side; colours that are looked for need several times that."""
    lab = oklab(PALETTE, seen)
    apart = np.sqrt(((lab[:, None] - lab[None]) ** 2).sum(-1))[np.triu_indices(len(PALETTE), 1)]
    assert apart.min() > 0.12


def test_what_is_written_on_a_colour_is_legible():
    """A contrast of 4.5:1 or more, of labels and fates."""
    for look in [*(look_of(f"label {number}") for number in range(100)), *FATES.values()]:
        light, dark = sorted((luminance(look.colour), luminance(look.ink)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, look


def test_a_label_looks_the_same_in_every_process_and_the_usual_ones_differ():
    """By its name alone: not by the others, nor by Python's own hashes."""
    code = "from boxferry.pages.colours import look_of; print(*look_of('car'))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == [*look_of("car")]
    for names in ("person car truck bus bicycle motorcycle van", "cat dog bird horse cow sheep"):
        assert len({look_of(name).colour for name in names.split()}) == len(names.split())
    looks = {look_of(f"label {number}")[::2] for number in range(2000)}
    assert len(looks) == len(PALETTE) * len(MARKS)


def test_fates_have_a_mark_each():
    """Never the colour alone."""
    assert len({look.mark for look in FATES.values()}) == len({look.colour for look in FATES.values()}) == len(FATES)


def test_nothing_that_is_shown_is_markup():
    """In titles, tables, cards, and in what a script reads."""
    nasty = "</script><script>alert(1)</script>&\"'<!--"
    look = {nasty: look_of(nasty)}
    parts = [
        heading(nasty, [nasty], {"x": nasty}), section("x", nasty, []), cards({nasty: nasty}),
        html_table([nasty], [[nasty]], look),
    ]  # fmt: skip
    page = whole_page(nasty, parts, {nasty: nasty})
    assert "alert(1)</script>" not in page
    assert page.count("<script") == 2
    assert "\\u003c/script\\u003e" in script_json({nasty: nasty})


def test_a_page_fetches_nothing_and_runs_its_own_script_only():
    """No address stands in it; the browser is told so too."""
    page = whole_page("t", [])
    assert "http:" not in page
    assert "https:" not in page
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'; img-src data:;" in page
    assert "'sha256-" in page


def test_scripts_are_files_of_their_own_that_need_no_build():
    """Joined in the order in which they need each other; any other name is no asset."""
    for at, name in enumerate(SCRIPTS):
        needed = {line.split('"./')[1].split('"')[0] for line in asset(name).splitlines() if line.startswith("import ")}
        assert needed <= set(SCRIPTS[:at]), name
    assert "\nimport " not in whole_script()
    assert "export " not in whole_script()
    with pytest.raises(KeyError):
        asset("../errors.py")


def test_there_is_one_stylesheet():
    """No page has one of its own, and the sandbox's link to it."""
    import boxferry

    package = Path(boxferry.__file__).parent
    assert [path.name for path in package.rglob("*.css")] == ["style.css"]
    for page in package.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<style" not in text, page
        assert ("<head>" not in text) or '<link rel="stylesheet" href="/pages/style.css">' in text, page
