"""What a page's script is given, out of the page."""

import json
import re


def data_of(page):
    """The values of the page's data element."""
    (text,) = re.findall('<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def boxes_of(page):
    """(fate, score, predicted label, corners as they were sent, stored label, corners now) of all boxes."""
    data = data_of(page)
    names = [label["name"] for label in data["labels"]]

    def placed(box):
        return (None, None) if box is None else (names[box[0]], box[1:])

    return [
        (data["fates"][fate]["name"], score, *placed(predicted), *placed(stored))
        for image in data["images"]
        for fate, score, predicted, stored in image["b"]
    ]
