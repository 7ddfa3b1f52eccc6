"""The environment of a house: who may be reached in it, and the words that say so wherever a figure is shown."""

import re
from collections.abc import Collection

__all__ = ["LIVE", "REFUSED_HERE", "banner", "may_reach", "plain_address"]

#: The one environment in which a message reaches whoever it is for.
LIVE = "live"
#: The reason of a touch that was not handed over because its address is not on the list of this environment.
REFUSED_HERE = "not_allowed_here"
#: What an allow-list may hold: a domain, an e-mail address, a whole telephone number.
_DOMAIN, _NUMBER = re.compile(r"(?:[^\s<>@]+)?@[^\s<>@]+\.[^\s<>@]+"), re.compile(r"\+[0-9]{6,15}")


def plain_address(text: str) -> str | None:
    """An entry of an allow-list as it is compared; None where it is neither @domain, name@domain nor +number."""
    told = re.sub(r"[ .()-]", "", text) if text.strip().startswith("+") else text.strip().casefold()
    return told if _DOMAIN.fullmatch(told) or _NUMBER.fullmatch(told) else None


def may_reach(address: str, listed: Collection[str]) -> bool:
    """Whether an address is on the list: itself, or by its @domain."""
    told = address.strip().casefold()
    return bool(told) and (told in listed or told[told.rfind("@"):] in listed)


def banner(environment: str, listed: Collection[str] = ()) -> str:
    """What a page, a figure or a command says first outside of live; `listed`: connectors that reach an allow-list."""
    if environment == LIVE:
        return ""
    if listed:
        return f"{environment.upper()}: {', '.join(sorted(listed))} reaches the allow-list alone, everything else nobody"
    return f"{environment.upper()}: nothing reaches real addresses"
