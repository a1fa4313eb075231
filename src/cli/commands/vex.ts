/** `ward vex`: the operator's statements that vulnerabilities do or do not matter here. */
import type { CommandSpec, GroupSpec } from '../command-spec.ts';

const set: CommandSpec = {
  name: 'set',
  summary: 'replace all VEX documents: on this machine, or on all nodes of a cluster (operator)',
  works: 'local',
  dataFolder: 'changes',
  args: [
    { name: '[path...]', summary: 'files NAME.json, OpenVEX or CycloneDX, or one folder of such files' },
  ],
  options: [{ flags: '--none', summary: 'there are to be no documents any more' }],
  examples: [
    {
      command: 'ward vex set lodash.json',
      does: 'this document alone counts; the audit log has who did it',
    },
    { command: 'ward vex set --none', does: 'no vulnerability is silenced by VEX of the operator any more' },
  ],
  handler: async () => (await import('../handlers/vex.ts')).set,
};

const list: CommandSpec = {
  name: 'list',
  summary: 'list the VEX documents by which the server of this machine goes (operator)',
  works: 'local',
  dataFolder: 'reads',
  args: [],
  options: [],
  examples: [
    { command: 'ward vex list', does: 'shows how many statements each has, and where it is' },
    { command: 'ward vex list -o json', does: 'the same for programs' },
  ],
  handler: async () => (await import('../handlers/vex.ts')).list,
};

export const vexGroup: GroupSpec = {
  name: 'vex',
  summary: 'statements that vulnerabilities do or do not matter here',
  commands: [set, list],
};
