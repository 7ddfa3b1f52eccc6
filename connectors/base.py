"""What every connector promises: the words of sending, and the defaults of what it cannot do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from marketing.channels import CHANNELS

if TYPE_CHECKING:
    from marketing.responses import Response

__all__ = [
    "ACCEPTED", "CHANNELS", "BadSignature", "Base", "Capabilities", "Connector", "ConnectorDown", "ErrorKind",
    "Health", "Outcome", "Outgoing", "RawRequest", "Receipt", "Settings",
]


class Outcome(StrEnum):
    """What became of one touch, as the connector saw it."""

    #: The provider took it and answers for it from here.
    ACCEPTED = "accepted"
    #: The provider had already taken this key; nothing was made a second time.
    DUPLICATE = "duplicate"
    #: The provider will never take this message for this address.
    REJECTED = "rejected"
    #: Nothing was made; the same touch may be handed over again later.
    RETRY = "retry"
    #: Nothing was made because we go too fast; hand over again after `retry_after`.
    THROTTLED = "throttled"
    #: The provider may have taken it: the line broke before it answered.
    UNKNOWN = "unknown"
    #: The connector itself refused to hand it over (a rule of law or of the house).
    BLOCKED = "blocked"


class ErrorKind(StrEnum):
    """Why a touch was not accepted; the retry policy belongs to the kind, not to the provider."""

    #: The address cannot receive anything: never try it again.
    INVALID_ADDRESS = "invalid_address"
    #: The person told the provider to stop us.
    OPTED_OUT = "opted_out"
    #: This message, not this address, is refused (size, form, spam verdict).
    CONTENT = "content"
    #: Our account, sender or credentials are wrong: the connector stops.
    CONFIG = "config"
    #: There is no money left in the account: the connector stops.
    CREDIT = "credit"
    #: The day's allowance is used up.
    QUOTA = "quota"
    #: Too many messages for the moment.
    RATE = "rate"
    #: The line broke.
    NETWORK = "network"
    #: The provider failed, or said something nobody has listed.
    PROVIDER = "provider"
    #: A rule of the provider, of the law or of the house forbids it.
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a connector can do; the engine asks before it relies on anything."""

    channels: frozenset[str]
    #: Touches in one call of `send`.
    max_batch: int = 1000
    #: Touches per second over all processes; None is as fast as it goes.
    rate: float | None = None
    #: The same key handed over twice makes one message, and says DUPLICATE.
    idempotent: bool = False
    #: `lookup` can tell what became of a key.
    lookup: bool = False
    #: `cancel` can take something back.
    cancel: bool = False
    #: One bad row does not spoil the batch.
    partial_success: bool = True
    #: From acceptance to arrival (post takes days): a wait's clock starts after it.
    latency: timedelta = timedelta(0)
    #: May be used under a clock that is not the real one.
    simulated_clock: bool = False
    #: Reaches real people: allowed in the environment `live` alone.
    real_addresses: bool = False
    unit: str = "message"
    #: False: takes no content, so nothing need be rendered.
    renders: bool = True
    #: `send_uniform` settles any number of touches with one receipt.
    uniform: bool = False


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One touch as handed over: `key` is its token, `tags` carry chain, step, wave, run and channel."""

    key: str
    contact_id: int
    address: str
    content: Mapping[str, str] | bytes
    language: str = ""
    zone: str = ""
    purpose: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the connector said of one touch; by position, the n-th receipt answers the n-th touch."""

    outcome: Outcome
    provider_id: str | None = None
    error: ErrorKind | None = None
    #: The provider's own code, as it wrote it.
    code: str | None = None
    #: The provider's own words, without addresses or secrets.
    detail: str | None = None
    #: Seconds to leave this touch alone.
    retry_after: float | None = None
    units: int = 1
    cost: Decimal | None = None
    #: Naive UTC; None: the moment of the call.
    happened_at: datetime | None = None


#: The receipt of a touch about which there is nothing more to say; shared, since it is frozen.
ACCEPTED = Receipt(Outcome.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Health:
    """The answer to "would a send work now?"; `problems` name the setting to mend. Never a secret in any of it."""

    ok: bool
    problems: tuple[str, ...] = ()
    detail: str = ""
    #: Whether the provider takes our login; empty where it cannot be known, as below.
    credentials: str = ""
    #: Whether the provider lets us write under the sender's name.
    sender: str = ""
    #: What is left of the day's allowance or of the credit.
    quota: str = ""
    #: Whose fault the problem is: what to do about it follows from the kind.
    error: ErrorKind | None = None
    #: What to do, where the provider knows better than the kind of error says.
    advice: str = ""


@dataclass(frozen=True, slots=True)
class RawRequest:
    """One HTTP request of a provider as it came in; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: str = ""


class ConnectorDown(Exception):
    """Nothing of the batch was sent, and nothing of another would be now."""

    def __init__(self, reason: str, error: ErrorKind = ErrorKind.NETWORK, retry_after: float | None = None):
        super().__init__(reason)
        self.error = error
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.error, self.retry_after)


class BadSignature(Exception):
    """A request does not come from the provider it claims to come from."""


class Settings(BaseModel):
    """The settings of a connector: plain values; secrets are SecretStr, and errors never repeat a value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Connector(Protocol):
    """What the engine needs of a channel. Every instant is naive UTC."""

    name: str
    settings: Settings

    def capabilities(self) -> Capabilities: ...

    def send(self, batch: Sequence[Outgoing], now: datetime) -> Sequence[Receipt]: ...

    def send_uniform(self, count: int, now: datetime) -> Receipt: ...

    def lookup(self, keys: Sequence[str]) -> Mapping[str, Receipt]: ...

    def cancel(self, keys: Sequence[str]) -> Mapping[str, bool]: ...

    def quote(self, count: int) -> Decimal: ...

    def check(self) -> Health: ...

    def verify(self, request: RawRequest) -> None: ...

    def parse(self, request: RawRequest) -> Iterable[Response]: ...

    def poll(self, cursor: str | None, now: datetime) -> tuple[list[Response], str | None]: ...

    def close(self) -> None: ...


class Base:
    """A connector that can do nothing yet: a provider's file overrides the verbs it has.

    `capabilities` and `send` must be given. `send` answers one receipt per row in the order of the batch,
    never raises for one row, and raises ConnectorDown only if nothing at all was sent.
    """

    Settings: ClassVar[type[Settings]] = Settings

    def __init__(self, name: str, settings: Settings):
        self.name = name
        self.settings = settings

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def _cannot(self, verb: str, capability: str) -> NotImplementedError:
        return NotImplementedError(
            f"connector {self.name!r} ({type(self).__name__}) does not {verb}; ask capabilities().{capability} first"
        )

    def capabilities(self) -> Capabilities:
        """What this connector can do; constant for the life of the object."""
        raise NotImplementedError(f"{type(self).__name__} must implement capabilities()")

    def send(self, batch: Sequence[Outgoing], now: datetime) -> Sequence[Receipt]:
        """Hand over a batch of at most `max_batch` touches; one receipt per row, in order."""
        raise NotImplementedError(f"{type(self).__name__} must implement send()")

    def send_uniform(self, count: int, now: datetime) -> Receipt:
        """Settle `count` touches alike with one receipt (capability `uniform`)."""
        raise self._cannot("settle a whole set alike", "uniform")

    def lookup(self, keys: Sequence[str]) -> Mapping[str, Receipt]:
        """What became of each key (capability `lookup`).

        ACCEPTED: it was made. RETRY: the provider has surely never seen it, so it may be handed over again.
        A key that is absent cannot be told: it stays unknown.
        """
        raise self._cannot("look up keys", "lookup")

    def cancel(self, keys: Sequence[str]) -> Mapping[str, bool]:
        """Take back what still can be; True for each key of which nothing will arrive."""
        return dict.fromkeys(keys, False)

    def quote(self, count: int) -> Decimal:
        """The price of `count` touches in the house's currency, without tax; no side effect."""
        return Decimal(0)

    def check(self) -> Health:
        """Whether a send would work now; reaches the provider, sends nothing, never raises."""
        return Health(ok=True)

    def verify(self, request: RawRequest) -> None:
        """Raise BadSignature unless the request is the provider's own; called before `parse`."""
        raise BadSignature(f"connector {self.name!r} ({type(self).__name__}) takes no requests")

    def parse(self, request: RawRequest) -> Iterable[Response]:
        """The responses in a verified request."""
        raise self._cannot("take requests", "channels")

    @property
    def polled(self) -> bool:
        """Whether `poll` may ever have anything to say, so that an idle pass need not ask."""
        return type(self).poll is not Base.poll

    def poll(self, cursor: str | None, now: datetime) -> tuple[list[Response], str | None]:
        """The responses listed since `cursor`, and the cursor to ask with next time."""
        return [], cursor

    def close(self) -> None:
        """Let go of connections and files; the object may be used again after."""
