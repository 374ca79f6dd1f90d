"""Plays a scenario (JSON on stdin) with today's Python SDKs; the first argument is the signature: v3 or v2."""

import json
import sys

from alibabacloud_live20161101 import models as live_models
from alibabacloud_live20161101.client import Client as Live
from alibabacloud_rtc20180111 import models as rtc_models
from alibabacloud_rtc20180111.client import Client as Rtc
from alibabacloud_tea_openapi.models import Config, OpenApiRequest, Params
from alibabacloud_tea_util.models import RuntimeOptions

CLIENTS = {"2018-01-11": (Rtc, rtc_models), "2016-11-01": (Live, live_models)}


def client_of(scenario, step):
    config = Config(
        access_key_id=step.get("key", scenario["key"]),
        access_key_secret=step.get("secret", scenario["secret"]),
        endpoint=scenario["endpoint"],
        protocol="http",
        region_id="cn-hangzhou",
    )
    if sys.argv[1] != "v3":
        config.signature_algorithm = sys.argv[1]
    return CLIENTS[step["version"]][0](config)


def method_of(client, action):
    """`StartMPUTask` is `start_mputask` in the generated clients: compared without underscores."""
    wanted = action.lower()
    return next((getattr(client, name) for name in dir(client) if name.replace("_", "") == wanted), None)


def generic(client, step):
    """An operation that is in no generated client (StartMPUTask under the Live version)."""
    params = Params(
        action=step["action"], version=step["version"], protocol="HTTPS", pathname="/", method="POST", auth_type="AK",
        style="RPC", req_body_type="formData", body_type="json",
    )  # fmt: skip
    from alibabacloud_tea_openapi.utils import Utils

    return client.call_api(params, OpenApiRequest(query=Utils.query(step["parameters"])), RuntimeOptions())["body"]


def play(scenario, step):
    """What the caller sees of one step."""
    client = client_of(scenario, step)
    method = method_of(client, step["action"])
    try:
        if method is None:
            return {"code": "", "body": generic(client, step)}
        model = getattr(CLIENTS[step["version"]][1], f"{step['action']}Request")
        return {"code": "", "body": method(model().from_map(step["parameters"])).body.to_map()}
    except Exception as error:
        if not hasattr(error, "code"):
            raise
        return {"code": error.code, "message": error.message, "type": type(error).__name__}


def main():
    scenario = json.load(sys.stdin)
    sys.stdout.write(json.dumps([play(scenario, step) for step in scenario["steps"]]))


main()
