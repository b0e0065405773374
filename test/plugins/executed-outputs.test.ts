import type { Cell } from '@jupyterlab/cells';
import { Signal } from '@lumino/signaling';

import { executedOutputs } from '../../src/plugins/executed-outputs';

type Change = { type: string; newValues: readonly object[] };
type Execution = { cell: Cell };

/** A code cell of which there is no more than its list of outputs. */
function codeCell() {
  const changed = new Signal<object, Change>({});
  const change = (type: string): object => {
    const output = {};
    changed.emit({ type, newValues: [output] });
    return output;
  };
  return { cell: { model: { outputs: { changed } } } as never as Cell, change };
}

function setUp() {
  const scheduled = new Signal<object, Execution>({});
  const executed = new Signal<object, Execution>({});
  return { scheduled, executed, got: executedOutputs(scheduled, executed) };
}

test('what a cell gets while it is executed', () => {
  const { scheduled, executed, got } = setUp();
  const { cell, change } = codeCell();
  const before = change('add');
  scheduled.emit({ cell });
  const during = change('add');
  executed.emit({ cell });
  const after = change('add');
  expect([before, during, after].map(output => got.has(output))).toEqual([false, true, false]);
});

test('outputs made anew, as when a cell becomes trusted, are not new', () => {
  const { scheduled, got } = setUp();
  const { cell, change } = codeCell();
  scheduled.emit({ cell });
  expect(got.has(change('set'))).toBe(false);
});

test('a cell scheduled twice counts until the second execution ends', () => {
  const { scheduled, executed, got } = setUp();
  const { cell, change } = codeCell();
  scheduled.emit({ cell });
  scheduled.emit({ cell });
  executed.emit({ cell });
  expect(got.has(change('add'))).toBe(true);
  executed.emit({ cell });
  expect(got.has(change('add'))).toBe(false);
});

test('other cells are not meant', () => {
  const { scheduled, got } = setUp();
  const [one, other] = [codeCell(), codeCell()];
  scheduled.emit({ cell: one.cell });
  expect(got.has(other.change('add'))).toBe(false);
});

test.each([
  ['text', { model: {} }],
  ['a cell deleted while it ran', { model: null }],
  ['a cell whose outputs are disposed of', { model: { outputs: null } }]
])('%s is passed over', (_, cell) => {
  const { scheduled, executed } = setUp();
  expect(() => {
    scheduled.emit({ cell: cell as never });
    executed.emit({ cell: cell as never });
  }).not.toThrow();
});
