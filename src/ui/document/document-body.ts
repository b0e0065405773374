import type { ModelClient } from '../../worker/client';
import type { OpenedModel } from '../../worker/protocol';
import { bytesText } from '../bytes-text';
import { element } from '../element';
import { figureView } from '../figures/figure-view';
import type { Translate } from '../translate';
import { certificateTable } from './certificate-table';
import { inputWords } from './input-words';
import { modelFacts } from './model-facts';
import type { Part } from './model-parts';
import type { PartBrowser } from './part-browser';
import { partBrowser } from './part-browser';
import { tokenizerTrial } from './tokenizer-trial';
import { weightsTable } from './weights-table';

export interface BodyOptions {
  readonly opened: OpenedModel;
  readonly client: ModelClient;
  readonly trans: Translate;
  /** Id of the part to show first. */
  readonly chosen: string | undefined;
  readonly onAnalyse: (part: Part) => void;
}

export interface DocumentBody {
  readonly node: HTMLElement;
  readonly parts: PartBrowser;
  recolour(): void;
  dispose(): void;
}

const MOST_WEIGHTS = 100;

/** All of an open model: picture and part, certificate, facts, weights, tokenizer. */
export function documentBody({ opened, client, trans, chosen, onAnalyse }: BodyOptions): DocumentBody {
  const { anatomy, certificate, facts, hasTokens } = opened;
  const ended = new AbortController();
  const parts = partBrowser({ anatomy, label: facts.label, client, trans, chosen, onAnalyse });
  const views = [certificateTable(certificate, trans), modelFacts(opened, trans)].map(figure =>
    figureView(figure, trans, { under: '' })
  );
  const weights = element('div', {});
  const [tower, ...others] = anatomy.towers;
  const predicts = tower?.causal === true && others.length === 0 && tower.head !== undefined;
  const trial = hasTokens ? tokenizerTrial({ client, trans, predicts }) : undefined;
  void client
    .initialisers(MOST_WEIGHTS, { signal: ended.signal })
    .then(list => weights.replaceChildren(figureView(weightsTable(list, trans), trans, { under: '' }).node))
    .catch(() => undefined);
  const node = element(
    'div',
    { class: 'jp-orrery-document-sections' },
    element('p', { class: 'jp-orrery-document-summary' }, headline(opened, trans)),
    parts.node,
    element(
      'section',
      { 'aria-label': trans.__('Tokenizer') },
      element('h3', {}, trans.__('Tokenizer')),
      trial?.node ?? noTokens(opened, trans)
    ),
    element('div', { class: 'jp-orrery-document-tables' }, ...views.map(view => view.node), weights)
  );
  return {
    node,
    parts,
    recolour: () => views.forEach(view => view.recolour()),
    dispose: () => {
      ended.abort();
      parts.dispose();
      trial?.dispose();
      views.forEach(view => view.dispose());
    }
  };
}

function noTokens({ anatomy, facts }: OpenedModel, trans: Translate): HTMLElement {
  const { ids, words } = inputWords(anatomy, trans);
  const fault = facts.tokenizerFault;
  const why = !ids
    ? trans.__('There is no text to split: %1.', words)
    : fault === undefined
      ? trans.__(
          'There is no tokenizer.json beside the file, so inputs are token ids. Put the model’s tokenizer.json into its folder and open the model again to give texts.'
        )
      : trans.__(
          'The tokenizer.json beside the file has a part that is not known here (%1), so inputs are token ids.',
          fault
        );
  return element('p', { class: 'jp-orrery-hint' }, why);
}

/** '196 kB of float32 · decoder: 2 layers of 4 heads, width 32 · 21 of 21 identities hold' */
function headline({ facts, anatomy, certificate }: OpenedModel, trans: Translate): string {
  const { identities } = certificate;
  const held = identities.filter(({ holds }) => holds).length;
  return [
    trans.__('%1, %2', bytesText(facts.bytes), Object.keys(facts.dtypes).slice(0, 3).join(', ')),
    ...anatomy.towers.map(({ name, layers, heads, dModel }) =>
      trans.__('%1 of %2 layers with %3 heads, width %4', name, layers, heads, dModel)
    ),
    trans.__('certificate: %1 of %2 identities hold', held, identities.length)
  ].join(' · ');
}
