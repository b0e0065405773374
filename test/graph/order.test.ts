import { body } from '../../src/graph/attributes';
import { makeNode } from '../../src/graph/build';
import { topologicalOrder } from '../../src/graph/order';
import { graphOf, linesOf } from './graph';

const LINES = ['Relu x -> a', 'Tanh x -> b', 'Add a,b -> c', 'Neg c -> d', 'Mul c,d -> e'];

const ordered = (lines: readonly string[]): readonly string[] => {
  const graph = graphOf(['x'], lines, ['e']);
  return linesOf({ ...graph, nodes: topologicalOrder(graph.nodes) });
};

test('a list in order comes back in its order', () => {
  expect(ordered(LINES)).toEqual(LINES);
});

test('any order is put right: producers before consumers, nothing lost', () => {
  let seed = 1;
  for (let trial = 0; trial < 50; trial++) {
    const shuffled = [...LINES].sort(() => ((seed = (seed * 48271) % 2147483647) % 2 === 0 ? 1 : -1));
    const made = new Set(['x']);
    const result = ordered(shuffled);
    expect([...result].sort()).toEqual([...LINES].sort());
    for (const line of result) {
      const [, inputs, , outputs] = line.split(' ');
      expect(inputs.split(',').every(name => made.has(name))).toBe(true);
      outputs.split(',').forEach(name => made.add(name));
    }
  }
});

test('what a sub-graph takes comes first', () => {
  const branch = graphOf([], ['Relu late -> i'], ['i']);
  const node = makeNode('If', ['x'], ['e'], [body('then_branch', branch)]);
  const late = makeNode('Tanh', ['x'], ['late']);
  expect(topologicalOrder([node, late])).toEqual([late, node]);
});

test('a cycle is named', () => {
  expect(() => ordered(['Relu x -> a', 'Add a,d -> b', 'Neg b -> c', 'Tanh c -> d', 'Mul d,d -> e'])).toThrow(
    "the graph has a cycle: Add 'b' → Tanh 'd' → Neg 'c' → Add 'b'"
  );
  expect(() => ordered(['Add x,e -> e'])).toThrow("the graph has a cycle: Add 'e' → Add 'e'");
});

test('a chain of 50 000 nodes needs no deep stack', () => {
  const nodes = Array.from({ length: 50_000 }, (_, i) => makeNode('Relu', [`t${i}`], [`t${i + 1}`])).reverse();
  expect(topologicalOrder(nodes)[0].inputs).toEqual(['t0']);
});
