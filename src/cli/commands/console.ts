/** `ward console`: the way of operators into the console. */
import type { CommandSpec, GroupSpec } from '../command-spec.ts';

const login: CommandSpec = {
  name: 'login',
  summary:
    'print a URL that logs one browser in to the console as operator, once, within 5 minutes (operator)',
  works: 'local',
  dataFolder: 'changes',
  args: [],
  options: [{ flags: '--url <URL>', summary: 'where your browser reaches Ward (as configured)' }],
  examples: [
    { command: 'ward console login', does: 'open the URL in your browser' },
    {
      command: 'ward console login --url https://ward.example.com -q -o name',
      does: 'prints only the URL, behind a proxy',
    },
  ],
  handler: async () => (await import('../handlers/console.ts')).login,
};

export const consoleGroup: GroupSpec = {
  name: 'console',
  summary: 'the web application at /console/',
  commands: [login],
};
