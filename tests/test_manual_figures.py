"""Manual and code tell the same: error codes, rates, states, tables, check values."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import openmpu
from openmpu.clients.signing import Keys, Once, sign_v1, sign_v3
from openmpu.media.outputs.failure import ErrorCode
from openmpu.model.encoder import MEDIA_ENCODES
from openmpu.model.layouts import BUILT_IN
from openmpu.model.task import MOVES, TaskState
from openmpu.services import life
from openmpu.services.targets import CODES
from openmpu.wire import callbacks
from openmpu.wire.rpc import faults
from openmpu.wire.rpc.actions import LIVE, OPERATIONS, RATES, RTC
from tests.manual import literals, page, section, table
from tests.manual_requests import known, request_of

API = page("api.md")
SOURCE = Path(openmpu.__file__).parent

# Codes


def constants(tree: ast.AST) -> Iterator[str]:
    """Every string of a program; `f"Missing{name}"` is `Missing<Param>`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "<Param>" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def code_strings() -> set[str]:
    """What the one table of codes can answer with."""
    found = set(constants(ast.parse(inspect.getsource(faults))))
    names = {*faults._WIRE_NAMES.values(), *faults._OWN_SPELLING, "Missing", "Invalid", "QuotaExceeded."}
    return {text for text in found - names if re.fullmatch(r"[A-Z][A-Za-z]+(<Param>)?(\.([A-Z]\w+|<Param>))?", text)}


def code_statuses() -> dict[str, int]:
    """Status by code, where the table names both together; 400 for all others but TaskExisted."""
    found = dict.fromkeys(code_strings(), 400) | {faults.TASK_EXISTED: 200}
    for node in ast.walk(ast.parse(inspect.getsource(faults))):
        parts = node.args if isinstance(node, ast.Call) else node.elts if isinstance(node, ast.Tuple) else []
        if len(parts) > 1 and isinstance(parts[0], ast.Constant) and isinstance(parts[0].value, int):
            (code, *_) = [*constants(parts[1]), ""]
            if code in found:
                found[code] = parts[0].value
    return found


def told_codes() -> dict[str, int]:
    rows = table(section(API, "Error codes"), "HTTP", "Code", "When")
    return {literals(code)[0]: int(status) for status, code, _ in rows}


def raised() -> set[str]:
    """Every string from which a subject of an error could come."""
    places = [*SOURCE.glob("wire/rpc/**/*.py"), *SOURCE.glob("http/rpc*.py"), *SOURCE.glob("services/*.py")]
    return {text for place in places for text in constants(ast.parse(place.read_text(encoding="utf-8")))}


def can_be_sent(code: str, subjects: set[str]) -> bool:
    """Whether a code is in the table, or one of its patterns with a subject that somebody raises."""
    if code in code_strings():
        return True
    patterns = [text for text in code_strings() if "<Param>" in text]
    matches = [re.fullmatch(re.escape(text).replace("<Param>", r"([A-Za-z.]+)"), code) for text in patterns]
    return any(match and match[1] in subjects for match in matches)


def test_every_error_code_of_the_code_is_in_the_manual_with_its_status():
    """Patterns stand as such: `Missing<Param>`."""
    told = told_codes()

    assert len(code_strings()) > 30
    assert {code: told.get(code) for code in code_strings()} == code_statuses()


def test_the_manual_names_no_code_that_cannot_be_sent():
    """Neither in the table nor anywhere else on the page."""
    subjects = raised()
    shaped = re.compile(r"(Missing|Invalid|Unsupported|Incomplete|QuotaExceeded\.|Throttling\.)[A-Za-z][\w.]+")
    named = set(told_codes()) | {word for word in literals(API) if shaped.fullmatch(word)}
    own = {parameter for name in OPERATIONS for parameter, _ in known(request_of(name))}

    assert len(named) > 50
    assert sorted(word for word in named if word not in own and not can_be_sent(word, subjects)) == []


def test_every_refusal_before_an_operation_is_in_the_manual():
    """`Invalid("Parameter.Format", …)` at the gateway is the code InvalidParameter.Format."""
    places = [SOURCE / "wire/rpc" / f"{name}.py" for name in ("parameters", "formats", "authentication", "actions")]
    sources = [*places, *SOURCE.glob("wire/rpc/signatures/*.py"), SOURCE / "http/rpc.py"]
    calls = [node for place in sources for node in ast.walk(ast.parse(place.read_text(encoding="utf-8")))]
    refused = {
        f"Invalid{node.args[0].value}"
        for node in calls
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Invalid"
        if isinstance(node.args[0], ast.Constant) and node.args[0].value != "http_method"
    }

    assert len(refused) > 10
    assert refused <= set(literals(section(API, "Error codes")))


# Figures and tables


def test_the_rates_are_the_codes_own():
    """By operation and version."""
    rows = table(section(API, "Rates"), "Operation", RTC, LIVE)
    told = {(version, row[0]): rate for row in rows for version, rate in zip((RTC, LIVE), row[1:], strict=True) if rate}

    assert told == {key: rate.replace("/", " per ") for key, rate in RATES.items()}


def test_the_states_are_the_codes_own():
    """Number, and whether it is final."""
    rows = table(section(API, "States"), "Status", "State", "Final")

    assert {int(number): final == "yes" for number, _, final in rows} == {state: state.final for state in TaskState}


def test_the_transitions_are_the_codes_own():
    """Every way that the table of states allows is told, and no other."""
    rows = table(section(API, "States"), "From", "To", "When")
    told = {(int(begin), int(end)) for froms, end, _ in rows for begin in froms.split(",") if begin}

    assert {end for begin, end, _ in rows if not begin} == {"0", "1"}
    assert told == {(begin, end) for begin, ends in MOVES.items() for end in ends}


def test_the_media_encode_table_is_the_codes_own():
    """Size, bitrate and frame rate of every id."""
    rows = table(section(API, "MediaEncode"), "Id", "Picture", "kbit/s", "Frames/s")
    wanted = {
        (str(number), f"{row.video.width}×{row.video.height}", str(row.video.bitrate_kbps), str(row.video.fps))
        for number, row in MEDIA_ENCODES.items()
        if row.video
    }

    assert set(rows) - {rows[0]} == wanted
    assert rows[0][0] == "0"


def test_the_built_in_layouts_are_the_codes_own():
    """Id, number of panes and name."""
    rows = table(section(page("drawing.md"), "Built-in layouts"), "LayoutId", "Panes", "Name")

    assert {int(row[0]): (int(row[1]), row[2].partition(":")[0]) for row in rows} == {
        number: (len(layout.panes), layout.name) for number, layout in BUILT_IN.items()
    }


def test_the_codes_of_callbacks_are_the_codes_own():
    """EventCodes of targets; ErrorCodes and the Status to which each leads."""
    text = page("callbacks.md")
    events = {int(row[0]) for row in table(section(text, "Targets"), "EventCode", "Meaning")}
    rows = table(section(text, "Error codes"), "ErrorCode", "Meaning", "Status")
    ends = {life.ENGINE_FAILED, life.LAYOUT_DELETED, life.WAITED_TOO_LONG, *ErrorCode}
    statuses = {code: str(int(life.FAILURES.get(code, TaskState.STOPPED))) for code in ends}

    assert events == set(CODES.values())
    assert {int(code): status for code, _, status in rows} == statuses | {ErrorCode.NONE: ""}


@pytest.mark.parametrize("version", ["V1", "V3"])
def test_the_check_values_of_the_signatures_are_right(version):
    """Made anew from what the manual says of them."""
    told = dict(table(section(API, "Signatures"), "", "Signature"))[version].strip("`")
    keys, once, host = Keys("testid", "testsecret"), Once(1767323045, "0123456789abcdef"), "mpu.example.com"
    named = {"AppId": "app1", "TaskId": "show 1*"}
    if version == "V1":
        sent = named | {"Action": "GetMPUTaskStatus", "Version": RTC, "Format": "JSON"}
        assert f"Signature={told.replace('=', '%3D')}&" in sign_v1("GET", "/", sent, keys, once, host).query
    else:
        signed = sign_v3("GET", "/", named, keys, once, host, ("GetMPUTaskStatus", RTC))
        assert signed.headers["authorization"].endswith(f"Signature={told}")


def test_the_manuals_own_check_of_a_callback_takes_what_the_server_signs_and_nothing_else():
    """The example program of the page is run."""
    text = section(page("callbacks.md"), "Signature")
    names: dict[str, Callable[[str, bytes, str], bool]] = {}
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], names)
    body = b'{"eventId":"e1","eventType":"3001"}'
    header = callbacks.headers("app1", "cbsecret", body, 1_700_000_000 * 10**9)[callbacks.SIGNATURE_HEADER]

    assert names["genuine"](header, body, "cbsecret")
    assert not names["genuine"](header, body + b" ", "cbsecret")
    assert header.rpartition(".")[2] in literals(text)


EFFECTS = {
    "SegmentType": ("media/picture_side.py", "segment"),
    "SeiParams.LayoutVolume": ("media/**/*.py", "layout_volume"),
    "SeiParams.PassThrough": ("media/**/*.py", "pass_through"),
    "VadInterval": ("media/**/*.py", "vad_interval_ms"),
    "TaskType=1": ("bootstrap.py", "playback=True"),
    "VideoCodec=H.265": ("bootstrap.py", "h265="),
}
"""What is not drawn, and the word that will stand in the code when it is."""


@pytest.mark.parametrize("parameter", EFFECTS)
def test_what_is_told_to_be_without_effect_has_none_and_the_other_way_round(parameter):
    """Whoever builds it takes it out of the table."""
    rows = table(section(page("drawing.md"), "What is not drawn today"), "Parameter", "Today")
    place, word = EFFECTS[parameter]
    built = any(word in path.read_text(encoding="utf-8") for path in SOURCE.glob(place))

    assert built != (parameter in {name for row in rows for name in literals(row[0])})
