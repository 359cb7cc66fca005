"""Preview and report in a real browser: looking, filtering, a threshold, the matrix, and all of it by keyboard."""

import re

import pytest

from boxferry.review.judged import Predicted, Stored
from boxferry.review.page import report_page
from boxferry.review.serve import PageServer
from boxferry.review.suspicious import Suspicion, Suspicions
from pages.browsing import browser, errors_of, needs_browser, reaches_out, violations  # noqa: F401 # a fixture
from pages.sources import a_preview, a_review

pytestmark = needs_browser


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The address of a report that is one file."""
    folder = tmp_path_factory.mktemp("report")
    review = a_review(folder, images=4, boxes=12)
    page = report_page([(review, review.summary())], suspicions=[doubts(review.files[2])])
    (folder / "r.html").write_text(page, encoding="utf-8")
    return (folder / "r.html").as_uri()


def doubts(file):
    """One box to look at again: the first that was kept, and a model's box beside it."""
    left = Stored(row_id=1, reference="", label="car", corners=file.judged[0].stored.corners)
    x_min, y_min, x_max, y_max = left.corners
    model = Predicted(reference="x", label="truck", corners=(x_min - 5, y_min, x_max, y_max + 5), score=0.9)
    found = Suspicion(kind="other label", file=file, frame=None, suspicion=0.8, left=left, predicted=model)
    return Suspicions(by="boxferry", boxes=[found])


@pytest.fixture
def page(browser, report):  # noqa: F811 # the fixture
    """The report, open; any error in its scripts, or anything that its policy forbids, fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors = errors_of(page)
    page.goto(report)
    page.locator(".tile").first.wait_for()
    yield page
    context.close()
    assert errors == []


def counts(page, text):
    """Wait until the page says how many images pass: it draws once a frame, and what is served comes in parts."""
    page.locator("#shown", has_text=re.compile(f"^{text}$")).wait_for()


def focused(locator):
    """Wait until it has the focus; the page's policy allows no test to wait by a script of its own."""
    pytest.importorskip("playwright.sync_api").expect(locator).to_be_focused()


def boxes_in_sight(page):
    drawn = "[...document.querySelectorAll('#stage .shape:not(.faded) .line')].map((line) => line.getAttribute('d'))"
    return sum(path.count("M") for path in page.evaluate(drawn))


def test_the_keyboard_alone_looks_at_every_image(page):
    """Enter opens one, arrows go on, plus and shifted arrows zoom and pan, Escape comes back to its tile."""
    page.locator(".tile").nth(1).focus()
    page.keyboard.press("Enter")
    assert page.locator("#position").inner_text() == "2 of 4"
    page.keyboard.press("ArrowRight")
    assert page.locator("#viewer-title").inner_text() == page.locator(".tile .name").nth(2).inner_text()
    wide = page.locator("#stage").get_attribute("viewBox").split()[2]
    page.keyboard.press("+")
    page.keyboard.press("Shift+ArrowRight")
    assert float(page.locator("#stage").get_attribute("viewBox").split()[2]) < float(wide)
    page.keyboard.press("Escape")
    page.wait_for_function(
        "document.activeElement === document.querySelectorAll('.tile')[2]"
    )  # it closes in a task of its own


def test_boxes_have_label_and_score_and_layers_are_shown_apart(page):
    """What was sent, what it became, what people drew; names are text, whatever is in them."""
    page.locator(".tile").first.click()
    assert "<b>van</b>" in page.locator("#boxes").inner_text()
    assert any("car 0." in text for text in page.locator(".tag").all_text_contents())
    assert page.locator("#boxes li").count() == 16  # 12, of which 4 were moved or relabelled and stand there twice
    page.locator("#layer-predicted").uncheck()
    assert page.locator("#boxes li").count() == 10
    page.locator("#layer-peoples").uncheck()
    assert page.locator("#boxes li").count() == 8
    page.locator("#boxes button").first.click()
    assert page.locator(".shape.chosen").count() == 1


def test_a_click_on_a_box_chooses_it(page):
    """In the large view; a click beside it none; its line in the list is marked."""
    page.locator(".tile").first.click()
    x, y, *_ = boxes = page.evaluate("""() => {
      const [x, y] = document.querySelector("#stage .line").getAttribute("d").match(/[0-9.]+/g).map(Number);
      const at = new DOMPoint(x, y).matrixTransform(document.getElementById("stage").getScreenCTM());
      return [at.x, at.y];
    }""")
    assert len(boxes) == 2
    page.mouse.click(x, y)
    assert page.locator("#boxes [aria-pressed=true]").count() == 1
    stage = page.locator("#stage").bounding_box()
    page.mouse.click(stage["x"] + 3, stage["y"] + 3)
    assert page.locator("#boxes [aria-pressed=true]").count() == page.locator(".shape.chosen").count() == 0


def test_filters_leave_the_images_and_boxes_that_pass(page):
    """By name, by fate, by label and score; cleared, all are there again."""
    page.locator("#name").fill("i00002")
    counts(page, "1 of 4 images")
    page.locator("#clear").click()
    page.get_by_role("checkbox", name="deleted").check()
    counts(page, "4 images")
    page.locator(".tile").first.click()
    assert boxes_in_sight(page) == 2
    page.keyboard.press("Escape")
    page.locator("#low").fill("2")
    page.locator("#low").press("Tab")
    page.locator("#nothing").wait_for()
    page.locator("#clear").click()
    counts(page, "4 images")


def test_the_threshold_recounts_and_finds_the_cheapest(page):
    """What would be sent, and what correcting would have cost."""
    assert page.locator("#recount strong").inner_text() == "40 of 40 boxes (100%) would be sent"
    page.locator("#threshold").focus()
    page.keyboard.press("End")
    assert page.locator("#recount strong").inner_text() == "0 of 40 boxes (0%) would be sent"
    page.locator("#cheapest").click()
    told = page.locator("#recount").inner_text()
    assert "saved" in told
    assert page.locator("#threshold").get_attribute("aria-valuetext").endswith("would be sent")


def test_a_cell_of_the_matrix_filters_and_a_column_sorts(page):
    """Another click on the cell shows all images again."""
    cell = page.locator(".heat button[aria-label*=' to ']").first
    cell.click()
    page.locator("#cell").wait_for()
    page.locator(".tile").first.click()
    assert boxes_in_sight(page) == 2  # as it was sent, and as it is now, lie on each other: one label each
    page.keyboard.press("Escape")
    cell.click()
    assert not page.locator("#cell").is_visible()
    first = page.locator("#labels tbody tr td:first-child")
    assert first.all_inner_texts()[-1] == "all"
    page.locator("#labels th button").first.click()
    page.locator("#labels th button").first.click()
    assert [text.lstrip("●■▲◆▼★✚◢") for text in first.all_inner_texts()][::4] == ["truck", "all"]


def test_a_suspicious_box_leads_to_its_image(page):
    """Large, at its place, though a filter hides the image; the focus comes back to the link."""
    page.locator("#name").fill("i00000")
    page.locator("#again a").focus()
    page.keyboard.press("Enter")
    assert page.locator("#viewer-title").inner_text() == page.locator("#again a").inner_text() == "i00002.jpg"
    assert float(page.locator("#stage").get_attribute("viewBox").split()[3]) < 200
    counts(page, "4 images")
    page.keyboard.press("Escape")
    focused(page.locator("#again a"))


def test_a_served_page_has_all_images(browser, tmp_path):  # noqa: F811 # the fixture
    """They come in parts; thumbnails when they are in sight; more tiles when the end is near."""
    preview = a_preview(tmp_path, images=130, boxes=2, most=None)
    with PageServer(preview.pictured) as server:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        errors, asked = errors_of(page), []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(server.address)
        page.locator(".tile img").first.wait_for()
        counts(page, "130 images")
        assert page.locator(".tile").count() == 60
        page.locator("#more").scroll_into_view_if_needed()
        page.locator(".tile").nth(119).wait_for()
        assert all(url.startswith(server.address) for url in asked)
        context.close()
    assert errors == []


def test_axe_finds_nothing_and_nothing_reaches_out(browser, report):  # noqa: F811 # the fixture
    """The page and its large view; `make pages` looks at every page in every size and scheme."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark", bypass_csp=True)
    page = context.new_page()
    page.goto(report)
    assert not reaches_out(page)
    assert violations(page) == []
    page.locator(".tile").first.click()
    assert violations(page) == []
    context.close()
