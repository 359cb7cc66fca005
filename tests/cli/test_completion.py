"""Tab completes commands, options, runs, formats and labels; asks no server."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from boxferry.cli.app import run
from boxferry.outbox.entry import Entry
from boxferry.outbox.outbox import Outbox

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.fixture
def outbox(tmp_path, monkeypatch):
    """With one run, whose packet has a box with the label 'head'."""
    path = tmp_path / "outbox.sqlite"
    reference = '"creation_ref_id": "boxferry:0123456789abcdef:1,2,3,4:head"'
    with Outbox(path) as opened:
        run_id = opened.run(host="http://h", project="p", directory_id=1, model="yolo26n", name="night").id
        body = f'{{"instance_list": [{{"label_file_id": 3, {reference}}}]}}'.encode()
        opened.add(run_id, [Entry(route="upload", file_name="a.jpg", body=body, boxes=1)])
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(path))


@pytest.fixture
def offered(monkeypatch, capsys):
    """What a shell is offered for words of which the last is being typed."""

    def ask(*words, shell="bash"):
        monkeypatch.setenv("_BOXFERRY_COMPLETE", f"{shell}_complete")
        monkeypatch.setenv("COMP_WORDS", "\n".join(["boxferry", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        with pytest.raises(SystemExit):
            run([])
        return [line.split(",", 1)[1] for line in capsys.readouterr().out.splitlines() if "," in line]

    return ask


def test_commands_options_choices_and_formats(offered):
    """Wherever the equals sign is a word of its own, as in bash, too."""
    assert offered("pu") == ["pull", "push"]
    assert offered("push", "--on-e") == ["--on-existing"]
    assert offered("push", "--on-existing", "replace-") == ["replace-own", "replace-all"]
    assert offered("push", "--format", "co") == ["coco"]
    assert offered("push", "--format", "=", "co") == ["coco"]
    assert offered("pull", "--to", "yo") == ["yolo"]


def test_runs_and_models_of_the_outbox(offered, outbox):
    """By the names that the commands take."""
    assert offered("pull", "ni") == ["night"]
    assert offered("status", "--forget", "") == ["night"]
    assert offered("retire", "y") == ["yolo26n"]
    assert offered("push", "--replaces", "") == ["yolo26n"]


def test_the_models_classes_and_the_labels_that_were_sent(offered, outbox):
    """Before and after the equals sign of --map."""
    names = str(FIXTURES / "yolo" / "data.yaml")
    assert offered("push", "--names", names, "--map", "fa") == ["face"]
    assert offered("push", "--names", names, "--map", "cat|fa") == ["cat|face"]
    assert offered("push", "--map", "face", "=", "he") == ["head"]


def test_files_are_left_to_the_shell(offered):
    """Where an option takes a file or a folder; and an outbox that cannot be read offers nothing."""
    assert offered("push", "--images", "im") == ["im"]
    assert offered("pull", "--outbox", __file__, "n") == []


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_bash_takes_the_script(capsys):
    """As one line of the user's start file does it."""
    assert run(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    program = f"boxferry() {{ '{sys.executable}' -c 'from boxferry.cli.main import main; main()' \"$@\"; }}"
    ask = "COMP_WORDS=(boxferry com); COMP_CWORD=1; _boxferry_completion boxferry; echo ${COMPREPLY[@]}"
    text = f"{program}\n{script.replace('env COMP', 'COMP')}\n{ask}"
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["completion"], done.stderr


@pytest.mark.parametrize(("shell", "file"), [("bash", ".bashrc"), ("zsh", ".zshrc")])
def test_install_adds_one_line_to_the_start_file(shell, file, tmp_path, monkeypatch, capsys):
    """Once, after what is there."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.delenv("ZDOTDIR", raising=False)
    (tmp_path / file).write_text("alias ll='ls -l'")
    for _ in range(2):
        assert run(["completion", shell, "--install"]) == 0
    lines = (tmp_path / file).read_text().splitlines()
    assert len(lines) == 2
    assert f"boxferry completion {shell}" in lines[1]
    assert file in capsys.readouterr().err


def test_without_a_shell_it_is_that_of_the_user(monkeypatch, capsys, tmp_path):
    """And one that is not known is an error that lists those that are."""
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert run(["completion", "--install"]) == 0
    assert "boxferry" in (tmp_path / "fish" / "completions" / "boxferry.fish").read_text()
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert run(["completion"]) == 2
    assert "bash, zsh, fish" in capsys.readouterr().err
