/** Schema of networks; see `src/db/tables`. */
export const sql = ``;
