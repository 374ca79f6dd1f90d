"""Plays a scenario (JSON on stdin) with the older Python SDKs; runs in an environment of its own."""

import importlib
import json
import sys

from aliyunsdkcore.acs_exception.exceptions import ClientException, ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest

PACKAGES = {"2018-01-11": "aliyunsdkrtc.request.v20180111", "2016-11-01": "aliyunsdklive.request.v20161101"}


def typed_request(step):
    """A request class of the SDK, filled by its own setters."""
    module = importlib.import_module(f"{PACKAGES[step['version']]}.{step['action']}Request")
    request = getattr(module, f"{step['action']}Request")()
    for name, value in step["parameters"].items():
        for setter in (f"set_{name}", f"set_{name}s"):
            if hasattr(request, setter):
                getattr(request, setter)(value)
                break
        else:
            request.add_query_param(name, value)
    return request


def flat(value, prefix=""):
    """Nested values as flat parameters, for the generic request."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from flat(item, f"{prefix}.{name}" if prefix else name)
    elif isinstance(value, list):
        for place, item in enumerate(value, 1):
            yield from flat(item, f"{prefix}.{place}")
    else:
        yield prefix, value


def common_request(step):
    """The generic request, as callers of operations that are in no SDK use it."""
    request = CommonRequest()
    request.set_version(step["version"])
    request.set_action_name(step["action"])
    request.set_accept_format("JSON")
    request.set_method("POST")
    for name, value in flat(step["parameters"]):
        request.add_body_params(name, value) if step.get("body") else request.add_query_param(name, value)
    return request


def play(scenario, step):
    """What the caller sees of one step."""
    client = AcsClient(step.get("key", scenario["key"]), step.get("secret", scenario["secret"]), "cn-hangzhou")
    try:
        request = typed_request(step)
    except ImportError:
        request = common_request(step)
    if isinstance(request, CommonRequest):
        request.set_domain(scenario["endpoint"])
    else:
        request.set_endpoint(scenario["endpoint"])
    request.set_protocol_type("http")
    try:
        return {"code": "", "body": json.loads(client.do_action_with_exception(request))}
    except (ClientException, ServerException) as error:
        return {"code": error.get_error_code(), "message": error.get_error_msg()}


def main():
    scenario = json.load(sys.stdin)
    sys.stdout.write(json.dumps([play(scenario, step) for step in scenario["steps"]]))


main()
