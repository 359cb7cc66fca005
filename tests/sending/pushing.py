"""What the tests of pushing share: real files, a server's settings, one push, and what the sandbox holds."""

from boxferry import Credentials, PushOptions, Server, read
from boxferry.plan.patience import Patience

ROWS = "0 0.5 0.5 0.2 0.25 0.9\n1 0.25 0.25 0.1 0.1 0.4\n"


def server_of(sandbox, **changes):
    facts = {
        "host": sandbox.host,
        "project": sandbox.project,
        "credentials": Credentials(sandbox.client_id, sandbox.client_secret),
    }
    return Server(**(facts | changes))


def predictions(folder, **options):
    given = {"format": "yolo", "names": ["cat", "dog"], "images": folder / "images"} | options
    return read(folder / "labels", **given)


def push(diffgram, source, *, directory="Default", model="m", run="r", **options):
    """A push that makes files of all images, and appends to those that are there."""
    if options.get("existing"):
        options = {"on_existing": "append"} | options
    elif options.get("on_existing", "error") not in {"replace-own", "replace-all"}:
        options = {"create_empty": True} | options
    options = PushOptions(
        **({"labels": "create", "patience": Patience(wait_s=20.0, settle_s=0.2, first_pause_s=0.01)} | options)
    )
    return diffgram.push(source, directory=directory, model=model, run=run, options=options)


def boxes_in(sandbox, name):
    return sorted((b["x_min"], b["y_min"], b["x_max"], b["y_max"]) for b in sandbox.boxes(name))


A_BOXES = [(20, 16, 30, 24), (40, 30, 60, 50)]
