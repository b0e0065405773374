import type { HeadPlace } from '../../figures/part-names';
import type { Subject } from '../../subject/subject';

/** The head that a spec names; throws where the model has none there. */
export function headPlace({ tower }: Subject, { layer, head }: HeadPlace): HeadPlace {
  for (const [field, value, size] of [
    ['layer', layer, tower.layers],
    ['head', head, tower.heads]
  ] as const) {
    if (value >= size) {
      throw new Error(`field '${field}' names ${value}, this model has ${field}s 0 to ${size - 1}`);
    }
  }
  return { layer, head };
}
