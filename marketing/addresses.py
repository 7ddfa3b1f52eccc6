"""Addresses as one spelling each, so that the same mailbox or telephone is recognised wherever it was typed."""

import hashlib
import re
from collections.abc import Iterable

import numpy as np
import phonenumbers
from email_validator import EmailNotValidError, validate_email

__all__ = ["NotAnAddress", "address_key", "address_keys", "email", "emails", "phone", "phones"]

#: What people write between the digits of a telephone number; it carries no meaning.
_BETWEEN = str.maketrans("", "", " .-/()\t\u00a0\u202f\u2009\u2011\u2013")
#: An unquoted local part of ASCII letters (RFC 5322 dot-atom); anything else goes to the full check.
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PLAIN_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
#: Regions whose ordinary numbers one pattern reads exactly as the library does (a test compares them):
#: the library takes 23 microseconds a number, the pattern less than one.
_PLAIN_PHONE = {
    "FR": ("+33", re.compile(r"(?:\+33|0033|0)?([1-9]\d{8})")),
    "US": ("+1", re.compile(r"(?:\+?1)?([2-9]\d{9})")),
    "CA": ("+1", re.compile(r"(?:\+?1)?([2-9]\d{9})")),
}


class NotAnAddress(ValueError):
    """A text that no e-mail or telephone can be reached by; the message says why, without the text."""


def email(text: str) -> str:
    """The one spelling of an e-mail address: trimmed, small letters, domain in Unicode.

    The local part is lowered too: no large provider tells A@x from a@x, and a suppression must hold for both.
    Nothing is asked of the network. Raises NotAnAddress.
    """
    try:
        checked = validate_email(text.strip(), check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise NotAnAddress(str(error).rstrip(".")) from None
    return checked.normalized.lower()


def phone(text: str, region: str) -> str:
    """The E.164 form of a telephone number, such as +33612345678.

    `region` (ISO 3166, two capital letters) reads numbers written without a country code, also
    those whose leading zero a spreadsheet ate. The number must have a length that its country
    gives out; whether it is in service is not asked. Raises NotAnAddress.
    """
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise NotAnAddress("not a telephone number") from None
    if not phonenumbers.is_possible_number(number):
        raise NotAnAddress(f"no number of country +{number.country_code} has this length")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def emails(texts: Iterable[str | None]) -> list[str | None]:
    """`email` of each text, None where there is none; meant for distinct values, a microsecond each."""
    domains: dict[str, bool] = {}
    found = []
    for text in texts:
        found.append(None if text is None else _plain_email(text, domains) or _or_none(email, text))
    return found


def _plain_email(text: str, domains: dict[str, bool]) -> str | None:
    """The quick way: a plain local part at a domain that was checked in full once."""
    lowered = text.strip().lower()
    local, _, domain = lowered.rpartition("@")
    if len(local) > 64 or len(lowered) > 254 or not _PLAIN_LOCAL.fullmatch(local):
        return None
    if domain not in domains:
        domains[domain] = domain.isascii() and _or_none(email, f"x@{domain}") == f"x@{domain}"
    return lowered if domains[domain] else None


def phones(texts: Iterable[str | None], region: str) -> list[str | None]:
    """`phone` of each text, None where there is none; meant for distinct values."""
    prefix, plain = _PLAIN_PHONE.get(region, ("", None))
    found = []
    for text in texts:
        match = plain.fullmatch(text.translate(_BETWEEN)) if plain and text is not None else None
        found.append(prefix + match[1] if match else None if text is None else _or_none(phone, text, region))
    return found


def _or_none(read, *arguments) -> str | None:
    try:
        return read(*arguments)
    except NotAnAddress:
        return None


def address_key(key: bytes, address: str) -> int:
    """The number that stands for a normalised address where the address itself may not be kept.

    Keyed BLAKE2b (RFC 7693), 8 bytes, big endian: without `key` (up to 64 bytes) nobody can try
    addresses against it; among ten million addresses two share one with a chance below 1 in 300,000.
    """
    return int.from_bytes(hashlib.blake2b(address.encode(), digest_size=8, key=key).digest(), "big")


def address_keys(key: bytes, addresses: Iterable[str]) -> np.ndarray:
    """`address_key` of each address, as unsigned integers of 64 bits."""
    keyed = hashlib.blake2b(digest_size=8, key=key)
    digests = []
    for address in addresses:
        state = keyed.copy()
        state.update(address.encode())
        digests.append(state.digest())
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)
