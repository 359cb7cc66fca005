"""A user without a home, a system without a temporary folder, a volume of another user: one line each."""

import errno
import os
import tempfile

import platformdirs
import pytest

from boxferry.cli.app import run as boxferry
from boxferry.outbox.outbox import Outbox


@pytest.fixture
def homeless(monkeypatch):
    """A user whom the system does not know, as `docker run --user` makes one."""

    def none(*_, **__):
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr(platformdirs, "user_config_path", none)
    monkeypatch.setattr(platformdirs, "user_state_path", none)
    for name in ("DIFFGRAM_CONFIG", "BOXFERRY_OUTBOX"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_home_there_is_no_configuration_file(homeless, capsys):
    """All can be set by the environment; the outbox has to be named."""
    assert boxferry(["formats"]) == 0
    capsys.readouterr()
    assert boxferry(["status"]) == 2
    assert capsys.readouterr().err == "boxferry: there is no home directory: name the outbox, BOXFERRY_OUTBOX\n"


def test_without_a_temporary_folder_a_command_that_needs_one_says_so(monkeypatch, capsys):
    """As on a read-only file system, which is also why it cannot name the folder."""

    def none(*_, **__):
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    monkeypatch.setattr(tempfile, "TemporaryDirectory", none)
    assert boxferry(["sandbox"]) == 2
    assert capsys.readouterr().err == "boxferry: TMPDIR: No usable temporary directory found in ['/tmp']\n"


def test_an_outbox_where_one_may_not_write_is_one_line_with_the_systems_words(tmp_path, monkeypatch):
    """The file is named once."""

    def denied(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "x")

    monkeypatch.setattr("boxferry.outbox.outbox.prepare", denied)
    with pytest.raises(Exception, match=rf"^{tmp_path}/o\.sqlite: Permission denied$"), Outbox(tmp_path / "o.sqlite"):
        pass
