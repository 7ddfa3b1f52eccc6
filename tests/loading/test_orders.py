"""Orders: lines known again by their numbers or by what they say; amounts exact to the cent."""

from datetime import datetime
from decimal import Decimal

import pytest
from marketing.house import Vat
from tests.loading.told import AS_OF, counts
from warehouse.loading import load

CONTACTS = "id\n1\n2\n"
FILE = """client;date;montant;produit
1;24/11/2025;12,50;livre
1;24/11/2025;12,50;livre
2;24/11/2025;1 000,01;cd
"""


@pytest.fixture(autouse=True)
def contacts(put):
    """Two clients, 1 and 2."""
    put("contacts", CONTACTS)


def test_equal_lines(put, rows):
    """Two equal lines are two lines of one order, and loading them again adds none."""
    assert counts(put("orders", FILE))["new"] == 3
    before = rows("SELECT * FROM orders ORDER BY order_id, line_id")
    again = put("orders", FILE)

    assert counts(again) == {"read": 3, "new": 0, "changed": 0, "unchanged": 3, "repeated": 0, "rejected": 0}
    assert rows("SELECT * FROM orders ORDER BY order_id, line_id") == before
    assert rows("SELECT contact_id, count(*), count(DISTINCT order_id), sum(amount) FROM orders GROUP BY 1 ORDER BY 1") == [
        (1, 2, 1, Decimal("25")), (2, 1, 1, Decimal("1000.01"))]


def test_one_more_equal_line(put, rows):
    """A third equal line is one new line, wherever it stands; attributes do not make another line."""
    put("orders", FILE)
    report = put("orders", "montant;produit;client;date;remarque\n12.5;livre;1;2025-11-24;b\n12.50;livre;1;2025-11-24;a\n"
                           "12,5;livre;1;24/11/2025;c\n", confirm=True)

    assert (report.new, report.changed) == (1, 2)
    assert rows("SELECT amount, remarque FROM orders WHERE contact_id = 1 ORDER BY line_id") == [
        (Decimal("12.5"), "a"), (Decimal("12.5"), "b"), (Decimal("12.5"), "c")]


def test_numbered_lines(put, rows):
    """Lines with numbers are known by them: what is corrected replaces what was said, the last of a file wins."""
    head = "commande;ligne;client;date;montant;marge;annule le\n"
    put("orders", head + "A1;1;1;24/11/2025;10;4;\nA1;2;1;24/11/2025;20;;\n")
    report = put("orders", head + "A1;1;1;24/11/2025;10;;01/12/2025\nA1;2;1;24/11/2025;21;;\nA1;2;1;24/11/2025;22;;\n")

    assert counts(report) == {"read": 3, "new": 0, "changed": 2, "unchanged": 0, "repeated": 0, "rejected": 1}
    assert rows("SELECT order_id, line_id, amount, margin, cancelled_at FROM orders ORDER BY 2") == [
        ("A1", "1", Decimal(10), Decimal(4), datetime(2025, 11, 30, 23)), ("A1", "2", Decimal(22), None, None)]


def test_orders_without_line_numbers(put, rows):
    """An order's number is kept; its lines are known by content and occurrence."""
    text = "order;client;date;amount\nA;1;2025-11-24;5\nA;1;2025-11-24;5\nB;1;2025-11-24;5\n"
    put("orders", text)

    assert put("orders", text).unchanged == 3
    assert rows("SELECT order_id, count(DISTINCT line_id) FROM orders GROUP BY 1 ORDER BY 1") == [("A", 2), ("B", 1)]


def test_rejected_lines(put, rows):
    """Lines of unknown clients, of other currencies, of impossible days are rejected with every reason."""
    report = put("orders", "client;date;montant;devise\n1;24/11/2025;1;EUR\n9;24/11/2025;2;EUR\n1;32/11/2025;3 $;USD\n"
                           "2;24/11/2062;4;\n;;;\n")

    assert counts(report) == {"read": 4, "new": 1, "changed": 0, "unchanged": 0, "repeated": 0, "rejected": 3}
    assert report.rejects.read_text().splitlines() == [
        "reject_reason;client;date;montant;devise",
        "\"line 3: client_id '9' is not among the contacts; load the contacts first\";9;24/11/2025;2;EUR",
        "\"line 4: date '32/11/2025' is not a date such as 24/11/2026, 2026-11-24 or 2026-11-24 10:30; "
        "montant '3 $' is not an amount in EUR such as 1234.50 or 1 234,50; "
        "devise 'USD' is not EUR, the currency of the house\";1;32/11/2025;3 $;USD",
        "line 5: date '24/11/2062' is not a date such as 24/11/2026, 2026-11-24 or 2026-11-24 10:30;2;24/11/2062;4;"]


def test_a_line_of_another_contact(put):
    """A numbered line does not change hands."""
    put("orders", "order;line;client;date;amount\nA;1;1;2025-11-24;5\n")
    report = put("orders", "order;line;client;date;amount\nA;1;2;2025-11-24;5\n")

    assert (report.rejected, report.reasons) == (1, {"the line is known as another contact's": 1})


def test_value_added_tax(warehouse, rows, tmp_path):
    """Where the house's amounts carry VAT it is taken out exactly, once, rounded half away from zero."""
    warehouse.house = warehouse.house.model_copy(update={"vat": Vat(included=True, rate=Decimal("0.20"))})
    file = tmp_path / "orders.csv"
    file.write_text("client;date;montant\n1;2025-11-24;12,00\n1;2025-11-25;10,00\n1;2025-11-26;-10,00\n2;2025-11-27;0,0003\n")
    load(warehouse, "orders", file, as_of=AS_OF, run="a")
    report = load(warehouse, "orders", file, as_of=AS_OF, run="b")

    assert report.unchanged == 4
    assert rows("SELECT amount FROM orders ORDER BY ordered_at") == [
        (Decimal("10.0000"),), (Decimal("8.3333"),), (Decimal("-8.3333"),), (Decimal("0.0003"),)]


def test_parts_say_their_times(put, warehouse):
    """A part of orders says its oldest and newest order, by which readers leave it unopened."""
    put("orders", FILE)
    with warehouse.ledger.read() as tx:
        spans = tx.exec_driver_sql("SELECT lo_at, hi_at, rows, run FROM part WHERE tbl = 'orders'").all()
    assert [tuple(map(str, span)) for span in spans] == [
        ("2025-11-23 23:00:00.000000", "2025-11-23 23:00:00.000000", "3", "a run")]
