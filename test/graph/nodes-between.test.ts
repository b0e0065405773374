import { nodesBetween } from '../../src/graph/nodes-between';
import { graphOf } from './graph';

const outputs = (graph: ReturnType<typeof graphOf>, from: readonly string[], to: readonly string[]): string[] =>
  nodesBetween(graph, from, to).map(node => node.outputs.join());

test('what makes one tensor of another, in order, with its constants and without what comes from elsewhere', () => {
  const graph = graphOf(
    ['x', 'mask'],
    [
      'Relu x -> stream',
      'Not mask -> hidden',
      'Constant  -> w',
      'Cast w -> weight',
      'Sigmoid stream -> aside',
      'MatMul stream,weight -> product',
      'Add product,hidden -> out',
      'Add out,aside -> after'
    ],
    ['after']
  );
  expect(outputs(graph, ['stream'], ['out'])).toEqual(['w', 'weight', 'product', 'out']);
  expect(outputs(graph, ['x', 'mask'], ['out'])).toEqual(['stream', 'hidden', 'w', 'weight', 'product', 'out']);
  expect(outputs(graph, ['stream'], ['stream'])).toEqual([]);
});

test('nodes that stand in no order come in the order in which they run', () => {
  const graph = graphOf(['x'], ['Neg b -> c', 'Relu a -> b', 'Abs x -> a'], ['c']);
  expect(outputs(graph, ['x'], ['c'])).toEqual(['a', 'b', 'c']);
});
