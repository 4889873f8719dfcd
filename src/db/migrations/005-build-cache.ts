/** Schema of build-cache; see `src/db/tables`. */
export const sql = ``;
