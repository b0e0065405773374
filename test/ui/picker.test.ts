/** @jest-environment ./test/jsdom.cjs */
import { listAnalyses } from '../../src/report/list-analyses';
import { analysisList } from '../../src/ui/picker/analysis-list';
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
