"""In a notebook: predictions, plans, results and reviews are shown, and progress is one bar rather than lines."""

import sys
from types import ModuleType
from types import SimpleNamespace as Thing

import pytest
from PIL import Image as Picture

from boxferry import read
from boxferry.boxes.detections import Detections, Image
from boxferry.pages.notebook import Bar, Watch, in_notebook
from boxferry.plan.plan_file import read_plan
from boxferry.review.summary import Clicks
from pages.sources import a_review
from sending.pushing import predictions, push


@pytest.fixture
def outputs(monkeypatch):
    """What IPython, of which this is a stand-in, was given to show: of each output all that it has been."""
    shown = []

    class Handle:
        def __init__(self, html):
            shown.append([html])
            self.at = len(shown) - 1

        def update(self, html):
            shown[self.at].append(html)

    shell, display = ModuleType("IPython"), ModuleType("IPython.display")
    shell.get_ipython = lambda: Thing(kernel=object())
    display.HTML = str
    display.display = lambda html, display_id: Handle(html)
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return shown


def test_a_push_is_one_bar(outputs, sandbox, diffgram, folder):
    """Of its packets, up to the last; what `listener` is given takes its place."""
    assert push(diffgram, predictions(folder), run="r").exit_code == 0
    (bar,) = outputs
    assert 'value="0" max="3"' in bar[0]
    assert "push: 3 of 3 packets, 3 sent" in bar[-1]
    diffgram.pull("r")
    assert "reading: 3 of 3 files" in outputs[1][-1]
    assert len(outputs) == 2


def test_there_is_no_bar_elsewhere(capsys, sandbox, diffgram, folder):
    """Nothing is printed by the library."""
    assert not in_notebook()
    push(diffgram, predictions(folder), run="r")
    assert capsys.readouterr().out == ""


def test_a_bar_is_drawn_a_few_times_a_second(outputs):
    """However often it hears; the end is drawn always, and names are no markup."""
    clock = iter([0.0, 0.01, 0.1, 0.25, 0.26, 0.27])
    bar = Bar("<b>push", "packets", clock=lambda: next(clock))
    for done in range(6):
        bar.show(done, 5)
    ((first, *later),) = outputs
    assert "&lt;b&gt;push: 0 of 5 packets" in first
    assert [text.split(": ")[-1][:6] for text in later] == ["3 of 5", "5 of 5"]


def test_what_begins_anew_has_a_bar_of_its_own(outputs):
    """Two directories, one after the other."""
    watch = Watch("reading", "files")
    for done in (0, 2, 0, 2):
        watch(done, 2)
    assert len(outputs) == 2


def test_predictions_in_memory_are_shown_with_their_pictures(tmp_path):
    """The first images, each box with its label and score; a script or a style is none of it."""
    Picture.new("RGB", (60, 40), "grey").save(tmp_path / "a.png")
    boxes = Detections.from_counts([Image("a.png")], [1], [[1, 1, 30, 30]], [0], ("<i>cat",), score=[0.9])
    html = read(boxes, images=tmp_path).collect()._repr_html_()
    assert html.count('<image href="data:image/png;base64,') == 1
    assert "&lt;i&gt;cat 0.90</text>" in html
    assert "<i>" not in html
    assert "<script" not in html
    assert "<style" not in html


def test_a_plan_and_its_result_are_shown(diffgram, folder, tmp_path):
    """The first files with what becomes of them."""
    push(diffgram, predictions(folder), run="<r>", plan=tmp_path / "plan.json")
    html = read_plan(tmp_path / "plan.json")._repr_html_()
    assert "Plan of run &lt;r&gt;" in html
    assert "<td>a.jpg</td><td>upload</td><td>new</td><td>2</td>" in html
    assert "applied" in push(diffgram, predictions(folder), run="r")._repr_html_()


def test_a_review_and_its_report_show_what_people_did(tmp_path):
    """Fates by label, and the most corrected images, drawn."""
    from boxferry.review.report import reports_of

    review = a_review(tmp_path, images=8, boxes=12)
    (report,) = reports_of([review], Clicks())
    assert report._repr_html_() == review._repr_html_()
    html = review._repr_html_()
    assert "<td>&lt;b&gt;van&lt;/b&gt;</td>" in html
    assert html.count("<figure>") == 6
    assert "had to be corrected" in html
    assert "8 corrections; as it was sent dashed" in html
