interface Read {
  readonly ids?: unknown;
}

/** Tokens that a result says it read (its `input`, or the first `clean` prompt); undefined where it names none. */
export function tokenCount(result: unknown): number | undefined {
  const { input, clean } = (result ?? {}) as { readonly input?: Read; readonly clean?: Read };
  const ids = input?.ids ?? clean?.ids;
  return Array.isArray(ids) ? ids.length : undefined;
}
