"""The one place where settings become objects: home folder, house, policy, ledger, connectors, messages."""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import chains
from connectors.base import Connector
from connectors.message import Messages
from connectors.registry import connect
from marketing.house import House
from marketing.policy import Policy
from outbox.environment import OnlyListed
from outbox.wired import Wired
from warehouse import Warehouse
from warehouse.outbox import LEASE

__all__ = ["NotAllowed", "wired"]

#: Settings of connectors that are paths.
PATHS = ("path", "truth")

_OPEN: dict[tuple, Wired] = {}


class NotAllowed(Exception):
    """A connector may not be used here: it reaches real people, goes by the real clock, or waits longer than the lease."""


class Connectors(Mapping[str, Connector]):
    """Connectors by name, each made when it is first asked for; their names are known before."""

    def __init__(self, names: tuple[str, ...], make: Callable[[str], Connector]):
        self._names, self._make = names, make
        self._made: dict[str, Connector] = {}

    def __getitem__(self, name: str) -> Connector:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def wired(environ: Mapping[str, str] | None = None, *, every: bool = False, going_live: bool = False) -> Wired:
    """The installation that the environment names; made once per process.

    Its connectors are those that serve a channel. One whose settings are in a Block is made when it is first asked for,
    so that who sends nothing needs no Prefect server; any other is made here, and one that cannot be is an error.
    With `every` it has every connector of house.toml, none of them made yet: for looking at each on its own;
    with `going_live` too, it may be of a house that says live over a ledger that is not yet: for looking at what is missing.

    RELANCE_HOME (default `var`): house.toml and policy.toml, else those of the project;
    RELANCE_LEDGER_URL, RELANCE_WAREHOUSE_URL, RELANCE_SECRET_KEY, RELANCE_SEND_FOR and RELANCE_LEASE (seconds),
    RELANCE_MEMORY (of the engine, such as 320MB), RELANCE_THREADS (0: as many as are worth it), RELANCE_SLICE_BITS.
    """
    environ = os.environ if environ is None else environ
    named = every, going_live, *sorted((key, value) for key, value in environ.items() if key.startswith("RELANCE_"))
    if named not in _OPEN:
        _OPEN[named] = _make(environ, every, going_live)
    return _OPEN[named]


def _make(environ: Mapping[str, str], every: bool, going_live: bool) -> Wired:
    home = Path(environ.get("RELANCE_HOME", "var")).absolute()
    house, policy = House.read(_settings(home, "house.toml")), Policy.read(_settings(home, "policy.toml"))
    warehouse = Warehouse.open(
        home, house, policy, environ.get("RELANCE_LEDGER_URL"), environ.get("RELANCE_WAREHOUSE_URL"),
        key=environ.get("RELANCE_SECRET_KEY", "").encode() or None,
        memory_limit=environ.get("RELANCE_MEMORY", "320MB"), threads=int(environ.get("RELANCE_THREADS", "0")) or None,
        slice_bits=int(environ.get("RELANCE_SLICE_BITS", "20")), going_live=going_live)
    lease = timedelta(seconds=float(environ.get("RELANCE_LEASE", LEASE.total_seconds())))
    serving = tuple(dict.fromkeys(house.channels.values()))

    def make(name: str) -> Connector:
        connector = connect(house.connectors[name]["kind"], name, _placed(_settings_of(house, name, environ), home))
        if name in serving:
            _hold_allowed(connector, warehouse, lease, going_live)
        return _bounded(connector, warehouse)

    connectors = Connectors(tuple(house.connectors) if every else serving, make)
    if not every:
        for name in serving:
            if house.block(name) is None:
                connectors[name]  # made at once: a mistake is told before anything runs
    return Wired(warehouse, connectors, Messages(Path(chains.__path__[0]), house.language),
                 wall=lambda: datetime.now(UTC).replace(tzinfo=None), send_for=float(environ.get("RELANCE_SEND_FOR", "60")),
                 lease=lease)


def _settings(home: Path, name: str) -> Path:
    """The home's own file, else the one at the root of the project."""
    own = home / name
    return own if own.is_file() else Path(__file__).parent.parent / name


def _settings_of(house: House, name: str, environ: Mapping[str, str]) -> dict[str, Any]:
    block = house.block(name)
    if block is None:
        return house.settings(name, environ)
    from tasks import blocks  # Prefect, seconds of it, only where a Block is named

    return house.settings(name, environ, blocks.saved(house.connectors[name]["kind"], block))


def _placed(settings: Mapping[str, Any], home: Path) -> dict[str, Any]:
    """Relative paths in a connector's settings, and in those of a connector behind it, lie in the home."""
    placed = {key: _placed(value, home) if isinstance(value, Mapping) else value for key, value in settings.items()}
    return placed | {key: str(home / placed[key]) for key in PATHS if isinstance(placed.get(key), str)}


def _bounded(connector: Connector, warehouse: Warehouse) -> Connector:
    """Outside of live what reaches real people reaches those of its list and the house's seeds, whoever hands it over."""
    house = warehouse.house
    if house.live or not connector.capabilities().real_addresses:
        return connector
    return OnlyListed(connector, house.environment, house.allow(connector.name) or (), warehouse.ledger)


def _hold_allowed(connector: Connector, warehouse: Warehouse, lease: timedelta, going_live: bool) -> None:
    can, house = connector.capabilities(), warehouse.house
    if can.real_addresses and not (house.live or going_live) and house.allow(connector.name) is None:
        raise NotAllowed(f"connector {connector.name!r} reaches real addresses, and house.toml says environment = "
                         f"{house.environment!r}; give the channel to a connector of kind folder, or the connector a list of "
                         'your own people (allow = ["@our-company.example"]), or go live: relance go-live')
    if warehouse.clock.simulated() and not can.simulated_clock:
        raise NotAllowed(f"connector {connector.name!r} goes by the real clock, and this warehouse's clock is simulated; "
                         "give the channel to a connector of kind folder, memory or simulator.")
    # Who waits for the provider longer than its lease has its batch taken over by somebody who cannot know what comes of it.
    timeout = getattr(getattr(connector, "settings", None), "timeout", None)
    if timeout is not None and timeout >= lease.total_seconds():
        raise NotAllowed(f"connector {connector.name!r} waits up to {timeout:g} seconds for an answer (timeout), and a sender's "
                         f"lease is {lease.total_seconds():g} (RELANCE_LEASE); give the lease several times the timeout.")
