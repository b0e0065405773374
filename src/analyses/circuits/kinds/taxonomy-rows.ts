import { random } from '../../../maths/random';
import type { Input, Subject } from '../../../subject/subject';
import { inputOf } from '../../input';
import { plainIds } from '../../plain-ids';
import { repeatedTokens } from '../../repeated-tokens';

/** What the heads are shown; all rows have one length. */
export interface TaxonomyRows {
  /** Judged by what they look at. */
  readonly rows: readonly (readonly number[])[];
  /** Judged by distance: here equal tokens have no distance in common. */
  readonly scattered: readonly (readonly number[])[];
  /** Where the rows are one text. */
  readonly input?: Input;
  /** Tokens of a block that is repeated once. */
  readonly length?: number;
}

interface RowsSpec {
  readonly on: 'random' | 'text';
  readonly text?: string;
  readonly ids?: readonly number[];
  readonly batch: number;
  readonly length: number;
}

export function taxonomyRows(subject: Subject, spec: RowsSpec, seed: number): TaxonomyRows {
  if (spec.on === 'text') {
    const input = inputOf(subject, spec);
    if (input.ids.length < 3) {
      throw new Error(
        `head taxonomy: a text of ${input.ids.length} tokens tells nothing of heads, at least 3 are needed`
      );
    }
    return { rows: [input.ids], scattered: [input.ids], input };
  }
  const length = Math.min(spec.length, Math.floor((subject.maxPositions ?? Infinity) / 2));
  const draw = random(seed);
  const ids = plainIds(subject, 'head taxonomy');
  const rows = repeatedTokens(draw, ids, spec.batch, length);
  const scattered = rows.map(row => row.map(() => row[draw.below(length)]));
  return { rows, scattered, length };
}
