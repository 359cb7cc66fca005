"""Runs a recipe whose every attempt ends with an exit code, once for each code, and says how many attempts it took.

python ending.py RECIPE FOLDER: the last line of standard output is JSON, code → attempts and the recipe's exit code.
The command is started by the recipe as ever, and is one that does nothing but end; the Python call raises an error of
the code. Whether it is tried again decides the recipe, in its orchestrator.
"""

import contextlib
import json
import runpy
import subprocess
import sys
from pathlib import Path

import boxferry

CODES = (1, 2, 3, 4, 5)
real_run = subprocess.run


class Ending(boxferry.BoxferryError):
    """An error with an exit code of one's choice."""

    def __init__(self, code):
        super().__init__(f"as for exit code {code}")
        self.exit_code = code


def ends_with(code, counted):
    """Let every attempt from now on end so; each adds a line to the file."""

    def run(command, **options):
        if "boxferry" not in command:
            return real_run(command, **options)
        program = f"import sys; open({str(counted)!r}, 'a').write('once\\n'); sys.exit({code})"
        return real_run([sys.executable, "-c", program], **options)

    def from_env(**_):
        with counted.open("a") as lines:
            lines.write("once\n")
        raise Ending(code)

    subprocess.run, boxferry.Diffgram.from_env = run, from_env


def ended(recipe, folder, code):
    """How many attempts there were, and what the recipe ended with."""
    counted = folder / f"attempts-{code}"
    counted.touch()
    ends_with(code, counted)
    sys.argv = [str(recipe), str(folder / "labels"), str(folder / "data.yaml"), str(folder / "images"), f"run-{code}"]
    status = 0
    try:
        with contextlib.redirect_stdout(sys.stderr):
            runpy.run_path(str(recipe), run_name="__main__")
    except SystemExit as end:
        status = end.code
    except Exception as error:  # noqa: BLE001 # Prefect's flow raises what its task did
        sys.stderr.write(f"{error!r}\n")
        status = 1
    return len(counted.read_text().splitlines()), status


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:3]]
    found = {code: ended(*given, code) for code in CODES}
    sys.stdout.write(json.dumps(found) + "\n")
