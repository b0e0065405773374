import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Row } from '../../../src/graph/decompose/rule';
import { TABLE } from '../../../src/graph/decompose/table';

/** What ONNX Runtime and onnx themselves list: test/fixtures/operators.py. */
const SPECIFIED = JSON.parse(readFileSync(join(__dirname, '../../fixtures/operators.json'), 'utf8')) as Record<
  string,
  { readonly inputs: readonly string[]; readonly attributes: readonly string[] }
>;

const rows = [...TABLE].map(([key, row]) => [key, row] as const);

/** Of ai.onnx in ONNX Runtime alone, which registers no specification of it under any domain that it tells. */
const UNSPECIFIED = [':SimplifiedLayerNormalization', 'com.microsoft:SimplifiedLayerNormalization'];

test('every row has its specification, and each specification its row', () => {
  expect([...Object.keys(SPECIFIED), ...UNSPECIFIED].sort()).toEqual([...TABLE.keys()].sort());
});

const named = rows.filter(([key]) => !UNSPECIFIED.includes(key));
const inputsOf = ({ inputs }: Row): string[] => inputs.map(name => name.replace('?', ''));

test.each(named)('%s: inputs are those of the specification, in its order', (key, row) => {
  expect(inputsOf(row)).toEqual(SPECIFIED[key].inputs);
});

test.each(named)('%s: attributes are those of the specification', (key, { attributes, only = {} }) => {
  expect([...attributes, ...Object.keys(only)].sort()).toEqual(SPECIFIED[key].attributes);
});

test.each(rows)('%s: reasons are given of what it names', (_, row) => {
  const names = [...inputsOf(row), ...Object.keys(row.only ?? {})];
  expect(Object.keys(row.because ?? {}).filter(name => !names.includes(name))).toEqual([]);
});
