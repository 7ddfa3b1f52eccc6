"""Telling: one line of JSON in the log for each pass, send, collection and other run; counts, nobody's data."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from prefect.context import FlowRunContext
from prefect.logging import get_run_logger

__all__ = ["LOGGER", "counts", "tell"]

#: Where the lines go outside of a flow run; within one they are its log.
LOGGER = "relance"


def tell(kind: str, *, run: str, state: str, chain: str | None = None, summary: Mapping[str, Any] | None = None,
         error: BaseException | None = None) -> str:
    """Log how a run ended, and return the line. Of an error its kind alone: what it says may name somebody."""
    line = {"kind": kind, "run": run, "state": state}
    line |= {"chain": chain} if chain else {}
    line |= {"error": type(error).__name__} if error else {}
    text = json.dumps(line | counts(summary or {}), sort_keys=False)
    logger = get_run_logger() if FlowRunContext.get() else logging.getLogger(LOGGER)
    logger.info(text)
    return text


def counts(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What of a summary is numbers: texts are left out, lists and tables of texts are counted."""
    found = {str(name): _counted(value) for name, value in summary.items()}
    return {name: value for name, value in found.items() if value is not None and value != {}}


def _counted(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        inner = counts(value)
        return inner if len(inner) == len(value) else len(value)
    return len(value) if isinstance(value, list | tuple | set) else None
