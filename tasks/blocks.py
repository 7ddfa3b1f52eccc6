"""Blocks: the settings of each kind of connector as a form of the Prefect UI, its secrets masked; made from its settings.

A Block is named (`block = "mail"` in house.toml) and read here, where it is used. It is never a parameter of a flow:
Prefect writes the secrets of a referenced Block in plain text into deployments and runs.
"""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Annotated, Any
from urllib.parse import urlsplit

from prefect.blocks.core import Block
from prefect.settings import get_current_settings
from prefect.types import SecretDict
from pydantic import ConfigDict, Field, SecretStr, ValidationError

from connectors.registry import connect, connector_class, kinds
from marketing.house import SECRETS

__all__ = ["BlockError", "api", "block_class", "kinds", "register", "save", "saved", "slug", "there"]


class BlockError(LookupError):
    """A Block could not be read or written: `said` names it and the server, `todo` what mends it."""

    def __init__(self, said: str, todo: str):
        super().__init__(f"{said}; {todo}")
        self.said, self.todo = said, todo

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.said, self.todo)


def slug(kind: str) -> str:
    """The name of the type: small letters, digits and dashes."""
    return f"relance-{kind.replace('_', '-')}"


@cache
def block_class(kind: str) -> type[Block]:
    """The Block of a kind of connector: a field for each setting that a person can write, secrets masked."""
    connector = connector_class(kind)
    fields = {name: field for name, field in connector.Settings.model_fields.items() if "Callable" not in str(field.annotation)}
    told = (importlib.import_module(connector.__module__).__doc__ or kind).partition("\n")[0]
    body = {
        "__module__": __name__, "__doc__": told, "__annotations__": {name: _type(name, f) for name, f in fields.items()},
        "model_config": ConfigDict(hide_input_in_errors=True), "_block_type_slug": slug(kind),
        "_block_type_name": f"Relance {kind}: {told.partition(':')[0].rstrip('.')}", "_description": _description(kind, told),
        **{name: _field(field) for name, field in fields.items()},
    }
    return type(Block)(f"{connector.__name__}Block", (Block,), body)


def _type(name: str, field: Any) -> Any:
    """The type of a setting with its limits. What is called like a secret is masked, and so is a table, which may hold one."""
    known = field.annotation
    if name.lower().endswith(SECRETS):
        known = SecretStr if field.is_required() else SecretStr | None
    elif "Mapping" in str(known) or "dict" in str(known):
        known = SecretDict if field.is_required() else SecretDict | None
    return Annotated[known, *field.metadata] if field.metadata else known


def _field(field: Any) -> Any:
    given = ... if field.is_required() else field.get_default(call_default_factory=True)
    return Field(given, description=field.description, title=field.title)


def _description(kind: str, told: str) -> str:
    return (f"{told}\n\nSettings of a connector, the way by which messages leave. Name this Block in house.toml, in the table of "
            f'the connector: `kind = "{kind}"` and `block = "…"`. Then see whether a send would work: `relance connectors '
            "check`. What house.toml says itself, and what it takes from the environment, wins over the Block.")


def register(kind: str) -> type[Block]:
    """Make the type known to the server, or bring it up to date. Raises BlockError."""
    made = block_class(kind)
    with _reaching(f"the Block type {slug(kind)} cannot be registered"):
        made.register_type_and_schema(_sync=True)
    return made


def there(kind: str, name: str) -> bool:
    """Whether the server has the Block `name`. Raises BlockError."""
    made = block_class(kind)
    with _reaching(f"the Block {slug(kind)}/{name} cannot be looked for"):
        try:
            made.load(name, validate=False, _sync=True)
        except ValueError:
            return False
    return True


def save(kind: str, name: str, settings: Mapping[str, Any]) -> None:
    """Write settings as the Block `name`, over what it said. Raises BadSettings, BlockError."""
    connect(kind, name, settings)  # what no connector would take is not kept
    made = register(kind)
    with _reaching(f"the Block {slug(kind)}/{name} cannot be saved"):
        made(**settings).save(name, overwrite=True, _sync=True)


def saved(kind: str, name: str) -> dict[str, Any]:
    """The settings in the Block `name`, secrets in plain; what was left empty is left out. Raises BlockError."""
    made = block_class(kind)
    with _reaching(f"the Block {slug(kind)}/{name} cannot be read"):
        block = made.load(name, _sync=True)
    settings = {key: _plain(getattr(block, key)) for key in made.model_fields}
    return {key: setting for key, setting in settings.items() if setting not in (None, "")}


def _plain(value: Any) -> Any:
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


def api() -> str | None:
    """The Prefect server that is asked, without what its address may hold of a login; None where none is named."""
    url = get_current_settings().api.url
    return url and urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()


@contextmanager
def _reaching(what: str) -> Iterator[None]:
    """Say what went wrong with a Block in a sentence that holds no value of it."""
    if api() is None:
        raise BlockError(f"{what}: PREFECT_API_URL names no Prefect server", "set it, or start one on this machine by: make up")
    try:
        yield
    except Exception as error:
        why, todo = _why(error)
        raise BlockError(f"{what}: {why}", todo) from None


def _why(error: Exception) -> tuple[str, str]:
    """What went wrong, and what to do about it."""
    wrong = error if isinstance(error, ValidationError) else error.__cause__
    if isinstance(wrong, ValidationError):
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong.errors(include_input=False))
        return faults, "correct it in the Prefect UI, under Blocks"
    if "Unable to find block document" in str(error):
        return (f"the Prefect server {api()} has none of this name",
                "make it in the Prefect UI, under Blocks, or from the settings of house.toml: relance connectors register --save")
    code = getattr(getattr(error, "response", None), "status_code", None)
    if code in (401, 403):
        return f"the Prefect server {api()} refuses us ({code})", "set PREFECT_API_AUTH_STRING"
    if code is not None:
        return f"the Prefect server {api()} answers {code}", "see that it is of the same version as the Prefect here"
    return (f"the Prefect server {api()} (PREFECT_API_URL) cannot be reached ({type(error).__name__})",
            "see that it runs, or write the settings into house.toml and take the Block out of it")
