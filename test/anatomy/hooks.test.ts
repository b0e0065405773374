import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { recognise } from '../../src/anatomy/recognise';
import { toFloat64 } from '../../src/onnx/decode-tensor';
import { readSafetensors } from '../../src/onnx/safetensors';
import { fixtures, openModel } from './fixtures';
import { runHooks } from './run';

/** Cells that a mask makes −∞ or the smallest float: only where they are is compared. */
const MASKED = -1e30;

describe('hooks of the anatomy against the oracle', () => {
  test.each(fixtures().map(fixture => [`${fixture.family}/${fixture.style}`, fixture] as const))(
    '%s',
    async (_, { family, style, facts }) => {
      const { model, weights } = openModel(family, style);
      const anatomy = recognise(model, weights);
      const expected = readSafetensors(
        readFileSync(join(__dirname, '../fixtures/models', family, 'expected.safetensors'))
      );
      const cache = await runHooks(model, weights, anatomy, facts.ids);
      const wrong: string[] = [];
      for (const name of facts.hooks) {
        const got = cache.get(name);
        const want = expected.get(name)!;
        if (!got) {wrong.push(`${name} missing`); continue;}
        if (got.dims.join() !== want.dims.join()) { wrong.push(`${name} ${got.dims} ${want.dims}`); continue;}
        const a = toFloat64(got), b = toFloat64(want);
        let worst=0, scale=0;
        a.forEach((x,i)=>{ if (b[i] < MASKED || x < MASKED) { if (!(b[i]<MASKED && x<MASKED)) worst=Infinity; return; } worst=Math.max(worst,Math.abs(x-b[i])); scale=Math.max(scale,Math.abs(b[i])); });
        if (!(worst <= 2e-5*scale)) wrong.push(`${name} ${worst} of ${scale}`);
      }
      expect(wrong).toEqual([]);
    }
  );
});
