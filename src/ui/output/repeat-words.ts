import type { CheckedPayload } from '../../report/validate-payload';
import { isPartial } from './output-run';
import type { Translate } from '../translate';

/** Of a run that repeats a whole saved result: whether file and result are the same. Undefined where something else was asked. */
export function repeatWords(before: CheckedPayload, after: CheckedPayload, trans: Translate): string | undefined {
  const [earlier, now] = [before.payload, after.payload];
  const [from, to] = [earlier.provenance, now.provenance];
  if (!from || !to || isPartial(before) || asked(earlier) !== asked(now)) {
    return undefined;
  }
  if (from.modelHash !== to.modelHash) {
    return trans.__(
      'Another model file: the earlier result was of %1, this one is of %2.',
      short(from.modelHash),
      short(to.modelHash)
    );
  }
  return JSON.stringify(earlier.result) === JSON.stringify(now.result)
    ? trans.__('Repeated: the same file gives the same result, to the last digit.')
    : trans.__('The same file, another result: the earlier one was of orrery %1, %2.', from.version, from.runtime);
}

const asked = ({ analysis, seed, spec }: CheckedPayload['payload']): string => JSON.stringify([analysis, seed, spec]);

const short = (hash: string): string => `${hash.slice(0, 19)}…`;
