"""A postal address as somebody types it on one line, read into the columns that contacts have."""

import re

from marketing.addresses import NotAnAddress

__all__ = ["postal"]

_ACCEPTED = '"12 rue Haute; 57000 Metz", with further lines or a country of two capital letters between semicolons'
#: A postcode has a figure in it, in one word or two (SW1A 1AA); the town is what follows.
_TOWN = re.compile(r"(?P<postcode>\w*\d\w*(?:\s+\w*\d\w*)?)\s+(?P<city>\D+)")


def postal(text: str, country: str) -> dict[str, str | None]:
    """address_1, address_2, postcode, city and country of "12 rue Haute; Bâtiment B; 57000 Metz; FR".

    `country` is the one where none is written. Raises NotAnAddress, which does not repeat the text.
    """
    lines = [line.strip() for line in re.split(r"[;\n]", text) if line.strip()]
    if len(lines) > 2 and re.fullmatch(r"[A-Z]{2}", lines[-1]):
        country = lines.pop()
    town = _TOWN.fullmatch(lines[-1]) if len(lines) in (2, 3) else None
    if town is None:
        raise NotAnAddress(f"no postal address; accepted: {_ACCEPTED}")
    second = lines[1] if len(lines) == 3 else None
    return {"address_1": lines[0], "address_2": second, "postcode": town["postcode"], "city": town["city"], "country": country}
