/** What page and worker both know. */

/** The ending of a format's files.
 * @param {string} kind */
export const extensionOf = (kind) => (kind === 'ascii' ? 'ply' : kind.replace(/\d|-.*/g, ''));

/** Files that hold a model. */
export const modelPattern = /\.(ply|spz|splat|sog|glb)$/i;
