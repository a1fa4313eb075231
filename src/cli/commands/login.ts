/** `ward login`, `ward logout`. */
import type { CommandSpec } from '../command-spec.ts';

export const loginCommand: CommandSpec = {
  name: 'login',
  summary: 'log in at the issuer that the server trusts, and store a short key in ~/.wskprops',
  works: 'remote',
  args: [],
  options: [
    { flags: '--issuer <URL>', summary: 'where to log in, if the server has several issuers' },
    { flags: '--namespace <NAME>', summary: 'which namespace, if you may use several' },
    { flags: '--token-file <FILE>', summary: 'exchange the token in this file instead, as pipelines do' },
  ],
  examples: [
    { command: 'ward login', does: 'prints a URL and a code for your browser, and waits' },
    {
      command: 'ward login --apihost https://ward.example.com --namespace shop',
      does: 'uses this server and namespace from now on',
    },
    { command: 'ward login --token-file /run/ci/token', does: 'needs no browser' },
  ],
  handler: async () => (await import('../handlers/login.ts')).login,
};

export const logoutCommand: CommandSpec = {
  name: 'logout',
  summary: 'end the key of ward login and the refresh token at its issuer, and forget both',
  works: 'remote',
  args: [],
  options: [
    {
      flags: '--everywhere',
      summary: 'end all keys that you got by a login, on every machine and in every namespace',
    },
  ],
  examples: [
    { command: 'ward logout', does: 'the key stops working at once' },
    { command: 'ward logout --everywhere', does: 'a lost laptop is logged out too, and its browser' },
  ],
  handler: async () => (await import('../handlers/login.ts')).logout,
};
