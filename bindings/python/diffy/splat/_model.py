"""Models: objects with the attributes of training, and what the codec calls a model."""

from __future__ import annotations

import os
from typing import Any, Optional, Tuple

import numpy as np

from .. import _native
from .._video import as_tensor

__all__ = ["GaussianModel", "compare", "empty_tuple", "from_tuple", "to_tuple"]

PLY = 0  # DfySplatFormat
FORMATS = {".ply": PLY, ".splat": 2, ".spz": 3}
ATTRIBUTES = ("_xyz", "_features_dc", "_features_rest", "_scaling", "_rotation", "_opacity")


class GaussianModel:
    """
    A model of Gaussian splats, under the names of training: ``_xyz`` (N x 3), ``_features_dc`` (N x 1 x 3),
    ``_features_rest`` (N x K x 3), ``_scaling`` (N x 3, logarithms), ``_rotation`` (N x 4, w first), ``_opacity`` (N x 1,
    before the sigmoid). Any object that has them is taken in its place.
    """

    _xyz: Any
    _features_dc: Any
    _features_rest: Any
    _scaling: Any
    _rotation: Any
    _opacity: Any

    def __init__(self, sh_degree: int = 3) -> None:
        if not 0 <= sh_degree <= 3:
            raise ValueError(f"Spherical harmonics have degree 0 to 3, not {sh_degree}.")
        self.max_sh_degree = self.active_sh_degree = sh_degree
        rest = (sh_degree + 1) ** 2 - 1
        for name, shape in zip(ATTRIBUTES, ((0, 3), (0, 1, 3), (0, rest, 3), (0, 3), (0, 4), (0, 1))):
            setattr(self, name, as_tensor(np.zeros(shape, np.float32)))

    def __len__(self) -> int:
        return len(self._xyz)

    def to(self, device: Any) -> "GaussianModel":
        """Moves what are tensors to a device."""
        for name in ATTRIBUTES:
            value = getattr(self, name)
            if hasattr(value, "to"):
                setattr(self, name, value.to(device))
        return self

    def load_ply(self, path: Any) -> "GaussianModel":
        """Reads a model of any kind that Diffy knows (PLY, .spz, .splat ...), with the degree this one has."""
        with open(path, "rb") as file:
            data = file.read()
        try:
            model, _ = _native.splats_read(data)
        except _native.DiffyError as error:
            raise type(error)(f"{os.fspath(path)}: {error}") from None
        return from_tuple(_of_degree(model, self.max_sh_degree), self)

    def save_ply(self, path: Any) -> None:
        """Writes the model; the ending chooses PLY, .spz or .splat."""
        kind = FORMATS.get(os.path.splitext(os.fspath(path))[1].lower(), PLY)
        data = _native.splats_write(to_tuple(self), kind)
        with open(path, "wb") as file:
            file.write(data)


def _array(value: Any, name: str, columns: int, count: Optional[int]) -> np.ndarray:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    array = np.asarray(value, np.float32)
    array = array.reshape(len(array), -1) if array.size or array.ndim > 1 else array.reshape(0, columns)
    if array.shape[1] != columns or (count is not None and len(array) != count):
        raise ValueError(f"A model's {name} is {' x '.join(map(str, np.shape(value)))}: it must be "
                         f"{'N' if count is None else count} x {columns}.")
    return np.ascontiguousarray(array)


def to_tuple(frame: Any) -> "_native.Model":
    """What the codec takes, of any object with a model's attributes."""
    for name in ATTRIBUTES:
        if getattr(frame, name, None) is None:
            raise TypeError(f"This {type(frame).__name__} is no model: it has no {name}.")
    xyz = _array(frame._xyz, "_xyz", 3, None)
    count = len(xyz)
    shape = tuple(frame._features_rest.shape)
    coefficients = shape[1] if len(shape) == 3 else (shape[-1] if len(shape) == 2 else 0) // 3
    degree = {0: 0, 3: 1, 8: 2, 15: 3}.get(coefficients)
    if degree is None:
        raise ValueError(f"A model's _features_rest has {coefficients} coefficients: 0, 3, 8 or 15 are possible.")
    rest = _array(frame._features_rest, "_features_rest", 3 * coefficients, count).reshape(count, coefficients, 3)
    return (degree, xyz, _array(frame._rotation, "_rotation", 4, count), _array(frame._scaling, "_scaling", 3, count),
            _array(frame._opacity, "_opacity", 1, count), _array(frame._features_dc, "_features_dc", 3, count),
            np.ascontiguousarray(rest.transpose(0, 2, 1)))


def _floats(data: Any, *shape: int) -> np.ndarray:
    return np.frombuffer(data, np.float32).reshape(shape)


def _of_degree(model: "_native.Model", degree: int) -> "_native.Model":
    own, count = model[0], len(model[4]) // 4
    if own == degree:
        return model
    have, want = (own + 1) ** 2 - 1, (degree + 1) ** 2 - 1
    rest = np.zeros((count, 3, want), np.float32)
    shared = min(have, want)
    rest[:, :, :shared] = _floats(model[6], count, 3, have)[:, :, :shared]
    return (degree, *model[1:6], rest.tobytes())


def empty_tuple(count: int, degree: int) -> "_native.Model":
    """A model of so many splats, all zero."""
    rest = (degree + 1) ** 2 - 1
    return (degree, *(np.zeros(count * n, np.float32) for n in (3, 4, 3, 1, 3, 3 * rest)))


def from_tuple(model: "_native.Model", frame: Any = None, names: Tuple[str, ...] = ATTRIBUTES) -> Any:
    """Sets a model's attributes (only those named) on a frame, a new one by default; as tensors where there is torch."""
    degree, count = model[0], len(bytes(model[4])) // 4 if not isinstance(model[4], (bytes, bytearray)) else len(model[4]) // 4
    rest = (degree + 1) ** 2 - 1
    if frame is None:
        frame = GaussianModel(degree)
    arrays = {
        "_xyz": lambda: _floats(model[1], count, 3),
        "_rotation": lambda: _floats(model[2], count, 4),
        "_scaling": lambda: _floats(model[3], count, 3),
        "_opacity": lambda: _floats(model[4], count, 1),
        "_features_dc": lambda: _floats(model[5], count, 1, 3),
        "_features_rest": lambda: np.ascontiguousarray(_floats(model[6], count, 3, rest).transpose(0, 2, 1)),
    }
    for name in names:
        array = arrays[name]()
        setattr(frame, name, as_tensor(array if array.flags.writeable else array.copy()))
    if "_features_rest" in names and isinstance(frame, GaussianModel):
        frame.max_sh_degree = frame.active_sh_degree = degree
    return frame


def compare(reference: Any, other: Any) -> "dict[str, Any]":
    """
    Errors between two models, whose splats are paired by their order where it is plainly the same, else by nearness: for
    position (in the models' unit), scale, alpha, dc, rotation (degrees) and sh the RMS, the maximum and the 99th
    percentile; and how many were compared.
    """
    return _native.splats_compare(to_tuple(reference), to_tuple(other))
