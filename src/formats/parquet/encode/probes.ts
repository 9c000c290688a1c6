/**
 * Places of a dictionary's hash table that a new value may find taken before the dictionary counts as crowded and is given up: so
 * that values that were chosen to collide cost no more than others.
 */
export const maxProbes = 64
