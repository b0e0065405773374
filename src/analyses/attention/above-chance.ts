/** A head is called by a kind where it puts more than this share of what chance leaves free on the kind's places; where chance is small, ARENA's 0.4 of the weight. */
export const CALLED = 0.4;

/** (score − chance) / (1 − chance): 0 of a head that looks at all it sees alike, 1 of one that looks nowhere else. NaN where chance has all. */
export const aboveChance = (score: number, chance: number): number => (score - chance) / (1 - chance);
