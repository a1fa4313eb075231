import { expect, test } from 'vitest';
import { strictPolicy } from './policy.ts';
import { type HostSituation, unmetRequirements } from './requirements.ts';
import { crunFeatures, v1Host, v2Host } from './testing/spec-input.ts';

const good: HostSituation = {
  policy: strictPolicy,
  host: v2Host,
  runtime: crunFeatures,
  hasLandlockLauncher: false,
};
const without = (controller: string) => {
  const controllers = new Map([...v2Host.cgroup.controllers].filter(([name]) => name !== controller));
  return { ...good, host: { ...v2Host, cgroup: { ...v2Host.cgroup, controllers } } };
};
const lsm = {
  landlock: true,
  apparmorProfiles: new Set(['other']),
  apparmorParser: undefined,
  selinux: 'permissive' as const,
};
const requiring = (...required: HostSituation['policy']['required'][number][]): HostSituation => ({
  ...good,
  policy: { ...strictPolicy, required },
});

test('the strict policy asks for nothing that an ordinary host lacks', () => {
  expect(unmetRequirements(good)).toEqual([]);
  expect(unmetRequirements({ ...good, host: v1Host })).toEqual([]);
});

test.each<[string, HostSituation]>([
  ['memory-limit', without('memory')],
  ['cpu-limit', without('cpu')],
  ['pids-limit', without('pids')],
  ['memory-limit', { ...good, host: { ...v2Host, cgroup: { ...v2Host.cgroup, swapLimit: false } } }],
  ['host-isolation', { ...good, host: { ...v2Host, isolated: false } }],
  [
    'user-namespace',
    { ...good, host: { ...v2Host, namespaces: new Set(v2Host.namespaces).difference(new Set(['user'])) } },
  ],
  ['landlock', requiring('landlock')],
  ['apparmor', requiring('apparmor')],
  [
    'apparmor',
    {
      ...requiring('apparmor'),
      host: { ...v2Host, lsm },
      policy: { ...requiring('apparmor').policy, apparmorProfile: 'ward' },
    },
  ],
  ['apparmor', { ...good, policy: { ...strictPolicy, apparmorProfile: 'ward' } }],
  ['selinux', { ...good, policy: { ...strictPolicy, selinuxLabel: 'system_u:system_r:container_t:s0' } }],
  ['selinux', { ...requiring('selinux'), host: { ...v2Host, lsm } }],
  ['io-limit', { ...without('io'), policy: { ...strictPolicy, required: ['io-limit'] } }],
  ['io-limit', { ...good, policy: { ...strictPolicy, runtime: 'runsc', required: ['io-limit'] } }],
  [
    'io-limit',
    { ...good, host: v1Host, policy: { ...strictPolicy, io: { weight: 10 }, required: ['io-limit'] } },
  ],
  [
    'time-namespace',
    { ...good, policy: { ...strictPolicy, runtime: 'runsc', required: ['time-namespace'] } },
  ],
])('%s is reported as missing', (mechanism, situation) => {
  expect(unmetRequirements(situation).map((unmet) => unmet.mechanism)).toEqual([mechanism]);
});

test('a mechanism that isn’t required may be missing', () => {
  expect(unmetRequirements({ ...without('pids'), policy: { ...strictPolicy, required: [] } })).toEqual([]);
});
