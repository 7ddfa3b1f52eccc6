"""Invented contacts, for previews that show no real one: plausible values in a language, at addresses nobody has."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

__all__ = ["person", "value"]

#: Numbers that no network gives out (Arcep and Ofcom keep them for films), and a domain that no registry sells.
_PEOPLE: dict[str, dict[str, str | None]] = {
    "fr": {"first_name": "Camille", "last_name": "Dubois", "address_1": "12 rue des Lilas", "address_2": None,
           "postcode": "69003", "city": "Lyon", "country": "FR", "email": "camille.dubois@example.org", "phone": "+33639980012",
           "rep": "Jeanne Martin"},
    "en": {"first_name": "Alex", "last_name": "Morgan", "address_1": "12 Station Road", "address_2": None,
           "postcode": "SW1A 1AA", "city": "London", "country": "GB", "email": "alex.morgan@example.org",
           "phone": "+447700900123", "rep": "Jane Martin"},
}


def person(language: str) -> Mapping[str, str | None]:
    """Names and addresses of somebody who speaks the language (ISO 639-1); of one we know no name in, an English one."""
    return _PEOPLE.get(language[:2].lower(), _PEOPLE["en"])


def value(name: str, kind: str, as_of: datetime) -> Any:
    """What an attribute of the house's own might hold: `kind` is text, number, truth or instant.

    A text is the attribute's name in brackets, so that a reader sees where it will stand.
    """
    return {"number": 3, "truth": True, "instant": as_of}.get(kind, f"[{name}]")
