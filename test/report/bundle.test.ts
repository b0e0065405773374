import { JSDOM } from 'jsdom';
import { analyses, findAnalysis } from '../../src/analyses';
import type { BundleOptions } from '../../src/report/bundle';
import { makeBundle } from '../../src/report/bundle';
import { MIME_TYPE } from '../../src/report/payload';
import { validatePayload } from '../../src/report/validate-payload';
import { samplePayload } from './sample';

const HOSTILE = '"><script>alert(1)</script><b>&amp;';
const picture = (kilobytes: number): NonNullable<BundleOptions['pictures']>[number] => ({
  png: 'iVBO'.repeat(250 * kilobytes),
  width: 640,
  height: 320
});

const bytesOf = (data: unknown): number => Buffer.byteLength(JSON.stringify(data));

async function bundle(id: string, options: BundleOptions = {}, label = 'cat'): Promise<ReturnType<typeof makeBundle>> {
  return makeBundle(validatePayload(await samplePayload(id, {}, label)), options);
}

describe('makeBundle', () => {
  test.each(analyses.map(({ id }) => id))('%s: all representations, hostile tokens stay text', async id => {
    const { data, metadata, leftOut } = await bundle(id, { pictures: [picture(10), picture(5)] }, HOSTILE);
    expect(Object.keys(data)).toEqual([MIME_TYPE, 'image/png', 'text/html', 'text/plain']);
    expect(leftOut).toEqual([]);
    expect(bytesOf(data)).toBeLessThan(100_000);
    expect(metadata).toMatchObject({ 'image/png': { width: 640, height: 320, alt: expect.any(String) } });
    const { document } = new JSDOM(String(data['text/html'])).window;
    expect(document.querySelectorAll('script, b, iframe, object').length).toBe(0);
    const allowed = 'div figure img figcaption strong small table caption thead tbody tr th td p details summary'.split(
      ' '
    );
    const names = [...document.body.querySelectorAll('*')].map(element => element.localName);
    expect(names.filter(name => !allowed.includes(name))).toEqual([]);
    const attributes = new Set(
      [...document.body.querySelectorAll('*')].flatMap(element => element.getAttributeNames())
    );
    expect([...attributes].filter(name => !'class alt width height src style scope'.split(' ').includes(name))).toEqual(
      []
    );
    expect([...document.images].every(image => image.alt.length > 10 && image.alt.length <= 250)).toBe(true);
    const { statement, caveat, references } = findAnalysis(id).theory;
    expect([...document.querySelectorAll('div > details > p')].map(one => one.textContent)).toEqual([
      statement,
      caveat,
      references.join('; ')
    ]);
    const words = String(data['text/plain']);
    expect(words.split('\n').length).toBeLessThanOrEqual(40);
    expect(words).toContain(
      'models/fake @ sha256:000000000000… · seed 3 · float32 · fake-runtime 1.0, 1 thread · orrery 0.1.0'
    );
  });

  test('the page says what was asked: the text also where it is the usual one, other fields where they were chosen', async () => {
    const payload = await samplePayload('attention-patterns', {});
    const page = (spec: object): string =>
      String(makeBundle(validatePayload({ ...payload, spec })).data['text/html']).split('<figure>')[0];
    expect(page({})).toBe('<div class="orrery-output"><p>text: The cat sat on the mat. The cat sat on the</p>');
    expect(page({ text: 'a <b>', layers: [1] })).toBe(
      '<div class="orrery-output"><p>text: a &lt;b&gt;</p><p>layers: [1]</p>'
    );
  });

  test('hostile tokens are read back as they are', async () => {
    const { data } = await bundle('logit-lens', {}, HOSTILE);
    const { document } = new JSDOM(String(data['text/html'])).window;
    expect(document.querySelector('td')?.textContent).toBe('49');
    expect(document.querySelectorAll('th')[1].textContent).toBe(`0 ${HOSTILE}`);
  });

  test.each([
    [290_000, 60, []],
    [170_000, 60, ['pictures after the first']],
    [80_000, 60, ['pictures after the first', 'table rows after the tenth', 'the picture inside the page']],
    [
      30_000,
      60,
      ['pictures after the first', 'table rows after the tenth', 'the picture inside the page', 'the picture']
    ]
  ])('stays within %i bytes with pictures of %i kB', async (budget, kilobytes, leftOut) => {
    const made = await bundle('attention-entropy', { pictures: [picture(kilobytes), picture(kilobytes)], budget });
    expect(made.leftOut).toEqual(leftOut);
    expect(bytesOf(made.data)).toBeLessThanOrEqual(budget);
    for (const what of leftOut) {
      expect(made.data['text/plain']).toContain(what);
      expect(made.data['text/html']).toContain(what);
    }
  });

  test('a result larger than the budget is an error, not a loss', async () => {
    await expect(bundle('head-scores', { budget: 1000 })).rejects.toThrow(
      /^output of head-scores: \d+ bytes are more than the 1000 allowed/
    );
  });

  test('a picture that is not base64 is refused', async () => {
    const bad = { png: '"><script>', width: 1, height: 1 };
    await expect(bundle('head-scores', { pictures: [bad] })).rejects.toThrow('picture of figure 0: not base64');
  });

  test('a spec without result says that it was not run', () => {
    const checked = validatePayload({ analysis: 'logit-lens', model: { path: 'models/tiny' } });
    const { data } = makeBundle(checked);
    expect(Object.keys(data)).toEqual([MIME_TYPE, 'text/plain']);
    expect(data['text/plain']).toMatch(/^Logit lens of models\/tiny: not run yet\. /);
  });

  test('the largest patterns stay within the default budget', async () => {
    const ids = Array.from({ length: 140 }, (_, i) => i);
    const parts = { layers: 30, heads: 9 };
    const payload = await samplePayload('attention-patterns', { ids }, 'token', parts);
    const made = makeBundle(validatePayload(payload), { pictures: [picture(60)] });
    expect(bytesOf(made.data)).toBeLessThanOrEqual(300_000);
  });
});
