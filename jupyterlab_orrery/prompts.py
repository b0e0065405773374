"""Prompts as an analysis takes them, from what people hold them in: dictionaries, a pandas frame, a file, or a set that is made for the model."""

from __future__ import annotations

import math
import numbers
import operator
from typing import Any, Mapping, NoReturn

from .prompt_table import COLUMNS, TEXTS, is_table, read_table, record

FIELDS = (*TEXTS, "answer")
SIDES = ("correct", "wrong")
TERM = ("token", "weight")
WEIGHTS = "tokens with their weights, as {token: weight} or a list of pairs"


def prompts(method: str, name: str, schema: Mapping[str, Any], value: Any) -> list[dict[str, Any]] | dict[str, Any]:
    """A list of prompts as plain JSON. TypeError and ValueError name field, prompt and value.

    One prompt may stand alone. {'set': 'ioi', 'n': 8}, or 'ioi' alone, is made for the model's tokenizer when it runs. A frame, or a file whose path ends in .csv or
    .jsonl, has the columns clean, corrupted, corrupted2, correct and wrong, all but the first if the analysis needs them; an answer in a cell is one
    token or a list of them.
    """
    refuse = _Refusal(method, name)
    plain, *sets = schema["anyOf"]
    if isinstance(value, str) and value in _names(sets):
        value = {"set": value}
    if isinstance(value, Mapping) and "set" in value:
        return _set(refuse, sets, value)
    rows = _rows(refuse, value, _names(sets))
    if not plain["minItems"] <= len(rows) <= plain["maxItems"]:
        refuse(ValueError, f"{plain['minItems']} to {plain['maxItems']} prompts", len(rows))
    return [_prompt(refuse.at(f"[{at}]"), row) for at, row in enumerate(rows)]


class _Refusal:
    def __init__(self, method: str, place: str) -> None:
        self.method, self.place = method, place

    def at(self, more: str) -> _Refusal:
        return _Refusal(self.method, self.place + more)

    def __call__(self, kind: type[Exception], allowed: str, value: Any) -> NoReturn:
        shown = repr(value)
        shown = shown if len(shown) <= 80 else f"{shown[:79]}…"
        raise kind(f"{self.method}: field '{self.place}' must be {allowed}, got {shown} ({type(value).__name__})")


def _names(sets: list[Mapping[str, Any]]) -> list[str]:
    return [one["properties"]["set"]["const"] for one in sets]


def _rows(refuse: _Refusal, value: Any, sets: list[str]) -> list[Any]:
    if isinstance(value, Mapping):
        return [value]
    if is_table(value):
        return read_table(value)
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return [_record(refuse, row) for row in value.to_dict("records")]
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        refuse(
            TypeError,
            "a list of prompts, each a dictionary with 'clean', or a pandas frame with that column, or a .csv or .jsonl file, or a set "
            f"({', '.join(sets)})",
            value,
        )
    return list(value)


def _set(refuse: _Refusal, sets: list[Mapping[str, Any]], value: Mapping[str, Any]) -> dict[str, Any]:
    """A request for a set of prompts, by the schema of that set."""
    known = _names(sets)
    if value["set"] not in known:
        refuse.at(".set")(ValueError, f"one of {', '.join(map(repr, known))}", value["set"])
    fields = sets[known.index(value["set"])]["properties"]
    given = {name: entry for name, entry in value.items() if entry is not None}
    strange = next((name for name in given if name not in fields), None)
    if strange is not None:
        refuse(ValueError, f"a set with {', '.join(fields)}", strange)
    ways = fields.get("counterfactual", {}).get("enum", [])
    if "counterfactual" in given and given["counterfactual"] not in ways:
        refuse.at(".counterfactual")(ValueError, f"one of {', '.join(map(repr, ways))}", given["counterfactual"])
    return given | {name: _within(refuse.at(f".{name}"), fields[name], given[name]) for name in ("n", "seed") if name in given}


def _within(refuse: _Refusal, schema: Mapping[str, Any], value: Any) -> int:
    allowed = f"an integer from {schema['minimum']} to {schema['maximum']}"
    try:
        number = operator.index(value)
    except TypeError:
        return refuse(TypeError, allowed, value)
    return number if schema["minimum"] <= number <= schema["maximum"] else refuse(ValueError, allowed, value)


def _record(refuse: _Refusal, row: Mapping[str, Any]) -> dict[str, Any]:
    def fail(_: str) -> NoReturn:
        refuse(ValueError, f"a frame with columns among {', '.join(COLUMNS)}, 'clean' at least", list(row))

    cells = record(row, fail, "")
    answer = {side: _listed(cells[side]) for side in SIDES if side in cells}
    return {name: cells[name] for name in TEXTS if name in cells} | ({"answer": answer} if answer else {})


def _listed(cell: Any) -> list[Any]:
    return list(cell) if isinstance(cell, (list, tuple)) else [cell]


def _prompt(refuse: _Refusal, row: Any) -> dict[str, Any]:
    if not isinstance(row, Mapping) or "clean" not in row:
        refuse(TypeError, "a dictionary with 'clean'", row)
    strange = next((name for name in row if name not in FIELDS), None)
    if strange is not None:
        refuse(ValueError, f"a dictionary of {', '.join(FIELDS)}", strange)
    made: dict[str, Any] = {
        name: _words(refuse.at(f".{name}"), row[name]) for name in TEXTS if row.get(name) is not None
    }
    if row.get("answer") is not None:
        made["answer"] = _answer(refuse.at(".answer"), row["answer"])
    return made


def _words(refuse: _Refusal, value: Any) -> str | list[int]:
    if isinstance(value, str):
        return value if value else refuse(ValueError, "a text that is not empty, or token ids", value)
    try:
        return [operator.index(entry) for entry in value]
    except TypeError:
        return refuse(TypeError, "a text or a list of token ids", value)


def _answer(refuse: _Refusal, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not ("correct" in value or "weights" in value):
        refuse(TypeError, "a dictionary with 'correct' or 'weights'", value)
    strange = next((name for name in value if name not in (*SIDES, "weights")), None)
    if strange is not None:
        refuse(ValueError, f"a dictionary of {', '.join(SIDES)}, weights", strange)
    made: dict[str, Any] = {
        side: _tokens(refuse.at(f".{side}"), value[side]) for side in SIDES if value.get(side) is not None
    }
    if value.get("weights") is not None:
        made["weights"] = _weights(refuse.at(".weights"), value["weights"])
    return made


def _weights(refuse: _Refusal, value: Any) -> list[dict[str, Any]]:
    """Tokens with their weights: a dictionary, pairs, or as they stand in JSON."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        refuse(TypeError, WEIGHTS, value)
    rows = [_weight(refuse, row) for row in (value.items() if isinstance(value, Mapping) else value)]
    return rows if rows else refuse(ValueError, "one token with its weight or more", value)


def _weight(refuse: _Refusal, row: Any) -> dict[str, Any]:
    pair = [row[name] for name in TERM] if isinstance(row, Mapping) and set(row) == set(TERM) else row
    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
        refuse(TypeError, WEIGHTS, row)
    token, weight = pair
    if not isinstance(weight, numbers.Real) or not math.isfinite(weight):
        refuse(ValueError, "tokens with weights that are finite numbers", row)
    return {"token": token if isinstance(token, str) else _id(refuse, token), "weight": float(weight)}


def _tokens(refuse: _Refusal, value: Any) -> list[str | int]:
    if isinstance(value, bytes):
        refuse(TypeError, "a token or a list of them, as texts or ids", value)
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        value = [value]
    tokens = [entry if isinstance(entry, str) else _id(refuse, entry) for entry in value]
    return tokens if tokens else refuse(ValueError, "a list of one token or more", value)


def _id(refuse: _Refusal, entry: Any) -> int:
    try:
        return operator.index(entry)
    except TypeError:
        return refuse(TypeError, "a list of tokens, as texts or ids", entry)
