/** @jest-environment ./test/jsdom.cjs */
import { listAnalyses } from '../../src/report/list-analyses';
import { analysisList } from '../../src/ui/picker/analysis-list';
import { carriedInput } from '../../src/ui/picker/carried-input';
import { listCosts } from '../../src/ui/picker/list-costs';
import { thumbnail } from '../../src/ui/picker/thumbnail';
import type { OpenedModel } from '../../src/worker/protocol';
import { trans } from './translate';

Element.prototype.scrollIntoView = () => undefined;

test('every analysis has a drawing in the colour of the text', () => {
  for (const entry of listAnalyses()) {
    const node = thumbnail(entry);
    expect(node.childElementCount).toBeGreaterThan(1);
    expect(node.getAttribute('aria-hidden')).toBe('true');
    expect(node.outerHTML).not.toMatch(/#[0-9a-f]{3}|NaN|undefined/);
  }
});

describe('costs on the open model', () => {
  const entries = listAnalyses().slice(0, 4);
  const ids = entries.map(({ id }) => id);
  const client = (refused: string, fails: string) => {
    const asked: string[] = [];
    const cost = async (id: string) => {
      asked.push(id);
      if (id === fails) {
        throw new Error('needs a text');
      }
      return { forwards: asked.length, bytes: 1 };
    };
    return { asked, cost, opened: { refusals: { [refused]: 'why' } } as unknown as OpenedModel };
  };

  test('are asked one after the other; what cannot say it is left out', async () => {
    const told: string[] = [];
    const model = client(ids[1], ids[2]);
    await listCosts(entries, model, new AbortController().signal, id => told.push(id));
    expect(model.asked).toEqual([ids[0], ids[2], ids[3]]);
    expect(told).toEqual([ids[0], ids[3]]);
  });

  test('end with the dialog', async () => {
    const ended = new AbortController();
    const model = client('', '');
    await listCosts(entries, model, ended.signal, () => ended.abort());
    expect(model.asked).toEqual([ids[0]]);
  });

  test('stand beside the title, and go with the model', () => {
    const list = analysisList(entries, trans, () => undefined);
    list.price(ids[0], { forwards: 12, bytes: 5 });
    expect(list.node.textContent).toContain('12 forwards');
    list.price(ids[0], undefined);
    expect(list.node.textContent).not.toContain('forwards');
  });
});

describe('the search', () => {
  const searched = (words: string): string[] => {
    const chosen: string[] = [];
    const list = analysisList(listAnalyses(), trans, ({ id }) => chosen.push(id));
    list.choose('attention-patterns');
    list.search.value = words;
    list.search.dispatchEvent(new Event('input'));
    return chosen.slice(1);
  };

  test('chooses what it finds, by its title first, where it hides what was chosen', () => {
    expect(searched('activation patching')).toEqual(['activation-patching']);
    expect(searched('steering')).toEqual(['steering']);
    expect(searched('lens')).toEqual(['logit-lens']);
  });

  test('keeps what is chosen where that is found, or nothing is', () => {
    expect(searched('attention patterns')).toEqual([]);
    expect(searched('no such words at all')).toEqual([]);
  });
});

test('what was entered to be read goes from one analysis to the next that reads it', () => {
  const entry = (id: string) => listAnalyses().find(one => one.id === id)!;
  const prompts = [{ clean: 'a' }];
  expect(carriedInput({ text: 'a b', layers: [1] }, entry('logit-lens'))).toEqual({ text: 'a b' });
  expect(carriedInput({ prompts, metric: 'kl' }, entry('activation-patching'))).toEqual({ prompts });
  expect(carriedInput({ text: 'a b' }, entry('activation-patching'))).toEqual({});
  expect(carriedInput(undefined, entry('logit-lens'))).toEqual({});
});
