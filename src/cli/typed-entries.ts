/**
 * The records that a typed line needs: those of the command or group that its first word names, so that one command
 * does not cost the loading of all others. Loads all of them for any other word (help, options, a typing error), and
 * for commands that are not listed here.
 */
import type { EntrySpec } from './command-spec.ts';

/** By first word. A test compares it with the registry. */
export const loaders: Readonly<Record<string, () => Promise<EntrySpec>>> = {
  up: async () => (await import('./commands/platform.ts')).upCommand,
  doctor: async () => (await import('./commands/platform.ts')).doctorCommand,
  list: async () => (await import('./commands/platform.ts')).listCommand,
  prove: async () => (await import('./commands/prove.ts')).proveCommand,
  action: async () => (await import('./commands/action.ts')).actionGroup,
  activation: async () => (await import('./commands/activation.ts')).activationGroup,
  logs: async () => (await import('./commands/activation.ts')).logsCommand,
  package: async () => (await import('./commands/package.ts')).packageGroup,
  trigger: async () => (await import('./commands/trigger.ts')).triggerGroup,
  rule: async () => (await import('./commands/rule.ts')).ruleGroup,
  api: async () => (await import('./commands/api.ts')).apiGroup,
  domain: async () => (await import('./commands/domain.ts')).domainGroup,
  project: async () => (await import('./commands/project.ts')).projectGroup,
  namespace: async () => (await import('./commands/namespace.ts')).namespaceGroup,
  image: async () => (await import('./commands/image.ts')).imageGroup,
  backup: async () => (await import('./commands/backup.ts')).backupCommand,
  restore: async () => (await import('./commands/backup.ts')).restoreCommand,
  migrate: async () => (await import('./commands/migrate.ts')).migrateCommand,
  fsck: async () => (await import('./commands/fsck.ts')).fsckCommand,
  base: async () => (await import('./commands/image-build.ts')).baseGroup,
  advisories: async () => (await import('./commands/advisories.ts')).advisoriesGroup,
  policy: async () => (await import('./commands/policy.ts')).policyGroup,
  waiver: async () => (await import('./commands/waiver.ts')).waiverGroup,
  vex: async () => (await import('./commands/vex.ts')).vexGroup,
  audit: async () => (await import('./commands/audit.ts')).auditGroup,
  usage: async () => (await import('./commands/usage.ts')).usageCommand,
  vault: async () => (await import('./commands/vault.ts')).vaultGroup,
  sandbox: async () => (await import('./commands/sandbox.ts')).sandboxGroup,
  uninstall: async () => (await import('./commands/uninstall.ts')).uninstallCommand,
  login: async () => (await import('./commands/login.ts')).loginCommand,
  logout: async () => (await import('./commands/login.ts')).logoutCommand,
  property: async () => (await import('./commands/property.ts')).propertyGroup,
};

export async function entriesFor(argv: readonly string[]): Promise<readonly EntrySpec[]> {
  const [word = ''] = argv;
  const load = Object.hasOwn(loaders, word) ? loaders[word] : undefined;
  return load === undefined ? (await import('./registry.ts')).entries : [await load()];
}
