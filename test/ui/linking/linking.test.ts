import { headsAlone, headsIn, tokenIn } from '../../../src/figures/part-names';
import { Linking } from '../../../src/ui/linking/linking';
import type { Selection } from '../../../src/ui/linking/selection';
import { NOTHING, isSameToken } from '../../../src/ui/linking/selection';

const head = (layer: number, number: number): Selection => ({ heads: [{ layer, head: number }], tokens: [] });
const token = (position: number, text: string): Selection => ({ heads: [], tokens: [{ position, text }] });
const me = {};

/** A state whose frames are drawn by hand. */
const state = () => {
  const frames: (() => void)[] = [];
  const linking = new Linking(draw => void frames.push(draw));
  const told: Selection[] = [];
  linking.follow(({ shown }) => void told.push(shown));
  const frame = (): void => frames.splice(0).forEach(draw => draw());
  return { linking, told, frame, frames };
};

describe('names of parts', () => {
  test.each([
    ['L1H3', [[1, 3]]],
    [
      'L0H0 → L10H31',
      [
        [0, 0],
        [10, 31]
      ]
    ],
    ['L1H3 from 4 cat', [[1, 3]]],
    ['L1N3', []],
    ['XL1H3', []],
    ['L1H3x', []],
    ['L12345H1', []],
    ['layer 1', []]
  ])('%s', (name, places) => {
    expect(headsIn(name).map(place => [place.layer, place.head])).toEqual(places);
  });

  test('a cell names heads only where it says nothing else', () => {
    expect(headsAlone('L1H3, L0H2')).toHaveLength(2);
    expect(headsAlone('of L1H3')).toEqual([]);
    expect(headsAlone(`L1H3${' L1H3'.repeat(1e6)}`)).toHaveLength(headsIn('L1H3 '.repeat(80)).length);
  });

  test('a token’s label has its place', () => {
    expect(tokenIn('4 ·cat')).toEqual({ position: 4, text: '·cat' });
    expect(tokenIn('4 a b\n')).toEqual({ position: 4, text: 'a b\n' });
    expect(['4', 'cat', '4cat', '-1 cat'].map(tokenIn)).toEqual([undefined, undefined, undefined, undefined]);
  });

  test.each([
    ['cat', 'cat', true],
    ['cat', 'dog', false],
    ['cat/dog', 'dog', true],
    ['/', '/', true],
    ['/', 'a/b', false],
    ['interpretabi…', 'interpretability', true],
    ['…', 'cat', false]
  ])('%s and %s', (a, b, same) => {
    expect(isSameToken({ position: 2, text: a }, { position: 2, text: b })).toBe(same);
    expect(isSameToken({ position: 2, text: a }, { position: 3, text: b })).toBe(false);
  });
});

describe('what outputs share', () => {
  test('pointing is told once a frame, with the last place', () => {
    const { linking, told, frame, frames } = state();
    linking.point(head(0, 1));
    linking.point(head(0, 2));
    expect(told).toEqual([]);
    expect(frames).toHaveLength(1);
    frame();
    expect(told).toEqual([head(0, 2)]);
    linking.point(NOTHING);
    frame();
    expect(told[1]).toEqual(NOTHING);
  });

  test('what is kept stays until it is kept again or let go', () => {
    const { linking, told, frame } = state();
    linking.toggle(head(1, 0), me);
    expect([linking.kept, linking.keeper, told.length]).toEqual([head(1, 0), me, 1]);
    linking.point(head(0, 0));
    frame();
    expect(linking.shown).toEqual(head(1, 0));
    linking.toggle(head(0, 0), me);
    expect(linking.kept).toEqual(head(0, 0));
    linking.toggle(head(0, 0), me);
    expect([linking.kept, linking.keeper]).toEqual([undefined, undefined]);
    linking.toggle(NOTHING, me);
    expect(linking.kept).toBeUndefined();
  });

  test('tokens are pointed at while a head is kept', () => {
    const { linking, frame, told } = state();
    linking.keep(head(1, 0), me);
    linking.point(token(3, 'cat'));
    frame();
    expect(told.at(-1)).toEqual({ heads: [{ layer: 1, head: 0 }], tokens: [{ position: 3, text: 'cat' }] });
  });

  test('one state for a model and a document, given up when nobody follows', async () => {
    const one = Linking.of('a.ipynb', 'sha256:1');
    expect(Linking.of('a.ipynb', 'sha256:1')).toBe(one);
    expect(Linking.of('b.ipynb', 'sha256:1')).not.toBe(one);
    expect(Linking.of('a.ipynb', 'sha256:2')).not.toBe(one);
    const end = one.follow(() => undefined);
    one.keep(head(0, 0), me);
    end();
    const again = one.follow(() => undefined);
    await new Promise(resolve => setTimeout(resolve));
    expect(Linking.of('a.ipynb', 'sha256:1')).toBe(one);
    again();
    await new Promise(resolve => setTimeout(resolve));
    expect(Linking.of('a.ipynb', 'sha256:1')).not.toBe(one);
  });

  test('who begins to follow is told what is kept', () => {
    const { linking } = state();
    linking.keep(head(1, 0), me);
    const marker = jest.fn();
    linking.follow(marker);
    expect(marker).toHaveBeenCalledTimes(1);
  });
});
