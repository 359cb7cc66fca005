"""The correcting page, in a real browser: what a person does with mouse and keyboard is what the API then says."""

import io

import pytest
import requests
from PIL import Image as Picture

from boxferry.sandbox.boxes import new_row
from pages.browsing import browser, errors_of, needs_browser, reaches_out, violations  # noqa: F401 # a fixture

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = needs_browser


def uploaded(sandbox, name, size):
    """A grey image of this size; gives its file id."""
    data = io.BytesIO()
    Picture.new("RGB", size, "grey").save(data, "PNG")
    path = f"{sandbox.host}/api/walrus/v1/project/{sandbox.project}/input/from_local"
    parts = {"file": (name, data.getvalue()), "json": (None, '{"directory_id": 1}', "application/json")}
    auth = (sandbox.client_id, sandbox.client_secret)
    return requests.post(path, files=parts, auth=auth, timeout=9).json()["file"]["id"]


@pytest.fixture
def image(sandbox):
    """An image of 400x300 with two predictions, 'cat' and 'dog'; gives its file id."""
    store = sandbox._store
    for name in ("cat", "dog", "<script>alert(1)</script>"):
        store.insert("label_file", {"project": sandbox.project, "schema_id": 1, "name": name})
    file_id = uploaded(sandbox, "<b>a.png", (400, 300))
    boxes = [(1, 40, 50, 120, 130, "ref-cat"), (2, 200, 50, 260, 130, "ref-dog")]
    for label, x_min, y_min, x_max, y_max, reference in boxes:
        corners = {"x_min": x_min, "y_min": y_min, "x_max": x_max, "y_max": y_max}
        facts = {
            "type": "box",
            "label_file_id": label,
            "machine_made": True,
            "score": 0.5,
            "creation_ref_id": reference,
        }
        store.add_instances(file_id, [new_row(facts | corners)])
    return file_id


def opened(context, sandbox, image):
    """The page of an image in a window, its two boxes loaded; its errors come with it."""
    page = context.new_page()
    errors = errors_of(page)
    page.goto(f"{sandbox.host}/correct/{image}")
    has_boxes(page, 2)
    return page, errors


def has_boxes(page, count):
    """So many boxes are drawn, are in the list and are said to be there."""
    sync_api.expect(page.locator("#count")).to_contain_text(f"{count:,} boxes")
    drawn = (
        "[...document.querySelectorAll('.shape .line')].flatMap((line) => line.getAttribute('d').match(/M/g)).length"
    )
    assert page.evaluate(drawn) == count
    assert page.locator("#boxes button").count() == min(count, 100)


@pytest.fixture
def page(sandbox, image, browser):  # noqa: F811 # the fixture
    """The page of that image; an error in its script fails the test."""
    context = browser.new_context(viewport={"width": 1000, "height": 800}, bypass_csp=True)
    page, errors = opened(context, sandbox, image)
    yield page
    context.close()
    assert [error for error in errors if "500" not in error] == []


def at(page, x, y):
    """A point of the image in the window."""
    script = "([x, y]) => { const at = new DOMPoint(x, y).matrixTransform(canvas.getScreenCTM()); return [at.x, at.y] }"
    return page.evaluate(script, [x, y])


def drag(page, start, end):
    page.mouse.move(*at(page, *start))
    page.mouse.down()
    page.mouse.move(*at(page, *end), steps=4)
    page.mouse.up()


def saved(sandbox, page, file_id):
    """The boxes that the API gives after a save, by their references."""
    page.locator("#save").click()
    sync_api.expect(page.locator("#said")).to_have_text("saved")
    return {box["creation_ref_id"]: box for box in sandbox._store.instances(file_id)}


def corners(box):
    return [box[name] for name in ("x_min", "y_min", "x_max", "y_max")]


def near(box, wanted):
    """Within two pixels: the window's pixels are not the image's."""
    assert all(abs(one - other) <= 2 for one, other in zip(corners(box), wanted, strict=True)), corners(box)


def test_a_box_is_moved_with_the_mouse(sandbox, page, image):
    """A new version that names the old one; reference and score stay, it is a person's now; the other is untouched."""
    drag(page, (80, 90), (110, 120))
    boxes = saved(sandbox, page, image)
    near(boxes["ref-cat"], [70, 80, 150, 160])
    assert [boxes["ref-cat"][name] for name in ("version", "machine_made", "score")] == [2, False, 0.5]
    assert boxes["ref-cat"]["previous_id"]
    assert [boxes["ref-dog"][name] for name in ("version", "machine_made")] == [1, True]


def test_a_box_is_resized_by_its_corner(sandbox, page, image):
    """One of eight handles."""
    page.mouse.click(*at(page, 80, 90))
    assert page.locator(".handle").count() == 8
    drag(page, (120, 130), (150, 170))
    near(saved(sandbox, page, image)["ref-cat"], [40, 50, 150, 170])


def test_a_box_is_drawn_relabelled_and_deleted(sandbox, page, image):
    """Drawn boxes have a reference of the page's own; labels by list or number."""
    drag(page, (300, 200), (350, 250))
    page.locator("#names button").nth(1).click()
    page.mouse.click(*at(page, 80, 90))
    page.locator("#canvas").press("2")
    page.mouse.click(*at(page, 230, 90))
    page.locator("#canvas").press("Delete")
    boxes = saved(sandbox, page, image)
    assert "ref-dog" not in boxes
    assert boxes["ref-cat"]["label_file_id"] == 2
    (added,) = [box for reference, box in boxes.items() if reference.startswith("sandbox:")]
    near(added, [300, 200, 350, 250])
    assert (added["label_file_id"], added["machine_made"], added["version"]) == (2, False, 1)


def test_the_keyboard_does_it_all(sandbox, page, image):
    """Choose, move by 1 and by 10, resize, undo; what was undone is not saved as a change."""
    canvas = page.locator("#canvas")
    canvas.focus()
    for key in (".", "ArrowRight", "Shift+ArrowDown", "Alt+ArrowRight", ".", "ArrowLeft", "Control+z"):
        canvas.press(key)
    boxes = saved(sandbox, page, image)
    assert corners(boxes["ref-cat"]) == [41, 60, 122, 140]
    assert boxes["ref-dog"]["version"] == 1


def test_a_file_is_marked_as_done(sandbox, page, image):
    """Enter saves, marks it, and stays where there is no next one."""
    page.locator("#canvas").press("Enter")
    sync_api.expect(page.locator("#done")).to_have_text("✓ done")
    assert sandbox.files()[0]["ann_is_complete"] == 1
    page.goto(f"{sandbox.host}/correct/{image}?show=open")
    assert page.locator("#files a").count() == 0
    page.goto(f"{sandbox.host}/correct/{image}?show=done")
    assert page.locator("#files a").count() == 1


def test_a_save_that_fails_loses_nothing(sandbox, page, image):
    """It says so, and can be tried again."""
    drag(page, (80, 90), (110, 120))
    page.route("**/annotation/update", lambda route: route.fulfill(status=500, body="<h1>no</h1>"))
    page.locator("#save").click()
    sync_api.expect(page.locator("#said")).to_contain_text("not saved")
    sync_api.expect(page.locator("#count")).to_have_text("2 boxes, not saved")
    page.unroute("**/annotation/update")
    near(saved(sandbox, page, image)["ref-cat"], [70, 80, 150, 160])


def test_two_thousand_boxes_and_other_peoples_names_are_no_trouble(sandbox, page, image):
    """Nothing that is shown is markup; a box among many can be moved."""
    facts = {"type": "box", "label_file_id": 3, "machine_made": True}
    places = [(n % 390, 250 + n // 390) for n in range(2000)]  # no two are equal: a save would keep one of them
    rows = [
        new_row(facts | {"x_min": x, "x_max": x + 8, "y_min": y, "y_max": y + 10, "creation_ref_id": f"r{n}"})
        for n, (x, y) in enumerate(places)
    ]
    sandbox._store.add_instances(image, rows)
    page.reload()
    has_boxes(page, 2002)
    assert page.locator("h1").inner_text().strip().startswith("ba.png")
    assert "<script>alert(1)" in page.locator("#names").inner_text()
    assert page.locator(".turns span").inner_text() == "1\N{EN DASH}100 of 2,002"
    page.get_by_role("button", name="Boxes before").click()
    assert page.locator(".turns span").inner_text() == "2,001\N{EN DASH}2,002 of 2,002"
    page.locator("#canvas").press(".")
    assert page.locator("#boxes [aria-pressed=true]").inner_text().split()[1] == "cat"
    drag(page, (80, 90), (90, 100))
    assert len(saved(sandbox, page, image)) == 2002


def test_a_small_box_on_a_chosen_one_is_clicked_and_the_chosen_one_is_dragged(sandbox, page, image):
    """Whichever of them came last; with Shift a box is drawn on them."""
    small = {"x_min": 70, "y_min": 80, "x_max": 90, "y_max": 100, "machine_made": True}
    sandbox._store.add_instances(
        image, [new_row({"type": "box", "label_file_id": 2, "creation_ref_id": "small"} | small)]
    )
    page.reload()
    has_boxes(page, 3)
    page.mouse.click(*at(page, 45, 55))
    drag(page, (80, 90), (82, 92))
    page.mouse.click(*at(page, 80, 90))
    page.keyboard.press("Delete")
    boxes = saved(sandbox, page, image)
    assert set(boxes) == {"ref-cat", "ref-dog"}
    near(boxes["ref-cat"], [42, 52, 122, 132])
    page.keyboard.down("Shift")
    drag(page, (60, 70), (80, 90))
    page.keyboard.up("Shift")
    has_boxes(page, 3)


def test_a_very_wide_image_is_shown_as_it_is(sandbox, image):
    """The server scales it and records its sides the wrong way round; the page goes by the picture."""
    file_id = uploaded(sandbox, "wide.png", (8000, 100))
    assert (sandbox.files()[-1]["width"], sandbox.files()[-1]["height"]) == (96, 7680)
    assert 'viewBox="0 0 7680 96"' in requests.get(f"{sandbox.host}/correct/{file_id}", timeout=9).text


def test_tab_leaves_the_image(page):
    """No keyboard trap: it goes on to what comes after the image, and back."""
    page.locator("#canvas").focus()
    page.keyboard.press(".")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('aside') !== null")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.id") == "canvas"


def test_every_change_is_undone_one_after_the_other(sandbox, page, image):
    """Drawn, copied, moved, relabelled, deleted; in the end nothing is left to save."""
    drag(page, (300, 200), (350, 250))
    page.keyboard.press("c")
    has_boxes(page, 4)
    drag(page, (80, 90), (110, 120))
    page.keyboard.press("2")
    page.keyboard.press("Delete")
    has_boxes(page, 3)
    for left in (4, 4, 4, 3, 2):
        page.keyboard.press("Control+z")
        has_boxes(page, left)
    assert page.locator("#undo").is_disabled()
    assert page.locator("#count").inner_text() == "2 boxes"
    assert {box["version"] for box in saved(sandbox, page, image).values()} == {1}


def test_a_copy_is_a_box_of_its_own(sandbox, page, image):
    """Beside the first, with its label, and a person's."""
    page.mouse.click(*at(page, 230, 90))
    page.locator("#copy").click()
    boxes = saved(sandbox, page, image)
    (copy,) = [box for reference, box in boxes.items() if reference.startswith("sandbox:")]
    assert (copy["label_file_id"], copy["machine_made"], copy["score"]) == (2, False, None)
    assert [high - low for low, high in zip(corners(copy)[:2], corners(copy)[2:], strict=True)] == [60, 80]
    assert corners(copy) != corners(boxes["ref-dog"])


def test_the_uncertain_boxes_come_one_after_the_other(sandbox, page, image):
    """Those whose score is nearest to 0.5 first, large; boxes of people are none."""
    corners = {"x_min": 300, "y_min": 10, "x_max": 340, "y_max": 50, "machine_made": True, "score": 0.9}
    sandbox._store.add_instances(
        image, [new_row({"type": "box", "label_file_id": 1, "creation_ref_id": "x"} | corners)]
    )
    page.reload()
    has_boxes(page, 3)
    said = []
    for _ in range(3):
        page.locator("#doubt").click()
        said.append(page.locator("#said").inner_text())
    assert said == ["cat 0.50, 1 of 3", "dog 0.50, 2 of 3", "cat 0.90, 3 of 3"]
    assert float(page.locator("#canvas").get_attribute("viewBox").split()[2]) < 400
    assert page.locator("#boxes [aria-pressed=true]").inner_text().split()[1:] == ["cat", "0.90", "·", "model"]


def test_boxes_have_their_label_and_score_beside_them_and_in_the_list(page):
    """Of the model's; the list chooses and shows them large."""
    assert [text[2:] for text in page.locator(".tag").all_text_contents()] == ["dog 0.50", "cat 0.50"]
    page.locator("#boxes button").nth(1).click()
    assert float(page.locator("#canvas").get_attribute("viewBox").split()[0]) > 0
    assert page.locator(".shape.chosen").count() == 1


def test_two_fingers_zoom_and_one_draws(sandbox, image, browser):  # noqa: F811 # the fixture
    """On a phone of 390 pixels: nothing reaches out, a pinch draws nothing, and a finger does."""
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page, errors = opened(context, sandbox, image)
    assert not reaches_out(page)
    session = context.new_cdp_session(page)

    def touch(kind, *points):
        where = [dict(zip("xy", at(page, *point), strict=True), id=number) for number, point in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": where})

    touch("Start", (150, 200))
    touch("Start", (150, 200), (170, 200))
    touch("Move", (130, 200), (190, 200))
    touch("End")
    assert float(page.locator("#canvas").get_attribute("viewBox").split()[2]) < 400
    has_boxes(page, 2)
    touch("Start", (140, 180))
    touch("Move", (160, 200))
    touch("Move", (180, 220))
    touch("End")
    has_boxes(page, 3)
    context.close()
    assert errors == []


def test_axe_finds_nothing(sandbox, image, browser):  # noqa: F811 # the fixture
    """`make pages` looks at every page in every size and scheme."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="dark", bypass_csp=True)
    page, errors = opened(context, sandbox, image)
    assert violations(page) == []
    context.close()
    assert errors == []
