import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { folderFiles } from '../../../src/cli/folder-files';
import { createNodeRuntime } from '../../../src/runtime/node';
import { openModel } from '../../../src/subject/opening/open-model';
import type { Subject } from '../../../src/subject/subject';
import { modelParts } from '../../../src/ui/document/model-parts';
import { context } from '../../analyses/fake-subject';
import { memoryFiles } from '../../subject/fixture-files';
import { trans } from '../translate';

const open = async (name: string): Promise<Subject> =>
  openModel(await folderFiles(join(__dirname, '../../fixtures/models', name)), createNodeRuntime(), context);

describe.each([
  ['gpt2-hub', ['embedding'], ['block', 'norm', 'attention', 'head', 'head', 'head', 'head', 'norm', 'mlp'], 'LN1'],
  [
    'bert-hub',
    ['embedding', 'norm'],
    ['block', 'attention', 'head', 'head', 'head', 'head', 'norm', 'mlp', 'norm'],
    'Attn'
  ]
])('the picture of %s', (name, first, block, second) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open(name);
  });
  afterAll(() => subject.close());

  test('has a row a block, parts in the order of the stream', () => {
    const rows = modelParts(subject.anatomy, subject.tower, trans);
    const kinds = rows.map(({ parts }) => parts.map(({ kind }) => kind));
    expect(kinds[0]).toEqual(first);
    expect(kinds.slice(1, 1 + subject.tower.layers)).toEqual(Array(subject.tower.layers).fill(block));
    expect(rows[1].parts[1].label).toBe(second);
  });

  test('shows every hook somewhere, and no part twice', () => {
    const parts = modelParts(subject.anatomy, subject.tower, trans).flatMap(row => row.parts);
    const shown = new Set(parts.flatMap(({ hooks }) => hooks.map(hook => hook.name)));
    expect(subject.anatomy.hooks.map(hook => hook.name).filter(hook => !shown.has(hook))).toEqual([]);
    expect(new Set(parts.map(({ id }) => id)).size).toBe(parts.length);
  });

  test('gives each part its nodes of the graph: those of a block hold those of its parts', () => {
    const [, first] = modelParts(subject.anatomy, subject.tower, trans);
    const nodes = first.parts.map(({ span }) =>
      subject.tensors.nodes(span!, 1000).nodes.map(({ outputs }) => outputs[0])
    );
    const [block, ...parts] = nodes;
    expect(parts.map(({ length }) => length)).not.toContain(0);
    expect(parts.flat().filter(output => !block.includes(output))).toEqual([]);
    // Softmax is a head's, Gelu or Tanh the MLP's, the sums of the stream the block's alone.
    const { attention, mlp, residMid } = subject.tower.blocks[0];
    const at = (kind: string): string[] => nodes[first.parts.findIndex(part => part.kind === kind)];
    expect(at('head')).toEqual(at('attention'));
    expect(at('head')).toEqual(expect.arrayContaining([attention.pattern, attention.z, attention.out]));
    expect(at('mlp')).toEqual(expect.arrayContaining([mlp!.post, mlp!.output]));
    expect(parts.flat()).not.toContain(residMid);
    expect(block).toContain(residMid);
  });

  test('names only tensors that the graph has, with the shapes of the file', () => {
    const parts = modelParts(subject.anatomy, subject.tower, trans).flatMap(row => row.parts);
    const tensors = parts.flatMap(part => part.tensors);
    expect(tensors.length).toBeGreaterThan(10);
    for (const { tensor, columns } of tensors) {
      const facts = subject.tensors.describe(tensor);
      expect(facts).toBeDefined();
      if (columns && facts?.shape) {
        expect(columns[1]).toBeLessThanOrEqual(Number(facts.shape.at(-1)));
      }
    }
  });
});

test.each([
  [
    'bart',
    ['block', 'attention', 'norm', 'attention', 'norm', 'mlp', 'norm'],
    ['0', 'Attn', 'LN1', 'Cross', 'LN2', 'MLP', 'LN3']
  ],
  [
    't5',
    ['block', 'norm', 'attention', 'norm', 'attention', 'norm', 'mlp'],
    ['0', 'RMS1', 'Attn', 'RMS2', 'Cross', 'RMS3', 'MLP']
  ]
])('the two towers of %s, with their cross-attention', async (family, kinds, labels) => {
  const bytes = gunzipSync(readFileSync(join(__dirname, `../../fixtures/matrix/${family}/torchscript.onnx.gz`)));
  const { anatomy, close } = await openModel(memoryFiles(family, { 'm.onnx': bytes }), createNodeRuntime(), context);
  const rows = anatomy.towers.map(tower => modelParts(anatomy, tower, trans));
  const parts = rows.flat().flatMap(row => row.parts);
  const shown = new Set(parts.flatMap(({ hooks }) => hooks.map(hook => hook.name)));
  expect(anatomy.hooks.map(hook => hook.name).filter(hook => !shown.has(hook))).toEqual([]);
  expect(new Set(parts.map(({ id }) => id)).size).toBe(parts.length);
  expect(new Set(parts.map(({ title }) => title)).size).toBe(parts.length);
  expect(parts.find(({ id }) => id === 'encoder/blocks.0/head.1')?.title).toBe('Head 1 of layer 0, encoder');
  const block = rows[1][1].parts.filter(({ kind }) => kind !== 'head');
  expect(block.map(({ kind }) => kind)).toEqual(kinds);
  expect(block.map(({ label }) => label)).toEqual(labels);
  await close();
});

test('the second layer’s hooks are not the eleventh’s', async () => {
  const subject = await open('gpt2-hub');
  const [block] = subject.tower.blocks;
  const tower = { ...subject.tower, layers: 12, blocks: Array(12).fill(block) };
  const [hook] = subject.anatomy.hooks.filter(({ name }) => name === 'blocks.1.attn.hook_q');
  const hooks = [hook, { ...hook, name: 'blocks.11.attn.hook_q' }];
  const rows = modelParts({ ...subject.anatomy, hooks }, tower, trans);
  const attention = rows[2].parts.find(({ kind }) => kind === 'attention');
  expect(attention?.hooks.map(({ name }) => name)).toEqual(['blocks.1.attn.hook_q']);
  await subject.close();
});
