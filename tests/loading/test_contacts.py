"""Contacts: numbered once, updated field by field, the same file changes nothing."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from marketing.addresses import address_key
from tests.loading.told import counts
from warehouse import Warehouse
from warehouse.loading import load

FILE = """N° client;Nom;E-mail;Téléphone;Code postal;Créé le;Taille;Points;VIP;Anniversaire
0001;Dupont;Eva@Example.fr;612345678;1000;24/11/2025 10:00;38,5;1200;oui;01/02/1980
0002;Durand;jean@example.fr;;75001;25/11/2025;40;3;non;
"""
ALL = ("SELECT contact_id, client_id, last_name, email, phone, postcode, created_at, taille, points, vip, anniversaire "
       "FROM contacts ORDER BY contact_id")


def test_new(put, rows, warehouse):
    """New contacts take the next ids, with typed attributes and keyed hashes of their addresses."""
    report = put("contacts", FILE)

    assert counts(report) == {"read": 2, "new": 2, "changed": 0, "unchanged": 0, "repeated": 0, "rejected": 0}
    assert rows(ALL) == [
        (1, "0001", "Dupont", "eva@example.fr", "+33612345678", "01000", datetime(2025, 11, 24, 9),
         Decimal("38.5"), 1200, True, date(1980, 2, 1)),
        (2, "0002", "Durand", "jean@example.fr", None, "75001", datetime(2025, 11, 24, 23), Decimal(40), 3, False, None)]
    assert rows("SELECT email_key, phone_key FROM contacts ORDER BY contact_id") == [
        (address_key(warehouse.key, "eva@example.fr"), address_key(warehouse.key, "+33612345678")),
        (address_key(warehouse.key, "jean@example.fr"), None)]


def test_again(put, rows):
    """The same file again changes nothing, and says so."""
    put("contacts", FILE)
    before = rows(ALL)
    report = put("contacts", FILE)

    assert counts(report) == {"read": 2, "new": 0, "changed": 0, "unchanged": 2, "repeated": 0, "rejected": 0}
    assert "0 new, 0 changed, 2 already known" in str(report)
    assert rows(ALL) == before


def test_field_by_field(put, rows):
    """A filled cell replaces what is known, an empty one and a missing column leave it; ids stay."""
    put("contacts", FILE)
    report = put("contacts", "id;nom;e-mail;Points;ville\n0002;;J@example.org;4;Paris\n0001;Dupont;;1200;\n0003;Neuf;;;\n")

    assert counts(report) == {"read": 3, "new": 1, "changed": 1, "unchanged": 1, "repeated": 0, "rejected": 0}
    assert rows("SELECT contact_id, client_id, last_name, email, points, city, postcode FROM contacts ORDER BY 1") == [
        (1, "0001", "Dupont", "eva@example.fr", 1200, None, "01000"),
        (2, "0002", "Durand", "j@example.org", 4, "Paris", "75001"),
        (3, "0003", "Neuf", None, None, None, None)]


def test_a_new_address_has_a_new_key(put, rows, warehouse):
    """The keyed hash follows the address."""
    put("contacts", FILE)
    put("contacts", "id;e-mail\n0001;new@example.fr\n")

    assert rows("SELECT email_key FROM contacts WHERE contact_id = 1") == [(address_key(warehouse.key, "new@example.fr"),)]


def test_the_same_client_twice(put, rows):
    """Of two rows of one client the last is kept, the earlier is rejected; where they are equal it is only counted."""
    report = put("contacts", "id;nom\n1;Avant\n2;Pareil\n1;Après\n2;Pareil\n")

    assert counts(report) == {"read": 4, "new": 2, "changed": 0, "unchanged": 0, "repeated": 1, "rejected": 1}
    assert rows("SELECT client_id, last_name FROM contacts ORDER BY 1") == [("1", "Après"), ("2", "Pareil")]
    assert report.rejects.read_text() == (
        "reject_reason;id;nom\nline 2: the same client_id comes again on line 4, which is kept;1;Avant\n")


def test_an_attribute_keeps_its_type(put, rows):
    """A cell that does not fit the type an attribute was first given rejects its row; whole numbers may widen."""
    put("contacts", "id;points\n1;10\n")
    report = put("contacts", "id;points\n1;10,5\n2;x\n")
    assert (counts(report)["new"], report.attributes) == (0, {"points": "integer"})
    assert rows("SELECT client_id, points FROM contacts") == [("1", 10)]

    report = put("contacts", "id;points\n1;10,5\n2;20\n")
    assert (report.attributes, counts(report)["rejected"]) == ({"points": "decimal"}, 0)
    assert rows("SELECT client_id, points FROM contacts ORDER BY 1") == [("1", Decimal("10.5")), ("2", Decimal(20))]


def test_slices(home, put, rows, warehouse, tmp_path):
    """Contacts over several slices are one relation, and a change rewrites only the slice it is in."""
    narrow = Warehouse(home, warehouse.house, warehouse.policy, warehouse.ledger, warehouse.store, slice_bits=2)
    file = tmp_path / "many.csv"
    file.write_text("id;nom\n" + "".join(f"{i};N{i}\n" for i in range(1, 11)))
    load(narrow, "contacts", file, as_of=datetime(2026, 1, 1), run="a")
    file.write_text("id;nom\n9;Neuf\n11;Onze\n")
    report = load(narrow, "contacts", file, as_of=datetime(2026, 1, 2), run="b")

    assert (report.new, report.changed, narrow.slices()) == (1, 1, [0, 1, 2])
    assert rows("SELECT contact_id, last_name FROM contacts ORDER BY 1") == [
        *[(i, f"N{i}") for i in range(1, 9)], (9, "Neuf"), (10, "N10"), (11, "Onze")]
    with narrow.ledger.read() as tx:
        retired = tx.exec_driver_sql("SELECT slice FROM part WHERE retired_n IS NOT NULL AND tbl = 'contacts'").scalars().all()
    assert retired == [2]


def test_ids_are_never_given_twice(put, rows, warehouse):
    """Also after its row is gone, a contact's id belongs to nobody else."""
    put("contacts", "id\n1\n2\n")
    commit = warehouse.commit(run="erasure", as_of=datetime(2026, 11, 23))
    commit.retire([n for n, in rows_of_parts(warehouse)])
    commit.apply()
    put("contacts", "id\n3\n")

    assert rows("SELECT contact_id, client_id FROM contacts") == [(3, "3")]


def rows_of_parts(warehouse) -> list[tuple[int]]:
    with warehouse.ledger.read() as tx:
        return [tuple(row) for row in tx.exec_driver_sql("SELECT n FROM part WHERE tbl = 'contacts'")]


@pytest.mark.parametrize(("cells", "says"), [
    ("1;jean@", "e-mail 'jean@' is not an e-mail address such as name@example.com"),
    (";a@example.com", "client_id is empty; your own id of the contact, kept as text with its zeros"),
    ("1,23E+12;a@example.com", "id '1,23E+12' was cut by a spreadsheet; format the column as text"),
    ("1;" + "x" * 1_000_000, "e-mail: a cell has more than 10,000 characters"),
    ("1;a\0b", "e-mail: a cell holds a character of value zero"),
])
def test_wrong_rows(put, rows, cells, says):
    """A wrong row is rejected with its line and reasons, and the others are loaded."""
    report = put("contacts", f"id;e-mail\n2;b@example.com\n{cells}\n3;c@example.com\n")

    assert rows("SELECT client_id FROM contacts ORDER BY 1") == [("2",), ("3",)]
    assert f"line 3: {says}" in report.rejects.read_text()
