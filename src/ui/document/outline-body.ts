import type { ModelOutline } from '../../subject/opening/outline-model';
import type { ModelClient } from '../../worker/client';
import { bytesText } from '../bytes-text';
import { element } from '../element';
import type { Translate } from '../translate';
import type { DocumentBody } from './document-body';
import { partBrowser } from './part-browser';

/** What the graph alone says, while the weights are read: the picture, with nothing verified yet. */
export function outlineBody(
  { anatomy, bytes, file }: ModelOutline,
  client: ModelClient,
  trans: Translate
): DocumentBody {
  const parts = partBrowser({ anatomy, label: file, client, trans, chosen: undefined });
  const sizes = anatomy.towers.map(({ name, layers, heads, dModel }) =>
    trans.__('%1 of %2 layers with %3 heads, width %4', name, layers, heads, dModel)
  );
  return {
    node: element(
      'div',
      { class: 'jp-orrery-document-sections' },
      element('p', { class: 'jp-orrery-document-summary' }, [bytesText(bytes), ...sizes].join(' · ')),
      element(
        'p',
        { class: 'jp-orrery-note', role: 'status' },
        trans.__(
          'Read from the graph alone: the weights are still being read, and nothing is verified before the file has run.'
        )
      ),
      parts.node
    ),
    parts,
    recolour: () => undefined,
    dispose: () => parts.dispose()
  };
}
