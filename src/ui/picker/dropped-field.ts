import type { ModelClient } from '../../worker/client';
import { element } from '../element';
import type { Translate } from '../translate';
import type { ModelField } from './model-field';

/** Which model, where it is a file of this computer: it has no path, outputs name it by its hash. */
export function droppedField(client: ModelClient, trans: Translate, onChange: () => void): ModelField {
  const facts = client.opened?.facts;
  onChange();
  return {
    node: element(
      'div',
      { class: 'jp-orrery-model-field' },
      element('span', { class: 'jp-orrery-model' }, facts?.label ?? trans.__('a dropped file')),
      element(
        'div',
        { class: 'jp-orrery-model-status', role: 'status' },
        trans.__('A file of this computer: outputs name it by its hash, and ask for it when it is not open.')
      )
    ),
    reference: () => facts && { hash: facts.hash },
    client: () => client,
    dispose: () => undefined
  };
}
