/** `ward waiver`: findings that the gate lets pass for a time, with a reason. */
import type { CommandSpec, GroupSpec } from '../command-spec.ts';

const create: CommandSpec = {
  name: 'create',
  summary: 'let a finding pass the gate until a day (operator)',
  works: 'local',
  dataFolder: 'changes',
  args: [
    {
      name: '<finding>',
      summary: 'its id: CVE-2021-23337, an alias or a rule; `gap` for what could not be read',
    },
  ],
  options: [
    { flags: '--reason <TEXT>', summary: 'why it does no harm here (required)' },
    { flags: '--until <DAY>', summary: 'the last day: 2027-01-31, UTC (required)' },
    { flags: '--namespace <NAME>', summary: 'only in this namespace; * stands for any characters' },
    { flags: '--package <PURL>', summary: 'only in this package: pkg:npm/lodash, with or without a version' },
    { flags: '--path <PATH>', summary: 'only in these places; * stands for any characters' },
  ],
  examples: [
    {
      command:
        'ward waiver create CVE-2021-23337 --package pkg:npm/lodash --until 2099-01-31 --reason "no templates"',
      does: 'the audit log has who, and why',
    },
  ],
  handler: async () => (await import('../handlers/waiver.ts')).create,
};

const list: CommandSpec = {
  name: 'list',
  summary: 'list the waivers, also those that are over (operator)',
  works: 'local',
  dataFolder: 'reads',
  args: [],
  options: [],
  examples: [
    {
      command: 'ward waiver list',
      does: 'shows what passes until when, and who let it pass, with the reason',
    },
    { command: 'ward waiver list -o json', does: 'the same for programs' },
  ],
  handler: async () => (await import('../handlers/waiver.ts')).list,
};

const remove: CommandSpec = {
  name: 'delete',
  summary: 'end a waiver (operator)',
  works: 'local',
  dataFolder: 'changes',
  args: [{ name: '<id>', summary: 'its id, from the list' }],
  options: [],
  examples: [
    { command: 'ward waiver delete 9f86d081884c7d65', does: 'what only this let pass is refused again' },
  ],
  handler: async () => (await import('../handlers/waiver.ts')).remove,
};

export const waiverGroup: GroupSpec = {
  name: 'waiver',
  summary: 'findings that the gate lets pass for a time',
  commands: [create, list, remove],
};
