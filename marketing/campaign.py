"""The campaign tags of the house: what the links to its own sites carry, so that a web analysis knows whence visits come."""

import re
from typing import Self

from pydantic import Field, field_validator, model_validator

from marketing.settings import Channel, Settings

__all__ = ["Campaign"]

#: What a tag may be made of, in curly brackets.
WORDS = ("chain", "step", "wave", "channel")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+(:\d+)?")
_WORD = re.compile(r"\{([^{}]*)\}")


class Campaign(Settings):
    """The table [campaign] of house.toml."""

    domains: list[str] = Field(min_length=1, description="a list of the house's own domains, such as [\"shop.example\"]")
    tags: dict[str, str] = Field(
        min_length=1, description="a table [campaign.tags]: name in the link = text with {chain}, {step}, {wave} or {channel}")
    #: a text message pays for each letter, so it has none unless the house says so
    channels: list[Channel] = Field(["email"], description="a list of channels; left out: e-mail alone")

    @field_validator("domains")
    @classmethod
    def _domains(cls, value: list[str]) -> list[str]:
        wrong = ", ".join(domain for domain in value if not _DOMAIN.fullmatch(domain))
        if wrong:
            raise ValueError(f'domains in small letters without https:// or a path, such as "shop.example" (not so: {wrong})')
        return value

    @model_validator(mode="after")
    def _words(self) -> Self:
        for name, text in self.tags.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"tags with names such as utm_source (not so: {name})")
            unknown = [word for word in _WORD.findall(text) if word not in WORDS]
            if unknown or _WORD.sub("", text) != _WORD.sub("", text).replace("{", "").replace("}", ""):
                raise ValueError(f"tags made of text and {{{'}, {'.join(WORDS)}}} (not so: {name} = {text!r})")
            if not text.strip():
                raise ValueError(f"tags that say something (not so: {name} is empty)")
        return self

    def told(self, **values: str | int) -> dict[str, str]:
        """The tags of one message: `values` are those of WORDS."""
        return {name: text.format(**values) for name, text in self.tags.items()}
