"""The house: who writes, in which language, zone and currency, through which connectors, at what cost."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from marketing.campaign import Campaign
from marketing.environment import LIVE, banner, plain_address
from marketing.settings import Channel, Price, Rate, Settings, Zone

__all__ = ["SECRETS", "House", "MissingSecret", "Vat"]

#: what a connector's settings may not hold in the open
SECRETS = ("password", "secret", "token", "api_key", "access_key", "private_key")
#: keys of a connector's table that are not its settings: the file that serves it, the Block that holds its settings, whom
#: it may reach outside of live, and how many touches it may be handed in a day
OWN_KEYS = ("kind", "block", "allow", "daily_ceiling")


class MissingSecret(LookupError):
    """A connector's setting names an environment variable that is not set."""


class Vat(Settings):
    """Whether the amounts of orders carry value added tax, and at which rate."""

    included: bool = Field(description="true when the amounts of orders carry VAT, else false")
    rate: Rate = Field(Decimal(0), description="the rate as a share of one, such as 0.20")

    @model_validator(mode="after")
    def _stated(self) -> Self:
        if self.included and not self.rate:
            raise ValueError("a rate above 0 where included is true, such as rate = 0.20")
        return self

    @property
    def divisor(self) -> Decimal:
        """What an order's amount is divided by to be without tax."""
        return 1 + self.rate if self.included else Decimal(1)


class House(Settings):
    """The settings of house.toml; amounts are Decimal in `currency`, without tax."""

    name: str = Field(min_length=1, description="the name that messages are signed with")
    language: str = Field(description="two small letters (ISO 639-1), such as fr")
    country: str = Field(description="two capital letters (ISO 3166), such as FR")
    zone: Zone = Field(description="a name of the IANA time zone database, such as Europe/Paris")
    currency: str = Field(description="three capital letters (ISO 4217), such as EUR")
    environment: Literal["demo", "test", "live"] = Field(description="'demo', 'test' or 'live'")
    vat: Vat = Field(description="a table [vat] with included and rate")
    #: margin as a share of an amount without tax, where an order line states none; None: unknown,
    #: and then the figures are revenue, never return on investment
    margin_rate: Rate | None = None
    channels: dict[Channel, str] = Field(description="a table [channels]: channel = \"connector\"")
    connectors: dict[str, dict[str, Any]] = Field(description="a table [connectors.<name>] for each connector")
    #: what one touch costs, by channel, where the receipt states nothing better
    costs: dict[Channel, Price] = Field(description="a table [costs]: channel = amount of one touch")
    urls: dict[str, str] = {}
    #: None: links are left as they are written
    campaign: Campaign | None = Field(None, description="a table [campaign] with domains and tags")

    @field_validator("language")
    @classmethod
    def _language(cls, value: str) -> str:
        if not (len(value) == 2 and value.isascii() and value.isalpha() and value.islower()):
            raise ValueError("two small letters (ISO 639-1), such as fr")
        return value

    @field_validator("country")
    @classmethod
    def _country(cls, value: str) -> str:
        if not (len(value) == 2 and value.isascii() and value.isalpha() and value.isupper()):
            raise ValueError("two capital letters (ISO 3166), such as FR")
        return value

    @field_validator("currency")
    @classmethod
    def _currency(cls, value: str) -> str:
        if not (len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()):
            raise ValueError("three capital letters (ISO 4217), such as EUR")
        return value

    @field_validator("urls")
    @classmethod
    def _urls(cls, value: dict[str, str]) -> dict[str, str]:
        wrong = [name for name, url in value.items() if not url.startswith(("https://", "http://"))]
        if wrong:
            raise ValueError(f"addresses that open with https:// (not so: {', '.join(sorted(wrong))})")
        return value

    @field_validator("connectors")
    @classmethod
    def _connectors(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name, settings in value.items():
            if not isinstance(settings.get("kind"), str):
                raise ValueError(f'a table [connectors.{name}] with kind = "…", the file in connectors/ that serves it')
            block = settings.get("block")
            if block is not None and not (isinstance(block, str) and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", block)):
                raise ValueError(f"[connectors.{name}] with block = the name of a Block: small letters, digits and dashes")
            _hold_bounds(name, settings)
            for key, setting in settings.items():
                if key.lower().endswith(SECRETS) and not _from_environment(setting):
                    raise ValueError(f'no secret in the open: write {key} = {{ env = "NAME_OF_A_VARIABLE" }} '
                                     f"in [connectors.{name}]")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        known = ", ".join(sorted(self.connectors)) or "none"
        for channel, connector in self.channels.items():
            if connector not in self.connectors:
                raise ValueError(f"channels.{channel} is {connector!r}; accepted: a connector of this file: {known}")
            if channel not in self.costs:
                raise ValueError(f"costs.{channel} is missing; accepted: what one touch by {channel} costs "
                                 f"in {self.currency}, 0 if nothing")
        return self

    def block(self, name: str) -> str | None:
        """The Prefect Block that holds settings of the connector `name`, by its name; None where none is named."""
        return self.connectors[name].get("block")

    def allow(self, name: str) -> frozenset[str] | None:
        """The addresses and @domains that the connector `name` may reach outside of live; None where no list is given."""
        listed = self.connectors[name].get("allow")
        return None if listed is None else frozenset(plain_address(one) for one in listed)

    def ceiling(self, name: str) -> int | None:
        """How many touches the connector `name` may be handed in a day of the house; None for as many as there are."""
        return self.connectors.get(name, {}).get("daily_ceiling")

    @property
    def banner(self) -> str:
        """What stands above everything that is shown of this house; empty where it is live."""
        serving = {name for name in self.channels.values() if self.allow(name) is not None}
        return banner(self.environment, serving)

    @property
    def live(self) -> bool:
        return self.environment == LIVE

    def settings(self, name: str, environment: Mapping[str, str], saved: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The settings of the connector `name`: those of this file over those `saved` in its Block.

        A setting `{ env = "NAME" }` takes its value from `environment`, and where that is not set, from `saved`.
        Raises MissingSecret where neither has it.
        """
        settings = dict(saved or {})
        for key, setting in self.connectors[name].items():
            unset = _from_environment(setting) and setting["env"] not in environment
            if key not in OWN_KEYS and not (unset and key in settings):
                settings[key] = _value(f"connectors.{name}.{key}", setting, environment)
        return settings


def _hold_bounds(name: str, settings: Mapping[str, Any]) -> None:
    allow, ceiling = settings.get("allow", []), settings.get("daily_ceiling", 1)
    if not isinstance(allow, list) or not all(isinstance(one, str) and plain_address(one) for one in allow):
        raise ValueError(f'[connectors.{name}] with allow = a list of "@domain", "name@domain" or "+33612345678"')
    if not isinstance(ceiling, int) or isinstance(ceiling, bool) or ceiling < 1:
        raise ValueError(f"[connectors.{name}] with daily_ceiling = a whole number of touches, 1 or more")


def _from_environment(setting: object) -> bool:
    return isinstance(setting, Mapping) and set(setting) == {"env"}


def _value(key: str, setting: Any, environment: Mapping[str, str]) -> Any:
    if not _from_environment(setting):
        return setting
    if setting["env"] not in environment:
        raise MissingSecret(f"house.toml: {key} is taken from the environment variable {setting['env']}, which is not set")
    return environment[setting["env"]]
