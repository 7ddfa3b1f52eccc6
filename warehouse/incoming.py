"""Responses as they come in, read into columns; what cannot be read is set aside with its reason."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import pyarrow as pa

from marketing.addresses import address_keys, emails, phones
from marketing.responses import HEARD, UNKEYED_KINDS, Response
from marketing.touch import ForgedToken, contact_of, no_touch
from warehouse.inbox import BadPayload, Received, from_json, short, to_json

__all__ = ["Entry", "Incoming", "read"]

INSTANT = pa.timestamp("us")
#: One row per response that could be read; `position` is its place in the drain.
COLUMNS = pa.schema([
    ("position", pa.int64()), ("source", pa.string()), ("dedup", pa.string()), ("kind", pa.string()),
    ("happened_at", INSTANT), ("received_at", INSTANT), ("contact_id", pa.int64()), ("enrolment_id", pa.int64()),
    ("step_no", pa.int32()), ("visit", pa.int16()), ("leg", pa.int16()), ("machine", pa.bool_()),
    ("meta", pa.string()), ("channel", pa.string()), ("purpose", pa.string()), ("address", pa.string()),
])


class Entry(NamedTuple):
    """One response on its way in; `dedup` is unique over all sources."""

    source: str
    dedup: str
    received_at: datetime
    payload: bytes | None
    response: Response | None

    @classmethod
    def drained(cls, row: Received) -> "Entry":
        return cls(row.source, f"{row.source}:{row.dedup}", row.received_at, row.payload, None)

    @classmethod
    def polled(cls, connector: str, response: Response) -> "Entry":
        return cls(connector, f"{connector}:{short(response.dedup)}", response.received_at, None, response)

    def line(self, reason: str, held_at: datetime) -> str:
        """The entry as one line of JSON, with why it was set aside."""
        payload = self.payload if self.payload is not None else to_json(self.response)
        try:
            text = {"payload": payload.decode("utf-8")}
        except UnicodeDecodeError:
            text = {"payload_hex": payload.hex()}
        return json.dumps({"reason": reason, "source": self.source, "dedup": self.dedup, **text,
                           "received_at": self.received_at.isoformat(), "held_at": held_at.isoformat()},
                          ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Incoming:
    """What could be read, as a table; what could not, as (position, reason); how many answer what is no touch."""

    table: pa.Table
    held: list[tuple[int, str]]
    apart: int = 0


def read(entries: Sequence[Entry], unseal: Callable, key: bytes, region: str) -> Incoming:
    """Read every entry; one that cannot be read spoils no other. 10 microseconds each.

    `unseal(key, token)` gives the touch of a token or raises `ForgedToken`; `region` (ISO 3166)
    reads telephone numbers. The table has `COLUMNS`, and of the address its kind and keyed hash.
    """
    rows, held, apart = [], [], 0
    for position, entry in enumerate(entries):
        try:
            said = entry.response or from_json(entry.payload)
            if said.key is not None and no_touch(said.key):
                apart += 1
            else:
                rows.append(_row(position, entry, said, unseal, key))
        except (BadPayload, ForgedToken) as error:
            # A token is a stranger's text: the line has it in full, the reason need not repeat it.
            held.append((position, "forged key" if isinstance(error, ForgedToken) else str(error)))
    columns = zip(*rows, strict=True) if rows else [[] for _ in COLUMNS]
    table = pa.table([pa.array(column, field.type) for column, field in zip(columns, COLUMNS, strict=True)],
                     schema=COLUMNS)
    return Incoming(_keyed(table, key, region), held, apart)


def _row(position: int, entry: Entry, said: Response, unseal: Callable, key: bytes) -> tuple:
    if said.kind not in HEARD:
        raise BadPayload(f"unknown kind; accepted: {', '.join(sorted(HEARD))}")
    meta = json.dumps(dict(said.meta), ensure_ascii=False, sort_keys=True) if said.meta else None
    contact_id, touch = said.contact_id, (None, None, None, None)
    if said.key is not None:
        found = unseal(key, said.key)
        contact_id = contact_of(found.enrolment_id)
        touch = (found.enrolment_id, found.step_no, found.visit, found.leg)
    elif said.kind not in UNKEYED_KINDS:
        raise BadPayload(f"{said.kind} comes without the key of a touch")
    elif contact_id is None and said.address is None:
        raise BadPayload("neither key, contact_id nor address")
    return (position, entry.source, entry.dedup, said.kind, said.happened_at, said.received_at, contact_id, *touch,
            said.machine, meta, said.meta.get("channel"), said.meta.get("purpose"), said.address)


def _keyed(table: pa.Table, key: bytes, region: str) -> pa.Table:
    """The address in clear replaced by `address_kind` (email, phone) and `address_key`; NULL where unreadable."""
    texts = table["address"].to_pylist()
    distinct = {text for text in texts if text is not None}
    mails = sorted(text for text in distinct if "@" in text)
    numbers = sorted(distinct.difference(mails))
    spelt = dict(zip(mails, emails(mails), strict=True)) | dict(zip(numbers, phones(numbers, region), strict=True))
    readable = sorted({spelling for spelling in spelt.values() if spelling is not None})
    keys = dict(zip(readable, address_keys(key, readable).tolist(), strict=True)) if readable else {}
    found = [keys.get(spelt.get(text)) for text in texts]
    kinds = [None if number is None else "email" if "@" in text else "phone"
             for text, number in zip(texts, found, strict=True)]
    return (table.drop_columns("address").append_column("address_kind", pa.array(kinds, pa.string()))
            .append_column("address_key", pa.array(found, pa.uint64())))
