import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import type { Tower } from '../../src/anatomy/anatomy';
import { collectWeights } from '../../src/onnx/collect-weights';
import type { Model } from '../../src/onnx/model';
import { readModel } from '../../src/onnx/read-model';
import type { Weights } from '../../src/onnx/weights';

const FOLDER = join(__dirname, '../fixtures/models');

export interface Facts {
  readonly tower: Omit<Tower, 'blocks' | 'embedding' | 'finalNorm' | 'head'>;
  readonly styles: readonly string[];
  readonly ids: readonly (readonly number[])[];
  readonly hooks: readonly string[];
}

export interface Fixture {
  readonly family: string;
  readonly style: string;
  readonly facts: Facts;
}

/** Every family with every style that its facts name. */
export const fixtures = (): readonly Fixture[] =>
  readdirSync(FOLDER)
    .filter(family => family !== 'refusals')
    .flatMap(family => {
      const facts = JSON.parse(readFileSync(join(FOLDER, family, 'facts.json'), 'utf8')) as Facts;
      return facts.styles.map(style => ({ family, style, facts }));
    });

export const openModel = (family: string, style: string): { model: Model; weights: Weights } => {
  const name = `${style}.onnx`;
  return collectWeights(readModel(readFileSync(join(FOLDER, family, name)), name), new Map());
};

/** A file of the matrix of families and exporters. */
export const openMatrixModel = (family: string, style: string): { model: Model; weights: Weights } => {
  const name = `${style}.onnx`;
  const bytes = gunzipSync(readFileSync(join(FOLDER, '../matrix', family, `${name}.gz`)));
  return collectWeights(readModel(bytes, name), new Map());
};

/** One of the quantised files that have a test of their own. */
export const openQuantised = (name: string): { model: Model; weights: Weights } => {
  const bytes = gunzipSync(readFileSync(join(FOLDER, '../quantised', `${name}.onnx.gz`)));
  return collectWeights(readModel(bytes, name), new Map());
};
