"""Settings files: TOML read into frozen models, with errors that say what to write instead."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from marketing.channels import CHANNELS

__all__ = ["Channel", "Price", "Rate", "Settings", "SettingsError", "Zone"]


class SettingsError(ValueError):
    """A settings file could not be understood; the text lists every problem, one a line."""

    def __init__(self, path: Path, problems: list[str]):
        self.path, self.problems = path, problems
        super().__init__("\n".join(f"{path.name}: {problem}" for problem in problems))


class Settings(BaseModel):
    """A table of a settings file: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """The settings written in the TOML file at `path`.

        Numbers with a point are read as Decimal, never through binary floats.
        Raises SettingsError naming the file, each key, its value and what is accepted.
        """
        path = Path(path)
        try:
            return cls.model_validate(_toml(path))
        except ValidationError as error:
            raise SettingsError(path, list(_problems(cls, error))) from None

    def to_text(self, **replaced: Any) -> str:
        """The settings as one text, the same for the same settings, that `of_text` reads; `replaced` keys have other values."""
        values = self.model_dump(by_alias=True, exclude_none=True) | replaced
        return json.dumps(values, default=_written, sort_keys=True, ensure_ascii=False)

    @classmethod
    def of_text(cls, text: str) -> Self:
        """The settings that `to_text` wrote, by this or an earlier version."""
        return cls.model_validate(json.loads(text, object_hook=_read_decimal))


def _written(value: Any) -> Any:
    """What JSON has no word for: sets in order, times as they are typed, amounts to the last digit."""
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return str(value)


def _read_decimal(found: dict[str, Any]) -> Any:
    return Decimal(found["decimal"]) if set(found) == {"decimal"} else found


def _toml(path: Path) -> dict[str, Any]:
    try:
        # An editor on Windows may put a byte-order mark first; TOML knows none.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except FileNotFoundError:
        raise SettingsError(path, [f"there is no file {path}; start from the example of the repository"]) from None
    except OSError as error:
        raise SettingsError(path, [f"{path} cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise SettingsError(path, [f"byte {error.start + 1} is not UTF-8; save the file as UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(path, [f"not TOML: {error}; accepted: lines such as key = \"value\""]) from None


def _problems(model: type[BaseModel], error: ValidationError) -> Iterator[str]:
    for found in error.errors(include_url=False):
        key, location = _key(found["loc"]), found["loc"]
        if found["type"] == "missing":
            yield f"{key} is missing; accepted: {_accepted(model, location)}"
        elif found["type"] == "extra_forbidden":
            known = ", ".join(sorted(_keys(_model_at(model, location[:-1]))))
            yield f"{key} is not a known key; accepted here: {known}"
        elif found["type"] == "value_error":
            says = found["msg"].removeprefix("Value error, ")
            yield f"{key} is {_shown(found['input'])}; accepted: {says}" if key else says
        else:
            says = _accepted(model, location) or found["msg"].removeprefix("Input should be ")
            yield f"{key} is {_shown(found['input'])}; accepted: {says}"


def _key(location: tuple[int | str, ...]) -> str:
    """A place in the file as its owner would say it: cap[2].at_most counts from one."""
    parts = [f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in location if part != "[key]"]
    return "".join(parts).lstrip(".")


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list) and any(isinstance(item, Mapping | Settings) for item in value):
        return f"a list of {len(value)}"
    if isinstance(value, bool | Decimal):
        return str(value).lower()
    # A value may be long, or a page pasted by mistake: its beginning is enough to find it.
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel]:
    """The model of the table that stands at `location`, or the nearest one above it."""
    for part in location:
        for name, field in model.model_fields.items():
            if part in (name, field.alias):
                inside = [field.annotation, *get_args(field.annotation)]
                model = next((t for t in inside if isinstance(t, type) and issubclass(t, BaseModel)), model)
    return model


def _accepted(model: type[BaseModel], location: tuple[int | str, ...]) -> str | None:
    """What the key at `location` takes, in the words of its field's description."""
    for name, field in _model_at(model, location[:-1]).model_fields.items():
        if location[-1] in (name, field.alias):
            return field.description
    return None


def _channel(value: str) -> str:
    if value not in CHANNELS:
        raise ValueError("a channel: " + ", ".join(sorted(CHANNELS)))
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)  # the list of all names takes a hundred times as long
    except (KeyError, ValueError, OSError):  # unknown, not a name at all, or a folder of names
        raise ValueError("a name of the IANA time zone database, such as Europe/Paris") from None
    return value


def _number(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("a number without quotes, such as 0.25")
    return value


def _price(value: Decimal) -> Decimal:
    if not 0 <= value < 10**14 or value.as_tuple().exponent < -4:
        raise ValueError("an amount of 0 or more, with at most four decimals")
    return value


def _rate(value: Decimal) -> Decimal:
    if not 0 <= value <= 1:
        raise ValueError("a share of one, from 0 to 1, such as 0.25 for 25 %")
    return value


#: a channel's name
Channel = Annotated[str, AfterValidator(_channel)]
#: a name of the IANA time zone database
Zone = Annotated[str, AfterValidator(_zone)]
#: an amount of the house's currency, zero or more
Price = Annotated[Decimal, BeforeValidator(_number), AfterValidator(_price)]
#: a share of one, from 0 to 1
Rate = Annotated[Decimal, BeforeValidator(_number), AfterValidator(_rate)]
