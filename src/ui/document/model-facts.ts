import type { Block, Tower } from '../../anatomy/anatomy';
import type { Row, TableFigure } from '../../figures/figure';
import type { OpenedModel } from '../../worker/protocol';
import { bytesText } from '../bytes-text';
import type { Translate } from '../translate';
import { inputWords } from './input-words';

/** Name, value, and where in the file it stands. */
type Fact = readonly [string, string, string];

/** What is known of an open model, each fact with its source in the file. */
export function modelFacts(opened: OpenedModel, trans: Translate): TableFigure {
  const { facts, anatomy } = opened;
  const many = anatomy.towers.length > 1;
  const towers = anatomy.towers.flatMap(tower =>
    towerFacts(tower, trans).map(([name, value, source]): Fact => [
      many ? `${tower.name}: ${name}` : name,
      value,
      source
    ])
  );
  const refused = anatomy.refusals.map(({ why, at }): Fact => [trans.__('not understood'), why, at]);
  return {
    kind: 'table',
    title: trans.__('Facts'),
    caption: trans.__('Parts are found by the structure of the graph; names of nodes play no part in it.'),
    alt: trans.__('Facts of %1, each with its source in the file.', facts.label),
    corner: trans.__('fact'),
    columns: [{ label: trans.__('value') }, { label: trans.__('where it stands') }],
    rows: [...fileFacts(opened, trans), ...towers, ...refused].map(row)
  };
}

const row = ([label, value, source]: Fact): Row => ({ label, cells: [{ text: value }, { text: source }] });

function fileFacts({ facts, anatomy, hasTokens }: OpenedModel, trans: Translate): Fact[] {
  const dtypes = Object.entries(facts.dtypes).map(([type, bytes]) => `${type} ${bytesText(bytes)}`);
  return [
    [trans.__('hash'), facts.hash, trans.__('the .onnx file and its external data')],
    [trans.__('size'), bytesText(facts.bytes), trans.__('the .onnx file and its external data')],
    [trans.__('weights'), dtypes.join(', '), trans.__('initialisers of the graph')],
    [trans.__('graph'), trans._n('%1 node', '%1 nodes', facts.nodes), trans.__('nodes of the main graph')],
    [trans.__('producer'), facts.producer || trans.__('not stated'), 'producer_name'],
    [
      trans.__('tokenizer'),
      hasTokens ? trans.__('yes') : trans.__('none: %1', inputWords(anatomy, trans).words),
      hasTokens ? 'tokenizer.json' : (facts.tokenizerFault ?? trans.__('no tokenizer.json beside the file'))
    ]
  ];
}

function towerFacts(tower: Tower, trans: Translate): Fact[] {
  const [first] = tower.blocks as readonly (Block | undefined)[];
  const attention = first?.attention;
  const { embedding, head } = tower;
  const direction = tower.causal ? trans.__('causal') : trans.__('bidirectional');
  const grouped = tower.kvHeads === tower.heads ? '' : trans.__(', %1 key/value heads', tower.kvHeads);
  const node = trans.__('node %1', quoted(attention?.node));
  return [
    [trans.__('kind'), `${tower.kind}, ${direction}`, trans.__('mask before %1', node)],
    [trans.__('layers'), String(tower.layers), trans.__('attentions along the residual stream, the first at %1', node)],
    [
      trans.__('heads'),
      trans.__('%1 of size %2', tower.heads, tower.dHead) + grouped,
      trans.__('shape of %1', quoted(attention?.pattern))
    ],
    [trans.__('width'), String(tower.dModel), trans.__('last axis of %1', quoted(first?.residPre))],
    mlpFact(tower, first, trans),
    normFact(tower, first, trans),
    [
      trans.__('positions'),
      tower.positional + (tower.maxPositions === null ? '' : trans.__(', at most %1', tower.maxPositions)),
      embedding?.positionWeight
        ? trans.__('table %1', quoted(embedding.positionWeight))
        : attentionSource(attention, trans)
    ],
    [
      trans.__('vocabulary'),
      tower.dVocab === null ? trans.__('no unembedding') : String(tower.dVocab),
      head ? trans.__('last axis of %1', quoted(head.logits)) : trans.__('no layer to logits was found')
    ],
    [
      trans.__('blocks'),
      tower.parallel ? trans.__('attention and MLP in parallel') : trans.__('attention, then MLP'),
      first ? trans.__('sums that end in %1', quoted(first.residPost)) : ''
    ]
  ];
}

const attentionSource = (attention: Block['attention'] | undefined, trans: Translate): string =>
  attention?.rotary
    ? trans.__('rotation of %1 and %2', quoted(attention.q.output), quoted(attention.k.output))
    : trans.__('what is added to the embedding or to the scores');

function mlpFact({ mlp, dMlp }: Tower, first: Block | undefined, trans: Translate): Fact {
  const activation = first?.mlp?.activation;
  const value = dMlp === null ? mlp : trans.__('%1, width %2', mlp, dMlp);
  const weight = first?.mlp?.in?.weight ?? first?.mlp?.output;
  return [
    trans.__('MLP'),
    activation ? `${value}, ${activation}` : value,
    weight ? trans.__('weight %1', quoted(weight)) : trans.__('no MLP was found')
  ];
}

function normFact({ norm }: Tower, first: Block | undefined, trans: Translate): Fact {
  const [part] = first?.norms ?? [];
  const epsilon = part?.epsilon === undefined ? '' : `, ε = ${part.epsilon.toExponential(0)}`;
  return norm.kind === 'none'
    ? [trans.__('norm'), trans.__('none'), trans.__('nothing standardises the stream before it is read')]
    : [
        trans.__('norm'),
        `${norm.kind === 'rms' ? 'RMS' : trans.__('layer')}, ${norm.placement}${epsilon}`,
        part ? trans.__('%1 → %2', quoted(part.input), quoted(part.output)) : ''
      ];
}

/** A name of the file, cut in the middle where it is long. */
const quoted = (name: string | undefined): string =>
  name === undefined ? '–' : name.length > 60 ? `'${name.slice(0, 28)}…${name.slice(-28)}'` : `'${name}'`;
