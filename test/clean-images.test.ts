/**
 * Typical images of Debian's and npm's own packages pass the default policy without any finding. This covers malware,
 * secrets, misconfigurations, gaps and what can't be judged. It leaves out vulnerabilities: real ones come and go with
 * Debian's updates, so the advisories here match nothing that is installed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runInFolder } from '../src/cli/in-process.fixture.ts';
import { tarOf, usualDevices, writeTestImage } from '../src/images/images.fixture.ts';
import { mustRun } from '../src/lib/index.ts';
import { type DebianPackages, fetchDebianPackages } from './debian-packages.ts';
import { root } from './docs/markdown.ts';
import { imagesDir, outsideEnv } from './ward.ts';
import { zip } from './zip.ts';

const system = 'base-files libc6 dash bash coreutils dpkg apt perl-base passwd mount ca-certificates';
const tools = 'curl wget netcat-openbsd openssl';
const ruby = 'libruby3.3 rake bundler ruby-bundler ruby-rubygems';
const rails =
  'rails ruby-rails ruby-railties ruby-actionpack ruby-actionview ruby-activemodel ruby-activerecord ruby-activesupport ' +
  'ruby-rack ruby-mail ruby-mini-mime ruby-nokogiri ruby-i18n ruby-tzinfo ruby-concurrent puma';
const python = 'libpython3.13-minimal libpython3.13-stdlib';
const django =
  'python3-django python3-sqlparse python3-asgiref python3-joblib python3-requests python3-urllib3 python3-jinja2';
const spring =
  'libspring-core-java libspring-beans-java libspring-context-java libspring-aop-java libspring-expression-java ' +
  'libspring-web-java libspring-web-servlet-java libtomcat10-java libjackson2-databind-java libjackson2-core-java ' +
  'libjackson2-annotations-java libcommons-logging-java libyaml-snake-java';
const rust = 'ripgrep fd-find';
const go = 'restic age';
const all = [system, tools, ruby, rails, python, django, spring, rust, go];
const split = (names: string): readonly string[] => names.split(' ');

/** An advisory per ecosystem for a package that is not installed, so that every ecosystem is looked up. */
const advisories = ['Debian:13', 'npm', 'PyPI', 'Maven', 'Go', 'crates.io', 'RubyGems'].map(
  (ecosystem, at) => ({
    id: `TEST-2026-${at}`,
    modified: new Date().toISOString(),
    affected: [
      {
        package: { ecosystem, name: ecosystem === 'Maven' ? 'org.nobody:nothing' : 'nobody-has-this' },
        ranges: [{ type: ecosystem === 'Debian:13' ? 'ECOSYSTEM' : 'SEMVER', events: [{ introduced: '0' }] }],
      },
    ],
  }),
);

const judgedSchema = z.object({
  inventory: z.object({ components: z.array(z.unknown()), gaps: z.array(z.unknown()) }),
  findings: z.array(
    z.object({ class: z.string(), id: z.string(), places: z.array(z.object({ path: z.string() })) }),
  ),
  verdict: z.object({ outcome: z.string(), reasons: z.array(z.unknown()) }),
});

/** Findings that the default policy passes without a warning. */
const unspoken = [
  'shell-in-image',
  'package-manager-in-image',
  'no-health-check',
  'missing-labels',
  'unpinned-base',
];

let folder: string;
let debian: DebianPackages;
let debianRoot: Buffer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-clean-'));
  await writeFile(join(folder, 'osv.ndjson'), advisories.map((each) => `${JSON.stringify(each)}\n`).join(''));
  expect(await ward('advisories', 'import', 'osv.ndjson')).toMatchObject({ code: 0 });
  debian = await fetchDebianPackages(all.flatMap(split));
  if (debian.missing === undefined) debianRoot = await debian.layer(split(`${system} ${tools}`));
});
afterAll(async () => {
  await debian[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function ward(...args: readonly string[]) {
  return runInFolder([...args, '--data', join(folder, 'data')], { cwd: folder, env: outsideEnv() });
}

/** The findings of a scan, in the words that a user would read. */
async function judged(image: string) {
  const { code, stdout, stderr } = await ward('image', 'scan', image, '-o', 'json');
  expect([0, 1], stderr).toContain(code);
  const { inventory, findings, verdict } = judgedSchema.parse(JSON.parse(stdout));
  return {
    components: inventory.components.length,
    said: {
      gaps: inventory.gaps,
      findings: findings
        .filter(({ id }) => !unspoken.includes(id))
        .map((each) => `${each.class} ${each.id} ${each.places.map(({ path }) => path).join(' ')}`),
      ...verdict,
    },
  };
}

const nothing = { gaps: [], findings: [], outcome: 'allow', reasons: [] };

/** An image of these layers on a Debian root, as a user would build it. */
async function image(name: string, ...layers: readonly Buffer[]): Promise<string> {
  const devices = await tarOf(usualDevices);
  await writeTestImage(join(folder, name), {
    tag: 'v1',
    layers: [debianRoot, devices, ...layers],
    packing: 'none',
    user: '1000',
  });
  return `oci:${name}:v1`;
}

/** Layers of an image on top of Debian's root, and the least number of packages that a scan must find in it. */
const applications: readonly (readonly [
  what: string,
  least: number,
  layers: () => Promise<readonly Buffer[]>,
])[] = [
  ['a Debian root', 15, async () => []],
  [
    'Rails, as the image of Ruby has it',
    30,
    async () => [
      await debian.moved(split(`${ruby} ${rails}`), [
        ['usr/lib/ruby', 'usr/local/lib/ruby'],
        ['usr/share/rubygems-integration/all', 'usr/local/bundle'],
      ]),
      await tarOf([
        { name: 'app/Gemfile', content: "gem 'rails'\n" },
        { name: 'app/config/database.yml', content: 'production:\n  url: <%= ENV["DATABASE_URL"] %>\n' },
      ]),
    ],
  ],
  [
    'Django, as pip installs it',
    15,
    async () => [
      await debian.moved(split(`${python} ${django}`), [
        ['usr/lib/python3/dist-packages', 'usr/local/lib/python3.13/site-packages'],
        ['usr/lib/python3.13', 'usr/local/lib/python3.13/lib'],
      ]),
      await tarOf([
        {
          name: 'app/settings.py',
          content: "import os\nSECRET_KEY = os.environ['SECRET_KEY']\nDEBUG = False\n",
        },
      ]),
    ],
  ],
  [
    'Spring, in an executable jar and as jars of Tomcat',
    20,
    async () => {
      const jars = await debian.moved(split(spring), [['usr/share/java', 'usr/local/tomcat/lib']]);
      return [jars, await tarOf([{ name: 'app/app.jar', mode: 0o755, content: await springJar(jars) }])];
    },
  ],
  ['Rust programs', 10, async () => [await debian.moved(split(rust), [['usr/bin', 'usr/local/bin']])]],
  ['Go programs', 16, async () => [await debian.moved(split(go), [['usr/bin', 'usr/local/bin']])]],
  ['a Node.js program with npm packages', 60, async () => [await nodeModules()]],
];

/** An executable jar as Spring Boot packs it: a script, then a zip with the jars uncompressed. */
async function springJar(layer: Buffer): Promise<Buffer> {
  const unpacked = join(folder, 'jars');
  await writeFile(`${unpacked}.tar`, layer);
  await mustRun(['mkdir', unpacked]);
  await mustRun(['tar', '-C', unpacked, '-xf', `${unpacked}.tar`]);
  const lib = join(unpacked, 'usr/local/tomcat/lib');
  const names = (await readdir(lib)).filter((name) => /^(?:spring|jackson|commons).*-\d.*\.jar$/.test(name));
  expect(names.length).toBeGreaterThan(8);
  const entries = names
    .filter((name) => existsSync(join(lib, name)))
    .map((name) => [`BOOT-INF/lib/${name}`, readFileSync(join(lib, name))] as const);
  const archive = await zip({
    'META-INF/MANIFEST.MF':
      'Manifest-Version: 1.0\nMain-Class: org.springframework.boot.loader.JarLauncher\n',
    ...Object.fromEntries(entries),
  });
  return Buffer.concat([Buffer.from('#!/bin/bash\nexec java -jar "$0" "$@"\n'), archive]);
}

/** The packages that this checkout needs to run, and two of its largest development packages. */
async function nodeModules(): Promise<Buffer> {
  const { packages } = z
    .object({ packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })) })
    .parse(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
  const isNeeded = /^node_modules\/(?!node-linux)(?:@[^/]+\/)?[^/]+$/;
  const needed = Object.keys(packages).filter(
    (path) => isNeeded.test(path) && packages[path]?.dev !== true && existsSync(join(root, path)),
  );
  const tar = join(folder, 'modules.tar');
  const developed = ['node_modules/vitest', 'node_modules/fast-check'];
  const flags = ['--owner=0', '--group=0', '--transform=s,^,app/,'];
  await mustRun(['tar', ...flags, '-C', root, '-cf', tar, ...needed, ...developed]);
  return readFileSync(tar);
}

describe('passes without any finding', () => {
  it.for(applications)('%s', async ([what, least, layers], context) => {
    if (debian.missing !== undefined) context.skip(debian.missing);
    const name = what.replaceAll(/\W+/g, '-');
    const { components, said } = await judged(await image(name, ...(await layers())));
    await rm(join(folder, name), { recursive: true });
    expect(said).toEqual(nothing);
    expect(components).toBeGreaterThanOrEqual(least);
  });

  it.for([
    'nodejs:24',
    'nodejs:22',
    'python:3.13',
    'ruby:3.3',
    'java:21',
    'php:8.4',
    'go:1.24',
    'native:13',
    'base:13',
  ])('Ward’s own base %s', async (base, context) => {
    const index = join(imagesDir, 'index.json');
    const isThere = existsSync(index) && readFileSync(index, 'utf8').includes(`"${base}"`);
    if (!isThere) context.skip(`${base} is not in ${imagesDir}`);
    expect((await judged(base)).said).toEqual(nothing);
  });
});
