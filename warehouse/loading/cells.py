"""Columns of text read as what they hold: instants, amounts, codes, addresses; each distinct text once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import available_timezones

import pyarrow as pa
import pyarrow.compute as pc

from marketing import addresses
from warehouse.engine import Engine

__all__ = ["EMPTY", "Cells", "Reader", "clean"]

_SQL = Path(__file__).parent / "sql"
#: What people and spreadsheets write where they have nothing to write.
EMPTY = pa.array(["", "-", "--", "NULL", "null", "Null", "N/A", "n/a", "#N/A", "NaN", "nan", "None"])
INSTANT = pa.timestamp("us")
#: A sign alone is accepted for the currencies that are written so.
_SIGNS = {"EUR": "€", "USD": r"\$", "CAD": r"\$", "AUD": r"\$", "GBP": "£", "JPY": "¥", "CNY": "¥"}
_LANGUAGES = {"francais": "fr", "français": "fr", "french": "fr", "anglais": "en", "english": "en"}
_COUNTRIES = {"france": "FR", "belgique": "BE", "belgium": "BE", "suisse": "CH", "switzerland": "CH",
              "etats-unis": "US", "états-unis": "US", "united states": "US", "usa": "US", "uk": "GB",
              "united kingdom": "GB", "royaume-uni": "GB", "allemagne": "DE", "germany": "DE",
              "espagne": "ES", "spain": "ES", "italie": "IT", "italy": "IT", "luxembourg": "LU", "canada": "CA"}
#: The words that files use for the values of consents and suppressions.
_WORDS = {
    "e-mail": "email", "mail": "email", "courriel": "email", "texto": "sms", "telephone": "phone",
    "téléphone": "phone", "tel": "phone", "courrier": "post", "postal": "post", "mailing": "post",
    "commerciale": "commercial", "marketing": "commercial", "prospection": "commercial", "relation": "relationship",
    "relationnel": "relationship", "service": "relationship", "transactionnel": "transactional", "tout": "all",
    "tous": "all", "yes": "granted", "oui": "granted", "true": "granted", "1": "granted", "opt-in": "granted",
    "optin": "granted", "accordé": "granted", "accorde": "granted", "no": "refused", "non": "refused",
    "false": "refused", "0": "refused", "opt-out": "withdrawn", "optout": "withdrawn", "refusé": "refused",
    "refuse": "refused", "retiré": "withdrawn", "retire": "withdrawn", "unsubscribed": "withdrawn",
    "désabonné": "withdrawn", "desabonne": "withdrawn",
}


@dataclass
class Cells:
    """A column as read: values with NULL where a cell is empty or wrong; what wrong cells should have held."""

    values: pa.Array
    wrong: pa.Array
    expected: str
    repairs: dict[str, tuple[int, str, str]] = field(default_factory=dict)  #: what: (rows, cell before, value after)
    note: str = ""


def clean(column: pa.ChunkedArray) -> pa.Array:
    """Trimmed text, NULL where nothing is said."""
    text = pc.utf8_trim_whitespace(pa.chunked_array(column).combine_chunks())
    return pc.if_else(pc.is_in(text, value_set=EMPTY), pa.scalar(None, pa.string()), text)


class Reader:
    """Reads columns for one house: its zone, currency and country settle what a cell leaves open."""

    def __init__(self, *, zone: str, currency: str, country: str, comma: bool, as_of: datetime):
        self.zone, self.currency, self.country = zone, currency, country
        self.comma = comma  #: whether a mark that decides nothing is a decimal comma (files with semicolons)
        self.latest = as_of + timedelta(days=730)
        self._engine = Engine(memory_limit="1GB")

    def close(self) -> None:
        self._engine.close()

    def text(self, cells: pa.Array) -> Cells:
        return Cells(cells, pa.repeat(False, len(cells)), "text")

    def decimal(self, cells: pa.Array) -> Cells:
        return self._numbers(cells, "a number such as 1234.50 or 1 234,50", symbols="")

    def money(self, cells: pa.Array) -> Cells:
        sign = _SIGNS.get(self.currency, self.currency)
        return self._numbers(cells, f"an amount in {self.currency} such as 1234.50 or 1 234,50",
                             symbols=f"{sign}|{self.currency}")

    def _numbers(self, cells: pa.Array, expected: str, symbols: str) -> Cells:
        def read(distinct: pa.Array) -> pa.Table:
            votes = self._query("decimal_mark", text=distinct).to_pylist()[0]
            comma = votes["commas"] > votes["points"] or (self.comma and votes["commas"] == votes["points"])
            return self._query("decimals", {"mark": "," if comma else ".", "symbols": symbols or "^$"}, text=distinct)

        return self._by_distinct(cells, read, expected)

    def integer(self, cells: pa.Array) -> Cells:
        return self._by_distinct(cells, lambda d: self._query("integers", text=d), "a whole number such as 1200")

    def boolean(self, cells: pa.Array) -> Cells:
        return self._by_distinct(cells, lambda d: self._query("booleans", text=d), "yes or no (oui, non, true, false)")

    def instant(self, cells: pa.Array) -> Cells:
        note = ""

        def read(distinct: pa.Array) -> pa.Table:
            nonlocal note
            votes = self._query("day_or_month", text=distinct).to_pylist()[0]
            day_first = votes["days"] >= votes["months"]
            if pc.any(pc.match_substring_regex(distinct, r"^\d{1,2}[/.-]\d{1,2}[/.-]\d")).as_py():
                note = ("day before month" if day_first else "month before day") + (
                    "" if votes["days"] or votes["months"] else ", though no cell decides it")
            return self._query("instants", {"zone": self.zone, "day_first": day_first}, text=distinct)

        found = self._by_distinct(cells, read, "a date such as 24/11/2026, 2026-11-24 or 2026-11-24 10:30")
        found.note = note
        return found

    def past(self, cells: pa.Array) -> Cells:
        """Instants of what has happened; more than two years ahead is a slip of the keyboard."""
        found = self.instant(cells)
        ahead = pc.fill_null(pc.greater(found.values, pa.scalar(self.latest, INSTANT)), False)
        found.wrong = pc.or_(found.wrong, ahead)
        return found

    def date(self, cells: pa.Array) -> Cells:
        """Days without a time, as the calendar says them: no zone has a part in it."""
        zone, self.zone = self.zone, "UTC"
        found = self.instant(cells)
        self.zone = zone
        found.values = found.values.cast(pa.date32(), safe=False)
        return found

    def email(self, cells: pa.Array) -> Cells:
        return self._listed(cells, addresses.emails, "an e-mail address such as name@example.com")

    def phone(self, cells: pa.Array, regions: pa.Array | None = None) -> Cells:
        """Telephones; `regions` are the countries of the rows, NULL: the house's."""
        expected = "a telephone number with its country code, or one of the contact's country"
        if regions is None:
            found = self._listed(cells, lambda texts: addresses.phones(texts, self.country), expected)
        else:
            found = self._by_country(cells, regions, expected)
        eaten = pc.and_(pc.match_substring_regex(cells, r"^[1-9](\D*\d){8}$"), pc.starts_with(found.values, "+33"))
        if rows := pc.sum(eaten).as_py():
            place = pc.index(eaten, True).as_py()
            what = "zeros that a spreadsheet ate put back before telephone numbers"
            found.repairs[what] = (rows, cells[place].as_py(), found.values[place].as_py())
        return found

    def _by_country(self, cells: pa.Array, regions: pa.Array, expected: str) -> Cells:
        regions = pc.fill_null(regions, self.country)
        rows, parts, found = [], [], Cells(cells, pa.repeat(False, len(cells)), expected)
        for region in pc.unique(regions).to_pylist():
            mask = pc.equal(regions, region)
            part = self._listed(cells.filter(mask), lambda texts, r=region: addresses.phones(texts, r), expected)
            rows.append(pc.indices_nonzero(mask))
            parts.append(part)
        order = pc.sort_indices(pa.concat_arrays(rows)) if rows else pa.array([], pa.uint64())
        if parts:
            found.values = pa.concat_arrays([part.values for part in parts]).take(order)
            found.wrong = pa.concat_arrays([part.wrong for part in parts]).take(order)
        return found

    def address(self, cells: pa.Array) -> Cells:
        """An e-mail address where there is an at sign, else a telephone."""
        def read(texts: list[str]) -> list[str | None]:
            phones = iter(addresses.phones([text for text in texts if "@" not in text], self.country))
            mails = iter(addresses.emails(text for text in texts if "@" in text))
            return [next(mails if "@" in text else phones) for text in texts]

        return self._listed(cells, read, "an e-mail address or a telephone number")

    def postcode(self, cells: pa.Array, countries: pa.Array | None = None) -> Cells:
        countries = pa.repeat(self.country, len(cells)) if countries is None else pc.fill_null(countries, self.country)
        table = self._query("postcodes", text=cells, country=countries)
        return _read(cells, table, "a postcode")

    def language(self, cells: pa.Array) -> Cells:
        def one(text: str) -> str | None:
            word = text.lower()
            code = _LANGUAGES.get(word, word[:2] if len(word) == 2 or word[2:3] in "-_" else "")
            return code if len(code) == 2 and code.isascii() and code.isalpha() else None

        return self._listed(cells, lambda texts: [one(text) for text in texts], "two letters such as fr, or fr-FR")

    def country_code(self, cells: pa.Array) -> Cells:
        def one(text: str) -> str | None:
            code = _COUNTRIES.get(text.lower(), text.upper())
            return code if len(code) == 2 and code.isascii() and code.isalpha() else None

        return self._listed(cells, lambda texts: [one(text) for text in texts], "two letters such as FR")

    def time_zone(self, cells: pa.Array) -> Cells:
        known = available_timezones()
        return self._listed(cells, lambda texts: [text if text in known else None for text in texts],
                            "a zone such as Europe/Paris")

    def house_currency(self, cells: pa.Array) -> Cells:
        accepted = {self.currency, _SIGNS.get(self.currency, self.currency).lstrip("\\")}
        return self._listed(cells, lambda texts: [self.currency if t.upper() in accepted else None for t in texts],
                            f"{self.currency}, the currency of the house")

    def choice(self, cells: pa.Array, accepted: tuple[str, ...]) -> Cells:
        def one(text: str) -> str | None:
            word = _WORDS.get(text.lower(), text.lower())
            return word if word in accepted else None

        return self._listed(cells, lambda texts: [one(text) for text in texts], ", ".join(accepted))

    def shape(self, cells: pa.Array) -> str:
        """The narrowest type of attribute that every filled cell fits: integer, decimal, date, instant, boolean, text."""
        distinct = pc.unique(cells).drop_null()
        counts = self._query("shapes", text=distinct).to_pylist()[0]
        if counts["cells"]:
            for name in ("integer", "boolean"):
                if counts[f"{name}s"] == counts["cells"]:
                    return name
            if counts["instants"] == counts["cells"] and not pc.any(self.instant(distinct).wrong).as_py():
                return "instant" if pc.any(pc.match_substring(distinct, ":")).as_py() else "date"
            if counts["decimals"] == counts["cells"] and not pc.any(self.decimal(distinct).wrong).as_py():
                return "decimal"
        return "text"

    def _listed(self, cells: pa.Array, read: Callable[[list[str]], list], expected: str) -> Cells:
        """Rules that are Python per distinct text."""
        def table(distinct: pa.Array) -> pa.Table:
            return pa.table({"value": pa.array(read(distinct.to_pylist()), pa.string())})

        return self._by_distinct(cells, table, expected)

    def _by_distinct(self, cells: pa.Array, read: Callable[[pa.Array], pa.Table], expected: str) -> Cells:
        encoded = cells.dictionary_encode()
        table = read(encoded.dictionary)
        return _read(cells, table, expected, encoded.indices)

    def _query(self, name: str, values: dict | None = None, **columns: pa.Array) -> pa.Table:
        self._engine.register("cells", pa.table(columns))
        query = (_SQL / f"{name}.sql").read_text(encoding="utf-8")
        return self._engine.sql(query, **(values or {}))


def _read(cells: pa.Array, table: pa.Table, expected: str, indices: pa.Array | None = None) -> Cells:
    """Put what was read of the distinct texts back in the rows' places, and count the repairs."""
    values = table["value"].combine_chunks()
    repair = table["repair"].combine_chunks() if "repair" in table.column_names else None
    if indices is not None:
        values = values.take(indices)
        repair = repair.take(indices) if repair is not None else None
    wrong = pc.and_(pc.is_null(values), pc.is_valid(cells))
    found = Cells(values, wrong, expected)
    if repair is not None and repair.null_count < len(repair):
        for counted in pc.value_counts(repair.drop_null()).to_pylist():
            place = pc.index(repair, counted["values"]).as_py()
            after = values[place].as_py()
            found.repairs[counted["values"]] = (counted["counts"], cells[place].as_py(), str(after))
    return found
