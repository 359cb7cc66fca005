"""A packet that was rewritten to append its rest, and whose first attempt has no answer, brings each box once."""

import pytest

from boxferry import Diffgram
from boxferry.plan.patience import Patience
from sending.pushing import A_BOXES, boxes_in, predictions, push, server_of

PATIENCE = Patience(wait_s=5.0, settle_s=0.2, first_pause_s=0.01, failures=2)


def after(client, first):
    """An upload that another machine's comes before."""
    upload = client.upload

    def later(name, *more):
        first(name)
        return upload(name, *more)

    return later


@pytest.mark.parametrize("arrives", [True, False], ids=["carried out", "not carried out"])
@pytest.mark.parametrize("deleted", [False, True], ids=["nobody looked", "a person deleted one"])
def test_the_rest_of_a_packet_comes_once(sandbox, diffgram, folder, tmp_path, monkeypatch, arrives, deleted):
    """Another machine made the file with one of two boxes; then the command is killed as it sends the rest.

    What a person deletes of the rest meanwhile stays away.
    """
    client = diffgram.workspace.client
    send = client.send_packet

    (folder / "labels" / "b.txt").unlink()

    def first(name):
        some = predictions(folder).filter(min_score=0.5)
        with Diffgram(server_of(sandbox), outbox=tmp_path / "other.sqlite") as other:
            assert push(other, some, create_empty=False).exit_code == 0

    def lost(body):
        if arrives:
            send(body)
        raise KeyboardInterrupt  # broken off before the answer

    monkeypatch.setattr(client, "upload", after(client, first))
    monkeypatch.setattr(client, "send_packet", lost)
    with pytest.raises(KeyboardInterrupt):
        push(diffgram, predictions(folder), create_empty=False, patience=PATIENCE)
    monkeypatch.undo()
    assert sandbox.wait_idle()
    rest = A_BOXES[0]
    assert boxes_in(sandbox, "a.jpg") == (A_BOXES if arrives else A_BOXES[1:])
    expected = A_BOXES
    if deleted and arrives:
        (row,) = [row for row in sandbox.boxes("a.jpg") if row["x_min"] == rest[0]]
        sandbox._store.delete_instances([row["id"]])
        expected = A_BOXES[1:]
    for _ in range(3):
        diffgram.resume("r", patience=PATIENCE)
        push(diffgram, predictions(folder), create_empty=False, patience=PATIENCE)
    assert boxes_in(sandbox, "a.jpg") == expected
