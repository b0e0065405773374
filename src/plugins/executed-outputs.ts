import type { Cell, CodeCell } from '@jupyterlab/cells';
import type { ISignal } from '@lumino/signaling';

type Outputs = CodeCell['model']['outputs'];
type Execution = ISignal<unknown, { readonly cell: Cell }>;

/**
 * The outputs that cells got while the user executed them in this page. What a cell held before, and what reaches it
 * afterwards (another user's edit, an update of a display), is not among them.
 */
export function executedOutputs(scheduled: Execution, executed: Execution): WeakSet<object> {
  const got = new WeakSet<object>();
  const executions = new WeakMap<Outputs, number>();
  const add: Parameters<Outputs['changed']['connect']>[0] = (_, { type, newValues }) => {
    if (type === 'add') {
      newValues.forEach(output => got.add(output));
    }
  };
  scheduled.connect((_, { cell }) => {
    const outputs = outputsOf(cell);
    if (outputs) {
      executions.set(outputs, (executions.get(outputs) ?? 0) + 1);
      outputs.changed.connect(add);
    }
  });
  executed.connect((_, { cell }) => {
    const outputs = outputsOf(cell);
    if (outputs) {
      const left = (executions.get(outputs) ?? 1) - 1;
      executions.set(outputs, left);
      if (left === 0) {
        outputs.changed.disconnect(add);
      }
    }
  });
  return got;
}

/** Undefined for text, and for a cell that was deleted while it ran. */
const outputsOf = (cell: Cell): Outputs | undefined =>
  (cell.model as Partial<CodeCell['model']> | null)?.outputs ?? undefined;
