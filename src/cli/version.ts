/** Of package.json; a test compares them. A bundle in a wheel has no package.json beside it. */
export const VERSION = '0.1.0';
