"""A push whose boxes were all dropped is no success, unless that was wanted."""

from sending.pushing import predictions, push


def test_c31_a_push_of_which_nothing_is_left_ends_with_exit_code_1(sandbox, diffgram, folder):
    """All boxes lie outside of their images; pushing the same run again, which sends nothing either, is one."""
    assert push(diffgram, predictions(folder)).exit_code == 0
    again = push(diffgram, predictions(folder))
    assert (again.tally.kept, again.exit_code) == (0, 0)
    for path in (folder / "labels").iterdir():
        path.write_text("0 1.4 0.5 0.2 0.2 0.9\n")
    report = push(diffgram, predictions(folder), run="other")
    assert report.tally.dropped == {"outside-image": 2}
    assert report.exit_code == 1


def test_boxes_under_the_threshold_are_left_out_because_that_is_wanted(sandbox, diffgram, folder):
    """All of them too."""
    report = push(diffgram, predictions(folder).filter(min_score=0.99))
    assert (report.tally.kept, report.exit_code) == (0, 0)
