import type { Anatomy } from '../../anatomy/anatomy';
import { theoryCard, type AnalysisEntry } from '../../report/list-analyses';
import type { ModelClient } from '../../worker/client';
import { costWords } from '../cost-words';
import { element } from '../element';
import type { SpecForm } from '../form/spec-form';
import { specForm } from '../form/spec-form';
import type { OutputServices } from '../services';
import { theoryCardNode } from './theory-card';
import { theoryNote } from './theory-note';

export interface SpecPane {
  readonly node: HTMLElement;
  /** What it will cost, or why it cannot run: for the place beside the buttons. */
  readonly cost: HTMLElement;
  /** Undefined while something is wrong with it. */
  value(): Readonly<Record<string, unknown>> | undefined;
  dispose(): void;
}

export interface PaneOptions {
  readonly entry: AnalysisEntry;
  readonly given: Readonly<Record<string, unknown>>;
  /** The model's, open or not. */
  readonly client: ModelClient | undefined;
  readonly trans: OutputServices['trans'];
  readonly onChange: () => void;
}

const PAUSE = 300;

/** What of a model makes fields of a kind of use. */
const HAS = {
  numbers: ({ inputs }: Anatomy) => inputs.some(({ role }) => role === 'pixels' || role === 'embeddings'),
  towers: ({ towers }: Anatomy) => towers.length > 1
};

/** An analysis with what its number is and is not, its form, and, where the model is open, what it will cost or why it cannot run. */
export function specPane({ entry, given, client, trans, onChange }: PaneOptions): SpecPane {
  const opened = client?.opened;
  const cost = element('p', { class: 'jp-orrery-hint jp-orrery-cost', role: 'status' });
  let current = new AbortController();
  let timer: number | undefined;
  const estimate = async (spec: Readonly<Record<string, unknown>>): Promise<void> => {
    const { signal } = (current = new AbortController());
    try {
      const found = await client!.cost(entry.id, spec, { signal });
      if (!signal.aborted) {
        cost.classList.remove('jp-mod-wrong');
        cost.textContent = costWords(found, trans);
      }
    } catch (error) {
      if (!signal.aborted) {
        cost.classList.add('jp-mod-wrong');
        cost.textContent = error instanceof Error ? error.message : String(error);
      }
    }
  };
  const refusal = opened?.refusals[entry.id];
  const update = (): void => {
    window.clearTimeout(timer);
    current.abort();
    const spec = form.value();
    cost.textContent = '';
    if (opened && spec && refusal === undefined) {
      timer = window.setTimeout(() => void estimate(spec), PAUSE);
    }
    onChange();
  };
  const encode = opened?.hasTokens
    ? (text: string, signal: AbortSignal) => client!.encode(text, { signal })
    : undefined;
  const anatomy = opened?.anatomy;
  const lacks = anatomy && ((only: keyof typeof HAS) => !HAS[only](anatomy));
  const context = { trans, encode, shape: anatomy?.towers[0], ...(lacks && { lacks }) };
  const form: SpecForm = specForm(entry, given, context, update);
  const node = element(
    'div',
    { class: 'jp-orrery-pane' },
    element('h3', {}, entry.title),
    element('p', {}, entry.description),
    refusal === undefined
      ? undefined
      : element('p', { class: 'jp-orrery-error', role: 'alert' }, trans.__('This model cannot serve it: %1.', refusal)),
    form.node,
    theoryNote(entry.theory, trans),
    theoryCardNode(theoryCard(entry.family), trans)
  );
  update();
  return {
    node,
    cost,
    value: () => (refusal === undefined ? form.value() : undefined),
    dispose: () => {
      window.clearTimeout(timer);
      current.abort();
      form.dispose();
    }
  };
}
