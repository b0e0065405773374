import { readdirSync } from 'node:fs';

import { int } from '../../src/graph/attributes';
import { decompose } from '../../src/graph/decompose/decompose';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import { fixtures, openModel as readFixture } from '../anatomy/fixtures';
import { scramble } from '../fixtures/scramble';
import { memoryFiles, quiet } from './fixture-files';
import { bytesOf, expectOracle, FUSED, openFused, oracleOf } from './fused-files';

const names = readdirSync(FUSED).flatMap(file => (file.endsWith('.onnx') ? [file.slice(0, -'.onnx'.length)] : []));

describe.each(names)('%s', name => {
  const plain = openFused(name);
  const scrambled = scramble(plain.model, plain.weights, 7);

  test.each([
    ['as written', plain.model, plain.weights],
    ['names randomised, nodes re-ordered', scrambled.model, scrambled.weights]
  ])('%s: every hook is verified and has the oracle’s values', async (_, model, weights) => {
    await expectOracle(bytesOf(model, weights), oracleOf(name));
  });

  test('the logits are compared with those of the fused file', async () => {
    const prepared: number[] = [];
    const runtime = createNodeRuntime();
    const counted: typeof runtime = {
      ...runtime,
      prepare: (model, weights) => {
        prepared.push(model.graph.nodes.filter(({ opType }) => FUSED_OPERATORS.test(opType)).length);
        return runtime.prepare(model, weights);
      }
    };
    const subject = await openModel(
      memoryFiles(name, { 'model.onnx': bytesOf(plain.model, plain.weights) }),
      counted,
      quiet
    );
    const fused = plain.model.graph.nodes.filter(({ opType }) => FUSED_OPERATORS.test(opType)).length;
    expect(fused).toBeGreaterThan(0);
    expect(prepared.filter(count => count > 0)).toEqual([fused]);
    expect(
      subject.certificate.identities.find(identity => identity.name === 'logits-unchanged-by-surgery')?.holds
    ).toBe(true);
    await subject.close();
  });
});

const FUSED_OPERATORS = /Attention|Skip|Embed|Simplified|RMSNorm|Gelu|RotaryEmbedding/;

test('what is not taken apart is named when the file is refused', async () => {
  const { model, weights } = openFused('bert-ort');
  const rotated = int('do_rotary', 1);
  const nodes = model.graph.nodes.map(node =>
    node.opType === 'Attention' ? { ...node, attributes: [...node.attributes, rotated] } : node
  );
  const files = memoryFiles('rotated', {
    'model.onnx': bytesOf({ ...model, graph: { ...model.graph, nodes } }, weights)
  });
  await expect(openModel(files, createNodeRuntime(), quiet)).rejects.toThrow(
    "model refused: 'model.onnx': Attention 'Attention_0' at offset 655 is not taken apart: its attribute 'do_rotary' is 1, only 0 is understood (ONNX Runtime has no kernel for it on the CPU), and 1 more of the kind"
  );
});

test('a file without fused operators stays the same object', () => {
  for (const { family, style } of fixtures()) {
    const { model, weights } = readFixture(family, style);
    const taken = decompose(model, weights);
    expect({ family, style, same: taken.model === model, refused: taken.refused }).toEqual({
      family,
      style,
      same: true,
      refused: []
    });
  }
});
