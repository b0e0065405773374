"""A person's own prompts from a file: CSV with a line of column names, or JSON Lines."""

from __future__ import annotations

import csv
import json
import os
from io import StringIO
from pathlib import Path
from typing import Any, Callable, Mapping, NoReturn

#: What a column may be called, and what it becomes.
TEXTS = ("clean", "corrupted", "corrupted2")
COLUMNS = {
    **{name: name for name in TEXTS}, "correct": "correct", "answer": "correct", "wrong": "wrong",
    "wrong answer": "wrong", "wrong_answer": "wrong",
}
SUFFIXES = (".csv", ".jsonl")
#: Bytes of a file.
LARGEST = 2**24


def is_table(value: Any) -> bool:
    """A path of such a file."""
    return isinstance(value, (str, os.PathLike)) and str(os.fspath(value)).lower().endswith(SUFFIXES)


def read_table(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Rows with the columns clean, corrupted, correct (or answer) and wrong (or wrong answer). ValueError names file, row and column."""
    file = Path(path)

    def fail(why: str) -> NoReturn:
        raise ValueError(f"prompt table '{file}': {why}")

    if not file.is_file():
        fail("there is no such file")
    if file.stat().st_size > LARGEST:
        fail(f"{file.stat().st_size} bytes are more than the {LARGEST} that are read")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        fail("it is not UTF-8")
    rows = _from_csv(text, fail) if file.suffix.lower() == ".csv" else _from_lines(text, fail)
    return [_prompt(row) for row in rows]


def record(row: Mapping[str, Any], fail: Callable[[str], NoReturn], where: str) -> dict[str, Any]:
    """The cells of one row under the names of their fields; absent ones are left out. `fail` is called with one sentence."""
    there = ", ".join(repr(str(name)) for name in row) or "none"
    if "clean" not in row:
        fail(f"the column 'clean' is missing{where} (there are: {there})")
    strange = next((name for name in row if name not in COLUMNS), None)
    if strange is not None:
        fail(f"unknown column {strange!r}{where} (known: {', '.join(COLUMNS)})")
    cells = {COLUMNS[name]: cell for name, cell in row.items() if not _absent(cell)}
    if len(cells) < sum(not _absent(cell) for cell in row.values()):
        fail(f"a side of the answer is there under two names{where}")
    return cells


def _absent(cell: Any) -> bool:
    """None, an empty cell, or pandas' NaN."""
    return cell is None or (isinstance(cell, str) and not cell) or (isinstance(cell, float) and cell != cell)


def _from_csv(text: str, fail: Callable[[str], NoReturn]) -> list[dict[str, Any]]:
    try:
        header, *rows = list(csv.reader(StringIO(text, newline="\n"), delimiter=_separator(text), strict=True)) or [[]]
    except csv.Error as error:
        fail(str(error))
    names = [name.strip() for name in header]
    if len(set(names)) < len(names):
        fail("a column is there twice")
    rows = [row for row in rows if row]
    uneven = next((at for at, row in enumerate(rows) if len(row) != len(names)), None)
    if uneven is not None:
        fail(f"row {uneven + 1} has {len(rows[uneven])} cells where {len(names)} columns are named")
    record(dict.fromkeys(names), fail, "")
    return [record(dict(zip(names, map(_listed, row))), fail, f" in row {at + 1}") for at, row in enumerate(rows)]


def _separator(text: str) -> str:
    """Spreadsheets write semicolons where the comma is the decimal mark."""
    header = text.partition("\n")[0]
    return next((one for one in ",;\t" if one in header), ",")


def _listed(cell: str) -> Any:
    """A list where the cell is one: '[" Mary", 11]'."""
    try:
        value = json.loads(cell) if cell.startswith("[") else cell
    except ValueError:
        return cell
    return value if isinstance(value, list) else cell


def _from_lines(text: str, fail: Callable[[str], NoReturn]) -> list[dict[str, Any]]:
    rows = []
    for at, line in enumerate(line for line in text.split("\n") if line.strip()):
        try:
            row = json.loads(line)
        except ValueError:
            fail(f"row {at + 1} is not JSON: {line[:80]!r}")
        if not isinstance(row, dict):
            fail(f"row {at + 1} must be an object, got {line[:80]!r}")
        rows.append(record(row, fail, f" in row {at + 1}"))
    return rows


def _prompt(cells: Mapping[str, Any]) -> dict[str, Any]:
    made = {name: cells[name] for name in TEXTS if name in cells}
    if isinstance(cells.get("correct"), dict):
        return made | {"answer": cells["correct"]}
    answer = {
        side: cells[side] if isinstance(cells[side], list) else [cells[side]] for side in ("correct", "wrong") if side in cells
    }
    return made | ({"answer": answer} if answer else {})
