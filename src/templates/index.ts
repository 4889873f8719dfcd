export { compileTemplate, type Template, type TemplateOptions } from "./evaluate.ts";
export { headerFunctions } from "./functions.ts";
export { escapeHtml, GoStruct, nilList, nilMap, NilPointer, toJson } from "./go-value.ts";
