import type { ModelReference } from '../../report/payload';
import type { ModelClient } from '../../worker/client';
import type { OpenedModel } from '../../worker/protocol';
import { listAnalyses } from '../../report/list-analyses';
import type { AnalysisEntry } from '../../report/list-analyses';
import { button, element } from '../element';
import type { OutputServices } from '../services';
import { analysisList } from './analysis-list';
import { carriedInput } from './carried-input';
import { droppedField } from './dropped-field';
import { listCosts } from './list-costs';
import { modal } from './modal';
import { modelField } from './model-field';
import type { SpecPane } from './spec-pane';
import { specPane } from './spec-pane';

/** What was chosen, still to be validated as a payload. */
export interface PickedAnalysis {
  readonly analysis: string;
  readonly model: ModelReference;
  readonly spec: Readonly<Record<string, unknown>>;
  /** At once, or later by a click or by its cell. */
  readonly run: boolean;
}

export interface PickOptions {
  readonly services: OutputServices;
  readonly notebook: string;
  /** Of models, relative to the notebook; the first is taken. */
  readonly paths: readonly string[];
  /** An open model that has no path: it is the one that is meant. */
  readonly dropped: ModelClient | undefined;
  /** A part that the analysis is meant for. */
  readonly layer?: number;
  readonly head?: number;
}

/** Asks for an analysis, a model and the spec; undefined when cancelled. */
export async function pickAnalysis(options: PickOptions): Promise<PickedAnalysis | undefined> {
  const { services, notebook, paths } = options;
  const { trans } = services;
  let picked: PickedAnalysis | undefined;
  let chosen: AnalysisEntry | undefined;
  let pane: SpecPane | undefined;
  const cost = element('div', { class: 'jp-orrery-modal-status' });
  const right = element('div', { class: 'jp-orrery-picker-form' });
  const inserts = [
    button(trans.__('Insert'), () => finish(false)),
    button(trans.__('Insert and run'), () => finish(true), 'accept')
  ];
  const cancel = button(trans.__('Cancel'), () => dialog.close());
  const refresh = (): void => {
    const lacks = !chosen || !pane?.value() || !model.reference();
    inserts.forEach(insert => (insert.disabled = lacks));
  };
  const show = (entry: AnalysisEntry, given: Readonly<Record<string, unknown>>): void => {
    chosen = entry;
    pane?.dispose();
    pane = undefined;
    pane = specPane({ entry, given, client: model.client(), trans, onChange: refresh });
    right.replaceChildren(pane.node);
    cost.replaceChildren(pane.cost);
    refresh();
  };
  const entries = listAnalyses();
  const list = analysisList(entries, trans, entry =>
    show(entry, { ...carriedInput(pane?.value(), entry), ...meant(entry, options) })
  );
  let pricing = new AbortController();
  /** Asked again only where another model is open now. */
  let priced: OpenedModel | undefined;
  const priceAll = (): void => {
    const client = model.client();
    if (client?.opened !== priced) {
      priced = client?.opened;
      pricing.abort();
      pricing = new AbortController();
      entries.forEach(({ id }) => list.price(id, undefined));
      if (client) {
        void listCosts(entries, client, pricing.signal, list.price);
      }
    }
  };
  const changed = (): void =>
    queueMicrotask(() => {
      list.refuse(model.client()?.opened?.refusals);
      priceAll();
      if (chosen) {
        show(chosen, pane?.value() ?? meant(chosen, options));
      }
    });
  const choose = (): Promise<string | undefined> => dialog.aside(() => services.choose(notebook));
  const model = options.dropped
    ? droppedField(options.dropped, trans, changed)
    : modelField({ services, notebook, paths, choose, onChange: changed });
  const finish = (run: boolean): void => {
    const spec = pane?.value();
    const reference = model.reference();
    if (chosen && spec && reference) {
      picked = { analysis: chosen.id, model: reference, spec, run };
      dialog.close();
    }
  };
  const dialog = modal(
    trans.__('Analyse a model'),
    model.node,
    element('div', { class: 'jp-orrery-picker' }, list.node, right),
    element('div', { class: 'jp-orrery-modal-foot' }, cost, cancel, ...inserts)
  );
  list.choose(FIRST);
  list.search.focus();
  await dialog.closed;
  pricing.abort();
  pane?.dispose();
  model.dispose();
  return picked;
}

/** What most people look at first. */
const FIRST = 'attention-patterns';

/** The part that the user came from, for the fields that can say it. */
function meant({ spec }: AnalysisEntry, { layer, head }: PickOptions): Readonly<Record<string, unknown>> {
  const takes = (name: string): boolean => spec[name]?.type === 'indices';
  return {
    ...(layer !== undefined && takes('layers') && { layers: [layer] }),
    ...(head !== undefined && takes('heads') && { heads: [head] })
  };
}
