"""A job as a user writes it, in a process that is killed: predictions of a hundred images or so into a sink."""

import json
import sys
import time


def predicted(number):
    """The boxes of an image: nothing, one, or two."""
    return [[1 + number % 20, 2 + other, 40, 30 + other] for other in range(number % 3)]


def main():
    """Write; tell the numbers, or what keeps it from ending well."""
    order = json.loads(sys.argv[1])
    import ray

    from boxferry.errors import BoxferryError
    from boxferry.integrations.ray import DiffgramDatasink
    from boxferry.plan.patience import Patience

    ray.init(order["cluster"], log_to_driver=False, configure_logging=False, namespace="test")
    ray.data.DataContext.get_current().enable_progress_bars = False
    sink = DiffgramDatasink(
        directory=order["directory"],
        model="m",
        run="r",
        writer=order["writer"],
        outbox=order["outbox"],
        timeout_s=120.0,
        labels="skip",
        **order["way"],
        patience=Patience(wait_s=20.0, settle_s=3.0, stuck_s=6.0, failures=6, first_pause_s=0.02),
    )
    try:
        dataset(ray, order).write_datasink(sink)
    except (BoxferryError, ray.exceptions.RayError) as error:
        say(error=str(error)[-600:], result=sink.result and sink.result.summary())
        sys.exit(1)
    found = sink.result
    say(images=found.images, boxes=found.boxes)


def say(**facts):
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def dataset(ray, order):
    """A row for each image, or for each box and each image without one, an image's perhaps in several blocks."""

    def of_image(row):
        time.sleep(order["row_s"])
        boxes = predicted(row["id"])
        path = f"{order['images']}/{row['id']}.png"
        return {"image": path, "boxes": boxes, "labels": ["cat"] * len(boxes), "scores": [0.5] * len(boxes)}

    def of_boxes(row):
        image = of_image(row)
        names = ("xmin", "ymin", "xmax", "ymax")
        for box in image["boxes"] or [[None] * 4]:
            yield {"image": image["image"], **dict(zip(names, box, strict=True)), "label": "cat", "score": 0.5}

    numbers = ray.data.range(order["count"], override_num_blocks=order["blocks"])
    if order["rows"] == "images":
        return numbers.map(of_image)
    boxes = numbers.flat_map(of_boxes)
    return boxes.random_shuffle(seed=1) if order["shuffled"] else boxes


if __name__ == "__main__":
    main()
