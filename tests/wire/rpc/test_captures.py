"""What the vendor's clients really send is read as they meant it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from openmpu.errors import Invalid
from openmpu.wire.rpc.actions import asked_operation, find_operation
from openmpu.wire.rpc.authentication import check_signature, is_v3, read_claim
from openmpu.wire.rpc.convert.live import as_given
from openmpu.wire.rpc.convert.options import ReadingOptions
from openmpu.wire.rpc.convert.starts import read_start, start_spec
from openmpu.wire.rpc.formats import asked_format
from openmpu.wire.rpc.nodes import to_plain, unflatten
from openmpu.wire.rpc.parameters import collect
from openmpu.wire.rpc.requests.live import StartLiveMPUTask
from openmpu.wire.rpc.requests.mpu import StartMPUTask, UpdateMPUTask
from openmpu.wire.rpc.rows import read, trees_of
from tests.wire.rpc.captures import CAPTURES, all_captures, incoming_of

SECRET = "secretExample"
COMMON = {"Action", "Version", "Format", "RegionId", "Timestamp", "AccessKeyId", "OwnerId"}


def same(read_value: Any, meant: Any) -> bool:
    """Equal, numbers and booleans compared by value; an unset field may be missing."""
    if isinstance(meant, Mapping):
        return isinstance(read_value, Mapping) and all(same(read_value.get(key), item) for key, item in meant.items())
    if isinstance(meant, list):
        return (
            isinstance(read_value, list)
            and len(read_value) == len(meant)
            and all(same(one, other) for one, other in zip(read_value, meant, strict=True))
        )
    if isinstance(meant, bool):
        return isinstance(read_value, str) and read_value.lower() == str(meant).lower()
    if isinstance(meant, (int, float)):
        return isinstance(read_value, str) and float(read_value) == meant
    return bool(read_value == meant)


@all_captures()
def test_the_signature_holds(name: str) -> None:
    """Every recorded signature is accepted."""
    incoming = incoming_of(name)
    claim = read_claim(incoming, collect(incoming))
    assert claim.access_key_id == "LTAIexample"
    check_signature(claim, SECRET)


@all_captures()
def test_a_wrong_secret_does_not_hold(name: str) -> None:
    """The very same requests are refused under another secret."""
    incoming = incoming_of(name)
    with pytest.raises(Exception, match="server string to sign is:"):
        check_signature(read_claim(incoming, collect(incoming)), SECRET + "x")


@all_captures()
def test_action_version_and_format_are_found(name: str) -> None:
    """In headers or parameters, as each client does it."""
    incoming = incoming_of(name)
    decoded = CAPTURES[name]["decoded"]
    parameters = collect(incoming)
    action, version = asked_operation(incoming, parameters)
    assert (action, version) == (decoded["action"], decoded["version"])
    assert find_operation(action, version).name == action
    wanted = "xml" if decoded["format"] == "XML" else "json"
    assert asked_format(incoming, parameters.get("Format")).value == wanted
    assert is_v3(incoming) == CAPTURES[name]["signature"]["scheme"].startswith("ACS3")


@all_captures(faithful=True)
def test_the_parameters_say_what_the_caller_meant(name: str) -> None:
    """Flat names and JSON texts become the nested input again."""
    flat = {key: value for key, value in collect(incoming_of(name)).merged.items() if key not in COMMON}
    trees = unflatten(flat, {key.partition(".")[0] for key in flat})
    plain = {**{key: to_plain(node) for key, node in trees.items()}, **as_given(trees)}
    assert same(plain, meant_by(name))


def meant_by(name: str) -> Any:
    """The input of a capture; some callers gave JSON text or a dotted name themselves."""
    meant: dict[str, Any] = {}
    for key, value in CAPTURES[name]["input"].items():
        head, _, rest = key.partition(".")
        opened = json.loads(value) if isinstance(value, str) and value[:1] in {"[", "{"} else value
        meant[head] = {**meant.get(head, {}), rest: opened} if rest else opened
    return meant


@pytest.mark.parametrize(
    ("name", "kind"),
    [("core-py-rtc-StartMPUTask-full", StartMPUTask), ("core-py-rtc-UpdateMPUTask-full", UpdateMPUTask)],
)
def test_run_together_panes_are_dropped_and_the_others_kept(name: str, kind: type[StartMPUTask]) -> None:
    """operations.md 1.3 rule 7: UserPanes.11.Url never is pane 11; the intact panes stay."""
    trees, notes = trees_of(kind, collect(incoming_of(name)).merged)
    panes = read(kind, trees).user_panes
    assert [(pane.pane_id, pane.user_id) for pane in panes] == [(0, "userA"), (1, "userB")]
    assert all(not pane.images and not pane.texts for pane in panes)
    assert {note.partition(":")[0] for note in notes} == {"UserPanes.11", "UserPanes.12", "UserPanes.21"}


def test_a_struct_that_became_object_object_is_refused_by_its_name() -> None:
    """Two of the four garbled captures: nothing can be read out of `[object Object]`."""
    trees, _ = trees_of(StartMPUTask, collect(incoming_of("pop-node-rtc-StartMPUTask-plain-struct")).merged)
    with pytest.raises(Invalid) as refused:
        read(StartMPUTask, trees)
    assert refused.value.subject == "EnhancedParam"
    trees, _ = trees_of(StartLiveMPUTask, collect(incoming_of("pop-node-live-StartLiveMPUTask-naive")).merged)
    with pytest.raises(Invalid) as refused:
        read(StartLiveMPUTask, trees)
    assert refused.value.subject == "SeiParams"


@pytest.mark.parametrize("name", [name for name in CAPTURES if "StartMPUTask-simple" in name])
def test_the_simple_start_is_one_and_the_same_spec_from_every_client(name: str) -> None:
    """All clients mean the same task, so they get the same one."""
    options = ReadingOptions()
    specs = []
    for one in ("tea-py-v3-rtc-StartMPUTask-simple", name):
        trees, notes = trees_of(StartMPUTask, collect(incoming_of(one)).merged)
        specs.append(start_spec(read_start(trees, options), options, notes))
    assert specs[0] == specs[1]
