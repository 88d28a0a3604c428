/** What page and worker both know. */

/** Files that hold a model. */
export const modelPattern = /\.(ply|spz|splat)$/i;
