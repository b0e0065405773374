import { theoryCard } from '../../report/list-analyses';
import type { CheckedPayload } from '../../report/validate-payload';
import type { ModelClient } from '../../worker/client';
import { costWords } from '../cost-words';
import { element } from '../element';
import { theoryCardNode } from '../picker/theory-card';
import { specLines } from '../../report/spec-lines';
import type { Translate } from '../translate';

/** Of a spec without a result: what will be done, and what it costs. `client` throws a sentence where the model's place is not found. */
export function outputIntroduction(
  checked: CheckedPayload,
  client: () => ModelClient,
  trans: Translate
): readonly HTMLElement[] {
  const cost = element('p', { class: 'jp-orrery-hint jp-mod-before' });
  void tellCost(checked, client, trans)
    .catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
    .then(words => (cost.textContent = words));
  return [
    element('p', {}, checked.analysis.description),
    ...specLines(checked).map(line => element('div', { class: 'jp-orrery-spec' }, line)),
    cost,
    theoryCardNode(theoryCard(checked.analysis.family), trans)
  ].filter(node => node !== undefined);
}

async function tellCost(
  { analysis, payload }: CheckedPayload,
  client: () => ModelClient,
  trans: Translate
): Promise<string> {
  const found = client();
  if (found.state !== 'open') {
    return trans.__('The model is not open yet: it is read first, into a worker of its own in this page.');
  }
  return costWords(await found.cost(analysis.id, payload.spec), trans);
}
