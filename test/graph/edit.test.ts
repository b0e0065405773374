import { body } from '../../src/graph/attributes';
import { createBuilder, makeNode, untyped, valueInfo } from '../../src/graph/build';
import { applyEdits, type Edit } from '../../src/graph/edit';
import { graphOf, linesOf } from './graph';

const base = graphOf(['x'], ['Relu x -> a', 'Add a,x -> b', 'Mul a,b -> c'], ['c']);
const apply = (...edits: readonly Edit[]) => applyEdits(base, edits);
const scale: Edit = { op: 'add-node', node: makeNode('Neg', ['a'], ['n']) };

test('the graph given is not changed', () => {
  const before = linesOf(base);
  apply({ op: 'replace-uses', tensor: 'a', by: 'x' }, { op: 'add-output', info: untyped('b') });
  expect(linesOf(base)).toEqual(before);
  expect(base.outputs).toHaveLength(1);
});

test('uses are replaced before later nodes are added: an intervention', () => {
  const graph = apply({ op: 'replace-uses', tensor: 'a', by: 'n' }, scale);
  expect(linesOf(graph)).toEqual(['Relu x -> a', 'Neg a -> n', 'Add n,x -> b', 'Mul n,b -> c']);
});

test('uses inside sub-graphs are replaced, except where the name is their own', () => {
  const taking = graphOf([], ['Tanh a -> i'], ['a']);
  const owning = graphOf([], ['Tanh x -> a'], ['a']);
  const node = makeNode('If', ['x'], ['c'], [body('then_branch', taking), body('else_branch', owning)]);
  const graph = { ...graphOf(['x'], ['Relu x -> a'], ['c']), nodes: [...base.nodes.slice(0, 1), node] };
  const [taken, owned] = applyEdits(graph, [{ op: 'replace-uses', tensor: 'a', by: 'x' }]).nodes[1].attributes;
  expect(linesOf(taken.g!)).toEqual(['Tanh x -> i']);
  expect(taken.g!.outputs[0].name).toBe('x');
  expect(owned.g).toEqual(owning);
});

test('a renamed tensor can be made again by another node, outputs included', () => {
  const node = makeNode('Neg', ['c_before'], ['c']);
  const graph = apply({ op: 'rename-produced', tensor: 'c', to: 'c_before' }, { op: 'add-node', node });
  expect(linesOf(graph).slice(-2)).toEqual(['Mul a,b -> c_before', 'Neg c_before -> c']);
  expect(graph.outputs.map(info => info.name)).toEqual(['c']);
});

test('an output is added once', () => {
  const graph = apply({ op: 'add-output', info: untyped('b') }, { op: 'add-output', info: untyped('c') });
  expect(graph.outputs.map(info => info.name)).toEqual(['c', 'b']);
});

test('nodes and initialisers are removed, outputs set', () => {
  const graph = apply({ op: 'remove-node', tensor: 'c' }, { op: 'set-outputs', infos: [untyped('b')] });
  expect(linesOf(graph)).toEqual(['Relu x -> a', 'Add a,x -> b']);
});

test.each<[string, readonly Edit[], string]>([
  [
    'an output that nothing makes',
    [{ op: 'add-output', info: untyped('q') }],
    "output unknown: no node of graph 'g' makes 'q'"
  ],
  ['an output left over', [{ op: 'remove-node', tensor: 'c' }], "output unknown: no node of graph 'g' makes 'c'"],
  [
    'a name taken',
    [{ op: 'add-node', node: makeNode('Neg', ['x'], ['a']) }],
    "name taken: 'a' is already a tensor of the graph"
  ],
  [
    'an input taken',
    [{ op: 'add-input', info: valueInfo('x', 'float32') }],
    "name taken: 'x' is already a tensor of the graph"
  ],
  ['an unknown producer', [{ op: 'rename-produced', tensor: 'x', to: 'y' }], "tensor unknown: no node makes 'x'"],
  ['an unknown initialiser', [{ op: 'remove-initializer', name: 'w' }], "initialiser unknown: 'w'"],
  [
    'a cycle',
    [scale, { op: 'replace-uses', tensor: 'x', by: 'n' }],
    "the graph has a cycle: Relu 'a' → Neg 'n' → Relu 'a'"
  ]
])('%s is refused', (_, edits, message) => {
  expect(() => apply(...edits)).toThrow(new Error(message));
});

test("a builder's parts go into a graph under names that are free", () => {
  const build = createBuilder(['Neg', 'x', 'a', 'b', 'c']);
  const first = build.node('Neg', ['a']);
  const [left, right] = build.nodes('Split', [first], 2, [], { hint: 'part' });
  const shape = build.ints([0, -1]);
  expect(build.ints([0, -1])).toBe(shape);
  build.output(valueInfo(build.node('Reshape', [left, shape]), 'float32'));
  const graph = applyEdits(base, build.edits());
  expect(linesOf(graph).slice(3)).toEqual([
    'Neg a -> Neg_1',
    'Split Neg_1 -> part,part_1',
    'Reshape part,ints -> Reshape'
  ]);
  expect(graph.initializers.map(tensor => tensor.name)).toEqual(['ints']);
  expect(graph.outputs.map(info => info.name)).toEqual(['c', 'Reshape']);
  expect(right).toBe('part_1');
});
