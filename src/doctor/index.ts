export { hasProblem, problem, type Check, type CheckStatus } from "./check.ts";
export { Doctor, type Diagnosis, type DoctorOptions } from "./doctor.ts";
