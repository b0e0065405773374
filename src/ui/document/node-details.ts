import type { NodeFacts } from '../../subject/tensor-facts';
import type { NodeList } from '../../worker/protocol';
import { element } from '../element';
import type { Translate } from '../translate';

/** The raw nodes of a part, folded: operator, name, inputs, outputs, attributes. */
export function nodeDetails({ nodes, omitted }: NodeList, trans: Translate): readonly HTMLElement[] {
  const all = nodes.length + omitted;
  return all === 0
    ? []
    : [
        element(
          'details',
          { class: 'jp-orrery-nodes' },
          element('summary', {}, trans._n('%1 node of the graph', '%1 nodes of the graph', all)),
          ...nodes.map(node => nodeEntry(node, trans)),
          omitted ? element('p', { class: 'jp-orrery-hint' }, trans.__('and %1 more', omitted)) : undefined
        )
      ];
}

function nodeEntry({ name, opType, domain, inputs, outputs, attributes }: NodeFacts, trans: Translate): HTMLElement {
  const line = (label: string, texts: readonly string[]): HTMLElement[] =>
    texts.length
      ? [element('dt', {}, label), ...texts.map(text => element('dd', {}, text || trans.__('(absent)')))]
      : [];
  return element(
    'div',
    { class: 'jp-orrery-node' },
    element('strong', {}, domain ? `${domain}.${opType}` : opType),
    ' ',
    name,
    element(
      'dl',
      {},
      ...line(trans.__('inputs'), inputs),
      ...line(trans.__('outputs'), outputs),
      ...line(trans.__('attributes'), attributes)
    )
  );
}
