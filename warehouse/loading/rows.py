"""What each kind of row needs before it is merged: its contact, its key, amounts without tax, keyed hashes."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from marketing.addresses import address_keys
from warehouse.loading.understanding import Complaint
from warehouse.tables import TABLES

__all__ = ["KEYS", "Key", "prepare"]


@dataclass(frozen=True)
class Key:
    """The columns by which a row is known again, and the same as the file's owner knows them."""

    columns: tuple[str, ...]
    shown: tuple[str, ...]


KEYS = {
    "contacts": Key(("client_id",), ("client_id",)),
    "orders": Key(("order_id", "line_id"), ("order_id", "line_id")),
    "consents": Key(("contact_id", "channel", "purpose", "happened_at"),
                    ("client_id", "channel", "purpose", "happened_at")),
    "suppressions": Key(("contact_id", "address_key", "channel", "purpose"),
                        ("client_id", "address", "channel", "purpose")),
}


def prepare(merger, rows: pa.Table) -> tuple[pa.Table, list[Complaint]]:
    """The rows of a load ready to be compared, and complaints about those that cannot be."""
    return _PREPARE[merger.kind.name](merger, rows)


def _contacts(merger, rows: pa.Table) -> tuple[pa.Table, list[Complaint]]:
    for column, key in (("email", "email_key"), ("phone", "phone_key")):
        if column in rows.column_names:
            rows = rows.append_column(key, _keys(merger, rows[column]))
    return rows, []


def _orders(merger, rows: pa.Table) -> tuple[pa.Table, list[Complaint]]:
    rows, complaints = _with_contact(merger, rows)
    rows = _with_missing(rows, "orders", ("order_id", "line_id", "product", "quantity"))
    named = merger.query("order_lines", rows.append_column("further", _further(rows)))
    rows = rows.drop_columns(["order_id", "line_id", *(["currency"] if "currency" in rows.column_names else [])])
    rows = rows.append_column("order_id", named["order_id"]).append_column("line_id", named["line_id"])
    divisor = merger.warehouse.house.vat.divisor
    if divisor != 1:
        net = merger.query("without_tax", rows, divisor=int(divisor * 10_000))["amount"]
        rows = rows.set_column(rows.column_names.index("amount"), "amount", net)
    return rows.drop_columns(["client_id"]), complaints


def _consents(merger, rows: pa.Table) -> tuple[pa.Table, list[Complaint]]:
    rows, complaints = _with_contact(merger, rows)
    return rows.drop_columns(["client_id"]), complaints


def _suppressions(merger, rows: pa.Table) -> tuple[pa.Table, list[Complaint]]:
    complaints: list[Complaint] = []
    if "client_id" in rows.column_names:
        rows, complaints = _with_contact(merger, rows)
        rows = rows.drop_columns(["client_id"])
    if "address" in rows.column_names:
        rows = rows.append_column("address_key", _keys(merger, rows["address"])).drop_columns(["address"])
    rows = _with_missing(rows, "suppressions", ("contact_id", "address_key", "channel", "purpose"))
    return rows, complaints


_PREPARE = {"contacts": _contacts, "orders": _orders, "consents": _consents, "suppressions": _suppressions}


def _with_contact(merger, rows: pa.Table) -> tuple[pa.Table, list[Complaint]]:
    """Rows with their contact_id; those of clients nobody knows are complained of."""
    ids = merger.query("contacts_of", rows.select(["place", "client_id"]))["contact_id"].combine_chunks()
    rows = rows.append_column("contact_id", ids)
    unknown = pc.and_(pc.is_null(ids), pc.is_valid(rows["client_id"].combine_chunks()))
    if not pc.any(unknown).as_py():
        return rows, []
    strange = rows.filter(unknown)
    reasons = pc.binary_join_element_wise("client_id '", strange["client_id"],
                                          "' is not among the contacts; load the contacts first", "")
    complaint = Complaint("client_id is not among the contacts", strange["place"].to_numpy(), reasons.combine_chunks())
    return rows.filter(pc.invert(unknown)), [complaint]


def _with_missing(rows: pa.Table, tbl: str, names: tuple[str, ...]) -> pa.Table:
    for name in names:
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.nulls(len(rows), TABLES[tbl].columns.field(name).type))
    return rows


def _further(rows: pa.Table) -> pa.Array | pa.ChunkedArray:
    """The attributes of each row as one text."""
    names = [name for name in rows.column_names if name not in TABLES["orders"].columns.names
             and name not in ("place", "client_id", "currency")]
    if not names:
        return pa.repeat("", len(rows))
    texts = [pc.fill_null(rows[name].cast(pa.string()), "") for name in sorted(names)]
    return pc.binary_join_element_wise(*texts, "|")


def _keys(merger, column: pa.ChunkedArray) -> pa.Array:
    """The keyed hash of each address, NULL where there is none."""
    column = column.combine_chunks()
    valid = pc.is_valid(column).to_numpy(zero_copy_only=False)
    keys = np.zeros(len(column), dtype=np.uint64)
    keys[valid] = address_keys(merger.warehouse.key, column.drop_null().to_pylist())
    return pa.array(keys, mask=~valid)
