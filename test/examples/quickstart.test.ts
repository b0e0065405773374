import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { analyses } from '../../src/analyses';
import type { ResultTensor } from '../../src/analyses/result';
import { decodeTensor } from '../../src/analyses/tensor-codec';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { folderFiles } from '../../src/cli/folder-files';
import { createNodeRuntime } from '../../src/runtime/node';
import type { Context } from '../../src/subject/context';
import { openModel } from '../../src/subject/opening/open-model';

const EXAMPLES = join(__dirname, '../../examples');
const context: Context = { signal: new AbortController().signal, progress: () => undefined };

interface Cell {
  readonly cell_type: 'code' | 'markdown';
  readonly source: string | readonly string[];
}
const { cells } = JSON.parse(readFileSync(join(EXAMPLES, 'quickstart.ipynb'), 'utf8')) as { cells: readonly Cell[] };
const sourceOf = ({ source }: Cell): string => (typeof source === 'string' ? source : source.join(''));
const written = (type: Cell['cell_type']): string =>
  cells
    .filter(cell => cell.cell_type === type)
    .map(sourceOf)
    .join('\n');
const code = written('code');
const words = written('markdown');

/** What an analysis finds, as the notebook runs it. */
const run = async (model: string, id: string, spec: object): Promise<Record<string, ResultTensor>> => {
  const subject = await openModel(await folderFiles(join(EXAMPLES, 'models', model)), createNodeRuntime(), context);
  try {
    const analysis = analyses.find(one => one.id === id)!;
    return (await analysis.compute(subject, validateSpec(analysis, spec), context, 0)) as Record<string, ResultTensor>;
  } finally {
    await subject.close();
  }
};

/** The value at an index, with as many decimals as the words give. */
const at = (tensor: ResultTensor, index: readonly number[], decimals = 2): string => {
  const offset = index.reduce((sum, one, axis) => sum * tensor.shape[axis] + one, 0);
  return decodeTensor(tensor)[offset].toFixed(decimals);
};

const text = /^text = "(.*)"$/m.exec(code)![1];
const [PREVIOUS, INDUCTION] = [0, 2];

test('the cells call nothing but analyses', () => {
  const called = [...code.matchAll(/\.([a-z_]+)\(/g)].map(([, name]) => name).filter(name => name !== 'load');
  const methods = analyses.map(({ id }) => id.replaceAll('-', '_'));
  expect(called).toEqual([
    'attention_patterns',
    'head_scores',
    'logit_lens',
    'activation_patching',
    'activation_patching',
    'path_patching',
    'attention_entropy',
    'head_scores'
  ]);
  expect(methods).toEqual(expect.arrayContaining(called));
});

test("the heads' scores in the words are the model's", async () => {
  const { values } = await run('induction-2l', 'head-scores', {});
  expect([at(values, [INDUCTION, 1, 2]), at(values, [INDUCTION, 1, 3])]).toEqual(['0.96', '0.80']);
  expect(at(values, [PREVIOUS, 0, 3])).toBe('0.45');
  expect(words).toContain('(0.96 and 0.80; a head');
  expect(words).toContain('(0.45 against 0.04)');
});

test('and those of the checkpoints', async () => {
  const early = (await run('induction-2l-checkpoints/step-01200', 'head-scores', {})).values;
  const late = (await run('induction-2l-checkpoints/step-01300', 'head-scores', {})).values;
  expect(Math.max(...decodeTensor(early).subarray(16)).toFixed(2)).toBe('0.07');
  expect([at(late, [INDUCTION, 1, 3]), at(late, [PREVIOUS, 0, 3])]).toEqual(['0.91', '0.77']);
  expect(words).toContain('(0.07 at best)');
  expect(words).toContain('L1H3 is at 0.91, with L0H3, which it needs, at 0.77');
});

test('the logit lens reads as told', async () => {
  const positions = /positions=\[([\d, ]+)\]/.exec(code)![1].split(', ').map(Number);
  const result = await run('induction-2l', 'logit-lens', { text, positions });
  const { id, label } = (result.vocabulary as unknown as { columns: { id: number[]; label: string[] } }).columns;
  const top = (layer: number, position: number): string => {
    const where = [layer, positions.indexOf(position), 0];
    return `${label[id.indexOf(Number(at(result.ids, where, 0)))]} ${at(result.values, where)}`;
  };
  expect([top(2, 6), top(2, 43)]).toEqual(['e 0.08', 'im 1.00']);
  expect([44, 45, 46, 47].map(position => top(2, position).split(' ')[0])).toEqual(['mer', 'w', 'al', 'd']);
  expect([top(1, 6), top(1, 43)].map(one => one.split(' ')[0])).toEqual(['e', 'e']);
  expect(words).toContain('`e`, with probability 0.08');
});

test('entropy, distance and sinks as well', async () => {
  const { values } = await run('induction-2l', 'attention-entropy', { text });
  expect([at(values, [1, 1, 2]), at(values, [2, 1, 3], 1), at(values, [2, 1, 2], 1)]).toEqual(['0.04', '14.8', '9.5']);
  const sinks = decodeTensor(values).subarray(24);
  expect(Math.max(...sinks)).toBeLessThan(0.06);
  expect(words).toContain('normalised entropy 0.04');
  expect(words).toContain('14.8 tokens on average, L1H2 follows with 9.5');
});

test('and those of the patches', async () => {
  const [clean, corrupted] = ['clean', 'corrupted'].map(side => new RegExp(`"${side}": "(.*)"`).exec(code)![1]);
  const prompts = [{ clean, corrupted, answer: { correct: ['im'], wrong: ['e'] } }];
  const heads = (await run('induction-2l', 'activation-patching', { prompts })).values;
  expect([at(heads, [0, 3]), at(heads, [1, 3]), at(heads, [1, 2])]).toEqual(['0.96', '0.57', '0.50']);
  const others = [0, 1, 2, 4, 5].map(index => Math.abs(decodeTensor(heads)[index]));
  expect(Math.max(...others)).toBeLessThan(0.07);
  expect(words).toContain('**L0H3** alone brings back 0.96');
  const stream = decodeTensor((await run('induction-2l', 'activation-patching', { prompts, hook: 'resid_pre' })).values);
  const most = [0, 1].map(layer => {
    const row = [...stream.subarray(layer * 44, (layer + 1) * 44)];
    return row.indexOf(Math.max(...row));
  });
  expect(most).toEqual([6, 7]);
  const receiver = { layer: 1, heads: [2, 3] };
  const keys = (await run('induction-2l', 'path-patching', { prompts, receiver: 'k', ...receiver })).values;
  expect(at(keys, [0, 3])).toBe('0.90');
  expect(words).toContain('0.90 through their keys');
  const values = decodeTensor((await run('induction-2l', 'path-patching', { prompts, receiver: 'v', ...receiver })).values);
  expect(Math.max(...values.map(Math.abs))).toBeLessThan(0.01);
});
