/** Major version in a MIME type of ours, 'application/vnd.orrery.v1+json' → 1; undefined for other types. */
export function readMajor(mimeType: string): number | undefined {
  const match = /^application\/vnd\.orrery\.v(\d{1,4})\+json$/.exec(mimeType);
  return match ? Number(match[1]) : undefined;
}
