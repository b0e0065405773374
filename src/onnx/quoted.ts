const MOST = 120;

/** A name from a file as it stands in a message: in quotes, on one line, cut at 120 characters. */
export const quoted = (name: string): string => {
  const line = name.replace(/\p{C}/gu, '\ufffd');
  return line.length > MOST ? `'${line.slice(0, MOST)}…'` : `'${line}'`;
};
