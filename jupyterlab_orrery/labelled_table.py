"""A person's own labelled table for a probe, from what people hold it in: a frame, a list of dictionaries, a CSV or JSON Lines file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Iterable, Mapping, NoReturn

from .prompt_table import LARGEST, is_table

COLUMNS = ("text", "sentence", "word", "label")
WANTED = "text and label (and word), or sentence, word and label"


def labelled_table(method: str, name: str, value: Any) -> Any:
    """JSON Lines of a frame (pandas, polars) or of a list of dictionaries; the content of a file; anything else as it is.

    Columns are text, label and word, or sentence, word and label; other columns of a frame are left out. ValueError names field, row and column.
    """
    if isinstance(value, os.PathLike) or (is_table(value) and "\n" not in str(value)):
        return _file(method, name, Path(value))
    if hasattr(value, "to_dicts"):
        return _lines(method, name, value.to_dicts())
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return _lines(method, name, value.to_dict("records"))
    if isinstance(value, (list, tuple)) and value and all(isinstance(row, Mapping) for row in value):
        return _lines(method, name, value)
    return value


def _file(method: str, name: str, file: Path) -> str:
    if not file.is_file():
        raise ValueError(f"{method}: field '{name}': there is no file '{file}'")
    if file.stat().st_size > LARGEST:
        raise ValueError(f"{method}: field '{name}': '{file}' has {file.stat().st_size} bytes, more than the {LARGEST} that are read")
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{method}: field '{name}': '{file}' is not UTF-8") from None


def _lines(method: str, name: str, rows: Iterable[Mapping[str, Any]]) -> str:
    def fail(why: str) -> NoReturn:
        raise ValueError(f"{method}: field '{name}': {why}")

    made = []
    for at, row in enumerate(rows):
        if "label" not in row or ("text" not in row and not {"sentence", "word"} <= set(row)):
            fail(f"row {at} has {', '.join(map(repr, row)) or 'no columns'}, columns are {WANTED}")
        cells = {column: _cell(row[column]) for column in COLUMNS if column in row}
        strange = next((column for column, cell in cells.items() if cell is not None and not isinstance(cell, (str, bool, int, float))), None)
        if strange is not None:
            fail(f"row {at} has {str(row[strange])[:40]!r} ({type(row[strange]).__name__}) in {strange!r}, where a text or a number belongs")
        if cells.get("label") is None and "sentence" not in row:
            fail(f"row {at} has no label")
        made.append(json.dumps(cells, ensure_ascii=False))
    return "\n".join(made)


def _cell(cell: Any) -> Any:
    """A plain value of NumPy's; None for pandas' NaN and NA."""
    plain = cell.item() if hasattr(cell, "item") else cell
    if plain is None or type(plain).__name__ in ("NAType", "NaTType") or (isinstance(plain, float) and plain != plain):
        return None
    # 1.0 of a column with gaps is the label 1.
    return int(plain) if isinstance(plain, float) and plain.is_integer() else plain
