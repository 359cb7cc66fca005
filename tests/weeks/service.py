"""A server to play a story on, over HTTP alone, and the wire to it."""

import random
import threading
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from boxferry.plan.patience import Patience
from boxferry.sandbox.faults import Faults, FaultyWire

CALM = Faults()


@dataclass
class Service:
    """A server to play on.

    Attributes:
        host, project, key: where, and who asks.
        directory_id: of 'Default'.
        pass_time: lets its clock go on, by so many seconds at least.
        idle: waits until it has ended all that it was sent.
        restart: stops it and starts it again.
        patience: how long the pushes wait for it.
    """

    host: str
    project: str
    key: tuple[str, str]
    directory_id: int
    pass_time: object
    idle: object
    restart: object
    patience: Patience

    def call(self, path, body):
        url = f"{self.host}/api/{path.format(p=self.project)}"
        answer = requests.post(url, json=body, auth=self.key, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def files(self):
        """Name → id of the files."""
        page = {"directory_id": self.directory_id, "limit": 1000, "page": 1, "file_view_mode": "base"}
        page |= {"media_type": "All", "annotation_status": "All", "annotations_are_machine_made_setting": "All"}
        page |= {"search_term": "", "query": None, "with_children_files": False}
        found = self.call("project/{p}/user/sdk/file/list", {"metadata": page})["file_list"] or []
        assert len({each["original_filename"] for each in found}) == len(found)
        return {each["original_filename"]: each["id"] for each in found}

    def rows(self, file_id):
        path = f"project/{{p}}/file/{file_id}/annotation/list"
        return self.call(path, {"directory_id": self.directory_id})["file_serialized"]["instance_list"]

    def save(self, file_id, rows, *, complete):
        path = f"project/{{p}}/file/{file_id}/annotation/update"
        body = {"instance_list": rows, "directory_id": self.directory_id, "and_complete": complete}
        return self.call(path, body)

    def labels(self):
        """Id → name."""
        path = f"{self.host}/api/v1/project/{self.project}/labels-schema"
        schema = requests.get(path, auth=self.key, timeout=60).json()[0]["id"]
        path = f"{self.host}/api/project/{self.project}/labels?schema_id={schema}"
        found = requests.get(path, auth=self.key, timeout=60).json()["labels_out"]
        return {each["id"]: each["label"]["name"] for each in found}


class Line(FaultyWire):
    """A wire whose faults can be changed, and that breaks once so many packets have gone through.

    It breaks for good, or until something has been done; requests that are under way are answered before.
    """

    def __init__(self, upstream):
        super().__init__(upstream, CALM)
        self._turn, self._open = threading.Condition(), 0
        self._packets_left, self._then, self._down = None, None, False

    @contextmanager
    def broken(self, faults=CALM, *, after=None, then=None):
        """Have these faults for a while."""
        with self._turn:
            self._faults, self._dice = faults, random.Random(faults.seed)
            self._packets_left, self._then = after, then
        yield
        with self._turn:
            self._faults, self._packets_left, self._then, self._down = CALM, None, None, False

    def _answer(self, connection, request):
        head = request.split(b"\r\n", 1)[0]
        with self._turn:
            if self._packets_left is not None and (b"input/packet" in head or b"input/from_local" in head):
                self._packets_left -= 1
                if self._packets_left < 0:
                    self._break()
            if self._down:
                raise ConnectionResetError
            self._open += 1
        try:
            super()._answer(connection, request)
        finally:
            with self._turn:
                self._open -= 1
                self._turn.notify_all()

    def _break(self):
        self._down, self._packets_left = True, None
        self._turn.wait_for(lambda: not self._open)
        if self._then:
            self._then()
            self._down = False
