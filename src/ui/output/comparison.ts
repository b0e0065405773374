import { difference } from '../../figures/difference';
import type { CheckedPayload } from '../../report/validate-payload';
import type { ModelClient } from '../../worker/client';
import { button, element } from '../element';
import type { Link } from '../linking/linking';
import { progressLine } from '../progress-line';
import type { OutputServices } from '../services';
import { FigureSet } from './figure-set';
import { runPayload } from './run-payload';

export interface ComparisonOptions {
  readonly checked: CheckedPayload;
  /** The other; run first where it has no result. */
  readonly other: CheckedPayload;
  /** Of the other's model; throws a sentence. */
  readonly client: () => ModelClient;
  readonly notebook: string;
  readonly services: OutputServices;
  readonly linkOf: (checked: CheckedPayload) => Link;
  /** Adds the other to the notebook. */
  readonly onKeep: (other: CheckedPayload) => void;
  readonly onClose: () => void;
}

/** Two results side by side, and what lies between them where their axes agree. Nothing of it is saved. */
export class Comparison {
  readonly node: HTMLElement;

  constructor(private readonly _options: ComparisonOptions) {
    const { checked, other, services, onKeep, onClose } = _options;
    const { trans } = services;
    const [first, second, between] = [0, 1, 2].map(() => element('div', { class: 'jp-orrery-body' }));
    this._sets = [first, second, between].map(node => new FigureSet(node, trans));
    const side = (title: string, one: CheckedPayload, node: HTMLElement): HTMLElement =>
      element(
        'section',
        { 'aria-label': title },
        element('h4', {}, title),
        ...differing(one, one === checked ? other : checked).map(line =>
          element('div', { class: 'jp-orrery-spec', dir: 'auto' }, line)
        ),
        node
      );
    this.node = element(
      'div',
      { class: 'jp-orrery-comparison', role: 'group', 'aria-label': trans.__('Comparison') },
      element(
        'div',
        { class: 'jp-orrery-toolbar' },
        button(trans.__('Keep the second as a cell'), () => onKeep(other)),
        button(trans.__('Close the comparison'), onClose)
      ),
      this._status,
      element(
        'div',
        { class: 'jp-orrery-comparison-sides' },
        side(trans.__('First'), checked, first),
        side(trans.__('Second'), other, second)
      ),
      between
    );
    this._draw(0, checked);
    void this._load();
  }

  recolour(): void {
    this._sets.forEach(set => set.recolour());
  }

  dispose(): void {
    this._ended.abort();
    this._sets.forEach(set => set.clear());
  }

  private async _load(): Promise<void> {
    const { other, client, notebook, services, checked } = this._options;
    const { signal } = this._ended;
    const { trans } = services;
    const cancel = (): void => this._ended.abort();
    try {
      let done = other;
      if (other.payload.result === undefined) {
        progressLine(this._status, { done: 0, total: 0, label: trans.__('starting') }, trans, cancel);
        done = await runPayload(other, { client: client(), notebook }, services, {
          signal,
          onProgress: progress => progressLine(this._status, progress, trans, cancel)
        });
      }
      signal.throwIfAborted();
      this._status.replaceChildren();
      this._draw(1, done);
      this._drawBetween(checked, done);
    } catch (error) {
      const words = signal.aborted ? trans.__('Cancelled.') : error instanceof Error ? error.message : String(error);
      this._status.replaceChildren(element('div', { class: 'jp-orrery-note', role: 'status' }, words));
    }
  }

  private _draw(place: number, checked: CheckedPayload): void {
    this._sets[place].show(checked, this._options.linkOf(checked));
  }

  private _drawBetween(checked: CheckedPayload, other: CheckedPayload): void {
    const firsts = checked.analysis.figures(checked.payload.result, checked.spec);
    const seconds = other.analysis.figures(other.payload.result, other.spec);
    const found = firsts.flatMap((figure, i) => (seconds[i] ? [difference(figure, seconds[i])] : []));
    this._sets[2].draw(
      found.flatMap(one => ('figure' in one ? [one.figure] : [])),
      this._options.linkOf(checked),
      { under: '' }
    );
    const reasons = found.flatMap(one => ('why' in one ? [one.why] : []));
    if (reasons.length) {
      const words = this._options.services.trans.__('No difference is drawn of: %1.', reasons.join('; '));
      this._sets[2].node.append(element('p', { class: 'jp-orrery-hint' }, words));
    }
  }

  private readonly _sets: readonly FigureSet[];
  private readonly _status = element('div', {});
  private readonly _ended = new AbortController();
}

/** What one has that the other has not: its model, its seed, its fields. */
function differing({ payload, spec }: CheckedPayload, other: CheckedPayload): string[] {
  const said = (value: unknown): string => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return text.length > 160 ? `${text.slice(0, 159)}…` : text;
  };
  const own: Readonly<Record<string, unknown>> = { model: payload.model.path, seed: payload.seed, ...spec };
  const others: Readonly<Record<string, unknown>> = {
    model: other.payload.model.path,
    seed: other.payload.seed,
    ...other.spec
  };
  return Object.entries(own).flatMap(([name, value]) =>
    value === undefined || JSON.stringify(value) === JSON.stringify(others[name]) ? [] : [`${name}: ${said(value)}`]
  );
}
