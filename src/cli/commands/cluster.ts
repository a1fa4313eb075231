/** `ward cluster` and `ward node`: identities of the nodes of a cluster; the operator's, on an API node. */
import type { CommandSpec, GroupSpec } from '../command-spec.ts';

const init: CommandSpec = {
  name: 'init',
  summary: 'make the authority of a cluster, once (operator)',
  works: 'local',
  dataFolder: 'changes',
  entry: () => ({ what: 'init-cluster', name: 'authority' }),
  args: [],
  options: [],
  examples: [{ command: 'ward cluster init', does: 'on the first API node; a second call changes nothing' }],
  handler: async () => (await import('../handlers/cluster.ts')).init,
};

const natsConfig: CommandSpec = {
  name: 'nats-config',
  summary: 'print the configuration of nats-server that gives each node its rights (operator)',
  works: 'local',
  dataFolder: 'reads',
  args: [],
  options: [
    { flags: '--listen <ADDRESS>', summary: 'where nats-server listens (0.0.0.0:4222)' },
    { flags: '--folder <DIR>', summary: 'folder of the certificates on that machine (/etc/nats)' },
  ],
  examples: [
    {
      command: 'ward cluster nats-config > nats.conf',
      does: 'lists the nodes that have joined, and those that open tokens name',
    },
    {
      command: 'ward cluster nats-config --folder /etc/nats/ward',
      does: 'with certificates in another folder',
    },
  ],
  handler: async () => (await import('../handlers/cluster.ts')).natsConfig,
};

const natsCertificate: CommandSpec = {
  name: 'nats-certificate',
  summary: 'write a key and a certificate for a server of NATS (operator)',
  works: 'local',
  dataFolder: 'reads',
  entry: (input) => ({ what: 'issue-certificate', name: input.rest(0).join(' ') }),
  args: [{ name: '<host...>', summary: 'names and addresses by which nodes reach it' }],
  options: [{ flags: '--out <DIR>', summary: 'folder for nats.pem, nats.key and authority.pem (.)' }],
  examples: [
    {
      command: 'ward cluster nats-certificate nats1.example.com 10.0.0.5 --out nats1',
      does: 'for one server; it is valid for a year',
    },
  ],
  handler: async () => (await import('../handlers/cluster.ts')).natsCertificate,
};

const token: CommandSpec = {
  name: 'token',
  summary: 'make a token with which nodes can join the cluster, and show it once (operator)',
  works: 'local',
  dataFolder: 'changes',
  args: [],
  options: [
    { flags: '--role <ROLE>', summary: 'what the node will do (invoker)', choices: ['api', 'invoker'] },
    { flags: '--name <NAME>', summary: 'the only name that the node may take (any)' },
    { flags: '--uses <N>', summary: 'how many nodes may join with it, at most 1000 (1)' },
    { flags: '--ttl <PERIOD>', summary: 'when the token expires: 30m, 1h, at most 7d (1h)' },
  ],
  examples: [
    { command: 'ward node token --role invoker --ttl 1h', does: 'for one invoker, which chooses its name' },
    { command: 'ward node token --uses 20 --ttl 1d', does: 'for all nodes of a group, or of a DaemonSet' },
    {
      command: 'ward node token --role api --name api-2 -q -o name',
      does: 'prints only the token, for a script',
    },
  ],
  handler: async () => (await import('../handlers/cluster.ts')).token,
};

const tokens: CommandSpec = {
  name: 'tokens',
  summary: 'list the tokens with which nodes can still join, without their secrets (operator)',
  works: 'local',
  dataFolder: 'reads',
  args: [],
  options: [],
  examples: [
    { command: 'ward node tokens', does: 'shows how many nodes have joined with each, and until when' },
  ],
  handler: async () => (await import('../handlers/cluster.ts')).tokens,
};

const revokeToken: CommandSpec = {
  name: 'revoke-token',
  summary: 'let no further node join with a token; those that have joined stay (operator)',
  works: 'local',
  dataFolder: 'changes',
  args: [{ name: '<id>', summary: 'id of the token, from the list' }],
  options: [],
  examples: [{ command: 'ward node revoke-token 3f0c9b4c81d2', does: 'the token stops working at once' }],
  handler: async () => (await import('../handlers/cluster.ts')).revokeToken,
};

const remove: CommandSpec = {
  name: 'remove',
  summary: 'remove a node from the cluster: its certificate is not renewed (operator)',
  works: 'local',
  dataFolder: 'changes',
  args: [{ name: '<name>', summary: 'name of the node' }],
  options: [],
  examples: [
    {
      command: 'ward node remove invoker-3',
      does: 'then renew the configuration of NATS, which ends its connection',
    },
  ],
  handler: async () => (await import('../handlers/cluster.ts')).remove,
};

const list: CommandSpec = {
  name: 'list',
  summary: 'list the nodes of the cluster, with their state and load (operator)',
  works: 'local',
  dataFolder: 'reads',
  args: [],
  options: [],
  examples: [
    { command: 'ward node list', does: 'as servers heard them last; works while no server runs' },
    { command: 'ward node list -o json', does: 'with all figures, for a program' },
  ],
  handler: async () => (await import('../handlers/nodes.ts')).list,
};

const show: CommandSpec = {
  name: 'show',
  summary: 'show all that a node says of itself (operator)',
  works: 'local',
  dataFolder: 'reads',
  args: [{ name: '<name>', summary: 'name of the node' }],
  options: [],
  examples: [{ command: 'ward node show invoker-3', does: 'also its memory, and by which policy it judges' }],
  handler: async () => (await import('../handlers/nodes.ts')).show,
};

const drain: CommandSpec = {
  name: 'drain',
  summary: 'let a node take no new work, and wait until it has finished what it has (operator)',
  works: 'local',
  dataFolder: 'changes',
  args: [{ name: '<name>', summary: 'name of the node' }],
  options: [
    { flags: '--undo', summary: 'let it take work again' },
    { flags: '--no-wait', summary: 'give the order and do not wait' },
  ],
  examples: [
    { command: 'ward node drain invoker-3', does: 'before an upgrade; it stays drained when it restarts' },
    { command: 'ward node drain invoker-3 --undo', does: 'afterwards' },
  ],
  handler: async () => (await import('../handlers/nodes.ts')).drain,
};

export const clusterGroup: GroupSpec = {
  name: 'cluster',
  summary: 'the authority of a cluster, and the rights of its nodes on the bus',
  commands: [init, natsConfig, natsCertificate],
};

export const nodeGroup: GroupSpec = {
  name: 'node',
  summary: 'nodes of a cluster',
  commands: [list, show, drain, token, tokens, revokeToken, remove],
};
