/** Schema of containers; see `src/db/tables`. */
export const sql = ``;
