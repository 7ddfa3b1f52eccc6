"""Connectors by file: the kind `smtp` is connectors/smtp.py, nothing to register."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from connectors.base import Base, Connector

__all__ = ["BadSettings", "UnknownConnector", "connect", "connector_class", "kinds"]

_DECLARES = re.compile(r"^CONNECTOR\b", re.MULTILINE)


class UnknownConnector(LookupError):
    """No file of connectors/ has this kind."""


class BadSettings(ValueError):
    """The settings given to a connector do not fit its form."""


@cache
def kinds() -> tuple[str, ...]:
    """The kinds of connector found, sorted. Files are read, not imported: one broken file stops no other."""
    folder = Path(__file__).parent
    return tuple(sorted(p.stem for p in folder.glob("*.py") if _DECLARES.search(p.read_text(encoding="utf-8"))))


def connector_class(kind: str) -> type[Base]:
    """The class behind a kind. Raises UnknownConnector with the kinds there are."""
    if kind not in kinds():
        raise UnknownConnector(f"no connector of kind {kind!r}: there is no connectors/{kind}.py; found {', '.join(kinds())}")
    return importlib.import_module(f"connectors.{kind}").CONNECTOR


def connect(kind: str, name: str, settings: Mapping[str, Any] | None = None) -> Connector:
    """Make the connector `name` of a kind. Opens nothing yet.

    Raises UnknownConnector, or BadSettings naming each field; a value is never repeated, it may be a secret.
    """
    found = connector_class(kind)
    try:
        form = found.Settings(**(settings or {}))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors(include_input=False))
        accepted = ", ".join(found.Settings.model_fields)
        raise BadSettings(f"connector {name!r} of kind {kind!r}: {wrong}; settings are {accepted}") from None
    return found(name, form)
