let last: Promise<unknown> = Promise.resolve();

/** One drawing a task of the page, in the order asked for: several at once would leave it deaf for as long as all of them take. */
export function inTurn<T>(draw: () => T | Promise<T>): Promise<T> {
  const turn = last.then(() => new Promise<void>(resolve => setTimeout(resolve))).then(draw);
  last = turn.catch(() => undefined);
  return turn;
}
