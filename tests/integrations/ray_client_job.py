"""A job as a user writes it for Ray Client: a task writes, since Ray Data does not run in the client's process."""

import json
import sys
import time


def main():
    """Write, and tell the numbers, and what a sink says that is made here."""
    import ray

    from boxferry.errors import UsageError
    from boxferry.integrations.ray import DiffgramDatasink
    from boxferry.plan.patience import Patience

    address, images, outbox, directory = sys.argv[1:5]
    there = {"directory": int(directory), "model": "m", "run": "by client", "writer": "actor", "outbox": outbox}

    def of_image(row):
        return {"image": f"{images}/{row['id']}.png", "boxes": [[1, 2, 40, 30]], "labels": ["cat"], "scores": [0.5]}

    def write(count):
        patience = Patience(wait_s=20.0, settle_s=3.0, stuck_s=6.0, failures=6, first_pause_s=0.02)
        sink = DiffgramDatasink(**there, labels="skip", timeout_s=120.0, patience=patience)
        ray.data.range(count, override_num_blocks=3).map(of_image).write_datasink(sink)
        return {"images": sink.result.images, "boxes": sink.result.boxes, "ended": ended(sink._way._name)}

    def ended(name):
        until = time.monotonic() + 20.0
        while time.monotonic() < until:
            try:
                ray.get_actor(name, namespace="boxferry")
            except ValueError:
                return True
            time.sleep(0.1)
        return False

    ray.init(address, log_to_driver=False)
    try:
        DiffgramDatasink(**there)
    except UsageError as error:
        refused = str(error)
    said = ray.get(ray.remote(write).remote(12))
    sys.stdout.write(json.dumps({"refused": refused, **said}) + "\n")


if __name__ == "__main__":
    main()
