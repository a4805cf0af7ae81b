export * from "./api.js";
export { type FieldFault, type Input, type Options, ProblemError, type Success } from "./asking.js";
