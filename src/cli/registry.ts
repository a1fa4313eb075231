/** Every command there is, in the order in which help shows them. */
import type { EntrySpec } from './command-spec.ts';
import { actionGroup } from './commands/action.ts';
import { activationGroup } from './commands/activation.ts';
import { namespaceGroup } from './commands/namespace.ts';
import { completionCommand, doctorCommand, upCommand } from './commands/platform.ts';
import { propertyGroup } from './commands/property.ts';
import { sandboxGroup } from './commands/sandbox.ts';

export const entries: readonly EntrySpec[] = [
  upCommand,
  doctorCommand,
  actionGroup,
  activationGroup,
  namespaceGroup,
  sandboxGroup,
  propertyGroup,
  completionCommand,
];
