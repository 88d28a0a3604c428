"""Episodes: ranges of a file's frames that have names."""

from __future__ import annotations

import dataclasses
from typing import Any, List

__all__ = ["Episode", "episodes_of"]


@dataclasses.dataclass(frozen=True)
class Episode:
    """Frames ``first_frame`` up to, not including, ``stop`` of a file; times in seconds from the file's first frame."""

    name: str
    first_frame: int
    num_frames: int
    start_seconds: float
    duration_seconds: float

    @property
    def stop(self) -> int:
        return self.first_frame + self.num_frames

    @property
    def frames(self) -> range:
        """Numbers of its frames in the file: ``decoder.get_frames_at(episode.frames)``."""
        return range(self.first_frame, self.stop)


def episodes_of(decoder: Any) -> List[Episode]:
    """All episodes of an open native decoder."""
    return [Episode(*decoder.episode(i)) for i in range(decoder.info()["episodes"])]
