import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { folderFiles } from '../../src/cli/folder-files';
import { logSoftmax } from '../../src/maths/log-softmax';
import { random } from '../../src/maths/random';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import type { Patch, Path, Readout } from '../../src/subject/sweep';
import { quiet } from '../subject/fixture-files';

const FOLDER = join(__dirname, '../../examples/models/induction-2l');
const ROWS = 6;
const HALF = 24;

/** Random tokens, and the same again. */
const stream = random(11);
const ids = Array.from({ length: ROWS }, () => {
  const half = Array.from({ length: HALF }, () => stream.below(384));
  return [...half, ...half];
});
const second = Array.from({ length: HALF - 1 }, (_, at) => HALF + at);

/** Mean loss over the second copy, nats. */
const loss: Readout = {
  positions: ids.map(() => second),
  value: (logits, prompt) => {
    const size = logits.length / second.length;
    const losses = second.map(
      (position, at) => -logSoftmax(logits.subarray(at * size, (at + 1) * size))[ids[prompt][position + 1]]
    );
    return losses.reduce((sum, value) => sum + value, 0) / losses.length;
  }
};

/** Set before the run: scores of the model's own card, and the places that the effects must take. */
const INDUCTION_SCORE = 0.5;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('the induction circuit of the bundled model, by three ways', () => {
  let subject: Subject;
  const scores = JSON.parse(readFileSync(join(FOLDER, 'scores.json'), 'utf8')) as {
    readonly induction: readonly (readonly number[])[];
    readonly previousToken: readonly (readonly number[])[];
  };
  const inductionHeads = scores.induction[1].flatMap((score, head) => (score > INDUCTION_SCORE ? [head] : []));
  const previousToken = scores.previousToken[0].indexOf(Math.max(...scores.previousToken[0]));
  beforeAll(async () => {
    subject = await openModel(await folderFiles(FOLDER), createNodeRuntime(), quiet);
  });
  afterAll(() => subject.close());

  const head = (layer: number, at: number): Patch => ({ hook: `blocks.${layer}.attn.hook_z`, heads: [at] });
  const heads = Array.from({ length: 4 }, (_, at) => at);
  /** Heads of one layer by what a change of each adds to the loss, largest first. */
  const order = (values: Float64Array, base: readonly number[], from: number): number[] => {
    const effects = heads.map(at => mean(base.map((own, prompt) => values[(from + at) * ROWS + prompt] - own)));
    return [...heads].sort((a, b) => effects[b] - effects[a]);
  };

  test('scores name two induction heads in layer 1', () => {
    expect(inductionHeads).toHaveLength(2);
  });

  test('ablation: those two cost most in layer 1, the previous-token head in layer 0', async () => {
    const patches = [...heads.map(at => head(0, at)), ...heads.map(at => head(1, at))];
    const { values, base } = await subject.sweep(
      { base: ids, source: { kind: 'zero' }, patches, readout: loss },
      quiet
    );
    expect(order(values, base, 0)[0]).toBe(previousToken);
    expect(order(values, base, 4).slice(0, 2).sort()).toEqual(inductionHeads);
  });

  test('path patching: those two write to the logits, and the previous-token head to their keys', async () => {
    const toKeys: Path['receivers'] = [{ hook: 'blocks.1.attn.hook_k', heads: inductionHeads }];
    const paths: Path[] = [
      ...heads.map(at => ({ sender: head(0, at), receivers: toKeys })),
      ...heads.map(at => ({ sender: head(1, at), receivers: 'logits' as const }))
    ];
    const { values, base, method } = await subject.pathSweep(
      { base: ids, source: { kind: 'zero' }, paths, readout: loss },
      quiet
    );
    expect(method).toBe('positions');
    expect(order(values, base, 0)[0]).toBe(previousToken);
    expect(order(values, base, 4).slice(0, 2).sort()).toEqual(inductionHeads);
  });
});
