"""Noticing: policy, house and tariffs are files; the first run or command that finds one changed writes that down."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from warehouse import journal, schema
from warehouse.acts import text

__all__ = ["notice"]

_SEEN = "seen:"
#: Whose whole text is kept with its digest; the house names its own people and stays out of the ledger.
_KEPT = ("policy", "tariff")


def notice(warehouse, who: journal.Who | None, *, now: datetime) -> list[str]:
    """Write down which settings are not as they were when somebody looked last; returns their names.

    The first look only remembers. `who` has found the change, and need not have made it; None: a run that nobody started.
    """
    house, policy, ledger = warehouse.house.model_dump(), warehouse.policy.model_dump(), warehouse.ledger
    texts = {"policy": _plain(policy), "house": _plain(house), "tariff": _plain(house["costs"])}
    found = {name: hashlib.sha256(told.encode()).hexdigest() for name, told in texts.items()}
    known = _known(ledger)
    new = [name for name, digest in found.items() if known.get(name) != digest]
    if not new:  # as at every look but a few: nothing is written
        return []
    with ledger.begin() as tx:
        known = _known(ledger, tx)
        changed = [name for name in new if known.get(name) != found[name]]
        for name in changed:
            ledger.put(tx, schema.meta, {"key": _SEEN + name, "value": found[name]})
            if name in _KEPT:
                ledger.put(tx, text, {"digest": found[name], "text": texts[name]}, replace=False)
            if name in known:
                journal.write(ledger, tx, who or journal.Who("a run", journal.MACHINE), f"{name} changed",
                              {"was": known[name], "is": found[name]}, now=now)
        return [name for name in changed if name in known]


def _known(ledger, tx: sa.Connection | None = None) -> dict[str, str]:
    query = sa.select(schema.meta.c.key, schema.meta.c.value).where(schema.meta.c.key.startswith(_SEEN))
    if tx is None:
        with ledger.read() as reading:
            rows = reading.execute(query).all()
    else:
        rows = tx.execute(query).all()
    return {key.removeprefix(_SEEN): value for key, value in rows}


def _plain(value: Any) -> str:
    """A text that is the same in every process: sets and tables in order."""
    def ordered(one: Any) -> Any:
        if isinstance(one, Mapping):
            return {str(key): ordered(item) for key, item in one.items()}
        if isinstance(one, set | frozenset):
            return sorted(map(str, one))
        if isinstance(one, list | tuple):
            return [ordered(item) for item in one]
        return one if one is None or isinstance(one, bool | int | float) else str(one)

    return json.dumps(ordered(value), sort_keys=True, ensure_ascii=False)
