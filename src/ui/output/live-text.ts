import type { CheckedPayload } from '../../report/validate-payload';
import { validatePayload } from '../../report/validate-payload';
import type { Cost } from '../../subject/subject';
import type { ModelClient } from '../../worker/client';
import { button, element } from '../element';
import { liveTokens } from '../form/live-tokens';
import type { OutputServices } from '../services';
import { runPayload } from './run-payload';

export interface LiveTextOptions {
  readonly checked: CheckedPayload;
  /** Throws a sentence where the model's place is not found. */
  readonly client: () => ModelClient;
  readonly notebook: string;
  readonly services: OutputServices;
  /** A result of the text as it stands; nothing is saved. */
  readonly onResult: (done: CheckedPayload) => void;
  /** Rejects with a sentence where it cannot be saved. */
  readonly onKeep: (done: CheckedPayload) => Promise<void>;
  readonly onBack: () => void;
}

/** Milliseconds without a key after which the figure follows. */
const PAUSE = 300;
/** What may run with each pause of the typing. */
const [MOST_FORWARDS, MOST_BYTES] = [8, 64_000_000];
const LONGEST = 2000;

const isCheap = ({ forwards, bytes, session = 0 }: Cost): boolean =>
  forwards <= MOST_FORWARDS && bytes <= MOST_BYTES && session === 0;

/** Whether an output can be asked for another text: its analysis reads one, and it is short. */
export const readsText = ({ analysis, payload }: CheckedPayload): boolean => {
  const { text } = payload.spec;
  return analysis.spec.text?.type === 'text' && typeof text === 'string' && text.length <= LONGEST;
};

/**
 * A line to type in: the figures follow its text, the latest wins. Only Keep changes the output and its cell. An analysis that
 * costs more waits for its Run button.
 */
export class LiveText {
  readonly node: HTMLElement;

  constructor(private readonly _options: LiveTextOptions) {
    const { checked, services, onBack } = _options;
    const { trans } = services;
    this._input = element('textarea', {
      rows: 2,
      maxlength: LONGEST,
      'aria-label': trans.__('Text to try'),
      dir: 'auto'
    });
    this._input.value = String(checked.payload.spec.text);
    this._run = button(trans.__('Run'), () => void this._follow(true));
    this._keep = button(trans.__('Keep'), () => void this._save(), 'accept');
    this._keep.disabled = this._run.hidden = true;
    this._tokens = liveTokens({ encode: (text, signal) => _options.client().encode(text, { signal }), trans });
    this.node = element(
      'div',
      { class: 'jp-orrery-live', role: 'group', 'aria-label': trans.__('Try another text') },
      this._input,
      this._tokens.node,
      element(
        'div',
        { class: 'jp-orrery-toolbar' },
        this._run,
        this._keep,
        button(trans.__('Back'), onBack),
        this._words
      )
    );
    this._input.addEventListener('input', () => this._typed());
    this._say(trans.__('Type: the figures follow. Keep saves what they show.'));
  }

  focus(): void {
    this._input.focus();
    this._input.setSelectionRange(this._input.value.length, this._input.value.length);
  }

  dispose(): void {
    this._stop();
    this._tokens.dispose();
  }

  private _typed(): void {
    this._stop();
    this._done = undefined;
    this._keep.disabled = true;
    this._tokens.show(this._input.value);
    this._timer = window.setTimeout(() => void this._follow(false), PAUSE);
  }

  private _stop(): void {
    window.clearTimeout(this._timer);
    this._current.abort();
  }

  private async _follow(isWanted: boolean): Promise<void> {
    const { checked, client, notebook, services, onResult } = this._options;
    const { trans } = services;
    this._stop();
    const { signal } = (this._current = new AbortController());
    try {
      const asked = withText(checked, this._input.value);
      const model = client();
      const options = { signal, onProgress: ({ label }: { label: string }) => this._say(label) };
      const cost = await model.cost(checked.analysis.id, asked.payload.spec, options);
      signal.throwIfAborted();
      this._run.hidden = isCheap(cost);
      if (!isCheap(cost) && !isWanted) {
        this._say(trans.__('%1 forwards are too many to follow each key: press Run.', cost.forwards));
        return;
      }
      this._done = await runPayload(asked, { client: model, notebook }, services, options);
      signal.throwIfAborted();
      this._keep.disabled = false;
      this._say(trans.__('Not saved: Keep puts it into the notebook.'));
      onResult(this._done);
    } catch (error) {
      if (!signal.aborted) {
        this._say(error instanceof Error ? error.message : String(error));
      }
    }
  }

  private async _save(): Promise<void> {
    try {
      await (this._done && this._options.onKeep(this._done));
    } catch (error) {
      this._say(error instanceof Error ? error.message : String(error));
    }
  }

  private _say(words: string): void {
    this._words.textContent = words;
  }

  private readonly _input: HTMLTextAreaElement;
  private readonly _run: HTMLButtonElement;
  private readonly _keep: HTMLButtonElement;
  private readonly _words = element('span', { class: 'jp-orrery-hint', role: 'status' });
  private readonly _tokens: ReturnType<typeof liveTokens>;
  private _timer: number | undefined;
  private _current = new AbortController();
  private _done: CheckedPayload | undefined;
}

/** The same question of another text; ids that stood in its place are left out. Throws a sentence. */
function withText({ payload: { analysis, model, seed, spec } }: CheckedPayload, text: string): CheckedPayload {
  const { ids: _, ...rest } = spec;
  return validatePayload({ analysis, model, seed, spec: { ...rest, text } });
}
