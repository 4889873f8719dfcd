export { type Bindings, type Database, openDatabase } from "./database.ts";
