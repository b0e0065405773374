/** @jest-environment ./test/jsdom.cjs */
import type { Part } from '../../../src/ui/document/model-parts';
import { partFinder } from '../../../src/ui/document/part-finder';
import { trans } from '../translate';

const part = (id: string, hook: string, tensor: string): Part => ({
  id,
  kind: 'mlp',
  label: id,
  title: `Part ${id}`,
  about: '',
  hooks: [{ name: hook, dims: [], shape: [], status: 'verified' } as never],
  tensors: [{ role: 'w', tensor }]
});

function shown() {
  const onFind = jest.fn();
  const parts = [part('a', 'blocks.0.hook_z', 'h.0.weight'), part('b', 'blocks.1.hook_z', 'h.0.weight')];
  const node = partFinder({ parts, trans, onFind });
  const input = node.querySelector('input')!;
  const type = (text: string): void => {
    input.value = text;
    input.dispatchEvent(new Event('input'));
  };
  const enter = (): boolean => input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' }));
  const found = (): unknown[] => onFind.mock.calls.map(([{ id }]) => id);
  return { node, type, enter, found, said: () => node.querySelector('[role=status]')!.textContent };
}

test('a whole name is found at once, in the first part that has it; a piece of one on Enter', () => {
  const { node, type, enter, found, said } = shown();
  expect([...node.querySelectorAll('option')].map(({ value }) => value)).toEqual([
    'blocks.0.hook_z',
    'h.0.weight',
    'blocks.1.hook_z'
  ]);
  type('h.0.weight');
  type('BLOCKS.1');
  expect(found()).toEqual(['a']);
  enter();
  expect(found()).toEqual(['a', 'b']);
  expect(said()).toBe('blocks.1.hook_z: Part b');
});

test('what no name holds is said, and nothing is shown anew', () => {
  const { type, enter, found, said } = shown();
  type('<b>');
  enter();
  expect(found()).toEqual([]);
  expect(said()).toBe('No hook and no tensor of this model has ‘<b>’ in its name.');
  type('');
  enter();
  expect(said()).toBe('');
});
