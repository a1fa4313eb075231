/** Valid settings and manifests, with all of their keys. */
import type { JsonValue } from '../../../src/lib/index.ts';

export const config: JsonValue = {
  listen: '127.0.0.1:3233',
  logLevel: 'info',
  apiHost: 'http://ward.example:3233',
  invoker: {
    memoryMiB: 1024,
    prewarm: [{ kind: 'nodejs:24', memoryMiB: 256, count: 1 }],
    maxQueued: 10,
    keepAliveMs: 1000,
  },
  limits: {
    timeoutMs: { min: 100, max: 300_000, default: 60_000 },
    cpus: { max: 2 },
    codeBytes: '22m',
    list: { default: 30, max: 200 },
    blockingWaitMs: 60_000,
  },
  retention: { maxAgeDays: 7, maxRecordsPerNamespace: 1000, everyMinutes: 10 },
  web: { trustedProxies: ['10.0.0.0/8', '::1'], perAddress: { perSecond: 10, burst: 20 } },
  feeds: { feedsPerNamespace: 10, minCronIntervalMs: 1000 },
  sandbox: {
    runtime: 'crun',
    memory: '256m',
    cpus: 1,
    pidsLimit: 64,
    io: { weight: 100, readBytesPerSecond: '10m' },
    selinuxLabel: 'system_u:system_r:container_t:s0:c1,c2',
    required: ['seccomp', 'cgroups'],
    allow: {
      memory: '1g',
      capabilities: ['CAP_CHOWN'],
      runtimes: ['crun'],
      seccompCalls: ['io_uring_setup'],
      execTmpfs: false,
    },
  },
};

export const manifest: JsonValue = {
  project: {
    name: 'shop',
    inputs: { region: { type: 'string', value: 'eu' } },
    packages: {
      shop: {
        version: '1.0',
        license: 'Apache-2.0',
        public: true,
        inputs: { key: '$KEY', nested: { value: { a: 1 } } },
        annotations: { note: 'x' },
        actions: {
          list: {
            function: 'list.js',
            runtime: 'nodejs:24',
            main: 'main',
            web: true,
            limits: { timeout: 1000, memorySize: 256, cpus: 0.5 },
            inputs: { a: { type: 'integer', default: 1 } },
            include: [['lib/*', 'lib']],
          },
        },
        sequences: { both: { actions: 'list, list', web: 'raw' } },
        triggers: { tick: { feed: '/whisk.system/alarms/alarm', inputs: { cron: '0 * * * *' } } },
        rules: { each: { trigger: 'tick', action: 'list' } },
        dependencies: { utils: { location: '/whisk.system/utils' } },
        apis: { shop: { v1: { '/list': { list: { method: 'get', response: 'http' } } } } },
      },
    },
  },
};

export const seccompProfile: JsonValue = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 1,
  archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
  syscalls: [
    { names: ['read', 'write', 'close'], action: 'SCMP_ACT_ALLOW' },
    {
      names: ['clone', 'socket'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, value: 2_114_060_288, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      excludes: { caps: ['CAP_SYS_ADMIN'], arches: ['s390'] },
    },
    {
      names: ['bpf'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: 38,
      includes: { caps: ['CAP_BPF'], minKernel: '4.8' },
    },
  ],
};

const operation: JsonValue = {
  operationId: 'getBooks',
  'x-openwhisk': {
    namespace: '_',
    package: 'shop',
    action: 'list',
    url: 'https://ward/api/v1/web/_/shop/list.json',
  },
  responses: { default: { description: 'ok' } },
};

export const apiDocument: JsonValue = {
  swagger: '2.0',
  info: { title: 'Books', version: '1' },
  basePath: '/club',
  paths: {
    '/books/{id}': {
      get: operation,
      post: operation,
      parameters: [{ name: 'id', in: 'path', required: true, type: 'string' }],
    },
  },
  'x-ibm-configuration': {
    cors: { enabled: true },
    assembly: {
      execute: [
        {
          'operation-switch': {
            case: [
              {
                operations: ['getBooks'],
                execute: [
                  {
                    'set-variable': {
                      actions: [{ set: 'message.headers.X-Require-Whisk-Auth', value: 's3cret' }],
                    },
                  },
                  {
                    invoke: {
                      'target-url': 'https://ward/api/v1/web/_/shop/list.http$(request.path)',
                      verb: 'keep',
                    },
                  },
                ],
              },
            ],
          },
        },
      ],
    },
  },
};
