"""The parameters of StartMPUTask as the order of a preview: nothing is started, so ids and target may be left out."""

from __future__ import annotations

from collections.abc import Mapping

from openmpu.errors import Invalid
from openmpu.model.task import Mode, TaskSpec
from openmpu.wire.rpc.convert.options import ReadingOptions
from openmpu.wire.rpc.convert.starts import read_start, start_spec
from openmpu.wire.rpc.requests.mpu import StartMPUTask
from openmpu.wire.rpc.rows import check_required, read_identifiers, trees_of

_STAND_INS = {
    "AppId": "preview",
    "ChannelId": "preview",
    "TaskId": "preview",
    "StreamURL": "rtmp://preview.invalid/preview/preview",
}


def preview_spec(parameters: Mapping[str, str], options: ReadingOptions) -> TaskSpec:
    """The task that a StartMPUTask with these parameters would be; its layouts are still to be resolved.

    Raises:
        Invalid: A parameter cannot be, or the task would have no mixed picture.
    """
    trees, notes = trees_of(StartMPUTask, {**_STAND_INS, **parameters})
    check_required(StartMPUTask, trees)
    read_identifiers(StartMPUTask, trees)
    spec = start_spec(read_start(trees, options), options, notes)
    if spec.mode is not Mode.MIX or spec.video is None:
        raise Invalid("MixMode", "only a mixing task with a picture can be previewed")
    return spec
