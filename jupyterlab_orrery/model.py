"""A model on disk; its methods are the analyses of the registry."""

from __future__ import annotations

import difflib
import inspect
import os
from pathlib import Path, PurePath
from typing import Any, Callable

from .fields import SEED, check, make_spec
from .output import Output
from .registry import ANALYSES, CARD, Analysis


def load(path: str | os.PathLike[str]) -> Model:
    """A model: an .onnx file, or a folder that holds one, relative to the notebook's folder.

    Nothing is read yet; display the model (or an analysis of it) to open it in the page.
    Errors: FileNotFoundError for a path that does not exist, ValueError for a folder without an .onnx file.
    """
    return Model(path)


class Model:
    """A transformer's ONNX file, or the folder around it. Displays as its card: anatomy, certificate, memory."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"load: 'path' must be a path, got {path!r} ({type(path).__name__})")
        #: POSIX, relative to the notebook's folder.
        self.path: str = _recorded(Path(path))

    def card(self, *, seed: int = 0) -> Output:
        """The model's card: what the file holds, which hooks there are, which identities were checked."""
        return _output(_BY_ID[CARD], self, {}, seed)

    def __getattr__(self, name: str) -> Any:
        near = "" if name.startswith("_") else _near(name, [analysis.method for analysis in ANALYSES])
        raise AttributeError(f"'Model' has no analysis '{name}'{near}", name=name, obj=self)

    def __repr__(self) -> str:
        return f"Model({self.path!r})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return self.card()._repr_mimebundle_(include, exclude)


def _recorded(path: Path) -> str:
    if not path.exists():
        raise FileNotFoundError(f"no such file or folder: '{path}' (looked in '{Path.cwd()}'){_near_path(path)}")
    if path.is_file() and path.suffix.lower() != ".onnx":
        raise ValueError(f"no model: '{path}' is no .onnx file; give one, or the folder that holds it")
    if path.is_dir() and not any(_models(path)):
        raise ValueError(f"no model: '{path}' holds no .onnx file")
    try:
        relative = os.path.relpath(path, Path.cwd())
    except ValueError as error:
        raise ValueError(f"model out of reach: '{path}' is on another drive than '{Path.cwd()}'") from error
    return PurePath(relative).as_posix()


def _near(name: str, names: list[str]) -> str:
    found = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean '{found[0]}'?" if found else ""


def _near_path(path: Path) -> str:
    try:
        return _near(path.as_posix(), [file.as_posix() for file in path.parent.iterdir()])
    except OSError:
        return ""


def _other(value: Any) -> str:
    """A second model, or its path."""
    return value.path if isinstance(value, Model) else load(value).path


def _others(value: Any) -> str:
    """Other models or their paths, in a list; or lines of paths."""
    given = value.splitlines() if isinstance(value, str) else [value] if isinstance(value, (Model, os.PathLike)) else list(value)
    return "\n".join(_other(one) for one in given if not isinstance(one, str) or one.strip())


#: Fields that name models, and how they are read.
_NAMED: dict[str, Callable[[Any], str]] = {"other": _other, "others": _others}


def _models(folder: Path) -> list[Path]:
    return [file for pattern in ("*", "*/*") for file in folder.glob(pattern) if file.suffix.lower() == ".onnx"]


def _output(analysis: Analysis, model: Model, given: dict[str, Any], seed: Any) -> Output:
    return Output(analysis, model.path, check(analysis.method, "seed", SEED, seed), make_spec(analysis, given))


def _method(analysis: Analysis) -> Callable[..., Output]:
    positional = next((name for name in ("text", "prompts") if name in analysis.fields), None)

    def method(self: Model, *args: Any, seed: int = 0, **given: Any) -> Output:
        if len(args) > (positional is not None):
            allowed = f"one positional argument ('{positional}')" if positional else "only named arguments"
            raise TypeError(f"{analysis.method}: takes {allowed}, got {len(args)} positional ones")
        if args and positional in given:
            raise TypeError(f"{analysis.method}: field '{positional}' was given twice")
        named = {name: read(given[name]) for name, read in _NAMED.items() if given.get(name) is not None and name in analysis.fields}
        return _output(analysis, self, {**({positional: args[0]} if args and positional else {}), **given, **named}, seed)

    method.__name__ = analysis.method
    method.__qualname__ = f"Model.{analysis.method}"
    method.__doc__ = _documentation(analysis)
    method.__signature__ = _signature(analysis, positional)  # type: ignore[attr-defined]
    return method


def _signature(analysis: Analysis, positional: str | None) -> inspect.Signature:
    kinds = inspect.Parameter
    parameters = [kinds("self", kinds.POSITIONAL_OR_KEYWORD)]
    # What may be given by position comes first, wherever the analysis has it.
    for name, (_, schema) in sorted(analysis.fields.items(), key=lambda field: field[0] != positional):
        kind = kinds.POSITIONAL_OR_KEYWORD if name == positional else kinds.KEYWORD_ONLY
        parameters.append(kinds(name, kind, default=schema.get("default"), annotation=annotation(schema)))
    parameters.append(kinds("seed", kinds.KEYWORD_ONLY, default=0, annotation="int"))
    return inspect.Signature(parameters, return_annotation="Output")


def annotation(schema: Any) -> str:
    """A field's type in Python."""
    if "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]"
    if "anyOf" in schema:
        return "str | os.PathLike[str] | Mapping[str, Any] | Iterable[Mapping[str, Any]]"
    plain = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "Sequence[int]"}
    kind = plain[schema["type"]]
    return kind if schema["type"] in ("integer", "number", "boolean") else f"{kind} | None"


def _documentation(analysis: Analysis) -> str:
    theory = analysis.theory
    lines = [f"{analysis.title}. {analysis.description}", "", "Fields", "------"]
    for name, (_, schema) in analysis.fields.items():
        limits = f", {schema['minimum']} to {schema['maximum']}" if "minimum" in schema and "maximum" in schema else ""
        lines += [f"{name} : {annotation(schema)}{limits}", f"    {schema.get('description', '')}"]
    lines += ["seed : int", "    Seed of all random choices.", ""]
    lines += [f"Kind of number: {theory['kind']}. {theory['statement']}", f"Caveat: {theory['caveat']}", ""]
    return "\n".join([*lines, *(f"- {reference}" for reference in theory["references"])])


_BY_ID = {analysis.id: analysis for analysis in ANALYSES}
for _analysis in ANALYSES:
    if _analysis.id != CARD:
        setattr(Model, _analysis.method, _method(_analysis))
