"""The sandbox that messages are printed in, and what a variable without a value may do there."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined, Undefined, UndefinedError
from jinja2.runtime import escape, missing
from jinja2.sandbox import ImmutableSandboxedEnvironment

from connectors.layout import Read, flatten
from connectors.page import text_of
from connectors.wording import FILTERS

__all__ = ["Absent", "Empty", "Environment", "Unfilled"]

#: What is not the same in HTML.
_MARKS = re.compile("[&<>\"']").search


class Unfilled(UndefinedError):
    """A variable that a message prints has no value."""

    def __init__(self, variable: str):
        super().__init__(variable)
        self.variable = variable


class Absent(StrictUndefined):
    """A variable that the row does not have: an error however it is used, save in `is defined` and `default`."""

    __slots__ = ()

    def _fail_with_undefined_error(self, *args: Any, **kwargs: Any) -> Any:
        raise Unfilled(self._undefined_name or "?")

    __str__ = __len__ = __iter__ = __eq__ = __ne__ = __bool__ = __hash__ = __contains__ = _fail_with_undefined_error
    __html__ = __add__ = __radd__ = __mod__ = __call__ = __getitem__ = __lt__ = __gt__ = _fail_with_undefined_error

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._fail_with_undefined_error()


class Empty(Absent):
    """A variable without a value: it may be tested and given a fall-back, never printed."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return other is None or other == "" or isinstance(other, Empty)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Any:
        return iter(())

    def __hash__(self) -> int:
        return 0


class Environment(ImmutableSandboxedEnvironment):
    """Jinja without access to anything but the values given, and with errors that name the variable."""

    def __init__(self, load: Read, language: str = ""):
        def source(name: str) -> str:
            # A macro used in the text part is read as text too.
            plain = name.removeprefix("text:")
            return load(name) if plain == name else text_of(flatten(self, load(plain), plain, load), plain)

        super().__init__(loader=FunctionLoader(source), undefined=Absent, keep_trailing_newline=True,
                         autoescape=lambda name: not (name or "").startswith("text:"))
        self.language = language
        self.filters |= FILTERS
        self.filters["_shown"] = _shown
        self.tests["none"] = lambda value: value is None or isinstance(value, Empty)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A dictionary's key before its methods: a product may well have `items`."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    @staticmethod
    def as_text(value: Any) -> str | None:
        """What a print of the value says; None, which no text can be joined with, where it has to be refused."""
        if type(value) is str:
            return value
        return None if value is missing or isinstance(value, Undefined) else str(value)

    @staticmethod
    def as_html(value: Any) -> str | None:
        """The same, escaped."""
        if type(value) is str and (value.isalnum() or not _MARKS(value)):
            return value  # as most are: escape() would make an object of it first
        return None if value is missing or isinstance(value, Undefined) else str(escape(value))


def _shown(value: Any, label: str, base: Any) -> Any:
    """A value on its way into the print; raises Unfilled if it is, or was made of, None."""
    if value is None or (base is None and value == "None"):
        raise Unfilled(label)
    return value
