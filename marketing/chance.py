"""Chance that can be repeated: the same contact draws the same number for the same salt, here and in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

__all__ = [
    "DRAW_SQL", "GLOBAL_HOLDOUT", "cuts", "draw", "experiment_salt", "fmix32", "holdout_salt",
    "in_share", "pick", "salt32",
]

MASK = 0xFFFFFFFF
#: Salt of the holdout that gets no commercial touch from any chain.
GLOBAL_HOLDOUT = "house/holdout"

#: DuckDB macros that give the numbers of fmix32() and draw(); `salt` is the number of salt32(), not its text.
#: The products of two 32-bit numbers stay within UBIGINT, so nothing overflows or rounds.
DRAW_SQL = """
CREATE OR REPLACE TEMP MACRO fmix32_round(x, shift, factor) AS
    (xor(x, x >> shift) * factor::UBIGINT) & 4294967295::UBIGINT;
CREATE OR REPLACE TEMP MACRO fmix32_end(x) AS xor(x, x >> 16);
CREATE OR REPLACE TEMP MACRO fmix32(x) AS
    fmix32_end(fmix32_round(fmix32_round((x)::UBIGINT & 4294967295::UBIGINT, 16, 2246822507), 13, 3266489909));
CREATE OR REPLACE TEMP MACRO draw(salt, contact) AS
    fmix32(xor(xor((contact)::UBIGINT, (contact)::UBIGINT >> 32) & 4294967295::UBIGINT, (salt)::UBIGINT))::DOUBLE
    / 4294967296.0::DOUBLE;
"""


def salt32(text: str) -> int:
    """The number (32 bits) that stands for a salt: the first four bytes of its SHA-256, big endian."""
    return int.from_bytes(sha256(text.encode()).digest()[:4], "big")


def fmix32(x: int) -> int:
    """Spread the low 32 bits of x over 32 bits, one to one (the finaliser of MurmurHash3, A. Appleby)."""
    x &= MASK
    x = ((x ^ (x >> 16)) * 0x85EBCA6B) & MASK
    x = ((x ^ (x >> 13)) * 0xC2B2AE35) & MASK
    return x ^ (x >> 16)


def draw(salt: str, contact_id: int) -> float:
    """The number in [0, 1) that a contact (id 0 or more, 64 bits) draws for a salt; exact in a double."""
    return fmix32((contact_id ^ (contact_id >> 32)) & MASK ^ salt32(salt)) / 2**32


def in_share(salt: str, contact_id: int, share: float) -> bool:
    """Whether a contact falls into the share (0 to 1) that the salt picks."""
    return draw(salt, contact_id) < share


def cuts(shares: Mapping[str, float]) -> list[tuple[str, float]]:
    """Each variant with the draw below which it is taken, in written order; the last is 1.0, whatever rounding did.

    A query that compares draw() with these picks what pick() does.
    """
    upper, ends = 0.0, []
    for variant, share in shares.items():
        upper += share
        ends.append((variant, upper))
    return [*ends[:-1], (ends[-1][0], 1.0)]


def pick(salt: str, contact_id: int, shares: Mapping[str, float]) -> str:
    """The variant that a contact draws, the shares (adding up to 1) laid end to end in written order."""
    drawn = draw(salt, contact_id)
    return next(variant for variant, upper in cuts(shares) if drawn < upper)


def holdout_salt(chain: str, wave: int | None = None) -> str:
    """The salt of a chain's holdout; with a wave number, of that wave's (chains whose arms are drawn by wave)."""
    return f"{chain}/holdout" if wave is None else f"{chain}/holdout/{wave}"


def experiment_salt(chain: str, step: str) -> str:
    """The salt of an experiment: changed shares need a new step name, so that nobody changes variant."""
    return f"{chain}/{step}"
