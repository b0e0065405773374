import type { Random } from '../../maths/random';
import type { Subject } from '../../subject/subject';
import type { MeasuredPrompt } from './measured-prompts';
import { referenceTexts } from '../reference-texts';

type Rows = readonly (readonly number[])[];

interface Wanted {
  readonly ablation: 'zero' | 'mean' | 'resample';
  readonly over: 'all' | 'positions';
  readonly reference?: string;
}

/**
 * Rows that means are taken over, or one for each prompt that its values come from. Throws where texts of other lengths than the prompts' would have to
 * be laid over them, and where a prompt would be replaced by itself.
 */
export function ablationRows(
  subject: Subject,
  { ablation, over, reference }: Wanted,
  prompts: readonly MeasuredPrompt[],
  stream: Random
): Rows {
  const given = referenceTexts(subject, 'reference', reference);
  const length = prompts[0].clean.ids.length;
  const aligned = ablation === 'resample' || over === 'positions';
  const odd = aligned ? given.findIndex(({ ids }) => ids.length !== length) : -1;
  if (odd >= 0) {
    throw new Error(
      `reference text not aligned: line ${odd + 1} has ${given[odd].ids.length} tokens (${given[odd].labels.slice(0, 20).join('|')}), the prompts have ${length}`
    );
  }
  const rows = given.length > 0 ? given.map(({ ids }) => ids) : prompts.map(({ clean }) => clean.ids);
  if (ablation === 'mean') {
    return refuseItself(rows, prompts, over);
  }
  return given.length > 0 ? prompts.map(() => rows[stream.below(rows.length)]) : others(prompts, stream);
}

/** One prompt's mean by position is the prompt. */
const refuseItself = (rows: Rows, prompts: readonly MeasuredPrompt[], over: Wanted['over']): Rows => {
  const [first, ...more] = [...rows, ...prompts.map(({ clean }) => clean.ids)];
  if (over === 'positions' && more.every(row => row.join() === first.join())) {
    throw new Error(
      "ablation does nothing: the mean of one prompt by position is that prompt, so give reference texts or say over 'all'"
    );
  }
  return rows;
};

/** The corrupted versions, or other prompts. */
const others = (prompts: readonly MeasuredPrompt[], stream: Random): Rows =>
  prompts.map(({ clean, corrupted }, at) => {
    if (corrupted.ids.join() !== clean.ids.join()) {
      return corrupted.ids;
    }
    const rest = prompts.filter((other, index) => index !== at && other.clean.ids.join() !== clean.ids.join());
    if (rest.length === 0) {
      throw new Error(
        `ablation does nothing: prompts[${at}] has no corrupted version and there is no other prompt to take values from, so give reference texts`
      );
    }
    return rest[stream.below(rest.length)].clean.ids;
  });
