import { afterEach, expect, test } from 'vitest';
import type { Violation } from '../violations.ts';
import { type Confined, type DenialWatch, watchDenials } from './denial-watch.ts';

/** Lines of kernel 6.12. */
const file =
  'audit: type=1400 audit(1795543653.201:24): apparmor="DENIED" operation="open" class="file" profile="ward.x.1" name="/secret/key" pid=287 comm="cat" requested_mask="r" denied_mask="r" fsuid=1073807360 ouid=0';
const socket =
  'audit: type=1400 audit(1795543653.301:25): apparmor="DENIED" operation="create" class="net" profile="ward.x.1" pid=290 comm="python3" family="alg" sock_type="seqpacket" protocol=0 requested_mask="create" denied_mask="create"';
const avc =
  'audit: type=1400 audit(1795543653.401:26): avc:  denied  { read } for  pid=288 comm="sh" path="/bin/busybox" scontext=system_u:system_r:container_t:s0:c7,c8 tcontext=system_u:object_r:container_file_t:s0:c1,c2 tclass=file permissive=0';

let watch: DenialWatch | undefined;
afterEach(() => watch?.[Symbol.dispose]());

function start(lines: string[]) {
  const told: [number, Violation][] = [];
  watch = watchDenials({ read: (most) => lines.splice(0, most), [Symbol.dispose]: () => {} });
  const sandbox = (number: number, more: Partial<Confined> = {}): Confined => ({
    profile: 'ward.x.1',
    label: undefined,
    firstId: 2 ** 30 + number * 65_536,
    idCount: 65_536,
    onViolation: (violation) => told.push([number, violation]),
    ...more,
  });
  return { watch, told, sandbox };
}

test('a line about a file belongs to the sandbox that has the user id', () => {
  const { watch, told, sandbox } = start([file]);
  for (const number of [0, 1, 2]) watch.add(sandbox(number));
  watch.look();
  expect(told).toEqual([
    [1, { kind: 'lsm', detail: 'AppArmor: open /secret/key r', at: expect.any(Number) }],
  ]);
});

test('a line without an id belongs to the only sandbox under the profile, or to no sandbox if there are several', () => {
  const { watch, told, sandbox } = start([socket]);
  watch.add(sandbox(0, { profile: 'ward.x.2' }));
  using first = watch.add(sandbox(1));
  watch.look();
  expect(told).toMatchObject([[1, { detail: 'AppArmor: create create alg' }]]);
  expect(first).toBeDefined();
  const several = start([socket]);
  several.watch.add(several.sandbox(1));
  several.watch.add(several.sandbox(2));
  several.watch.look();
  expect(several.told).toEqual([]);
});

test('a label has the categories of one sandbox', () => {
  const { watch, told, sandbox } = start([avc, avc.replace('permissive=0', 'permissive=1')]);
  const label = 'system_u:system_r:container_t:s0:';
  watch.add(sandbox(1, { label: `${label}c1,c2` }));
  watch.add(sandbox(2, { label: `${label}c7,c8` }));
  watch.look();
  expect(told).toMatchObject([[2, { kind: 'lsm', detail: 'SELinux: read /bin/busybox file' }]]);
});

test.each([
  ['a profile that is not Ward’s', file.replace('ward.x.1', 'firefox')],
  ['a user id of nobody', file.replace('1073807360', '1000')],
  ['what AppArmor only tells', file.replace('DENIED', 'ALLOWED')],
  ['a line of something else', 'e1000: link is up'],
])('%s belongs to no sandbox', (_, line) => {
  const { watch, told, sandbox } = start([line]);
  watch.add(sandbox(1));
  watch.look();
  expect(told).toEqual([]);
});

test('a sandbox that is gone gets no reports; a flood is read in parts', () => {
  const lines = Array.from({ length: 1000 }, () => file);
  const { watch, told, sandbox } = start(lines);
  const added = watch.add(sandbox(1));
  watch.look();
  expect(told).toHaveLength(200);
  added[Symbol.dispose]();
  watch.look();
  expect(told).toHaveLength(200);
});
