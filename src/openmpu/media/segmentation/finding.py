"""Finding people in small pictures: MediaPipe's landscape model, run by OpenCV's DNN module. Knows no processes.

The model's last step, a transposed convolution that doubles each side, is done here: its kernel is as large as its
stride, so that it is one product of matrices, which OpenCV's own layer takes as long for as for all others together.
"""

from __future__ import annotations

from importlib.resources import as_file, files

import cv2
import numpy as np
import numpy.typing as npt

from openmpu.media.segmentation.port import HEIGHT, WIDTH, Mask, SmallPicture

MODEL = "selfie_segmentation_landscape.tflite"
_BODY_ENDS, _LAST = "add_13__xeno_compat__1", "conv2d_transpose"
_SIDE = 2


class PeopleFinder:
    """Tells for each pixel of a picture how likely it belongs to a person. Not for several threads at once."""

    def __init__(self) -> None:
        """Loads the model, which takes some 50 ms."""
        with as_file(files("openmpu.data") / MODEL) as model:  # from memory OpenCV 5.0 does not heed the engine
            self._net = cv2.dnn.readNetFromTFLite(str(model), cv2.dnn.ENGINE_CLASSIC)
        kernel, bias = self._net.getLayer(self._net.getLayerId(_LAST)).blobs
        self._kernel = np.ascontiguousarray(kernel.reshape(len(kernel), _SIDE * _SIDE).T)
        self._bias = np.full((_SIDE * _SIDE, HEIGHT * WIDTH // _SIDE**2), bias.ravel()[0], np.float32)

    def likely(self, picture: SmallPicture) -> Mask:
        """A new mask of the picture's size, which is WIDTH x HEIGHT; 255 where there surely is a person."""
        self._net.setInput(cv2.dnn.blobFromImage(picture, 1 / 255))
        body = self._net.forward(_BODY_ENDS)[0]
        return _as_likelihood(self._doubled(body))

    def _doubled(self, body: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Each point of `body` (channels, rows, columns) gives 2 x 2 points."""
        corners = cv2.gemm(self._kernel, body.reshape(len(body), -1), 1, self._bias, 1)
        points = np.asarray(corners, np.float32).reshape(_SIDE, _SIDE, HEIGHT // _SIDE, WIDTH // _SIDE)
        return np.ascontiguousarray(points.transpose(2, 0, 3, 1)).reshape(HEIGHT, WIDTH)


def _as_likelihood(points: npt.NDArray[np.float32]) -> Mask:
    """The logistic function, from 0 to 255."""
    against = cv2.exp(-points)
    return np.asarray(cv2.divide(255.0, against + 1, dtype=cv2.CV_8U), np.uint8)
