"""Who of the present audience could not be written to, because a value that a message prints is missing."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from connectors.message import MissingMessage, RenderFailed
from outbox.inventing import Printed

__all__ = ["Patterns", "of_values", "patterns", "read_in"]

#: What str.isspace() calls space, as a class of DuckDB's expressions.
_SPACE = r"[\s\x{0b}\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]*"

#: How many contacts of the audience have which of some columns: by language, and by what is missing.
Patterns = Counter[tuple[str | None, frozenset[str]]]


def patterns(snapshot, audience: str, names: Sequence[str], values: Mapping[str, Any]) -> Patterns:
    """What the contacts of an audience lack, of the columns in `names`; one question however many contacts there are.

    A text of nothing but space is lacking too, as it is for the sender.
    """
    kinds = {field.name: field.type for field in snapshot.sql("SELECT * FROM contacts LIMIT 0").schema}
    lacking = ", ".join(f"{_lacks(name, kinds[name])} AS lacks_{place}" for place, name in enumerate(names))
    # One row per language and set of missing values.
    found = snapshot.sql(f"""
        WITH asked AS (SELECT DISTINCT contact_id FROM ({audience}) AS a)
        SELECT c.language AS language{", " if lacking else ""}{lacking}, count(*) AS contacts
        FROM asked JOIN contacts AS c USING (contact_id)
        GROUP BY ALL""", **values)
    counted: Patterns = Counter()
    for row in found.to_pylist():
        missing = frozenset(name for place, name in enumerate(names) if row[f"lacks_{place}"])
        counted[row["language"], missing] += row["contacts"]
    return counted


def _lacks(name: str, kind: pa.DataType) -> str:
    column = f'c."{name}"'
    blank = f" OR regexp_full_match({column}, '{_SPACE}')" if pa.types.is_string(kind) or pa.types.is_large_string(kind) else ""
    return f"({column} IS NULL{blank})"


def of_values(one: Printed, found: Patterns | None, columns: Sequence[str], files: Mapping[str | None, str]
              ) -> Iterator[tuple[str, bool, str]]:
    """(rule, whether it blocks, sentence) of each variable of a message that somebody has no value for.

    `files` says which file of the message each language of the base is written to in; None as `found`: nobody to count.
    """
    if one.missing:
        yield "no_variable", True, _nobody(one.missing, columns)
        return
    if not one.message or not found:
        return
    readers: Counter[frozenset[str]] = Counter()
    for (language, missing), contacts in found.items():
        if files.get(language) == one.language:
            readers[missing & one.message.variables] += contacts
    refused: Counter[str] = Counter()
    for missing, contacts in readers.items():
        try:
            one.message.render(dict(one.row) | dict.fromkeys(missing))
        except RenderFailed as error:
            refused[getattr(error, "variable", "?")] += contacts
    whole = sum(readers.values())
    for variable, contacts in refused.most_common():
        yield ("missing_value", contacts == whole,
               f"{contacts:,} of the {whole:,} contacts of the audience who would read it have no {variable}, and would get "
               f"nothing (refusal missing_value): load it, or give the message a fall-back: {{{{ {variable} or '…' }}}}")


def _nobody(variable: str, columns: Sequence[str]) -> str:
    name = variable.partition(".")[0]
    fall_back = f"give the message a fall-back: {{{{ {variable} or '…' }}}}"
    if name == "params":
        return f"The parameter {variable} is not filled in, and nobody would get the message: fill it in, or {fall_back}"
    if name == "rep":
        return "The message names a rep, and nobody is assigned one in this chain: write an Assign before the Send."
    known = ", ".join(sorted(set(columns) - {"email_key", "phone_key"}))
    return (f"No contact has a {variable}, so that nobody would get the message: mend its name (there are {known}), load it, "
            f"or {fall_back}")


def read_in(wired, chain: str, one: Printed, language: str | None) -> str | None:
    """The language of the file in which a contact of a language reads a message; None where there is none for it."""
    try:
        found = wired.messages.get(chain, one.step.message, one.channel, language or wired.warehouse.house.language)
    except MissingMessage:
        return None
    return found.language
