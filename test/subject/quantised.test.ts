import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import { memoryFiles, quiet } from './fixture-files';

// One scale for a whole tensor of activations: rows of a batch change one another, so all runs are of one row.
test.each(['gpt2-dynamo', 'neox-optimum', 'bert-ort'])(
  '%s with activations of eight bits: no identity fails',
  async name => {
    const bytes = readFileSync(join(__dirname, `../fixtures/quantised/${name}.onnx`));
    const subject = await openModel(memoryFiles(name, { 'model.onnx': bytes }), createNodeRuntime(), quiet);
    const { identities, probe } = subject.certificate;
    expect(probe.length).toBeGreaterThan(1);
    expect(identities.filter(({ holds, why }) => !holds && why === undefined)).toEqual([]);
    expect(subject.anatomy.hooks.filter(({ status }) => status === 'unavailable')).toEqual([]);
    const output = subject.tower.head!.logits;
    // In post-norm blocks the stream is what the norm leaves.
    const [last] = ['hook_normalized_resid_post', 'hook_resid_post']
      .map(hook => `blocks.1.${hook}`)
      .filter(name => subject.anatomy.hooks.some(hook => hook.name === name));
    const residual = await subject.forward({ ids: probe, hooks: [last], outputs: [output] }, quiet);
    const logits = await subject.unembed(residual.get(last), quiet);
    const wanted = residual.get(output).data;
    // Float rounding behind equal integers.
    Array.from(logits.data as Float32Array).forEach((value, at) => expect(value).toBeCloseTo(Number(wanted[at]), 4));
    await subject.close();
  }
);
