"""The identity of a touch, and the token by which it is known outside the house."""

import hmac
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from struct import Struct

import numpy as np

__all__ = ["CONTACT_BITS", "PREVIEW", "PROOF", "SEED", "ForgedToken", "Touch", "contact_of", "enrolment", "no_touch", "seal",
           "seal_all", "sealer", "unseal", "wave_of"]

#: An enrolment's id is its wave number above this many bits of contact id.
CONTACT_BITS = 36
CONTACT_MASK = (1 << CONTACT_BITS) - 1

_IDENTITY = Struct(">qIBB")  # enrolment, step number, visit, leg: 14 bytes
_TAG = 9
_LETTERS = 37
_ALPHABET = b"abcdefghijklmnopqrstuvwxyz234567"
_CODES = np.frombuffer(_ALPHABET, np.uint8)
_WEIGHTS = np.array([16, 8, 4, 2, 1], np.uint8)
_TO_BASE_32 = bytes.maketrans(_ALPHABET, b"0123456789abcdefghijklmnopqrstuv")

#: How the tokens begin of messages that are no touch: a preview, a proof, a copy for a seed. No touch's has a dash.
PREVIEW, PROOF, SEED = "preview-", "proof-", "seed-"


class ForgedToken(ValueError):
    """A token that this house did not make."""


@dataclass(frozen=True, slots=True)
class Touch:
    """One message to one contact: enrolment, step (its number in the ledger), visit and leg."""

    enrolment_id: int
    step_no: int
    visit: int
    leg: int


def enrolment(wave: int, contact_id: int) -> int:
    """The id of one contact's enrolment in one wave."""
    return wave << CONTACT_BITS | contact_id


def no_touch(token: str) -> bool:
    """Whether a token is that of a preview, a proof or a seed's copy: whatever is answered to it is nobody's."""
    return token.startswith((PREVIEW, PROOF, SEED))


def contact_of(enrolment_id: int) -> int:
    return enrolment_id & CONTACT_MASK


def wave_of(enrolment_id: int) -> int:
    return enrolment_id >> CONTACT_BITS


def sealer(key: bytes):
    """A function (enrolment_id, step_no, visit, leg) -> token of 37 letters and digits, always the same.

    The token is a keyed SHA-256 of the identity and the identity masked by a second
    one of that tag (the shape of a synthetic initialisation vector): it says nothing
    to anybody else, cannot be made by anybody else, and needs no look-up table here.
    """
    tagging, masking = _inner(key, b"tag"), _inner(key, b"mask")
    pack = _IDENTITY.pack

    def seal_one(enrolment_id: int, step_no: int, visit: int, leg: int) -> str:
        identity = pack(enrolment_id, step_no, visit, leg)
        digest = tagging.copy()
        digest.update(identity)
        tag = digest.digest()[:_TAG]
        digest = masking.copy()
        digest.update(tag)
        masked = int.from_bytes(identity, "big") ^ int.from_bytes(digest.digest()[:14], "big")
        return b32encode(tag + masked.to_bytes(14, "big")).decode("ascii")[:_LETTERS].lower()

    return seal_one


def seal(key: bytes, enrolment_id: int, step_no: int, visit: int, leg: int) -> str:
    """The token of one touch; see `sealer` for many."""
    return sealer(key)(enrolment_id, step_no, visit, leg)


def seal_all(key: bytes, identities: Sequence[tuple[int, int, int, int]]) -> list[str]:
    """The tokens of many touches, in order: as `seal`, at a quarter of its price."""
    tagging, masking, pack = _inner(key, b"tag"), _inner(key, b"mask"), _IDENTITY.pack
    packed, tags, masks = [], [], []
    for identity in identities:
        packed.append(one := pack(*identity))
        digest = tagging.copy()
        digest.update(one)
        tags.append(tag := digest.digest()[:_TAG])
        digest = masking.copy()
        digest.update(tag)
        masks.append(digest.digest()[:_IDENTITY.size])
    raw = np.hstack([_rows(tags, _TAG), _rows(packed, _IDENTITY.size) ^ _rows(masks, _IDENTITY.size)])
    bits = np.zeros((len(raw), _LETTERS * 5), np.uint8)  # five a letter; the last is none of the token's
    bits[:, :raw.shape[1] * 8] = np.unpackbits(raw, axis=1)
    letters = _CODES[bits.reshape(-1, _LETTERS, 5) @ _WEIGHTS].tobytes().decode("ascii")
    return [letters[at:at + _LETTERS] for at in range(0, len(letters), _LETTERS)]


def _rows(texts: list[bytes], width: int) -> np.ndarray:
    return np.frombuffer(b"".join(texts), np.uint8).reshape(-1, width)


def unseal(key: bytes, token: str) -> Touch:
    """The touch of a token. Raises `ForgedToken` for anything that `seal` with this key did not make."""
    letters = token.encode("ascii", "replace")
    if len(letters) != _LETTERS or letters.translate(None, _ALPHABET):
        raise ForgedToken(f"not a token of this house: {token[:40]!r}")
    # 37 letters hold 185 bits, one more than the token; int() reads base 32 in C, b32decode in Python.
    raw = (int(letters.translate(_TO_BASE_32), 32) >> 1).to_bytes(_TAG + 14, "big")
    tag, masked = raw[:_TAG], raw[_TAG:]
    masking = _inner(key, b"mask").copy()
    masking.update(tag)
    identity = (int.from_bytes(masked, "big") ^ int.from_bytes(masking.digest()[:14], "big")).to_bytes(14, "big")
    tagging = _inner(key, b"tag").copy()
    tagging.update(identity)
    if not hmac.compare_digest(tagging.digest()[:_TAG], tag):
        raise ForgedToken(f"not a token of this house: {token[:40]!r}")
    return Touch(*_IDENTITY.unpack(identity))


@cache
def _inner(key: bytes, purpose: bytes):
    """SHA-256 that has absorbed a block of its own for this key and purpose; take a copy of it.

    The messages that follow have a fixed length, so that the plain prefix form of a
    keyed hash is sound: nothing can be appended to them.
    """
    return sha256(sha256(key + b"/" + purpose).digest() * 2)
