"""The people of the proofs' worlds."""

from datetime import datetime, timedelta

import pyarrow as pa
import sqlalchemy as sa

from marketing.addresses import address_key
from warehouse import Warehouse, schema
from warehouse.tables import TABLES

__all__ = ["load"]


def load(warehouse: Warehouse, many: int, across: bool, start: datetime) -> None:
    """`many` contacts with every irregularity the gate knows, their consents, orders and suppressions.

    Some share an address with a neighbour, and `across` also with a contact of another slice; some come only after `start`.
    """
    numbers, key = range(many), warehouse.key
    contacts, consents, orders, suppressions = [], [], [], []
    for i in numbers:
        mail = None if i % 11 == 0 else f"c{i - 1 if i % 50 == 1 else i}@example.org"
        phone = None if i % 7 == 0 else f"+3361{(i - 1024 if across and i % 97 == 3 and i >= 1024 else i):07}"
        contacts.append({
            "contact_id": i, "client_id": f"c{i}", "email": mail, "phone": phone, "first_name": "Anne", "last_name": "Martin",
            "language": "fr", "zone": [None, "Europe/Paris", "Nowhere/At_All", "America/Guadeloupe"][i % 4],
            "country": "FR", "postcode": None if i % 29 == 0 else "57000", "city": "Metz", "address_1": "1 rue Haute",
            "created_at": start + timedelta(days=i % 8 - 1 if i % 6 == 0 else -400), "email_key": mail and address_key(key, mail),
            "phone_key": phone and address_key(key, phone)})
        for channel in ("email", "sms"):
            words = [] if i % 13 == 0 else ["granted", "withdrawn"] if i % 17 == 0 else ["granted"]
            consents += [{"contact_id": i, "channel": channel, "purpose": "commercial", "status": word,
                          "happened_at": start - timedelta(days=9)} for word in words]
        if i % 3 == 0:
            orders.append({"contact_id": i, "order_id": f"o{i}", "line_id": "1", "amount": 30, "quantity": 1,
                           "ordered_at": start - timedelta(days=370)})
        if i % 23 == 0:
            suppressions.append({"contact_id": i, "reason": "asked", "from_at": start - timedelta(days=1)})
    for tbl, rows in (("contacts", contacts), ("consents", consents), ("orders", orders), ("suppressions", suppressions)):
        _list(warehouse, tbl, rows, start)
    with warehouse.ledger.begin() as tx:
        tx.execute(sa.insert(schema.source), [{
            "source": name, "loaded_at": start + timedelta(days=60), "newest_at": None, "rows": 1, "rejected": 0,
            "confirmed": True, "digest": "proof", "run": "load"} for name in ("contacts", "orders")])


def _list(warehouse: Warehouse, tbl: str, rows: list[dict], start: datetime) -> None:
    commit = warehouse.commit(run=f"load-{tbl}", as_of=start - timedelta(days=1))
    columns = TABLES[tbl].columns
    whole = pa.Table.from_pylist([{name: row.get(name) for name in columns.names} for row in rows], columns)
    slices = [warehouse.slice_of(row["contact_id"]) for row in rows]
    for slice in sorted(set(slices)):
        commit.add(tbl, whole.filter(pa.array([one == slice for one in slices])), slice=slice)
    commit.apply()
