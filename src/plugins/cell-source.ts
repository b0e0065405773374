import type { CodeCell } from '@jupyterlab/cells';
import type { Widget } from '@lumino/widgets';

import type { CellSource } from '../ui/edit-output';

/** The source of the code cell that a widget is drawn in; undefined elsewhere (a view of an output, a console's history). */
export function cellSource(widget: Widget): CellSource | undefined {
  for (let parent = widget.parent; parent; parent = parent.parent) {
    const { model } = parent as unknown as { readonly model?: CodeCell['model'] | null };
    if (parent.hasClass('jp-CodeCell') && model) {
      const { sharedModel } = model;
      return { get: () => sharedModel.getSource(), set: text => sharedModel.setSource(text) };
    }
  }
  return undefined;
}
