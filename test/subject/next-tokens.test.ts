import { join } from 'node:path';

import { folderFiles } from '../../src/cli/folder-files';
import { createNodeRuntime } from '../../src/runtime/node';
import { nextCandidates } from '../../src/subject/generate/next-candidates';
import type { NextAsk } from '../../src/subject/generate/next-tokens';
import { nextTokens } from '../../src/subject/generate/next-tokens';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { MODELS, quiet } from './fixture-files';

const LOGITS = Float32Array.of(2.5, -1, 0.25, 2.5, 4, -3.5, 1.75, 0, 3, -0.5, 1, 2);

// As the warpers of temperature, top-k and top-p of transformers 4.57.6 leave it in double precision, nine digits.
test.each([
  [{ temperature: 1, topK: 0, topP: 1 }, [4, 8, 0, 3, 11, 6, 10, 2, 7, 9, 1, 5], [0.46191622, 0.169929481, 0.10306744]],
  [{ temperature: 0.5, topK: 0, topP: 1 }, [4, 8, 0, 3, 11, 6, 10, 2, 7, 9, 1, 5], [0.788724104, 0.1067422]],
  [{ temperature: 1.7, topK: 4, topP: 1 }, [4, 8, 0, 3], [0.419652746, 0.233035844, 0.173655705, 0.173655705]],
  [{ temperature: 1, topK: 0, topP: 0.8 }, [4, 8, 0, 3], [0.551225446, 0.202784509, 0.122995022, 0.122995022]],
  [{ temperature: 0.7, topK: 6, topP: 0.9 }, [4, 8, 0, 3], [0.678292892, 0.162553595, 0.079576756, 0.079576756]],
  [{ temperature: 2, topK: 0, topP: 0.05 }, [4], [1]]
])('what is drawn from, %j', (choice, ids, probabilities) => {
  const found = nextCandidates(LOGITS, choice);
  expect(found.ids).toEqual(ids);
  // Half of the last of nine digits.
  probabilities.forEach((value, i) => expect(Math.abs(found.probabilities[i] - value)).toBeLessThanOrEqual(1e-9));
  expect(found.probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
});

describe('the next token of a text', () => {
  const ASK: NextAsk = { text: 'the cat sat on the', added: [], most: 3, seed: 0, temperature: 1, topK: 0, topP: 1 };
  const open = async (family: string): Promise<Subject> =>
    openModel(await folderFiles(join(MODELS, family)), createNodeRuntime(), quiet);

  test('the most probable ones in turn are what greedy generation gives', async () => {
    const subject = await open('gpt2-hub');
    const { ids } = subject.tokens!.encode(ASK.text);
    const { ids: greedy } = await subject.generate({ ids: [ids], tokens: 4 }, quiet);
    const added: number[] = [];
    for (const id of greedy[0]) {
      const { candidates, kept, continuation } = await nextTokens(subject, { ...ASK, added }, quiet);
      expect(candidates).toHaveLength(3);
      expect(candidates[0]).toMatchObject({ id, label: subject.tokens!.label(id) });
      expect(kept).toBe(subject.tower.dVocab);
      expect(continuation).toBe(subject.tokens!.decode(added));
      added.push(id);
    }
    await subject.close();
  });

  test('one seed draws one token; another temperature needs no forward', async () => {
    const subject = await open('gpt2-hub');
    const generate = jest.spyOn(subject, 'generate');
    const first = await nextTokens(subject, ASK, quiet);
    expect(await nextTokens(subject, ASK, quiet)).toEqual(first);
    const alone = await nextTokens(subject, { ...ASK, temperature: 0.1, topK: 1 }, quiet);
    expect(alone).toMatchObject({ kept: 1, drawn: first.candidates[0].id });
    expect(alone.candidates[0].probability).toBe(1);
    expect(generate).toHaveBeenCalledTimes(1);
    const drawn = new Set<number>();
    for (let seed = 0; seed < 20; seed++) {
      drawn.add((await nextTokens(subject, { ...ASK, temperature: 2, seed }, quiet)).drawn);
    }
    expect(drawn.size).toBeGreaterThan(5);
    await subject.close();
  });

  test('what reads both ways has none', async () => {
    const subject = await open('bert-hub');
    await expect(nextTokens(subject, ASK, quiet)).rejects.toThrow(/generation impossible/);
    await subject.close();
  });
});
