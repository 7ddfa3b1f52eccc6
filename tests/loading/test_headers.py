"""Headers: recognised in French and English, and errors that name what is missing and what is accepted."""

import re

import pytest

from warehouse.loading.kinds import KINDS, LoadError, compact


def test_spellings_name_one_column():
    """No spelling stands for two columns of a kind."""
    for kind in KINDS.values():
        words = [word for column in kind.columns for word in {compact(w) for w in (column.name, *column.spellings)}]
        assert sorted(set(words)) == sorted(words), kind.name


def test_recognised(put):
    """Case, accents, blanks and signs of a header do not matter; further columns become attributes."""
    report = put("contacts", "N° CLIENT;Prénom;nom de famille;E-Mail;Code Postal;Pointure;Points fidélité;Vide;;contact id key\n"
                             "1;Éva;Dupont;e@example.com;75001;38,5;12;;;x\n")

    assert report.columns == {"N° CLIENT": "client_id", "Prénom": "first_name", "nom de famille": "last_name",
                              "E-Mail": "email", "Code Postal": "postcode"}
    assert report.attributes == {"pointure": "decimal", "points_fidelite": "integer", "contact_id_key": "text"}
    assert report.ignored == ["column 9 (without a name)", "Vide (empty)"]


def test_missing(put):
    """A missing column is named with its accepted spellings, and with what the file has instead."""
    with pytest.raises(LoadError) as caught:
        put("orders", "client;montnt\n1;2\n")
    assert re.search(r"orders need a column for ordered_at, amount, and none of 'client', 'montnt' is read so\. "
                     r"ordered_at, accepted spellings: ordered_at, date, .*; amount, accepted spellings: amount, montant",
                     str(caught.value))


def test_one_of_two(put):
    """A suppression needs a client or an address."""
    with pytest.raises(LoadError, match="suppressions need a column for client_id or address"):
        put("suppressions", "motif\nx\n")


def test_twice(put):
    """Two headers for one column are an error that names both."""
    with pytest.raises(LoadError, match="the columns 'E-mail' and 'Courriel' are both read as email"):
        put("contacts", "id;E-mail;Courriel\n1;a@example.com;b@example.com\n")


def test_kinds(put):
    """A kind of file that does not exist is answered with those that do."""
    with pytest.raises(LoadError, match="'customers'; accepted: contacts, orders, consents, suppressions"):
        put("customers", "id\n1\n")
