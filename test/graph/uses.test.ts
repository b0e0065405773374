import { body } from '../../src/graph/attributes';
import { makeNode } from '../../src/graph/build';
import { usesOf } from '../../src/graph/uses';
import { graphOf } from './graph';

test('both ends of every edge, a node once for each slot', () => {
  const graph = graphOf(['x'], ['Mul x,x -> y', 'Split y -> a,b', 'Add a,y -> z'], ['z']);
  const uses = usesOf(graph);
  expect(uses.producer('b')).toEqual({ node: graph.nodes[1], index: 1, slot: 1 });
  expect(uses.producer('x')).toBeUndefined();
  expect(uses.consumers('x').map(end => [end.index, end.slot])).toEqual([
    [0, 0],
    [0, 1]
  ]);
  expect(uses.consumers('y').map(end => [end.index, end.slot])).toEqual([
    [1, 0],
    [2, 1]
  ]);
  expect(uses.consumers('z')).toEqual([]);
});

test('an absent input is no tensor', () => {
  const uses = usesOf(graphOf(['x'], ['Clip x,,x -> y'], ['y']));
  expect(uses.consumers('')).toEqual([]);
  expect(uses.consumers('x').map(end => end.slot)).toEqual([0, 2]);
});

test('what sub-graphs take from around them counts, at any depth; what they define does not', () => {
  const inner = graphOf([], ['Add x,own -> i'], ['i']);
  const outer = { ...graphOf([], ['Relu p -> own'], ['j']), nodes: [] as never[] };
  const holder = makeNode('If', ['own'], ['j'], [body('then_branch', inner)]);
  const relu = makeNode('Relu', ['p'], ['own']);
  const node = makeNode('If', ['c'], ['o'], [body('then_branch', { ...outer, nodes: [relu, holder] })]);
  const graph = { ...graphOf(['c', 'x', 'p'], [], ['o']), nodes: [node] };
  const uses = usesOf(graph);
  expect(uses.consumers('x')).toEqual([{ node, index: 0, slot: -1 }]);
  expect(uses.consumers('p')).toHaveLength(1);
  expect(uses.consumers('own')).toEqual([]);
});

test('a tensor made twice is refused', () => {
  expect(() => usesOf(graphOf(['x'], ['Relu x -> y', 'Tanh x -> y'], ['y']))).toThrow(
    "tensor 'y' is made twice: by Relu 'y' and by Tanh 'y'"
  );
});
