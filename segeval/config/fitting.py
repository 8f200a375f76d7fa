"""A value as the annotation of its option wants it."""

import reprlib
from typing import Annotated, Any, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from segeval.errors import ConfigError


def fitted(value: Any, annotation: Any, *, where: str) -> Any:
    """The value, converted where nothing is lost by that; a single one may stand for a list of one.

    Args:
        where: the option, as a message shall name it.

    Raises:
        ConfigError: the value does not fit.
    """
    annotation = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    wrapped = [value] if get_origin(annotation) is tuple and isinstance(value, str | int | float) else value
    try:
        return TypeAdapter(annotation).validate_python(wrapped)
    except ValidationError as error:
        raise ConfigError(f"{where}: {reprlib.repr(value)} does not fit. {error.errors()[0]['msg']}.") from error
