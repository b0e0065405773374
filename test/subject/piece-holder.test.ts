import { createPieceHolder } from '../../src/subject/sweeps/piece-holder';

const gate = (): { readonly open: () => void; readonly passed: Promise<void> } => {
  let open = (): void => undefined;
  const passed = new Promise<void>(resolve => (open = resolve));
  return { open, passed };
};

test('of two sweepers the one used last keeps its pieces', async () => {
  const holder = createPieceHolder();
  const dropped: string[] = [];
  const [first, second] = ['first', 'second'].map(name => async () => void dropped.push(name));
  await holder.use(first, async () => 1);
  await holder.use(first, async () => 2);
  expect(dropped).toEqual([]);
  expect(await holder.use(second, async () => 3)).toBe(3);
  expect(dropped).toEqual(['first']);
  await holder.release();
  expect(dropped).toEqual(['first', 'second']);
});

test('one at work lets go when it has done, also when it fails', async () => {
  const holder = createPieceHolder();
  const dropped: string[] = [];
  const [first, second] = ['first', 'second'].map(name => async () => void dropped.push(name));
  const { open, passed } = gate();
  const failing = holder.use(first, async () => {
    await passed;
    throw new Error('cut off');
  });
  await holder.use(second, async () => undefined);
  expect(dropped).toEqual([]);
  open();
  await expect(failing).rejects.toThrow('cut off');
  expect(dropped).toEqual(['first']);
});
