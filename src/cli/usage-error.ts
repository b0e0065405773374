/** Wrong usage: exit code 2. The message is one line. */
export class UsageError extends Error {}
