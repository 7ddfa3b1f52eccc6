"""Cells: what people and spreadsheets write, read the one way it can be meant."""

from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from warehouse.loading.cells import Reader, clean


@pytest.fixture
def reader():
    made = Reader(zone="Europe/Paris", currency="EUR", country="FR", comma=True, as_of=datetime(2026, 11, 22))
    yield made
    made.close()


def column(*texts: str) -> pa.Array:
    return clean(pa.chunked_array([pa.array(texts)]))


def read(method, *texts: str) -> dict[str, object]:
    """Each text with its value; 'wrong' where it cannot be read."""
    found = method(column(*texts))
    return {text: "wrong" if wrong else value for text, value, wrong in
            zip(texts, found.values.to_pylist(), found.wrong.to_pylist(), strict=True)}


def test_empty(reader):
    """What is written where there is nothing to write is nothing."""
    assert read(reader.text, "", "  ", "-", "NULL", "#N/A", "n/a", "\u00a0") == dict.fromkeys(
        ("", "  ", "-", "NULL", "#N/A", "n/a", "\u00a0"))


def test_amounts(reader):
    """An amount has one reading in decimal commas or points, with thousands, signs and brackets."""
    assert read(reader.money, "12,50", "1 234,5", "1\u202f234,50", "1.234,56", "1,234.56", "1.234.567", "12.5 €", "EUR 7",
                "(3,00)", "5-", "+3", "-0,01", "0", ",5") == {
        "12,50": Decimal("12.5"), "1 234,5": Decimal("1234.5"), "1\u202f234,50": Decimal("1234.5"),
        "1.234,56": Decimal("1234.56"), "1,234.56": Decimal("1234.56"), "1.234.567": Decimal(1234567),
        "12.5 €": Decimal("12.5"), "EUR 7": Decimal(7), "(3,00)": Decimal(-3), "5-": Decimal(-5), "+3": Decimal(3),
        "-0,01": Decimal("-0.01"), "0": Decimal(0), ",5": Decimal("0.5")}


def test_no_amounts(reader):
    """What has no one reading, another currency, or no place in 18 digits is wrong."""
    texts = ("abc", "1,2,3", "1E+5", "$5", "12,50 USD", "99999999999999999", "1 2,50x", "--5")
    assert read(reader.money, *texts) == dict.fromkeys(texts, "wrong")


def test_a_mark_before_three_digits(reader):
    """A mark that may set thousands apart follows the column; where it does not say, the separator of the file."""
    assert read(reader.money, "1.234", "2,5") == {"1.234": Decimal(1234), "2,5": Decimal("2.5")}
    assert read(reader.money, "1.234", "2.55") == {"1.234": Decimal("1.234"), "2.55": Decimal("2.55")}
    assert read(reader.money, "1,234") == {"1,234": Decimal("1.234")}
    reader.comma = False
    assert read(reader.money, "1,234") == {"1,234": Decimal(1234)}


def test_dates(reader):
    """Dates of every usual form are instants in UTC; a day begins at midnight of the house."""
    assert read(reader.instant, "24/11/2026", "2026-11-24", "24.11.26", "19970101", "45000", "45000,5",
                "5/6/2026 14:30", "05-06-2026 2:30:15 PM", "24/11/2026 10h30", "2026-11-24T10:30:00Z",
                "2026-11-24 10:30:15.25+02:00") == {
        "24/11/2026": datetime(2026, 11, 23, 23), "2026-11-24": datetime(2026, 11, 23, 23),
        "24.11.26": datetime(2026, 11, 23, 23), "19970101": datetime(1996, 12, 31, 23),
        "45000": datetime(2023, 3, 14, 23), "45000,5": datetime(2023, 3, 15, 11),
        "5/6/2026 14:30": datetime(2026, 6, 5, 12, 30), "05-06-2026 2:30:15 PM": datetime(2026, 6, 5, 12, 30, 15),
        "24/11/2026 10h30": datetime(2026, 11, 24, 9, 30), "2026-11-24T10:30:00Z": datetime(2026, 11, 24, 10, 30),
        "2026-11-24 10:30:15.25+02:00": datetime(2026, 11, 24, 8, 30, 15, 250000)}


def test_clocks_that_change(reader):
    """A local time that does not exist moves forward, an ambiguous one is the first of the two."""
    assert read(reader.instant, "29/03/2026 02:30", "25/10/2026 02:30", "25/10/2026 03:30") == {
        "29/03/2026 02:30": datetime(2026, 3, 29, 1, 30), "25/10/2026 02:30": datetime(2026, 10, 25, 0, 30),
        "25/10/2026 03:30": datetime(2026, 10, 25, 2, 30)}


def test_no_dates(reader):
    """Days that no calendar has, and texts around a day, are wrong."""
    texts = ("31/02/2026", "2026-13-01", "hier", "2026-11-24 25:00", "2026-11-24 vers midi", "99999", "12", "2026")
    assert read(reader.instant, *texts) == dict.fromkeys(texts, "wrong")


def test_what_has_happened(reader):
    """A date more than two years ahead is a slip of the keyboard, where the column tells of the past."""
    assert read(reader.past, "24/11/2062", "24/11/2026") == {"24/11/2062": "wrong", "24/11/2026": datetime(2026, 11, 23, 23)}


def test_day_or_month_first(reader):
    """The whole column decides which comes first; where no cell does, the day, and the note says so."""
    month_first = reader.date(column("11/24/2026", "05/06/2026"))
    undecided = reader.date(column("05/06/2026"))

    assert month_first.values.to_pylist() == [date(2026, 11, 24), date(2026, 5, 6)]
    assert (undecided.values.to_pylist(), undecided.note) == ([date(2026, 6, 5)], "day before month, though no cell decides it")


def test_eaten_zeros(reader):
    """Zeros that a spreadsheet ate come back, in the countries where there is one reading."""
    codes = reader.postcode(column("1000", "75001", "1000", "501", "SW1A 1AA"), pa.array(["FR", None, "BE", "US", "GB"]))
    phones = reader.phone(column("612345678", "0612345679"))

    assert codes.values.to_pylist() == ["01000", "75001", "1000", "00501", "SW1A 1AA"]
    assert phones.values.to_pylist() == ["+33612345678", "+33612345679"]
    assert codes.repairs == {"zeros that a spreadsheet ate put back before postcodes": (2, "1000", "01000")}
    assert phones.repairs == {
        "zeros that a spreadsheet ate put back before telephone numbers": (1, "612345678", "+33612345678")}


def test_phones_by_country(reader):
    """A telephone is read in the country of its contact, else the house's."""
    found = reader.phone(column("06 12 34 56 78", "212 555 0123", "0612"), pa.array([None, "US", "FR"]))

    assert (found.values.to_pylist(), found.wrong.to_pylist()) == (
        ["+33612345678", "+12125550123", None], [False, False, True])


def test_words(reader):
    """Languages, countries, zones, currencies and choices take their usual spellings, and no other."""
    assert read(reader.language, "fr", "fr-FR", "Français", "klingon") == {
        "fr": "fr", "fr-FR": "fr", "Français": "fr", "klingon": "wrong"}
    assert read(reader.country_code, "fr", "France", "zzz") == {"fr": "FR", "France": "FR", "zzz": "wrong"}
    assert read(reader.time_zone, "Europe/Paris", "Paris") == {"Europe/Paris": "Europe/Paris", "Paris": "wrong"}
    assert read(reader.house_currency, "eur", "€", "USD") == {"eur": "EUR", "€": "EUR", "USD": "wrong"}
    found = reader.choice(column("oui", "Granted", "peut-être"), ("granted", "refused", "withdrawn"))
    assert (found.values.to_pylist(), found.wrong.to_pylist()) == (["granted", "granted", None], [False, False, True])


@pytest.mark.parametrize(("texts", "type_"), [
    (("1", "-20"), "integer"), (("1", "2,5"), "decimal"), (("1 200", "3"), "decimal"), (("01", "2"), "text"),
    (("oui", "no"), "boolean"), (("true", "1"), "text"), (("2026-01-01", "05/06/2026"), "date"),
    (("2026-01-01 10:00",), "instant"), (("31/02/2026",), "text"), (("a", "1"), "text"), (("",), "text"),
])
def test_types_of_attributes(reader, texts, type_):
    """An attribute has the narrowest type that every filled cell fits; a number that opens with zero is a code."""
    assert reader.shape(column(*texts)) == type_
