import type { ModelClient } from '../../worker/client';
import { element } from '../element';
import { tokenStrip } from '../token-strip';
import type { Translate } from '../translate';
import { nextToken } from './next-token';

export interface Trial {
  readonly node: HTMLElement;
  dispose(): void;
}

/** Milliseconds without a key before the text is split. */
const PAUSE = 150;
const EXAMPLE = 'The cat sat on the mat. Café, naïve: 2 + 2 = 4.';

export interface TrialOptions {
  readonly client: Pick<ModelClient, 'encode' | 'next'>;
  readonly trans: Translate;
  /** Whether the model says what comes next. */
  readonly predicts: boolean;
}

/** A text box, and under it the tokens of what is typed: label, id, span; of a decoder what comes next. The latest text wins. */
export function tokenizerTrial({ client, trans, predicts }: TrialOptions): Trial {
  const box = element('textarea', {
    class: 'jp-mod-styled',
    rows: 2,
    dir: 'auto',
    'aria-label': trans.__('Text to split into tokens')
  });
  box.value = EXAMPLE;
  const said = element('p', { class: 'jp-orrery-hint', 'aria-live': 'polite' });
  const strip = element('div', {});
  let current = new AbortController();
  let timer: number | undefined;
  const split = async (): Promise<void> => {
    current.abort();
    const { signal } = (current = new AbortController());
    try {
      const tokens = await client.encode(box.value, { signal });
      if (!signal.aborted) {
        said.textContent = trans._n('%1 token', '%1 tokens', tokens.length);
        strip.replaceChildren(tokenStrip(tokens, trans));
      }
    } catch (error) {
      if (!signal.aborted) {
        said.textContent = error instanceof Error ? error.message : String(error);
        strip.replaceChildren();
      }
    }
  };
  const next = predicts ? nextToken(client, trans) : undefined;
  next?.show(box.value);
  box.addEventListener('input', () => {
    next?.show(box.value);
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void split(), PAUSE);
  });
  void split();
  return {
    node: element('div', { class: 'jp-orrery-trial' }, box, said, strip, next?.node),
    dispose: () => {
      window.clearTimeout(timer);
      current.abort();
      next?.dispose();
    }
  };
}
