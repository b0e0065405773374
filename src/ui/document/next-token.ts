import type { NextTokens } from '../../subject/generate/next-tokens';
import type { ModelClient } from '../../worker/client';
import { button, element } from '../element';
import { slider } from '../slider';
import type { Translate } from '../translate';

export interface NextToken {
  readonly node: HTMLElement;
  /** Another text: what was added to the one before goes. */
  show(text: string): void;
  dispose(): void;
}

/** Milliseconds without a change before the model is asked. */
const PAUSE = 250;
const MOST = 10;
const SEED = 0;

/**
 * What the model takes for the next token of a text, and how temperature, top-k and top-p change it; a token is drawn, or taken by a click, and
 * put behind the text. The model runs only once it was asked to; from then on it follows.
 */
export function nextToken(client: Pick<ModelClient, 'next'>, trans: Translate): NextToken {
  let text = '';
  let added: readonly number[] = [];
  let drawn: number | undefined;
  let follows = false;
  let current = new AbortController();
  let timer: number | undefined;
  const said = element('p', { class: 'jp-orrery-hint', role: 'status' });
  const list = element('ol', { class: 'jp-orrery-next', 'aria-label': trans.__('The most probable next tokens') });
  const continuation = element('bdi', {});
  const ask = async (): Promise<void> => {
    current.abort();
    const { signal } = (current = new AbortController());
    const settings = { temperature: temperature.read(), topK: topK.read(), topP: topP.read() };
    try {
      const next = await client.next({ text, added, most: MOST, seed: SEED, ...settings }, { signal });
      if (!signal.aborted) {
        tell(next);
      }
    } catch (error) {
      if (!signal.aborted) {
        said.textContent = error instanceof Error ? error.message : String(error);
        list.replaceChildren();
      }
    }
  };
  const askSoon = (): void => {
    if (follows) {
      current.abort();
      window.clearTimeout(timer);
      timer = window.setTimeout(() => void ask(), PAUSE);
    }
  };
  const add = (...ids: readonly number[]): void => {
    added = ids.length ? [...added, ...ids] : [];
    void ask();
  };
  const tell = ({ candidates, kept, drawn: next, continuation: words }: NextTokens): void => {
    drawn = next;
    continuation.textContent = words;
    continuation.hidden = clear.hidden = words === '';
    draw.hidden = false;
    said.textContent = trans._n('One token is drawn from.', '%1 tokens are drawn from; the most probable:', kept);
    list.replaceChildren(...candidates.map(candidate => bar(candidate, candidates[0].probability, trans, add)));
  };
  const temperature = slider(
    trans.__('Temperature'),
    { minimum: 0.1, maximum: 2, step: 0.1, value: 1, said: value => value.toFixed(1) },
    askSoon
  );
  const topK = slider(
    trans.__('Top-k'),
    { minimum: 0, maximum: 50, step: 1, value: 0, said: value => (value === 0 ? trans.__('all') : String(value)) },
    askSoon
  );
  const topP = slider(
    trans.__('Top-p'),
    { minimum: 0.05, maximum: 1, step: 0.05, value: 1, said: value => value.toFixed(2) },
    askSoon
  );
  const draw = button(trans.__('Draw a token'), () => drawn !== undefined && add(drawn));
  const clear = button(trans.__('Clear what was added'), () => add());
  const sliders = element('div', { class: 'jp-orrery-choices' }, temperature.node, topK.node, topP.node);
  const begin = button(trans.__('Predict the next token'), () => {
    follows = true;
    begin.hidden = true;
    sliders.hidden = false;
    said.textContent = trans.__('The model runs…');
    void ask();
  });
  draw.hidden = clear.hidden = sliders.hidden = continuation.hidden = true;
  return {
    node: element(
      'section',
      { class: 'jp-orrery-next-token', 'aria-label': trans.__('Next token') },
      begin,
      sliders,
      said,
      list,
      element('div', { class: 'jp-orrery-toolbar' }, draw, clear, continuation)
    ),
    show: given => {
      text = given;
      added = [];
      askSoon();
    },
    dispose: () => {
      window.clearTimeout(timer);
      current.abort();
    }
  };
}

/** A token as a button as long as it is probable; a click takes it. */
function bar(
  { id, label, probability }: NextTokens['candidates'][number],
  largest: number,
  trans: Translate,
  onTake: (id: number) => void
): HTMLElement {
  const percent = `${(100 * probability).toFixed(1)} %`;
  const node = element(
    'button',
    { type: 'button', 'aria-label': trans.__('Take %1, %2', label, percent) },
    element('bdi', {}, label),
    element('span', { class: 'jp-orrery-next-bar', style: `width:${(100 * probability) / largest}%` }),
    element('span', {}, percent)
  );
  node.addEventListener('click', () => onTake(id));
  return element('li', {}, node);
}
