"""Parameters of random calls: mostly sensible names with mostly senseless values. Pure."""

from __future__ import annotations

import json
import random
import re

from tests.http.signing import flatten
from tests.wire.rpc.test_live import TRANSCODE

NAMES = sorted(
    set(
        re.findall(
            r"[A-Z]\w+",
            "AppId ChannelId TaskId TaskID TaskType MixMode TaskProfile MediaEncode BackgroundColor CropMode StreamURL "
            "PayloadType VadInterval MultiStreamURL SingleSubParams TranscodeParams SeiParams MaxIdleTime Region Name "
            "LayoutId AudioMixCount PageNum PageNo PageSize CustomSei CallbackUrl ChannelIds StartTime EndTime Order "
            "UserId DisplayName ExpireTime StreamType SourceType LayoutIds SubSpecUsers UserPanes Panes Watermarks "
            "TerminalIds Users EnhancedParam ClockWidgets Backgrounds SubId",
        )
    )
)
TAILS = ["", "", "", ".1", ".0", ".2", ".1.PaneId", ".1.Texts.1.Text", "1Images.1.Url", ".1000000000", ".UserId", ".-1"]
VALUES = [
    *("app", "room", "ann", "t1", "t2", "0", "1", "2", "-1", "20", "2018", "9223372036854775808", "9" * 400),
    *("1.5", "nan", "1e999", "true", "[]", "{}", "null", "[object Object]", "[" * 2000, '{"a":' * 500),
    *("rtmp://cdn.example/live/x", "rtmp://[", "http://a/b", "http://[::1", "//", "://", "\ud7ff", "\uffff", "值" * 30),
    *(
        json.dumps(TRANSCODE),
        '{"UserId":"ann"}',
        '[{"URL":"rtmp://a/b/c"}]',
        "2023-11-14T22:13:20Z",
        "0001-01-01T00:00:00Z",
    ),
    *("9999-12-31T23:59:59Z", "2023-02-30T00:00:00Z", "a,b", ",", "%", "\n", "\x7f", "<b>&\"'", "camera", "x" * 5000),
]


def random_flat(chance: random.Random) -> dict[str, str]:
    """Mostly sensible names with mostly senseless values; a whole start now and then."""
    flat = {"AppId": "app", "ChannelId": "room", "TaskId": chance.choice(["t1", "t2", "t3"])}
    if chance.random() < 0.5:
        flat["StreamURL"] = f"rtmp://cdn.example/live/{chance.randrange(5)}"
    if chance.random() < 0.2:
        flat |= dict(flatten({"TranscodeParams": TRANSCODE}))
    for _ in range(chance.randrange(6)):
        flat[chance.choice(NAMES) + chance.choice(TAILS)] = chance.choice(VALUES)
    return flat
