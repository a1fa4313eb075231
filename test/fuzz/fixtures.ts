/**
 * Entities that are deployed on a server before it is fuzzed, one of each kind, so that inputs have something to hit.
 */
import { gzipSync } from 'node:zlib';
import { digestOf } from '../../src/blobs/index.ts';
import { tarOf } from '../../src/images/images.fixture.ts';
import type { JsonObject, JsonValue } from '../../src/lib/index.ts';

const echo = 'function main(p) { return { body: p }; }';
const node = (code: string, more: JsonObject = {}): JsonObject => ({
  exec: { kind: 'nodejs:24', code },
  ...more,
});
const web = {
  annotations: [
    { key: 'web-export', value: true },
    { key: 'final', value: true },
  ],
};
const sequence = { exec: { kind: 'sequence', components: ['/_/seed', '/_/seed'] } };
const conductor = node('function main(p) { return p.action ? p : { params: p }; }', {
  annotations: [{ key: 'conductor', value: true }],
});

/** Body by name, in an order in which they can be created. */
export const entities: readonly (readonly [path: string, body: JsonObject])[] = [
  [
    'actions/seed',
    node(echo, { parameters: [{ key: 'a', value: 1 }], limits: { timeout: 5000, memory: 128 } }),
  ],
  ['actions/web', node(echo, web)],
  ['actions/fails', node('function main(p) { throw new Error("on purpose") }', web)],
  ['actions/conducts', conductor],
  ['actions/steps', sequence],
  ['packages/box', { publish: true, parameters: [{ key: 'a', value: 1 }] }],
  ['packages/bound', { binding: { namespace: '_', name: 'box' }, annotations: [{ key: 'b', value: [] }] }],
  ['actions/box/inner', node(echo, web)],
  ['triggers/bell', { parameters: [{ key: 'a', value: 1 }] }],
  ['rules/each', { trigger: '/_/bell', action: '/_/seed' }],
];

/** Bodies for all kinds of requests. */
export const bodies: readonly JsonValue[] = [
  ...entities.map(([, body]) => body),
  node('def main(p): return p', {
    exec: { kind: 'python:3.13', code: 'def main(p): return p', main: 'main' },
  }),
  {
    exec: { kind: 'nodejs:24', code: 'UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==', binary: true, main: 'main' },
    version: '1.0.0',
    publish: true,
  },
  {
    exec: { kind: 'blackbox', image: 'guest/app:1', code: 'x' },
    limits: { logs: 1, concurrency: 2, instances: 1, cpus: 0.5, disk: 10 },
  },
  {
    annotations: [
      { key: 'min-warm', value: 1 },
      { key: 'fresh', value: true },
      { key: 'capture-input', value: true },
    ],
  },
  { annotations: [{ key: 'retry', value: { attempts: 2, backoffMs: 10 } }], status: 'inactive' },
  {
    lifecycleEvent: 'CREATE',
    triggerName: '/_/bell',
    authKey: 'a:b',
    cron: '*/10 * * * * *',
    trigger_payload: { a: 1 },
    maxTriggers: 3,
  },
  { lifecycleEvent: 'READ', triggerName: '/_/bell', authKey: 'a:b', minutes: 1, date: 1_900_000_000_000 },
  { status: 'active' },
  { adobe_io_runtime: {} },
  { splunk_hec: { host: 'splunk.example', port: '8088', index: 'main', hec_token: 'x' } },
  {
    apidoc: {
      namespace: '_',
      gatewayBasePath: '/api',
      gatewayPath: '/x/{id}',
      gatewayMethod: 'get',
      id: 'API:_:/api',
      action: {
        name: 'web',
        namespace: '_',
        backendMethod: 'GET',
        backendUrl: 'https://ward/api/v1/web/_/default/web.json',
        authkey: 'a:b',
      },
    },
  },
  { a: 1, nested: { list: [1, 'x', null] } },
  'text',
];

export interface SeededImage {
  readonly manifest: Buffer;
  readonly blobs: readonly Buffer[];
}

export const manifestType = 'application/vnd.oci.image.manifest.v1+json';

/** Pushes an image with one small layer and this content in its one file. The gate allows it. */
export async function seededImage(content = '#!/bin/sh\n'): Promise<SeededImage> {
  const tar = await tarOf([{ name: 'run', mode: 0o755, content }]);
  const layer = gzipSync(tar);
  const config = Buffer.from(
    JSON.stringify({
      ...{
        architecture: process.arch === 'x64' ? 'amd64' : process.arch,
        os: 'linux',
        config: { Cmd: ['/run'] },
      },
      rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
    }),
  );
  const described = (bytes: Buffer, mediaType: string) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const manifest = Buffer.from(
    JSON.stringify({
      ...{ schemaVersion: 2, mediaType: manifestType },
      config: described(config, 'application/vnd.oci.image.config.v1+json'),
      layers: [described(layer, 'application/vnd.oci.image.layer.v1.tar+gzip')],
    }),
  );
  return { manifest, blobs: [layer, config] };
}
