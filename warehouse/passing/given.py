"""A wave that was given to a pass: its number, its parameters and how many may enter it stand before anybody is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Given"]


@dataclass(frozen=True)
class Given:
    """An approved wave; `room` is how many may enter it over all slices and passes together."""

    wave: int
    params: Mapping[str, Any]
    room: int
