"""Checks a Python value against the JSON Schema of a field, so that a wrong one fails in the cell that gave it."""

from __future__ import annotations

import operator
from typing import Any, Callable, Mapping, NoReturn, Sequence

from .labelled_table import labelled_table
from .prompts import prompts
from .registry import Analysis

SEED = {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}
#: Characters of a value shown in an error.
SHOWN = 80


def make_spec(analysis: Analysis, given: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments → spec; None stands for absent. TypeError and ValueError name field and value."""
    fields = analysis.fields
    for name, value in given.items():
        if name not in fields:
            known = ", ".join(fields) or "none"
            raise TypeError(f"{analysis.method}: unknown field '{name}' = {shown(value)} (fields: {known})")
    present = {name: value for name, value in given.items() if value is not None}
    excluded = analysis.schema.get("not", {}).get("required", [])
    if excluded and all(name in present for name in excluded):
        raise TypeError(f"{analysis.method}: fields {' and '.join(map(repr, excluded))} exclude each other: give one")
    return {fields[name][0]: check(analysis.method, name, fields[name][1], value) for name, value in present.items()}


def check(method: str, name: str, schema: Mapping[str, Any], value: Any) -> Any:
    """The value as plain JSON."""
    if "enum" in schema:
        return _choice(method, name, schema, value)
    if "anyOf" in schema:
        return prompts(method, name, schema, value)
    return _CHECKS[schema["type"]](method, name, schema, value)


def shown(value: Any) -> str:
    """The value as an error shows it, cut short."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _refuse(kind: type[Exception], method: str, name: str, allowed: str, value: Any, at: str = "") -> NoReturn:
    what = f"{shown(value)} ({type(value).__name__})" if kind is TypeError else shown(value)
    raise kind(f"{method}: field '{name}' must be {allowed}, got {what}{at}")


def _choice(method: str, name: str, schema: Mapping[str, Any], value: Any) -> Any:
    if value in schema["enum"]:
        return value
    allowed = "one of " + ", ".join(repr(option) for option in schema["enum"])
    return _refuse(ValueError if isinstance(value, str) else TypeError, method, name, allowed, value)


def _text(method: str, name: str, schema: Mapping[str, Any], value: Any) -> str:
    if schema.get("contentMediaType") == "text/csv":
        value = labelled_table(method, name, value)
    longest = schema.get("maxLength")
    allowed = "a text" if longest is None else f"a text of at most {longest} characters"
    if not isinstance(value, str):
        hint = " (token ids go into 'ids')" if name == "text" and isinstance(value, (list, tuple)) else ""
        _refuse(TypeError, method, name, allowed, value, hint)
    # JavaScript counts UTF-16 units.
    units = len(value.encode("utf-16-le", "surrogatepass")) // 2
    if longest is not None and units > longest:
        _refuse(ValueError, method, name, allowed, value, f" with {units}")
    return value


def _integer(method: str, name: str, schema: Mapping[str, Any], value: Any) -> int:
    allowed = f"an integer{_range(schema)}"
    number = _index(value)
    if number is None:
        _refuse(TypeError, method, name, allowed, value)
    return _within(method, name, schema, allowed, number)


def _number(method: str, name: str, schema: Mapping[str, Any], value: Any) -> float:
    allowed = f"a number{_range(schema)}"
    if isinstance(value, (str, bytes, bool)):
        _refuse(TypeError, method, name, allowed, value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        _refuse(TypeError, method, name, allowed, value)
    return _within(method, name, schema, allowed, number)


def _flag(method: str, name: str, schema: Mapping[str, Any], value: Any) -> bool:
    if not isinstance(value, bool):
        _refuse(TypeError, method, name, "True or False", value)
    return value


def _integers(method: str, name: str, schema: Mapping[str, Any], value: Any) -> list[int]:
    unique = schema.get("uniqueItems", False)
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    items = schema["items"]
    allowed = f"a list of {least} to {most} {'different ' if unique else ''}integers{_range(items)}"
    if isinstance(value, (str, bytes, Mapping)):
        _refuse(TypeError, method, name, allowed, value)
    try:
        numbers: Sequence[Any] = list(value)
    except TypeError:
        _refuse(TypeError, method, name, allowed, value)
    for position, entry in enumerate(numbers):
        if _index(entry) is None:
            _refuse(TypeError, method, name, allowed, entry, f" at {position}")
        _within(method, name, items, allowed, operator.index(entry), f" at {position}")
    if not least <= len(numbers) <= most or (unique and len(set(numbers)) < len(numbers)):
        _refuse(ValueError, method, name, allowed, value)
    return [operator.index(entry) for entry in numbers]


def _index(value: Any) -> int | None:
    """An integer of any kind (NumPy's too), but not a bool."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _within(method: str, name: str, schema: Mapping[str, Any], allowed: str, value: Any, at: str = "") -> Any:
    # A NaN is within nothing.
    if not schema.get("minimum", float("-inf")) <= value <= schema.get("maximum", float("inf")):
        _refuse(ValueError, method, name, allowed, value, at)
    return value


def _range(schema: Mapping[str, Any]) -> str:
    return f" from {schema['minimum']} to {schema['maximum']}" if "minimum" in schema and "maximum" in schema else ""


_CHECKS: Mapping[str, Callable[[str, str, Mapping[str, Any], Any], Any]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _flag,
    "array": _integers,
}
