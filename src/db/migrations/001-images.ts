/** Schema of images; see `src/db/tables`. */
export const sql = ``;
