/** placeholder until written */
import type { SandboxPolicy } from '../policy.ts';
import type { OciSpec } from './oci.ts';
export interface ValidationContext {
  readonly instancePath: string;
  readonly policy: SandboxPolicy;
}
export function validateSpec(_spec: OciSpec, _context: ValidationContext): void {}
