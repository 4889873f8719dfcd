/** Schema of volumes; see `src/db/tables`. */
export const sql = ``;
