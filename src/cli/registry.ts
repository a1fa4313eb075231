/** All commands, in the order of the help. */
import type { EntrySpec } from './command-spec.ts';
import { actionGroup } from './commands/action.ts';
import { activationGroup, logsCommand } from './commands/activation.ts';
import { advisoriesGroup } from './commands/advisories.ts';
import { apiGroup } from './commands/api.ts';
import { auditGroup } from './commands/audit.ts';
import { backupCommand, restoreCommand } from './commands/backup.ts';
import { clusterGroup, nodeGroup } from './commands/cluster.ts';
import { consoleGroup } from './commands/console.ts';
import { domainGroup } from './commands/domain.ts';
import { egressGroup } from './commands/egress.ts';
import { fsckCommand } from './commands/fsck.ts';
import { imageGroup } from './commands/image.ts';
import { baseGroup } from './commands/image-build.ts';
import { keyGroup } from './commands/key.ts';
import { loginCommand, logoutCommand } from './commands/login.ts';
import { memberGroup } from './commands/member.ts';
import { migrateCommand } from './commands/migrate.ts';
import { namespaceGroup } from './commands/namespace.ts';
import { packageGroup } from './commands/package.ts';
import {
  completionCommand,
  doctorCommand,
  listCommand,
  statusCommand,
  upCommand,
} from './commands/platform.ts';
import { policyGroup } from './commands/policy.ts';
import { projectGroup } from './commands/project.ts';
import { propertyGroup } from './commands/property.ts';
import { proveCommand } from './commands/prove.ts';
import { ruleGroup } from './commands/rule.ts';
import { sandboxGroup } from './commands/sandbox.ts';
import { triggerGroup } from './commands/trigger.ts';
import { uninstallCommand } from './commands/uninstall.ts';
import { usageCommand } from './commands/usage.ts';
import { vaultGroup } from './commands/vault.ts';
import { vexGroup } from './commands/vex.ts';
import { waiverGroup } from './commands/waiver.ts';

export const entries: readonly EntrySpec[] = [
  upCommand,
  statusCommand,
  doctorCommand,
  proveCommand,
  actionGroup,
  activationGroup,
  logsCommand,
  packageGroup,
  triggerGroup,
  ruleGroup,
  apiGroup,
  domainGroup,
  projectGroup,
  listCommand,
  namespaceGroup,
  keyGroup,
  memberGroup,
  imageGroup,
  baseGroup,
  advisoriesGroup,
  policyGroup,
  waiverGroup,
  vexGroup,
  usageCommand,
  egressGroup,
  auditGroup,
  vaultGroup,
  consoleGroup,
  clusterGroup,
  nodeGroup,
  backupCommand,
  restoreCommand,
  migrateCommand,
  fsckCommand,
  sandboxGroup,
  loginCommand,
  logoutCommand,
  propertyGroup,
  completionCommand,
  uninstallCommand,
];
