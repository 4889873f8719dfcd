export { compileTemplate, type Template, type TemplateOptions } from "./evaluate.ts";
export { headerFunctions, toJson } from "./functions.ts";
