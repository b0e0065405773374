import type { Token } from '../../tokens/tokens';
import { element } from '../element';
import type { ControlContext } from './control';

export interface LiveTokens {
  readonly node: HTMLElement;
  /** Splits the text a moment later; the latest wins. */
  show(text: string): void;
  dispose(): void;
}

const PAUSE = 200;
const MOST = 60;

/** One line of tokens under a text, as it is typed; nothing where no tokenizer is open. */
export function liveTokens(
  { encode, trans }: Pick<ControlContext, 'encode' | 'trans'>,
  onTokens?: (tokens: readonly Token[]) => void
): LiveTokens {
  const node = element('div', { class: 'jp-orrery-live-tokens', 'aria-live': 'off' });
  let current = new AbortController();
  let timer: number | undefined;
  const split = async (text: string): Promise<void> => {
    const { signal } = (current = new AbortController());
    const tokens = await encode!(text, signal).catch(() => undefined);
    if (tokens && !signal.aborted) {
      node.replaceChildren(
        element('span', {}, trans._n('%1 token', '%1 tokens', tokens.length)),
        ...tokens.slice(0, MOST).map(({ label, id }) => element('bdi', { title: `id ${id}` }, label)),
        tokens.length > MOST ? '…' : ''
      );
      onTokens?.(tokens);
    }
  };
  const stop = (): void => {
    window.clearTimeout(timer);
    current.abort();
  };
  return {
    node,
    show: text => {
      stop();
      if (encode && text) {
        timer = window.setTimeout(() => void split(text), PAUSE);
      } else {
        node.replaceChildren();
      }
    },
    dispose: stop
  };
}
