"""How a command answers: words for a person, one JSON document for a program, errors in a sentence."""

import dataclasses
import functools
import inspect
import json as json_
import math
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["FAILED", "USAGE", "WAITS", "Answer", "Commands", "Refused", "answers", "plain"]

FAILED, USAGE, WAITS = 1, 2, 3

#: Errors that say all there is to say, by the name of their class, with the exit code: the modules that define them
#: are not imported until a command needs them.
_KNOWN = {
    "NoSuchChain": USAGE, "NoSuchConnector": USAGE, "NoSuchContact": USAGE, "ClockError": USAGE,
    "NoSuchScope": USAGE, "NoSuchStop": USAGE,
    "LedgerError": FAILED, "StoreError": FAILED, "SettingsError": FAILED, "WrongEnvironment": FAILED, "NotAllowed": FAILED,
    "MissingSecret": FAILED, "ChainError": FAILED, "LoadError": FAILED, "HeadMoved": FAILED, "Imbalance": FAILED,
    "BadTemplate": FAILED, "MissingMessage": FAILED, "DiagramError": FAILED, "UnknownConnector": FAILED,
    "BadSettings": FAILED, "InboxError": FAILED, "BlockError": FAILED, "NotAwaiting": USAGE, "BackupError": FAILED,
    "RatesError": USAGE, "NoRecord": USAGE, "WrongChain": USAGE,
}
#: Errors of Prefect that are of no class of its own.
_PREFECT_SAYS = ("ephemeral server", "Failed to reach API")


class Refused(Exception):
    """A command cannot do what was asked; the text says why, and what to do next."""

    def __init__(self, text: str, code: int = FAILED):
        super().__init__(text)
        self.code = code


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a command found: `record` for programs, `shown` (texts and rich tables) for people."""

    record: Any
    shown: Sequence[Any] = ()
    code: int = 0


_JSON = inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[
    bool, typer.Option("--json", help="Print one JSON document instead of words.")])
_DEBUG = inspect.Parameter("debug", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[
    bool, typer.Option("--debug", help="Show the whole traceback of an error.")])


def answers(command: Callable[..., Answer]) -> Callable[..., None]:
    """Make a function that returns an Answer a command: it takes --json and --debug, and ends with the right code."""
    signature = inspect.signature(command, eval_str=True)

    @functools.wraps(command)
    def answered(*, as_json: bool = False, debug: bool = False, **values: Any) -> None:
        try:
            answer = command(**values)
            _tell(answer, as_json)
        except (typer.Exit, typer.Abort):
            raise
        except (Exception, KeyboardInterrupt) as error:
            if debug:
                traceback.print_exc()
            text, code = told(error)
            _complain(type(error).__name__, text, code, as_json)
            raise typer.Exit(code) from None
        raise typer.Exit(answer.code)

    answered.__signature__ = signature.replace(parameters=[*signature.parameters.values(), _JSON, _DEBUG])
    answered.__annotations__ = {p.name: p.annotation for p in answered.__signature__.parameters.values()}
    return answered


class Commands(typer.core.TyperGroup):
    """The root of the commands: a mistake in the command line is JSON too where --json was asked."""

    def main(self, args: Sequence[str] | None = None, standalone_mode: bool = True, **more: Any) -> Any:
        given = sys.argv[1:] if args is None else list(args)
        if "--json" not in given or not standalone_mode:
            return super().main(args=args, standalone_mode=standalone_mode, **more)
        try:
            code = super().main(args=given, standalone_mode=False, **more)
        except Exception as error:  # the kind of error has moved between versions of the library
            if not hasattr(error, "format_message"):
                raise
            code = error.exit_code
            _complain("UsageError", error.format_message(), code, True)
        sys.exit(code if isinstance(code, int) else 0)


def told(error: BaseException) -> tuple[str, int]:
    """An error in a sentence or two, and the exit code it means."""
    if isinstance(error, KeyboardInterrupt):
        return "Stopped. What was committed stays, nothing is lost: run the command again to go on.", 130
    if isinstance(error, Refused):
        return str(error), error.code
    names = [kind.__name__ for kind in type(error).__mro__]
    for name in names:
        if name in _KNOWN:
            return _sentence(str(error)), _KNOWN[name]
    if "DBAPIError" in names:
        return f"The ledger could not be read or written ({error.orig}). Nothing was half done; run the command again.", FAILED
    if isinstance(error, OSError):
        where = f" {error.filename}" if error.filename else ""
        return f"The file{where} could not be used ({error.strerror or error}).", FAILED
    if type(error).__module__.startswith("prefect") or any(words in str(error) for words in _PREFECT_SAYS):
        return f"Prefect: {_sentence(str(error))} A pass runs without it by: relance pass CHAIN --plain", FAILED
    return (f"Unexpected {type(error).__name__}: {_sentence(str(error))} This is a defect; "
            "the same command with --debug shows where."), FAILED


def plain(value: Any) -> Any:
    """A value as JSON knows it: instants are UTC and end in Z, decimals are numbers, what is no number is null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {part.name: plain(getattr(value, part.name)) for part in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {"/".join(map(str, key)) if isinstance(key, tuple) else str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    if isinstance(value, datetime):
        return value.isoformat() + ("Z" if value.tzinfo is None else "")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)


def _tell(answer: Answer, as_json: bool) -> None:
    if as_json:
        typer.echo(json_.dumps(plain(answer.record), ensure_ascii=False, indent=2))
        return
    from flows.cli.showing import show

    for piece in answer.shown:
        show(piece)


def _complain(kind: str, text: str, code: int, as_json: bool) -> None:
    if as_json:
        typer.echo(json_.dumps({"error": {"kind": kind, "message": text, "code": code}}, ensure_ascii=False, indent=2))
    else:
        typer.echo(f"relance: {text}", err=True)


def _sentence(text: str) -> str:
    text = text.strip() or "no reason was given"
    return text if text[-1] in ".!?" else f"{text}."


def written(path: Path, text: str) -> str:
    """Write a text file, its folder too; returns its path as a text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)
