import type { Anatomy, OutputLayer } from '../../src/anatomy/anatomy';
import { recognise } from '../../src/anatomy/recognise';
import { capture, judged } from './certificate';
import { openMatrixModel } from './fixtures';

/** Wrong layers in front of an output, injected: each must be found. Right ones are compared with Hugging Face in the matrix. */
describe('the layer in front of an output', () => {
  const { model, weights } = openMatrixModel('bert-sequence', 'torchscript');
  const right = recognise(model, weights);
  const [tower] = right.towers;

  const statusOf = async (anatomy: Anatomy): Promise<string> => {
    const { anatomy: left } = judged(model, weights, anatomy, await capture(model, weights, anatomy));
    return left.hooks.find(({ name }) => name === 'head.hook_out')!.status;
  };

  const withLayer = (change: (own: OutputLayer['layer']) => Partial<OutputLayer['layer']>): Anatomy => {
    const { outputLayer } = tower;
    const layer = { ...outputLayer!.layer, ...change(outputLayer!.layer) };
    return { ...right, towers: [{ ...tower, outputLayer: { ...outputLayer!, layer } }] };
  };

  test('is the classifier, which reads one vector of each text', async () => {
    expect(tower.outputLayer).toMatchObject({ output: 'logits', pooled: true });
    expect(right.hooks.find(({ name }) => name === 'head.hook_in')).toMatchObject({ shape: ['batch', 24] });
    expect(await statusOf(right)).toBe('verified');
  });

  test.each<[string, () => Anatomy]>([
    ['without its bias', () => withLayer(() => ({ bias: undefined }))],
    [
      'reading what the pooler makes before its tanh',
      () => ({
        ...right,
        hooks: right.hooks.map(hook =>
          hook.name === 'head.hook_in' ? { ...hook, source: { tensor: beforeTanh(), steps: [] } } : hook
        )
      })
    ]
  ])('%s: unavailable', async (_, wrong) => {
    expect(await statusOf(wrong())).toBe('unavailable');
  });

  const beforeTanh = (): string => {
    const input = tower.outputLayer!.layer.input;
    const made = model.graph.nodes.find(({ outputs }) => outputs.includes(input))!;
    return made.opType === 'Tanh'
      ? made.inputs[0]
      : model.graph.nodes.find(({ opType }) => opType === 'Tanh')!.inputs[0];
  };

  test('is none where the stream itself is the output, or an unembedding makes it', () => {
    for (const [family, style] of [
      ['beit', 'optimum'],
      ['gpt2', 'optimum'],
      ['bert', 'torchscript']
    ]) {
      const opened = openMatrixModel(family, style);
      expect(recognise(opened.model, opened.weights).towers.map(({ outputLayer }) => outputLayer?.output)).toEqual([
        undefined
      ]);
    }
  });
});
