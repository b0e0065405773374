import type { TableFigure } from '../../figures/figure';
import type { InitialiserList } from '../../worker/protocol';
import { bytesText } from '../bytes-text';
import type { Translate } from '../translate';

/** The file's largest weights: type, shape, size. */
export const weightsTable = ({ tensors, omitted }: InitialiserList, trans: Translate): TableFigure => ({
  kind: 'table',
  title: trans.__('Weights'),
  caption: omitted
    ? trans._n('Largest first; %1 smaller one is left out.', 'Largest first; %1 smaller ones are left out.', omitted)
    : trans.__('All of the graph’s initialisers, largest first.'),
  alt: trans._n('The largest weight.', 'The %1 largest weights.', tensors.length),
  corner: trans.__('tensor'),
  columns: [{ label: trans.__('type') }, { label: trans.__('shape') }, { label: trans.__('size'), align: 'end' }],
  rows: tensors.map(({ name, type, shape, bytes }) => ({
    label: name,
    cells: [
      { text: type ?? '–' },
      { text: shape ? `[${shape.join(', ')}]` : '–' },
      { text: bytes === undefined ? '–' : bytesText(bytes) }
    ]
  }))
});
