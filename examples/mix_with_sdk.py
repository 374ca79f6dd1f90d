"""Start, watch and stop a mix with the vendor's own SDK, unchanged but for its endpoint.

pip install alibabacloud-rtc20180111
python examples/mix_with_sdk.py 127.0.0.1:8080 KEY_ID KEY_SECRET APP_ID CHANNEL rtmp://push.example.com/live/show
"""

from __future__ import annotations

import sys
import time

from alibabacloud_rtc20180111.client import Client
from alibabacloud_rtc20180111.models import GetMPUTaskStatusRequest, StartMPUTaskRequest, StopMPUTaskRequest
from alibabacloud_tea_openapi.models import Config

TASK = "example"


def main(endpoint: str, key_id: str, secret: str, app_id: str, channel_id: str, stream_url: str) -> None:
    """Push the channel for ten seconds."""
    config = Config(access_key_id=key_id, access_key_secret=secret, endpoint=endpoint, protocol="http")
    client = Client(config)
    start = StartMPUTaskRequest(
        app_id=app_id,
        channel_id=channel_id,
        task_id=TASK,
        media_encode=20,
        layout_ids=[1, 2, 5, 6],
        stream_url=stream_url,
    )
    client.start_mputask(start)
    for _ in range(10):
        status = client.get_mputask_status(GetMPUTaskStatusRequest(app_id=app_id, task_id=TASK))
        print("Status", status.body.status)
        time.sleep(1)
    client.stop_mputask(StopMPUTaskRequest(app_id=app_id, task_id=TASK))


if __name__ == "__main__":
    main(*sys.argv[1:7])
