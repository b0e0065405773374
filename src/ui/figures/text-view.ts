import type { TextFigure } from '../../figures/figure';
import { element } from '../element';
import type { View } from './view';

export function textView({ lines }: TextFigure): View {
  return {
    node: element('pre', { class: 'jp-orrery-text' }, lines.join('\n')),
    recolour: () => undefined,
    dispose: () => undefined
  };
}
