/** `ward vault`: the keys that encrypt parameters; the operator's, on the machine itself. */
import type { CommandSpec, GroupSpec } from '../command-spec.ts';

const status: CommandSpec = {
  name: 'status',
  summary: 'show the keys that encrypt parameters, and how much each holds (operator)',
  works: 'local',
  args: [],
  options: [],
  examples: [
    { command: 'ward vault status', does: 'which key encrypts, and which are needed still' },
    { command: 'ward vault status --data /srv/ward -o json', does: 'of another server, for a program' },
  ],
  handler: async () => (await import('../handlers/vault.ts')).status,
};

const rotate: CommandSpec = {
  name: 'rotate',
  summary: 'make a new key, and encrypt everything that is kept with it (operator)',
  works: 'local',
  administers: true,
  args: [],
  options: [
    {
      flags: '--keep-key',
      summary: 'make no new key: only encrypt with the newest one what is under others',
    },
  ],
  examples: [
    { command: 'ward vault rotate', does: 'beside a running server; old keys stay until you remove them' },
    { command: 'ward vault rotate --keep-key', does: 'finish a rotation that was interrupted' },
  ],
  handler: async () => (await import('../handlers/vault.ts')).rotate,
};

export const vaultGroup: GroupSpec = {
  name: 'vault',
  summary: 'the keys that encrypt parameters',
  commands: [status, rotate],
};
