/**
 * What each node may say and hear on the bus, and the configuration with which nats-server enforces it. The last word
 * of a subject is its sender, so a right that ends in the node's own name can't be used in another's name. The subjects
 * are those of `src/dispatch/wire/subjects.ts`, and a test beside that file compares them.
 */
import type { NodeRole } from './node-names.ts';

export interface BusNode {
  readonly name: string;
  readonly role: NodeRole;
}

interface BusRights {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

interface NatsFiles {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

interface NatsConfigOptions {
  /** Its name in the subjects: the setting `cluster.name`. */
  readonly cluster: string;
  readonly nodes: readonly BusNode[];
  /** `HOST:PORT`. */
  readonly listen: string;
  readonly files: NatsFiles;
}

export function busRights(cluster: string, { name, role }: BusNode): BusRights {
  const root = `ward.v1.${cluster}`;
  const common: BusRights = {
    // Reports about itself; what it says to API nodes.
    publish: [`${root}.hb.${role}.${name}`, `${root}.api.*.${name}`],
    // Reports of all nodes; what API nodes say to it alone, and to all invokers.
    subscribe: [`${root}.hb.*.*`, `${root}.inv.${name}.*`, `${root}.all.*`],
  };
  if (role === 'invoker') return common;
  return {
    publish: [...common.publish, `${root}.inv.*.${name}`, `${root}.all.${name}`],
    // What is said to it; what the bus itself says about jobs that no invoker has heard.
    subscribe: [...common.subscribe, `${root}.api.${name}.*`, `${root}.none.${name}.>`],
  };
}

/**
 * A configuration for nats-server 2.10. It knows the nodes by the names in their certificates, and nothing else: a node
 * that is not listed can't connect, even with a valid certificate.
 */
export function natsConfig({ cluster, nodes, listen, files }: NatsConfigOptions): string {
  const lines = [
    `# Cluster ${cluster}, with its ${nodes.length} nodes. Written by: ward cluster nats-config`,
    `listen: ${quoted(listen)}`,
    'tls {',
    `  cert_file: ${quoted(files.certificate)}`,
    `  key_file: ${quoted(files.key)}`,
    `  ca_file: ${quoted(files.authority)}`,
    '  verify_and_map: true',
    '  timeout: 5',
    '}',
    'authorization {',
    '  users: [',
    ...nodes.flatMap((node) => userLines(cluster, node)),
    '  ]',
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

function userLines(cluster: string, node: BusNode): readonly string[] {
  const { publish, subscribe } = busRights(cluster, node);
  const list = (subjects: readonly string[]) => `{ allow: [${subjects.map(quoted).join(', ')}] }`;
  return [
    '    {',
    `      user: ${quoted(`CN=${node.name},O=${node.role}`)}`,
    '      permissions: {',
    `        publish: ${list(publish)}`,
    `        subscribe: ${list(subscribe)}`,
    '      }',
    '    }',
  ];
}

/** Names and subjects have no character that needs an escape; paths are JSON's strings, which NATS reads. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
