"""What a push gives: its files one by one, a failure that names them, a table, a short repr, and a pickle."""

import pickle

import pytest

from boxferry.deliver.report import FileResult
from boxferry.errors import BoxferryError
from sending.pushing import predictions, push


def test_the_files_of_a_push_are_listed_with_state_and_boxes(sandbox, diffgram, folder):
    result = push(diffgram, predictions(folder))
    assert result.files
    assert {each.state for each in result.files} == {"applied"}
    assert sum(each.boxes for each in result.files) == result.tally.kept
    assert all(isinstance(each.file_id, int) and not each.reason for each in result.files)
    assert repr(result).startswith("<PushResult: run r, exit code 0, ")
    assert "applied" in result._repr_html_()
    assert "applied" in result.files._repr_html_()
    again = pickle.loads(pickle.dumps(result))
    assert again.files == result.files


def test_the_files_of_a_dry_run_are_planned(sandbox, diffgram, folder):
    result = push(diffgram, predictions(folder), dry_run=True)
    assert [each.name for each in result.files] == [each.file_name for each in result.planned]
    assert {each.state for each in result.files} == {"planned"}


def test_a_table_has_a_file_a_row(sandbox, diffgram, folder):
    pytest.importorskip("pandas")
    table = push(diffgram, predictions(folder), dry_run=True).to_pandas()
    assert list(table.columns) == list(FileResult._fields)
    assert len(table)


def test_a_failure_names_the_files(sandbox, diffgram, folder):
    result = push(diffgram, predictions(folder))
    diffgram.outbox._db.execute("UPDATE packet SET state = 'refused', reason = 'it is full' WHERE id = 1")
    failed = diffgram.resume("r")
    name = result.files[0].name
    with pytest.raises(BoxferryError, match=f"{name}: refused: it is full") as raised:
        failed.raise_for_failures()
    assert raised.value.exit_code == failed.exit_code == 1


def test_a_failure_names_the_images_that_were_not_sent(sandbox, diffgram, folder):
    """With the reason and the remedy, as keyword arguments."""
    push(diffgram, predictions(folder))
    failed = push(diffgram, predictions(folder), run="another")
    with pytest.raises(BoxferryError, match=r"; '?a.*is in the directory already: choose on_existing=append"):
        failed.raise_for_failures()


def test_all_runs_that_have_not_ended_are_gone_on_with(sandbox, diffgram, folder):
    push(diffgram, predictions(folder), run="one", wait_s=0)
    push(diffgram, predictions(folder), run="two", on_existing="append")
    ended = diffgram.resume(wait_s=20)
    assert {each.run.name for each in ended} <= {"one"}
    assert diffgram.unfinished() == diffgram.resume() == []
