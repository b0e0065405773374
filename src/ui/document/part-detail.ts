import type { Hook } from '../../anatomy/anatomy';
import type { TensorFacts } from '../../subject/tensor-facts';
import type { ModelClient } from '../../worker/client';
import { bytesText } from '../bytes-text';
import { button, element } from '../element';
import type { Translate } from '../translate';
import type { Part, PartTensor } from './model-parts';
import { nodeDetails } from './node-details';
import { spectrumButtons } from './spectrum-buttons';

export interface DetailOptions {
  readonly client: Pick<ModelClient, 'describe' | 'nodes' | 'singularValues'>;
  readonly trans: Translate;
  /** Aborted when another part is shown. */
  readonly signal: AbortSignal;
  /** Absent while nothing can be analysed yet. */
  readonly onAnalyse?: (part: Part) => void;
}

/** Of a cell: names come from the file. */
const LONGEST = 300;
const MOST_NODES = 200;

/** One part: its hooks, its weights in the file, the nodes that make its values, and the way to an analysis of it. */
export function partDetail(part: Part, { client, trans, signal, onAnalyse }: DetailOptions): HTMLElement {
  const tensors = element('div', { class: 'jp-orrery-detail-tensors' });
  const node = element(
    'div',
    { class: 'jp-orrery-detail' },
    element(
      'div',
      { class: 'jp-orrery-detail-title' },
      element('h3', {}, part.title),
      onAnalyse && button(trans.__('Analyse this…'), () => onAnalyse(part), 'accept')
    ),
    element('p', { class: 'jp-orrery-hint' }, part.about),
    hookTable(part.hooks, trans),
    tensors,
    onAnalyse && spectrumButtons(part, { client, trans, signal })
  );
  void fill(tensors, part, client, trans, signal);
  return node;
}

function hookTable(hooks: readonly Hook[], trans: Translate): HTMLElement | undefined {
  if (hooks.length === 0) {
    return undefined;
  }
  const status = ({ status: is, why }: Hook): string =>
    is === 'verified'
      ? trans.__('✓\u00a0verified')
      : `${is === 'unverified' ? trans.__('unverified') : trans.__('unavailable')}: ${why ?? ''}`;
  return table(
    trans.__('Hooks'),
    [trans.__('hook'), trans.__('status'), trans.__('shape')],
    hooks.map(hook => [hook.name, status(hook), axes(hook)])
  );
}

/** 'batch × head 4 × query_pos × key_pos' */
const axes = ({ dims, shape }: Hook): string =>
  dims.map((dim, i) => (typeof shape[i] === 'number' ? `${dim} ${shape[i]}` : dim)).join(' × ');

async function fill(
  at: HTMLElement,
  { tensors, span }: Part,
  client: DetailOptions['client'],
  trans: Translate,
  signal: AbortSignal
): Promise<void> {
  const names = [...new Set(tensors.map(({ tensor }) => tensor))];
  try {
    const [facts, list] = await Promise.all([
      client.describe(names, { signal }),
      span ? client.nodes(span, MOST_NODES, { signal }) : undefined
    ]);
    const known = new Map(facts.map(one => [one.name, one]));
    if (!signal.aborted) {
      at.replaceChildren(
        ...(tensors.length ? [weightTable(tensors, known, trans)] : []),
        ...(list ? nodeDetails(list, trans) : [])
      );
    }
  } catch (error) {
    if (!signal.aborted) {
      at.replaceChildren(
        element('p', { class: 'jp-orrery-error' }, error instanceof Error ? error.message : String(error))
      );
    }
  }
}

const weightTable = (
  tensors: readonly PartTensor[],
  known: ReadonlyMap<string, TensorFacts>,
  trans: Translate
): HTMLElement =>
  table(
    trans.__('Weights in the file'),
    [trans.__('weight'), trans.__('type'), trans.__('shape'), trans.__('size'), trans.__('tensor')],
    tensors.map(({ role, tensor, columns }) => {
      const facts = known.get(tensor);
      const type = facts?.from === 'node' ? trans.__('computed by %1', facts.node?.opType ?? '') : (facts?.type ?? '–');
      const shape = facts?.shape ? `[${facts.shape.join(', ')}]` : '–';
      const place = columns ? trans.__('%1, columns %2 to %3', tensor, columns[0], columns[1] - 1) : tensor;
      return [role, type, shape, facts?.bytes === undefined ? '–' : bytesText(facts.bytes), place];
    })
  );

function table(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): HTMLElement {
  const head = columns.map(label => element('th', { scope: 'col' }, label));
  const body = rows.map(([first, ...rest]) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, ...breakable(first)),
      ...rest.map(text => element('td', { title: text.slice(0, LONGEST) }, ...breakable(text.slice(0, LONGEST))))
    )
  );
  return element(
    'div',
    { class: 'jp-orrery-table-scroll', tabindex: 0, role: 'group', 'aria-label': title },
    element(
      'table',
      { class: 'jp-orrery-table' },
      element('caption', {}, title),
      element('thead', {}, element('tr', {}, ...head)),
      element('tbody', {}, ...body)
    )
  );
}

/** A name of the file may be broken behind its separators. */
const breakable = (text: string): readonly (Node | string)[] =>
  text
    .split(/(?<=[./:])(?=[a-z])/i)
    .flatMap((piece, at) => (at === 0 ? [piece] : [document.createElement('wbr'), piece]));
