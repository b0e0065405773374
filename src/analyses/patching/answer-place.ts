import type { Input, Subject } from '../../subject/subject';

/**
 * Where a prompt's answer is read: at the last position of a model whose tokens see only earlier ones, at the one mask of a model that fills masks.
 * Where no mask is known (there is no tokenizer, or it names none), at the last. Throws where the mask is missing, there are several, or the corrupted one is elsewhere.
 */
export function answerPlace({ tokens, tower }: Subject, clean: Input, corrupted: Input, at: string): number {
  const mask = tokens?.maskId;
  if (tower.causal || mask === undefined) {
    return clean.ids.length - 1;
  }
  const [place, other] = [clean, corrupted].map(({ ids }, which) => {
    const places = ids.flatMap((id, position) => (id === mask ? [position] : []));
    if (places.length !== 1) {
      throw new Error(
        `${places.length === 0 ? 'mask missing' : 'several masks'}: ${at}.${which ? 'corrupted' : 'clean'} has ${places.length} tokens '${tokens!.label(mask)}', ` +
          'and the answer of a model whose tokens see each other is read at its one'
      );
    }
    return places[0];
  });
  if (place !== other) {
    throw new Error(
      `prompts not aligned: '${tokens!.label(mask)}' of ${at} is at position ${place} clean and ${other} corrupted`
    );
  }
  return place;
}
