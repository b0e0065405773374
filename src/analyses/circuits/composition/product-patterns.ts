import type { Context } from '../../../subject/context';
import type { Subject } from '../../../subject/subject';
import { floats } from '../../floats';
import { quiet } from '../../quiet';
import { storedPattern, type StoredPattern } from './stored-pattern';
import type { HeadPair } from './virtual-scores';
import { patternHook } from './virtual-terms';

/** A₂·A₁ of each pair on one prompt. */
export async function productPatterns(
  subject: Subject,
  ids: readonly number[],
  pairs: readonly HeadPair[],
  context: Context
): Promise<StoredPattern[]> {
  const hooks = [
    ...new Set(pairs.flatMap(({ from, to }) => [from, to].map(({ layer }) => patternHook(subject, layer))))
  ];
  const cache = hooks.length ? await subject.forward({ ids: [ids], hooks }, quiet(context)) : undefined;
  const { length } = ids;
  const patternOf = ({ layer, head }: HeadPair['from']): Float32Array => {
    const hook = patternHook(subject, layer);
    return floats(cache!.get(hook), hook).subarray(head * length ** 2, (head + 1) * length ** 2);
  };
  return pairs.map(({ from, to }) => {
    const [first, second] = [patternOf(from), patternOf(to)];
    const product = new Float64Array(length ** 2);
    for (let query = 0; query < length; query++) {
      for (let middle = 0; middle < length; middle++) {
        const weight = second[query * length + middle];
        for (let key = 0; weight !== 0 && key < length; key++) {
          product[query * length + key] += weight * first[middle * length + key];
        }
      }
    }
    return storedPattern(product, length);
  });
}
