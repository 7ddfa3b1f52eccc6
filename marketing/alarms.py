"""Alarms: what of the house's present state somebody should be told, by rule; no clock, no database."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from pydantic import Field, model_validator

from marketing.settings import Rate, Settings

__all__ = ["KINDS", "Alarm", "Facts", "Limits", "alarms", "untold"]

#: Every kind of alarm: what it means, and what to do; {what} is the chain, connector, source, wave or kind of run concerned.
KINDS: Mapping[str, tuple[str, str]] = {
    "failed_pass": ("The last pass of a chain failed; its contacts stand where they stood",
                    "Read the run's error, mend it, then: relance pass {what}"),
    "failed_run": ("The last run of a flow of the house failed: send, collect or maintain",
                   "Read the run's error, mend it; the next run does what is left"),
    "crashed_run": ("A run ended with its process, and none has ended well since",
                    "Look at the worker and its machine; the next run does what is due"),
    "overdue_chain": ("Somebody has been due for long, and no pass came by",
                      "See that a worker runs and that the deployment {what} is not paused, or: relance pass {what}"),
    "stopped_connector": ("A connector's settings or credit were refused; nothing leaves by it",
                          "relance status has the provider's words; mend it, then: relance send {what} --resume"),
    "complaint_rate": ("More contacts reported a connector's messages as spam than mailbox providers accept",
                       "Pause the chains that write by {what}, find out who complains and why, write to fewer"),
    "unknown_touches": ("Nobody knows whether these touches left: their sender died, and the provider cannot be asked",
                        "They are not sent again; look them up with the provider of {what}: relance status"),
    "stale_source": ("A source is older than a chain accepts, or was never loaded; the chain waits and sends nothing",
                     "Load it: relance load {what} FILE"),
    "awaiting_approval": ("A wave is too large to leave by itself, and lapses if nobody decides",
                          "relance approvals shows it; then: relance approve {what}, or: relance reject {what}"),
    "changed_message": ("A message has changed since its wave was approved; what is left of the wave waits",
                        "Put the message back, or read it and approve it too: relance approve {what}"),
    "stuck_touches": ("Touches could have left long ago, and nothing leaves by their connector",
                      "See that the flow send runs, or: relance send {what}"),
    "ceiling_reached": ("A connector was handed as many touches today as house.toml allows",
                        "What is left leaves tomorrow; if that is too few, raise daily_ceiling of {what} in house.toml"),
}


class Limits(Settings):
    """The table [alarms] of policy.toml: from when on somebody is told."""

    # Google's and Yahoo's rules for who sends in bulk (2024): stay below 0.1 %, never reach 0.3 %.
    complaint_warning: Rate = Field(Decimal("0.001"), description="a share of one, such as 0.001: from here on a warning")
    complaint_limit: Rate = Field(Decimal("0.003"), description="a share of one, such as 0.003: never to be reached")
    complaint_days: int = Field(7, ge=1, le=365, strict=True, description="a whole number of days, 1 or more")
    complaint_touches: int = Field(
        1000, ge=1, strict=True, description="a whole number of touches: of fewer no share is taken")
    unknown_touches: int = Field(0, ge=0, strict=True, description="a whole number of touches: more of them are told")
    stuck_hours: int = Field(2, ge=1, strict=True, description="a whole number of hours, 1 or more")
    overdue_hours: int = Field(3, ge=1, strict=True, description="a whole number of hours, 1 or more")
    remind_hours: int = Field(24, ge=1, strict=True, description="a whole number of hours: an alarm that stands is told again")

    @model_validator(mode="after")
    def _in_order(self) -> "Limits":
        if self.complaint_warning > self.complaint_limit:
            raise ValueError("a complaint_warning that is not above complaint_limit")
        return self

    @property
    def remind(self) -> timedelta:
        return timedelta(hours=self.remind_hours)


@dataclass(frozen=True)
class Facts:
    """What the rules look at, by chain, connector, source or kind of run; counts, and no word of anybody."""

    failed_passes: Mapping[str, int] = field(default_factory=dict)  #: by chain, since the last that ended well
    failed_runs: Mapping[str, int] = field(default_factory=dict)  #: by kind
    crashed_runs: Mapping[str, int] = field(default_factory=dict)  #: by chain, else by kind
    overdue: Mapping[str, timedelta] = field(default_factory=dict)  #: since when somebody is due, by chain
    stopped: Iterable[str] = ()  #: connectors
    complaints: Mapping[str, tuple[int, int]] = field(default_factory=dict)  #: complaints and touches, by connector
    unknown: Mapping[str, int] = field(default_factory=dict)  #: by connector
    stale: Mapping[str, tuple[str, str]] = field(default_factory=dict)  #: age and the age accepted, by source
    awaiting: Mapping[str, int] = field(default_factory=dict)  #: contacts, by wave
    unbound: Mapping[str, int] = field(default_factory=dict)  #: steps whose message has changed, by wave
    stuck: Mapping[str, int] = field(default_factory=dict)  #: touches by connector, where nothing leaves
    #: touches of today and the ceiling, by connector that has reached it
    ceilings: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class Alarm:
    """One thing to be told: its kind, what it concerns, how much, against which limit, and what to do."""

    kind: str
    what: str
    value: str
    limit: str
    advice: str

    @property
    def key(self) -> str:
        """What makes it the same alarm later; a higher limit that was passed is another one."""
        return f"{self.kind}:{self.what}:{self.limit}"

    @property
    def meaning(self) -> str:
        return KINDS[self.kind][0]


def alarms(facts: Facts, limits: Limits) -> list[Alarm]:
    """Every alarm that the facts give, by kind and by what it concerns."""
    found = [_alarm("failed_pass", chain, f"{many:,} failed", "0") for chain, many in facts.failed_passes.items()]
    found += [_alarm("failed_run", kind, f"{many:,} failed", "0") for kind, many in facts.failed_runs.items()]
    found += [_alarm("crashed_run", what, f"{many:,} crashed", "0") for what, many in facts.crashed_runs.items()]
    found += [_alarm("overdue_chain", chain, f"{since.total_seconds() / 3600:.0f} hours", f"{limits.overdue_hours} hours")
              for chain, since in facts.overdue.items() if since >= timedelta(hours=limits.overdue_hours)]
    found += [_alarm("stopped_connector", connector, "stopped", "not stopped") for connector in facts.stopped]
    found += [_alarm("complaint_rate", connector, f"{_percent(rate)} of {touches:,}", _percent(passed))
              for connector, (complaints, touches) in facts.complaints.items() if touches >= limits.complaint_touches
              and (passed := _passed(rate := Decimal(complaints) / touches, limits)) is not None]
    found += [_alarm("unknown_touches", connector, f"{many:,} touches", f"{limits.unknown_touches:,}")
              for connector, many in facts.unknown.items() if many > limits.unknown_touches]
    found += [_alarm("stale_source", source, age, oldest) for source, (age, oldest) in facts.stale.items()]
    found += [_alarm("awaiting_approval", wave, f"{many:,} contacts", "undecided") for wave, many in facts.awaiting.items()]
    found += [_alarm("changed_message", wave, f"{many:,} steps", "0") for wave, many in facts.unbound.items()]
    # A connector that was stopped has an alarm of its own.
    found += [_alarm("stuck_touches", connector, f"{many:,} touches", f"{limits.stuck_hours} hours")
              for connector, many in facts.stuck.items() if many and connector not in set(facts.stopped)]
    found += [_alarm("ceiling_reached", connector, f"{many:,} today", f"{ceiling:,} a day")
              for connector, (many, ceiling) in facts.ceilings.items()]
    return sorted(found)


def untold(found: Iterable[Alarm], told: Mapping[str, datetime], now: datetime, remind: timedelta) -> list[Alarm]:
    """Of the alarms found those that nobody was told yet, or so long ago that they are told again; `told` is by key."""
    return [alarm for alarm in found if alarm.key not in told or told[alarm.key] + remind <= now]


def _alarm(kind: str, what: str, value: str, limit: str) -> Alarm:
    return Alarm(kind, what, value, limit, KINDS[kind][1].format(what=what))


def _passed(rate: Decimal, limits: Limits) -> Decimal | None:
    return next((limit for limit in (limits.complaint_limit, limits.complaint_warning) if rate >= limit), None)


def _percent(share: Decimal) -> str:
    return f"{100 * share:.2f} %"
