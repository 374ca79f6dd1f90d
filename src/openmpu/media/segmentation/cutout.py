"""The layer of a person who is cut out: what lies below the pane shows around them, with a soft edge."""

from __future__ import annotations

import cv2
import numpy as np

from openmpu.media.canvas import Canvas, Plane, Planes, empty_planes
from openmpu.media.scaling import PictureScaler
from openmpu.media.segmentation.port import HEIGHT, WIDTH, Mask, SmallPicture, Watcher
from openmpu.media.stack import Paint
from openmpu.media.video import FrameForm, VideoLayer
from openmpu.model.colours import Matrix
from openmpu.model.geometry import PixelRect
from openmpu.model.overlays import Fit

_SURE_NOT, _SURE = 64, 192


def _edge_curve() -> Plane:
    """From likelihood to opacity: what is unlikely goes wholly, what is likely stays wholly, soft between."""
    share = np.clip((np.arange(256) - _SURE_NOT) / (_SURE - _SURE_NOT), 0, 1)
    return np.rint(255 * share * share * (3 - 2 * share)).astype(np.uint8)


_EDGE = _edge_curve()


class CutOutLayer(VideoLayer):
    """Frames of one form of which only the people are shown; nothing before the first mask has come."""

    opaque = False

    def __init__(self, form: FrameForm, fit: Fit, pane: PixelRect, matrix: Matrix, watcher: Watcher) -> None:
        super().__init__(form, fit, pane, matrix)
        size = self.rect.width, self.rect.height
        self._watcher = watcher
        self._scratch, self._rest = empty_planes(*size), empty_planes(*size)
        self._shrink = PictureScaler(PixelRect(0, 0, *size), PixelRect(0, 0, WIDTH, HEIGHT))
        self._small = np.empty((HEIGHT * 3 // 2, WIDTH), np.uint8)
        self._mask: Mask | None = None
        self._person, self._around = empty_planes(*size), empty_planes(*size)

    @property
    def has_news(self) -> bool:
        """Whether another mask has come since it was last painted."""
        return self._watcher.mask() is not self._mask

    def bind(self, canvas: Canvas, clip: PixelRect) -> Paint:
        """What lays the person over the canvas."""
        target = canvas.cut(clip)

        def paint() -> None:
            if self._take_new():
                self._watcher.look(self._shrunk())
            self._take_mask()
            if self._mask is not None:
                self._lay_over(target)

        return paint

    def _take_new(self) -> bool:
        """Scales the newest frame, if it was not yet."""
        if self._fresh:
            self._scale_into(self._scratch)
            self._fresh = False
            return True
        return False

    def _shrunk(self) -> SmallPicture:
        luma, chroma = WIDTH * HEIGHT, WIDTH * HEIGHT // 4
        flat = self._small.reshape(-1)
        cb = flat[luma : luma + chroma].reshape(HEIGHT // 2, WIDTH // 2)
        cr = flat[luma + chroma :].reshape(HEIGHT // 2, WIDTH // 2)
        self._shrink.scale(self._scratch, Planes(self._small[:HEIGHT], cb, cr))
        return np.asarray(cv2.cvtColor(self._small, cv2.COLOR_YUV2RGB_I420), np.uint8)

    def _take_mask(self) -> None:
        mask = self._watcher.mask()
        if mask is None or mask is self._mask:
            return
        self._mask = mask
        sharp = cv2.LUT(mask, _EDGE)
        for person, around in zip(self._person, self._around, strict=True):
            cv2.resize(sharp, person.shape[::-1], dst=person, interpolation=cv2.INTER_LINEAR)
            cv2.bitwise_not(person, dst=around)

    def _lay_over(self, target: Planes) -> None:
        parts = zip(target, self._scratch, self._rest, self._person, self._around, strict=True)
        for ground, picture, rest, person, around in parts:
            cv2.multiply(picture, person, dst=rest, scale=1 / 255)
            cv2.multiply(ground, around, dst=ground, scale=1 / 255)
            cv2.add(ground, rest, dst=ground)
