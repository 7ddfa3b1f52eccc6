"""The policy: how often, and when, a contact may be written to, whatever the chain."""

from collections import defaultdict
from datetime import time
from functools import cached_property
from typing import Annotated, Any

from holidays.registry import EntityLoader
from pydantic import AfterValidator, BeforeValidator, Field, field_serializer, field_validator, model_validator

from marketing.alarms import Limits
from marketing.approval import Thresholds
from marketing.channels import CHANNELS
from marketing.settings import Channel, Settings
from marketing.steps import Purpose

__all__ = ["WEEKDAYS", "Cap", "Hours", "Policy"]

#: as policy.toml writes them; their position is datetime's number of the day, Monday 0
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _weekdays(value: Any) -> Any:
    if not isinstance(value, list) or not value or not set(map(str, value)) <= set(WEEKDAYS):
        raise ValueError("a list of " + ", ".join(WEEKDAYS))
    return frozenset(WEEKDAYS.index(day) for day in value)


def _time(value: Any) -> Any:
    try:
        value = time.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        value = None
    if not isinstance(value, time) or value.tzinfo is not None:
        raise ValueError('a time of the day, such as "09:00"')
    return value


def _weight(value: float) -> float:
    if not 0 <= value <= 100:
        raise ValueError("a weight from 0 to 100; an e-mail is 1")
    return value


class Cap(Settings):
    """At most `at_most` touches to one contact within any `within_days` days."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="a name in lower_snake, shown in refusals")
    #: None: all channels together
    channels: frozenset[Channel] | None = Field(
        None, min_length=1, description="a list of one channel or more; left out: all channels together")
    #: None: every purpose
    purposes: frozenset[Purpose] | None = Field(
        None, min_length=1, description="a list of one purpose or more; left out: every purpose")
    at_most: int = Field(ge=1, strict=True, description="a whole number of touches, 1 or more")
    within_days: int = Field(ge=1, le=3650, strict=True, description="a whole number of days, 1 or more")


class Hours(Settings):
    """A part of the week in which a channel may reach a contact, in the contact's own zone.

    The start belongs to it, the end does not.
    """

    channel: Channel = Field(description="the channel that these hours are for")
    weekdays: Annotated[frozenset[int], BeforeValidator(_weekdays)] = Field(
        description="a list of " + ", ".join(WEEKDAYS))
    start: Annotated[time, BeforeValidator(_time)] = Field(alias="from", description='a time, such as "09:00"')
    end: Annotated[time, BeforeValidator(_time)] = Field(alias="to", description='a time, such as "20:00"')
    #: whether public holidays count as ordinary days
    holidays: bool = Field(False, description="true when public holidays count as ordinary days, else false")

    @field_serializer("weekdays")
    def _named(self, days: frozenset[int]) -> list[str]:
        return [WEEKDAYS[day] for day in sorted(days)]

    @model_validator(mode="after")
    def _forward(self) -> "Hours":
        if self.start >= self.end:
            raise ValueError(f"a from before its to (found {self.start:%H:%M} to {self.end:%H:%M})")
        return self


class Policy(Settings):
    """The rules of policy.toml; a channel without hours may be used at any time."""

    country: str = Field(description="two capital letters (ISO 3166), such as FR: whose public holidays count")
    #: the share of contacts that never gets a commercial touch, from any chain
    global_holdout: float = Field(0.0, ge=0, le=0.5, description="a share of the contacts, from 0 to 0.5")
    caps: list[Cap] = Field([], alias="cap")
    #: the windows as written; `hours` has them by channel
    windows: list[Hours] = Field([], alias="hours")
    #: how much one touch weighs in the account of pressure; an e-mail is 1
    weights: dict[Channel, Annotated[float, AfterValidator(_weight)]] = Field({}, validate_default=True)
    #: from when on somebody is told that something is wrong
    alarms: Limits = Field(Limits(), description="a table [alarms]")

    #: from which size on a wave waits for a person
    approval: Thresholds = Field(Thresholds(), description="a table [approval]")

    @field_validator("country")
    @classmethod
    def _country(cls, value: str) -> str:
        # The registry alone: list_supported_countries() loads the modules of all 250, a tenth of a second.
        if value not in set(EntityLoader.get_country_codes(include_aliases=False)):
            raise ValueError("two capital letters (ISO 3166) of a country whose holidays are known, such as FR")
        return value

    @field_validator("caps")
    @classmethod
    def _distinct(cls, value: list[Cap]) -> list[Cap]:
        names = [cap.name for cap in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"a name of its own for each cap (used twice: {', '.join(twice)})")
        return value

    @field_validator("weights")
    @classmethod
    def _every_channel(cls, value: dict[str, float]) -> dict[str, float]:
        return {channel: value.get(channel, 1.0) for channel in sorted(CHANNELS)}

    @cached_property
    def hours(self) -> dict[str, tuple[Hours, ...]]:
        """By channel, the windows of the week that are open; a channel that is not here is open always."""
        by_channel = defaultdict(list)
        for window in self.windows:
            by_channel[window.channel].append(window)
        return {channel: tuple(windows) for channel, windows in by_channel.items()}
