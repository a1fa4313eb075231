/** Files that operators and users write: configuration, policies, profiles, rules, manifests, API descriptions. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse } from 'yaml';
import { parsePlainYaml } from '../../../src/cli/plain-yaml.ts';
import { readDeployment, readManifest } from '../../../src/cli/project/manifest.ts';
import { parseWskprops } from '../../../src/cli/wskprops.ts';
import { parseEgress } from '../../../src/egress/index.ts';
import { checkCron, parseCron } from '../../../src/functions/feeds/cron.ts';
import { parseApiDocument } from '../../../src/functions/gateway/api-document.ts';
import { parseNamespaceName } from '../../../src/functions/index.ts';
import { parseAuthorization } from '../../../src/functions/namespaces/keys.ts';
import { defaultPolicy, parsePolicy, rulesFor } from '../../../src/gate/index.ts';
import { readDockerfile } from '../../../src/images/function-images/dockerfile.ts';
import { Fault, isJsonObject, type JsonValue, parseSize } from '../../../src/lib/index.ts';
import { operatorPolicy } from '../../../src/sandbox/index.ts';
import { strictestOf } from '../../../src/sandbox/seccomp/intersect.ts';
import { parseAdvisorySources } from '../../../src/scanner/index.ts';
import { readConfigFile } from '../../../src/server/config/config-file.ts';
import { mutatedJson, mutatedText } from '../hostile.ts';
import { apiDocument, config, manifest, seccompProfile } from '../seeds/settings.ts';
import type { Part, Probe } from '../types.ts';
import { refusesOrAnswers } from '../verdicts.ts';

const own = parseNamespaceName('guest');
const policyText = readFileSync(new URL('../../../policies/gate/default.yaml', import.meta.url), 'utf8');
const policy: JsonValue = {
  ...parse(policyText),
  overrides: [
    { namespaces: ['team-*'], stages: ['push'], rules: { malware: { action: 'warn', ids: { a: 'allow' } } } },
  ],
};
const egress: JsonValue = [
  { host: '*.example.com', ports: [443] },
  { cidr: '2001:db8::/32', protocol: 'udp' },
];
const sources: JsonValue = parse(
  readFileSync(new URL('../../../policies/advisories/sources.yaml', import.meta.url), 'utf8'),
);

const crons = [
  '0 0 * * * *',
  '*/5 * * * *',
  '@daily',
  '0 0 29 2 *',
  '0 30 9-17/2 L * 1#2',
  '59 59 23 31 12 7',
];
const dockerfiles = [
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the file's
  'FROM nodejs:24 AS build\nARG A=1\nCOPY --chown=1:1 . /app\nRUN ["npm", "ci"]\nENV A=${A:-b} \\\n  B="c d"\nCMD ["/run"]\n',
];
const properties = ['APIHOST=http://127.0.0.1:3233\nAUTH=a:b\n# a remark\nNAMESPACE=_\n'];
const sizes = ['22m', '1.5GiB', '512', '10 kB'];
const keys = [
  `Basic ${Buffer.from(`${crypto.randomUUID()}:${'x'.repeat(64)}`).toString('base64')}`,
  'Bearer abc',
];

const judge = (text: string) => rulesFor(parsePolicy(text), 'guest', 'push');
const refuse = (what: string) => new Fault('YAML_INVALID', 'invalid', what);

function ofJson(
  target: string,
  seeds: readonly JsonValue[],
  work: (value: JsonValue) => unknown,
): fc.Arbitrary<Probe> {
  return mutatedJson(seeds).map((value) => ({
    target,
    shown: JSON.stringify(value),
    run: () => refusesOrAnswers(() => work(value)),
  }));
}

function ofText(
  target: string,
  seeds: readonly string[],
  work: (text: string) => unknown,
): fc.Arbitrary<Probe> {
  return mutatedText(seeds).map((text) => ({
    target,
    shown: JSON.stringify(text),
    run: () => refusesOrAnswers(() => work(text)),
  }));
}

/** As a JSON file, which is also YAML, and as damaged YAML. */
function ofFile(target: string, folder: string, seed: JsonValue, read: (file: string) => Promise<unknown>) {
  const file = join(folder, `${target.replaceAll(' ', '-')}.yaml`);
  const work = async (text: string) => {
    await writeFile(file, text);
    return read(file);
  };
  return fc.oneof(
    { weight: 3, arbitrary: ofJson(target, [seed], (value) => work(JSON.stringify(value))) },
    { weight: 1, arbitrary: ofText(target, [JSON.stringify(seed, null, 1), 'a: &x [1]\nb: *x\n'], work) },
  );
}

export const settings: Part = {
  name: 'settings',
  share: 12_000,
  needsSandboxes: false,
  async open() {
    const folder = await mkdtemp(join(tmpdir(), 'ward-fuzz-settings-'));
    defaultPolicy();
    return {
      lanes: 1,
      probes: fc.oneof(
        ofJson('policy of the gate', [policy], (value) => judge(JSON.stringify(value))),
        ofText('policy of the gate', [policyText], judge),
        ofFile('configuration', folder, config, async (file) =>
          operatorPolicy((await readConfigFile(file)).sandbox),
        ),
        ofFile('manifest', folder, manifest, readManifest),
        ofFile('deployment file', folder, manifest, readDeployment),
        ofJson('egress', [egress], parseEgress),
        ofJson('seccomp profile', [seccompProfile], (value) =>
          strictestOf([value, value], { extraCalls: ['bpf'], capabilities: [] }),
        ),
        ofJson('API document', [apiDocument], (value) => isJsonObject(value) && parseApiDocument(value, own)),
        ofJson('advisory sources', [sources], (value) => parseAdvisorySources(JSON.stringify(value))),
        ofText('cron', crons, (text) => checkCronOf(text)),
        ofText('Dockerfile', dockerfiles, (text) => readDockerfile(text)),
        ofText('.wskprops', properties, parseWskprops),
        ofText('YAML of the command line', [policyText, 'a: &x 1\nb: *x'], (text) =>
          parsePlainYaml(text, refuse),
        ),
        ofText('size', sizes, parseSize),
        ofText('Authorization', keys, parseAuthorization),
      ),
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
    };
  },
};

function checkCronOf(pattern: string): void {
  parseCron(pattern);
  checkCron(pattern, undefined, Date.now(), { minIntervalMs: 1000, maxPerMinute: 60 });
}
