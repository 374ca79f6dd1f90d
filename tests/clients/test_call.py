"""The command `call`: parameters, versions, what the exit status says."""

import pytest

from openmpu.clients.call import Answer, ApiClient, CallOptions, call, default_version, read_parameters
from openmpu.clients.signing import Keys
from openmpu.errors import DestinationFailed, Invalid
from tests.rig.ports import free_port


def test_parameters_may_hold_equals_signs():
    """Only the first one counts."""
    assert read_parameters(["StreamURL=rtmp://h/a/s?k=1", "A="]) == {"StreamURL": "rtmp://h/a/s?k=1", "A": ""}


@pytest.mark.parametrize("pairs", [["AppId"], ["=x"], ["A=1", "A=2"]])
def test_other_arguments_are_refused(pairs):
    """No name, no equals sign, twice."""
    with pytest.raises(Invalid):
        read_parameters(pairs)


def test_operations_of_one_version_only_get_that_version():
    """The Live-2 operations exist under 2016-11-01 alone."""
    assert default_version("StartMPUTask") == "2018-01-11"
    assert default_version("StartLiveMPUTask") == "2016-11-01"
    assert default_version("NoSuchThing") == "2018-01-11"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(200, '{"RequestId":"x"}'), 0),
        (Answer(200, "<StopMPUTaskResponse><RequestId>x</RequestId></StopMPUTaskResponse>"), 0),
        (Answer(200, '{"RequestId":"x","Code":"TaskExisted"}'), 3),
        (Answer(200, "<StartMPUTaskResponse><Code>TaskExisted</Code></StartMPUTaskResponse>"), 3),
        (Answer(400, '{"Code":"MissingTaskId"}'), 1),
        (Answer(500, ""), 1),
    ],
)
def test_the_exit_status_tells_success(answer, status):
    """A 200 with a Code, such as TaskExisted, is neither success nor refusal."""
    assert answer.exit_status == status


@pytest.mark.parametrize("endpoint", ["", "127.0.0.1:8080", "http://", "http://[::1", "http://h/path"])
async def test_bad_endpoints_are_refused(endpoint):
    """Before anything is sent."""
    with pytest.raises(Invalid):
        await call(CallOptions(endpoint, "id", "secret", "StopMPUTask"))


async def test_bad_formats_are_refused():
    """Only json and xml."""
    with pytest.raises(Invalid):
        await call(CallOptions("http://127.0.0.1", "id", "secret", "StopMPUTask", answer_format="yaml"))


async def test_no_answer_is_one_sentence_with_the_place():
    """Nobody listens there."""
    port = free_port()
    with pytest.raises(DestinationFailed, match=f"127.0.0.1:{port}"):
        await call(CallOptions(f"http://127.0.0.1:{port}", "id", "secret", "StopMPUTask"))


async def test_the_host_header_is_what_is_signed():
    """With the port unless it is the usual one; IPv6 in brackets."""
    for endpoint, host in (
        ("http://Host:8080/", "host:8080"),
        ("http://host:80", "host"),
        ("https://host:443", "host"),
        ("http://[::1]:8080", "[::1]:8080"),
    ):
        client = ApiClient(endpoint, Keys("id", "secret"))
        assert client._host == host
        await client.close()
