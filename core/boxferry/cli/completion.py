"""`boxferry completion`: what a shell needs to complete commands, options, runs, formats and labels."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from boxferry.cli.bash import BashWords
from boxferry.cli.command import Command
from boxferry.cli.output import say
from boxferry.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import ShellComplete

SHELLS: Final = ("bash", "zsh", "fish")
MARK: Final = "# boxferry: completion"


@click.command("completion", cls=Command)
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.option("--install", is_flag=True, help="Switch it on for new terminals, in the shell's start file.")
def completion_command(shell: str | None, install: bool) -> None:
    """Print the script by which SHELL completes boxferry's commands, options, runs, formats and labels with Tab.

    Without SHELL it is the one that $SHELL names. Nothing on the server is asked: runs and labels are those of the
    outbox.
    """
    chosen = shell or _own_shell()
    if not install:
        click.echo(script(chosen), nl=False)
        return
    path = _installed(chosen)
    say(f"completion for {chosen} is on in new terminals: {path}")


def script(shell: str) -> str:
    """The script of a shell."""
    from click.shell_completion import get_completion_class

    from boxferry.cli.app import COMPLETE_VARIABLE, app

    made: type[ShellComplete] | None = BashWords if shell == "bash" else get_completion_class(shell)
    if made is None:
        raise UsageError(f"{shell}: choose one of {', '.join(SHELLS)}")
    return made(app, {}, "boxferry", COMPLETE_VARIABLE).source()


def _own_shell() -> str:
    name = Path(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise UsageError(f"which shell? choose one of {', '.join(SHELLS)}: boxferry completion bash")
    return name


def _installed(shell: str) -> Path:
    """Write the file that the shell reads at its start, or add to it; gives its path."""
    if shell == "fish":
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        path = folder / "fish" / "completions" / "boxferry.fish"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script(shell), encoding="utf-8")
        return path
    path = Path(os.environ.get("ZDOTDIR") or Path.home()) / ".zshrc" if shell == "zsh" else Path.home() / ".bashrc"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if MARK not in text:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{'' if text.endswith(chr(10)) or not text else chr(10)}{_start_line(shell)}\n")
    return path


def _start_line(shell: str) -> str:
    begin = "autoload -Uz compinit && compinit; " if shell == "zsh" else ""
    command = f'eval "$({shlex.join(["boxferry", "completion", shell])})"'
    return f"command -v boxferry >/dev/null && {{ {begin}{command}; }}  {MARK}"
