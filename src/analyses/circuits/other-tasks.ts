/** Lets a cancel be heard between two steps that hold the thread. */
export const otherTasks = (): Promise<void> => new Promise(resolve => setTimeout(resolve));
