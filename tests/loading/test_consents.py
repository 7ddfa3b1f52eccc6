"""Consents and suppressions: every change kept, addresses only as keyed hashes."""

from datetime import datetime

import pytest
from marketing.addresses import address_key
from tests.loading.told import AS_OF, counts

CONSENTS = """client;canal;finalité;statut;date;source
1;email;commercial;oui;24/11/2025 10:00;web
1;e-mail;commercial;retiré;25/11/2025 10:00;web
2;SMS;relation;non;24/11/2025;
"""


@pytest.fixture(autouse=True)
def contacts(put):
    """Two clients, 1 and 2."""
    put("contacts", "id;e-mail\n1;a@example.com\n2;b@example.com\n")


def test_consents(put, rows):
    """Each change of a consent is a row; the same file again adds none, a later proof is added to it."""
    assert counts(put("consents", CONSENTS))["new"] == 3
    assert put("consents", CONSENTS).unchanged == 3
    report = put("consents", "client;canal;finalité;statut;date;preuve\n2;sms;relationship;refused;24/11/2025;appel 12\n")

    assert (report.new, report.changed) == (0, 1)
    assert rows("SELECT * FROM consents ORDER BY contact_id, happened_at") == [
        (1, "email", "commercial", "granted", datetime(2025, 11, 24, 9), "web", None),
        (1, "email", "commercial", "withdrawn", datetime(2025, 11, 25, 9), "web", None),
        (2, "sms", "relationship", "refused", datetime(2025, 11, 23, 23), None, "appel 12")]


def test_words_nobody_knows(put):
    """A channel, purpose or status that does not exist is rejected with those that do; further columns are named."""
    report = put("consents", "client;canal;finalité;statut;date;météo\n1;fax;tout;oui;24/11/2025;beau\n")

    assert report.ignored == ["météo"]
    assert report.rejects.read_text().splitlines()[1] == (
        "\"line 2: canal 'fax' is not email, sms, phone, post, voice, feed, webhook; "
        "finalité 'tout' is not commercial, relationship, transactional\";1;fax;tout;oui;24/11/2025;beau")


def test_suppressions(put, rows, warehouse):
    """A suppression stands for a contact or an address, known or not; it begins at the load unless it says when."""
    text = ("client;adresse;canal;finalité;motif;depuis\n1;;;;opposition;24/11/2025\n;A@Example.com;email;;plainte;\n"
            ";06 12 34 56 78;;tout;décès;\n;;email;;rien;\n7;;;;inconnu;\n")
    report = put("suppressions", text)

    assert counts(report) == {"read": 5, "new": 3, "changed": 0, "unchanged": 0, "repeated": 0, "rejected": 2}
    known = rows("SELECT * FROM suppressions ORDER BY reason")
    assert known == [
        (None, address_key(warehouse.key, "+33612345678"), None, "all", "décès", AS_OF, None),
        (1, None, None, None, "opposition", datetime(2025, 11, 23, 23), None),
        (None, address_key(warehouse.key, "a@example.com"), "email", None, "plainte", AS_OF, None)]
    assert put("suppressions", text, as_of=datetime(2026, 12, 1)).unchanged == 3
    assert rows("SELECT * FROM suppressions ORDER BY reason") == known


def test_a_suppression_that_ends(put, rows):
    """An end given later is added to the suppression it belongs to, also where it has no contact."""
    put("suppressions", "adresse\na@example.com\nb@example.com\n")
    report = put("suppressions", "adresse;jusqu'au\na@example.com;2027-01-01T00:00:00Z\n")

    assert (report.new, report.changed) == (0, 1)
    assert rows("SELECT count(*), max(until_at) FROM suppressions") == [(2, datetime(2027, 1, 1))]
