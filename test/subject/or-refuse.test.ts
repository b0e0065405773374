import { orRefuse } from '../../src/subject/opening/or-refuse';

const failing = (message: string) => (): Promise<never> => Promise.reject(new Error(message));

test('a graph that fails on its own inputs is refused with the operator, the size and the cause', async () => {
  const said = "run failed in graph 'main_graph': Reshape node '/attn/Reshape_4': the input cannot be reshaped";
  await expect(orRefuse(failing(said), 2, 7)).rejects.toThrow(
    "model does not run: Reshape node '/attn/Reshape_4' fails on 2 rows of 7 tokens, which the file's inputs allow (the input cannot be reshaped); if it was traced for one size, export it with open sizes (dynamo=True)"
  );
});

test('a graph that fails without naming an operator is refused as well', async () => {
  await expect(orRefuse(failing("run failed in graph 'g': bad"), 1, 3)).rejects.toThrow(
    'model does not run: its graph fails on 1 rows of 3 tokens'
  );
});

test('what is no failure of the graph is passed on as it is', async () => {
  const error = new DOMException('cancelled', 'AbortError');
  await expect(orRefuse(() => Promise.reject(error), 2, 7)).rejects.toBe(error);
  await expect(orRefuse(() => Promise.resolve(5), 2, 7)).resolves.toBe(5);
});
