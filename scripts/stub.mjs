// Types of jupyterlab_orrery/model.py for editors and type checkers: its methods are made when it is imported.
const HEAD = `# Written by the build from the analyses' schemas.
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from .output import Output

def load(path: str | os.PathLike[str]) -> Model: ...
def annotation(schema: Any) -> str: ...

class Model:
    path: str
    def __init__(self, path: str | os.PathLike[str]) -> None: ...
    def card(self, *, seed: int = 0) -> Output: ...
`;
const PLAIN = { string: 'str | None', array: 'Sequence[int] | None', integer: 'int', number: 'float', boolean: 'bool' };

/** Text of model.pyi. */
export const stub = analyses =>
  HEAD +
  analyses
    .filter(({ id }) => id !== 'model-card')
    .map(method)
    .join('');

function method({ id, title, description, schema }) {
  const fields = Object.entries(schema.properties).map(([name, field]) => parameter(snakeCase(name), field));
  // As model.py: one field may be given without its name, the text before the prompts.
  const text = ['text:', 'prompts:'].flatMap(name => fields.find(field => field.startsWith(name)) ?? []).slice(0, 1);
  const named = [...fields.filter(field => !text.includes(field)), 'seed: int = 0'];
  const parameters = ['self', ...text, '*', ...named].join(', ');
  return `    def ${snakeCase(id)}(${parameters}) -> Output:\n        """${title}. ${description}"""\n`;
}

const parameter = (name, field) => {
  if (field.anyOf) {
    return `${name}: str | os.PathLike[str] | Mapping[str, Any] | Iterable[Mapping[str, Any]] = ...`;
  }
  if (field.contentMediaType) {
    return `${name}: str | os.PathLike[str] | Iterable[Mapping[str, Any]] | None = None`;
  }
  const kind = field.enum ? `Literal[${field.enum.map(python).join(', ')}]` : PLAIN[field.type];
  return `${name}: ${kind} = ${python(field.default ?? null)}`;
};

/** A JSON scalar as Python writes it. */
const python = value =>
  value === null ? 'None' : value === true ? 'True' : value === false ? 'False' : JSON.stringify(value);

const snakeCase = name =>
  name
    .replaceAll('-', '_')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase();
