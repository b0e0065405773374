import { gaussian } from '../../../maths/gaussian';
import { random } from '../../../maths/random';
import type { Context } from '../../../subject/context';
import type { Subject } from '../../../subject/subject';
import { floats } from '../../floats';
import { quiet } from '../../quiet';
import { beforeSoftcap } from './before-softcap';
import { frozenNorm, NO_NORM } from '../frozen-norm';
import { dot } from '../stream-parts';

const [PROBES, TOKENS] = [4, 8];
/** Of the residues: a factor is believed where it differs from 1 by more than they explain. */
const SURE = 3;
const ROUNDING = 1e-4;

/**
 * What a file multiplies its logits by behind the unembedding (Cohere's logit_scale, Granite's logits_scaling): with f its own nodes, the one s for which
 * f(r) − f(0) = s · norm(r)·W_U at random vectors r. 1 where no s does: then the logits are no linear function, which whoever adds terms up will find.
 */
export async function logitScale(subject: Subject, context: Context): Promise<number> {
  const { tower, weights } = subject;
  const next = gaussian(random(0));
  const probes = Array.from({ length: PROBES }, () => Float64Array.from({ length: tower.dModel }, next));
  const data = Float32Array.from([...new Float64Array(tower.dModel), ...probes.flatMap(probe => [...probe])]);
  const residual = { dims: [1, PROBES + 1, tower.dModel], type: 'float32' as const, data };
  const logits = beforeSoftcap(subject, floats(await subject.unembed(residual, quiet(context)), 'logits'));
  const size = logits.length / (PROBES + 1);
  const weight = weights.names.includes('ln_final.w') ? (weights.read('ln_final.w').data as Float32Array) : undefined;
  const normOf = (probe: Float64Array): typeof NO_NORM =>
    tower.finalNorm ? frozenNorm(tower.finalNorm, weight, probe) : NO_NORM;
  const count = Math.min(TOKENS, size);
  const start = Math.floor((size - count) / 2);
  const columns = weights.read('W_U', { range: [start, start + count] }).data as Float32Array;
  const pairs = probes.flatMap((probe, row) => {
    const normed = normOf(probe).apply(probe);
    return Array.from({ length: count }, (_, token) => ({
      own: logits[(row + 1) * size + start + token] - logits[start + token],
      linear: dot(
        normed,
        normed.map((__, m) => columns[m * count + token])
      )
    }));
  });
  return factorOf(pairs);
}

function factorOf(pairs: readonly { readonly own: number; readonly linear: number }[]): number {
  const square = pairs.reduce((sum, { linear }) => sum + linear ** 2, 0);
  const factor = pairs.reduce((sum, { own, linear }) => sum + own * linear, 0) / (square || 1);
  const left = pairs.reduce((sum, { own, linear }) => sum + (own - factor * linear) ** 2, 0);
  const noise = Math.sqrt(left / (square || 1));
  return factor > 0 && Math.abs(factor - 1) > SURE * noise + ROUNDING && noise < factor / SURE ? factor : 1;
}
