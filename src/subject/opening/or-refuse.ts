const MOST_OF_CAUSE = 200;

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
    const [, operator = 'its graph'] = /running (\w+ node)/.exec(text) ?? [];
    const [, name] = /Name:'([^']{1,200})'/.exec(text) ?? [];
    const at = name ? `${operator} '${name}'` : operator;
    const [, message] = /Status Message: (.+)/.exec(text) ?? [];
    const cause = message ? ` (${message.slice(0, MOST_OF_CAUSE).trim()})` : '';
    throw new Error(
      `model does not run: ${at} fails on ${rows} rows of ${length} tokens, which the file's inputs allow${cause}; if it was traced for one size, export it with open sizes (dynamo=True)`,
      { cause: error }
    );
  }
};
