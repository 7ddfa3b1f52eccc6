"""What each kind of part holds: the columns stored in it, and those that stand in its manifest row."""

from dataclasses import dataclass

import pyarrow as pa

__all__ = ["TABLES", "Table"]

INSTANT = pa.timestamp("us")
MONEY = pa.decimal128(18, 4)


@dataclass(frozen=True)
class Table:
    """Stored columns with their types, and the constants (view column: manifest column) of each part."""

    name: str
    columns: pa.Schema
    constants: dict[str, str]
    open: bool = False  #: whether a part may carry further columns (attributes)

    def empty(self) -> pa.Table:
        return self.columns.empty_table()


def _table(name: str, columns: dict[str, pa.DataType], constants: dict[str, str] | None = None, **more) -> Table:
    return Table(name, pa.schema(list(columns.items())), constants or {}, **more)


_STATE = {
    "enrolment_id": pa.int64(),
    "seq": pa.int16(),
    "visit": pa.int16(),
    "since": pa.int16(),
    "passed": pa.int16(),
    "planned": pa.int16(),
    "due_at": INSTANT,
    "until_at": INSTANT,
}
_TOUCH = {"enrolment_id": pa.int64(), "visit": pa.int16(), "leg": pa.int16()}
_RUN = {"chain": "chain", "run": "run"}

_ALL = [
    _table("contacts", {
        "contact_id": pa.int64(), "client_id": pa.string(), "email": pa.string(), "phone": pa.string(),
        "first_name": pa.string(), "last_name": pa.string(), "language": pa.string(), "zone": pa.string(),
        "country": pa.string(), "postcode": pa.string(), "city": pa.string(), "address_1": pa.string(),
        "address_2": pa.string(), "touchpoint": pa.string(), "created_at": INSTANT,
        "email_key": pa.uint64(), "phone_key": pa.uint64(),
    }, open=True),
    _table("orders", {
        "contact_id": pa.int64(), "order_id": pa.string(), "line_id": pa.string(), "ordered_at": INSTANT,
        "amount": MONEY, "margin": MONEY, "product": pa.string(), "quantity": MONEY, "cancelled_at": INSTANT,
    }, open=True),
    _table("consents", {
        "contact_id": pa.int64(), "channel": pa.string(), "purpose": pa.string(), "status": pa.string(),
        "happened_at": INSTANT, "touchpoint": pa.string(), "proof": pa.string(),
    }),
    _table("suppressions", {
        "contact_id": pa.int64(), "address_key": pa.uint64(), "channel": pa.string(), "purpose": pa.string(),
        "reason": pa.string(), "from_at": INSTANT, "until_at": INSTANT,
    }),
    # What the gate needs to know of a contact, one narrow row each: derived, rewritten when it is worth it.
    _table("standing", {
        "contact_id": pa.int64(), "granted": pa.uint32(), "refused": pa.uint32(), "customer": pa.bool_(),
        "reach": pa.uint8(), "zone": pa.string(), "email_key": pa.uint64(), "phone_key": pa.uint64(),
        "email_shared": pa.bool_(), "phone_shared": pa.bool_(),
    }, {"upto": "upto"}),
    _table("moves", _STATE, {
        **_RUN, "version": "version", "from_step": "from_step", "to_step": "to_step", "reason": "reason",
        "moved_at": "happened_at",
    }),
    _table("rest", {**_STATE, "arrived_at": INSTANT}, {"chain": "chain", "version": "version", "step": "to_step"}),
    _table("touches", {**_TOUCH, "seq": pa.int16()}, {
        **_RUN, "version": "version", "step": "to_step", "channel": "channel", "purpose": "purpose",
        "connector": "connector", "planned_at": "happened_at", "cost": "cost",
    }),
    _table("receipts", {
        **_TOUCH, "seq": pa.int16(), "outcome": pa.string(), "error": pa.string(), "units": pa.int32(),
        "cost": pa.decimal128(18, 6), "settled_at": INSTANT, "provider_id": pa.string(),
    }, {**_RUN, "step": "to_step", "channel": "channel", "connector": "connector"}),
    _table("refusals", {
        **_TOUCH, "reason": pa.string(), "rule": pa.string(), "value": pa.string(), "limit_value": pa.string(),
        "until_at": INSTANT,
    }, {**_RUN, "version": "version", "step": "to_step", "stage": "reason", "refused_at": "happened_at"}),
    _table("responses", {
        "contact_id": pa.int64(), "enrolment_id": pa.int64(), "step_no": pa.int32(), "visit": pa.int16(),
        "leg": pa.int16(), "kind": pa.string(), "happened_at": INSTANT, "received_at": INSTANT,
        "machine": pa.bool_(), "meta": pa.string(), "dedup": pa.string(),
    }, {"run": "run"}),
    _table("assignments", {"enrolment_id": pa.int64(), "visit": pa.int16(), "rep": pa.string()}, {
        **_RUN, "step": "to_step", "assigned_at": "happened_at",
    }),
]

TABLES: dict[str, Table] = {table.name: table for table in _ALL}
