const MOST_OF_CAUSE = 200;

/** "Gather node 'wpe': why", as a runtime says it. */
const NODE = /: (\w+ node '[^']{0,200}'): (.+)/;

/**
 * What `run` gives. Where the file's own graph fails on a probe of an allowed size, the model is refused: exporters that trace may
 * leave a size open in the inputs which the graph has fixed. Other errors, cancelling among them, are passed on.
 */
export const orRefuse = async <T>(run: () => Promise<T>, rows: number, length: number): Promise<T> => {
  try {
    return await run();
  } catch (error) {
    const text = error instanceof Error ? error.message : '';
    if (!text.startsWith('run failed')) {
      throw error;
    }
    const [, at = 'its graph', message] = NODE.exec(text) ?? [];
    const cause = message === undefined ? '' : ` (${message.slice(0, MOST_OF_CAUSE).trim()})`;
    throw new Error(
      `model does not run: ${at} fails on ${rows} rows of ${length} tokens, which the file's inputs allow${cause}; if it was traced for one size, export it with open sizes (dynamo=True)`,
      { cause: error }
    );
  }
};
