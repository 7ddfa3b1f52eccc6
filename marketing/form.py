"""The form of a wave: a chain's parameters as a flat signature that a marketer fills in."""

from inspect import Parameter, Signature
from typing import Annotated, Any

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

__all__ = ["Line", "filled", "signature", "titled"]

#: A wave parameter of one line, for a subject or a headline: no line break. Its field says how long it may be.
Line = Annotated[str, Field(pattern=r"^[^\r\n]*$")]


def signature(*asked: type[BaseModel]) -> Signature:
    """One keyword parameter per field of the models asked, with its limits, description, title and default.

    Nested under one parameter the form would hide every field behind it. The limits stand in the
    annotation and the words in the default, because a form made by pydantic from a signature drops
    the limits of a bare default, and overwrites a plain title.
    """
    return Signature([_parameter(name, field) for params in asked for name, field in params.model_fields.items()])


def filled(params: type[BaseModel], values: dict[str, Any]) -> BaseModel:
    """The model from those of its fields that a form gave; a field that was left alone takes its default.

    Raises pydantic.ValidationError.
    """
    return params(**{name: value for name, value in values.items()
                     if name in params.model_fields and not isinstance(value, FieldInfo)})


def titled(title: str) -> FieldInfo:
    """The title that a form shows over a parameter, for its annotation: `Annotated[str, titled("File")]`.

    A plain title is overwritten with the parameter's own name; the words below it come from the docstring.
    """
    return Field(json_schema_extra={"title": title})


def _parameter(name: str, field: FieldInfo) -> Parameter:
    annotation = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    title = field.title or extra.get("title") or name.replace("_", " ").capitalize()
    words = {"description": field.description, "json_schema_extra": {**extra, "title": title}}
    if field.is_required():
        # Without a default a schedule that says nothing could not start; the words still show.
        annotation, default = Annotated[annotation, Field(**words)], Parameter.empty
    else:
        default = Field(field.get_default(call_default_factory=True), **words)
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
