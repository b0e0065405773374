import type { NodeFacts, TensorFacts } from '../../subject/tensor-facts';
import { element } from '../element';
import type { Translate } from '../translate';

/** The raw nodes that make a part's tensors, folded: operator, name, inputs, outputs, attributes. */
export function nodeDetails(tensors: readonly TensorFacts[], trans: Translate): readonly HTMLElement[] {
  const nodes = new Map(tensors.flatMap(({ node }) => (node ? [[node.outputs.join(), node] as const] : [])));
  return nodes.size === 0
    ? []
    : [
        element(
          'details',
          { class: 'jp-orrery-nodes' },
          element('summary', {}, trans._n('%1 node of the graph', '%1 nodes of the graph', nodes.size)),
          ...Array.from(nodes.values(), node => nodeEntry(node, trans))
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
