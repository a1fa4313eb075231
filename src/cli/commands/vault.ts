/** `ward vault`: the keys that encrypt parameters; the operator's, on the machine itself. */
import type { CommandSpec, GroupSpec } from '../command-spec.ts';

const status: CommandSpec = {
  name: 'status',
  summary: 'show the keys that encrypt parameters, and how much each encrypts (operator)',
  works: 'local',
  dataFolder: 'reads',
  args: [],
  options: [],
  examples: [
    { command: 'ward vault status', does: 'shows which key encrypts, and which are still needed' },
    { command: 'ward vault status --data /srv/ward -o json', does: 'of another data folder, as JSON' },
  ],
  handler: async () => (await import('../handlers/vault.ts')).status,
};

const rotate: CommandSpec = {
  name: 'rotate',
  summary: 'create a new key, and encrypt all stored values with it (operator)',
  works: 'local',
  dataFolder: 'changes',
  entry: () => ({ what: 'rotate-vault', name: 'parameters' }),
  args: [],
  options: [
    {
      flags: '--keep-key',
      summary: 'create no new key; only encrypt with the newest key what is encrypted with others',
    },
  ],
  examples: [
    {
      command: 'ward vault rotate',
      does: 'works while the server runs; old keys stay until you remove them',
    },
    { command: 'ward vault rotate --keep-key', does: 'finishes an interrupted rotation' },
  ],
  handler: async () => (await import('../handlers/vault.ts')).rotate,
};

export const vaultGroup: GroupSpec = {
  name: 'vault',
  summary: 'the keys that encrypt parameters',
  commands: [status, rotate],
};
