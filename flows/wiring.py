"""The one place where settings become objects: home folder, house, policy, ledger, connectors, messages."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import chains
from connectors.message import Messages
from connectors.registry import connect
from marketing.house import House
from marketing.policy import Policy
from outbox.wired import Wired
from warehouse import Warehouse
from warehouse.outbox import LEASE

__all__ = ["NotAllowed", "wired"]

#: Settings of connectors that are paths.
PATHS = ("path", "truth")

_OPEN: dict[tuple, Wired] = {}


class NotAllowed(Exception):
    """A connector may not be used here: it reaches real people, goes by the real clock, or waits longer than the lease."""


def wired(environ: Mapping[str, str] | None = None) -> Wired:
    """The installation that the environment names; made once per process.

    RELANCE_HOME (default `var`): house.toml and policy.toml, else those of the project;
    RELANCE_LEDGER_URL, RELANCE_WAREHOUSE_URL, RELANCE_SECRET_KEY, RELANCE_SEND_FOR and RELANCE_LEASE (seconds),
    RELANCE_MEMORY (of the engine, such as 320MB), RELANCE_THREADS, RELANCE_SLICE_BITS.
    """
    environ = os.environ if environ is None else environ
    named = tuple(sorted((key, value) for key, value in environ.items() if key.startswith("RELANCE_")))
    if named not in _OPEN:
        _OPEN[named] = _make(environ)
    return _OPEN[named]


def _make(environ: Mapping[str, str]) -> Wired:
    home = Path(environ.get("RELANCE_HOME", "var")).absolute()
    house, policy = House.read(_settings(home, "house.toml")), Policy.read(_settings(home, "policy.toml"))
    warehouse = Warehouse.open(
        home, house, policy, environ.get("RELANCE_LEDGER_URL"), environ.get("RELANCE_WAREHOUSE_URL"),
        key=environ.get("RELANCE_SECRET_KEY", "").encode() or None,
        memory_limit=environ.get("RELANCE_MEMORY", "320MB"), threads=int(environ.get("RELANCE_THREADS", "2")),
        slice_bits=int(environ.get("RELANCE_SLICE_BITS", "20")))
    lease = timedelta(seconds=float(environ.get("RELANCE_LEASE", LEASE.total_seconds())))
    connectors = {}
    for channel in house.channels:
        name, kind, settings = house.connector(channel, environ)
        if name not in connectors:
            connectors[name] = _allowed(connect(kind, name, _placed(settings, home)), warehouse, lease)
    return Wired(warehouse, connectors, Messages(Path(chains.__path__[0]), house.language),
                 wall=lambda: datetime.now(UTC).replace(tzinfo=None), send_for=float(environ.get("RELANCE_SEND_FOR", "60")),
                 lease=lease)


def _settings(home: Path, name: str) -> Path:
    """The home's own file, else the one at the root of the project."""
    own = home / name
    return own if own.is_file() else Path(__file__).parent.parent / name


def _placed(settings: Mapping[str, Any], home: Path) -> dict[str, Any]:
    """Relative paths in a connector's settings, and in those of a connector behind it, lie in the home."""
    placed = {key: _placed(value, home) if isinstance(value, Mapping) else value for key, value in settings.items()}
    return placed | {key: str(home / placed[key]) for key in PATHS if isinstance(placed.get(key), str)}


def _allowed(connector, warehouse: Warehouse, lease: timedelta):
    can, environment = connector.capabilities(), warehouse.house.environment
    if can.real_addresses and environment != "live":
        raise NotAllowed(f"connector {connector.name!r} reaches real addresses, and house.toml says environment = "
                         f"{environment!r}; give the channel to a connector of kind folder, or go live.")
    if warehouse.clock.simulated() and not can.simulated_clock:
        raise NotAllowed(f"connector {connector.name!r} goes by the real clock, and this warehouse's clock is simulated; "
                         "give the channel to a connector of kind folder, memory or simulator.")
    # Who waits for the provider longer than its lease has its batch taken over by somebody who cannot know what comes of it.
    timeout = getattr(getattr(connector, "settings", None), "timeout", None)
    if timeout is not None and timeout >= lease.total_seconds():
        raise NotAllowed(f"connector {connector.name!r} waits up to {timeout:g} seconds for an answer (timeout), and a sender's "
                         f"lease is {lease.total_seconds():g} (RELANCE_LEASE); give the lease several times the timeout.")
    return connector
