/** What the image has to have for the manifests. Building it needs a registry or a mirror, so no test does. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readText } from '../../test/docs/markdown.ts';
import { apiStatefulSet } from '../kubernetes/objects/api.ts';
import { invokerDaemonSet } from '../kubernetes/objects/invoker.ts';
import { wardUser } from '../kubernetes/objects/names.ts';
import { defaultSettings } from '../kubernetes/objects/settings.ts';

const text = readFileSync(join(import.meta.dirname, 'Containerfile'), 'utf8').replaceAll('\\\n', ' ');

test('it installs the programs that the set-up installs, and certificates', () => {
  const source = readText('scripts/setup/system.mjs');
  const [, list = ''] = /^const programs = \[\n([\s\S]*?)^\];$/m.exec(source) ?? [];
  const needed = [...list.matchAll(/package: '([a-z0-9-]+)', why: '(?!tests )/g)].map((match) => match[1]);
  const spread = [...list.matchAll(/package: '([a-z0-9-]+)',\n\s+why: '(?!tests )/g)].map(
    (match) => match[1],
  );
  const [, installed = ''] = /--no-install-recommends([\sa-z0-9-]+)/.exec(text) ?? [];
  expect(needed.length).toBeGreaterThan(5);
  expect(installed.trim().split(/\s+/)).toEqual(
    [...new Set(['apparmor', 'ca-certificates', ...needed, ...spread])].toSorted(),
  );
});

test('it has the user of API nodes', () => {
  expect(text).toContain(`groupadd --gid ${wardUser} ward`);
  expect(text).toContain(`useradd --uid ${wardUser} --gid ward`);
  const { securityContext } = apiStatefulSet(defaultSettings).spec?.template.spec ?? {};
  expect(securityContext).toMatchObject({ runAsUser: wardUser, runAsGroup: wardUser, fsGroup: wardUser });
});

test('it has the runtime images where the invoker copies them from', () => {
  const [images] = invokerDaemonSet(defaultSettings).spec?.template.spec?.initContainers ?? [];
  const [from = '', to = ''] = images?.command?.slice(-2) ?? [];
  expect(text).toMatch(
    new RegExp(`^COPY --from=images --chown=ward:ward oci-layout index.json ${from}/$`, 'm'),
  );
  const [ward] = invokerDaemonSet(defaultSettings).spec?.template.spec?.containers ?? [];
  expect(ward?.env).toContainEqual({ name: 'WARD_IMAGES', value: to });
});
