import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import { memoryFiles, quiet } from './fixture-files';

// One scale for a whole tensor of activations: rows of a batch change one another, so all runs are of one row.
test.each(['gpt2-dynamo', 'neox-optimum'])('%s with activations of eight bits: no identity fails', async name => {
  const bytes = readFileSync(join(__dirname, `../fixtures/quantised/${name}.onnx`));
  const subject = await openModel(memoryFiles(name, { 'model.onnx': bytes }), createNodeRuntime(), quiet);
  const { identities, probe } = subject.certificate;
  expect(probe.length).toBeGreaterThan(1);
  expect(identities.filter(({ holds, why }) => !holds && why === undefined)).toEqual([]);
  expect(subject.anatomy.hooks.filter(({ status }) => status === 'unavailable')).toEqual([]);
  const residual = await subject.forward(
    { ids: probe, hooks: ['blocks.1.hook_resid_post'], outputs: ['logits'] },
    quiet
  );
  const logits = await subject.unembed(residual.get('blocks.1.hook_resid_post'), quiet);
  const wanted = residual.get('logits').data;
  // Float rounding behind equal integers.
  Array.from(logits.data as Float32Array).forEach((value, at) => expect(value).toBeCloseTo(Number(wanted[at]), 4));
  await subject.close();
});
