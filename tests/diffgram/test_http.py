"""A call is prepared here as a session of requests would prepare it, in less time."""

import pytest
import requests

from boxferry.diffgram.http import Call, Wire
from boxferry.diffgram.inputs import InputRecord
from boxferry.diffgram.multipart import Multipart
from boxferry.diffgram.settings import Credentials, Server

CALLS = {
    "read": Call(method="GET", path="/api/v1/project/p/labels-schema"),
    "query": Call(method="GET", path="/api/project/p/labels?schema_id=7"),
    "packet": Call(method="POST", path="/api/walrus/v1/project/p/input/packet", body=b'{"file_id":7}', changes=True),
    "quoted": Call(method="POST", path="/own packet/%7Ep/ä", body=b"{}"),
    "upload": Call(method="POST", path="/from_local", body=Multipart("1.png", b"picture", b"{}")),
}


@pytest.mark.parametrize("host", ["http://127.0.0.1:8085", "https://Boxes.example.org", "https://example.org/diffgram"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_call_is_prepared_as_a_session_would(host, call):
    """Method, address, headers and body are the same, the credentials among them."""
    server = Server(host=host, project="p", credentials=Credentials("id", "secret"))
    wire = Wire(server, connections=1, timeout_s=1.0)
    kind = call.body.content_type if isinstance(call.body, Multipart) else "application/json"
    headers = {} if call.body is None else {"Content-Type": kind}
    theirs = wire._session.prepare_request(
        requests.Request(call.method, host + call.path, data=call.body, headers=headers)
    )
    for _ in range(2):
        ours = wire._prepared(call)
        assert (ours.method, ours.url, ours.body) == (theirs.method, theirs.url, theirs.body)
        assert dict(ours.headers) == dict(theirs.headers)
    wire.close()


def _record(text: bytes) -> InputRecord:
    return InputRecord(id=1, instance_list=text, frame_packet_map=b"null")


def test_a_record_tells_without_being_decoded_what_it_cannot_name():
    """What is decoded names what was looked for, or another reference that begins alike; escapes hide nothing."""
    plain = _record(b'{"list":[{"creation_ref_id":"boxferry:00112233445566aa:1,2,3,4:cat"}]}')
    escaped = _record(b'{"list":[{"creation_ref_id":"\\u0062oxferry:00112233445566aa:1,2,3,4:cat"}]}')
    assert plain.may_name({"boxferry:00112233445566aa"})
    assert not plain.may_name({"boxferry:00112233445566ab"})
    assert escaped.may_name({"boxferry:00112233445566aa"})
    assert not plain.may_name(set())
