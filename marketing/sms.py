"""How many SMS a text is: which alphabet it takes, how many segments, and which characters make it dear."""

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["GSM_7", "UCS_2", "Measure", "measure"]

GSM_7, UCS_2 = "GSM-7", "UCS-2"

#: The default alphabet, one septet a character (3GPP TS 23.038, 6.2.1), by code; the escape, 0x1B, prints nothing.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")
#: Its extension (6.2.1.1): an escape before each, so two septets.
_EXTENDED = frozenset("\f^{}\\[~]|€")
#: What one message holds alone, and each of several, whose header takes six octets (3GPP TS 23.040, 9.2.3.24.1).
_ROOM = {GSM_7: (160, 153), UCS_2: (70, 67)}


@dataclass(frozen=True, slots=True)
class Measure:
    """A text as the network counts it. `length` is in septets (GSM-7) or in units of 16 bits (UCS-2).

    `dear` are the characters that no GSM-7 alphabet has: with any of them a message holds 70 instead of 160.
    """

    encoding: str
    length: int
    segments: int
    dear: tuple[str, ...] = ()

    def __str__(self) -> str:
        many = f"{self.segments} segment{'' if self.segments == 1 else 's'}"
        because = f", because of {' '.join(self.dear)}" if self.dear else ""
        return f"{many} ({self.length} of {self.encoding}{because})"


def measure(text: str) -> Measure:
    """How many segments a text takes; an empty one takes one.

    A character is never cut: an escaped one, or one beyond 16 bits, goes whole into the next segment.
    """
    dear = tuple(dict.fromkeys(c for c in text if c not in _BASIC and c not in _EXTENDED))
    encoding = UCS_2 if dear else GSM_7
    widths = [2 if ord(c) > 0xFFFF else 1 for c in text] if dear else [2 if c in _EXTENDED else 1 for c in text]
    alone, each = _ROOM[encoding]
    length = sum(widths)
    return Measure(encoding, length, 1 if length <= alone else _filled(widths, each), dear)


def _filled(widths: Iterable[int], room: int) -> int:
    """Segments of `room`, each filled as far as whole characters go."""
    segments, used = 1, 0
    for width in widths:
        if used + width > room:
            segments, used = segments + 1, 0
        used += width
    return segments
