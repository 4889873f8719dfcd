export { errors as trustErrors } from "./errors.ts";
export { type Evidence, type EvidenceSource, fetchEvidence, findDistrust } from "./evidence.ts";
export { readTrustPolicy, requirementsFor, type TrustPolicy } from "./policy.ts";
