/** Python, Ruby and PHP: installed and required packages. */
import { describe, expect, it } from 'vitest';
import { proofOf } from '../scanner.fixture.ts';
import { composerCataloger, composerLockCataloger } from './composer.ts';
import { condaCataloger } from './conda.ts';
import { gemCataloger } from './gem.ts';
import { purlOf } from './purl.ts';
import { pipfileLockCataloger, pythonCataloger, requirementsCataloger } from './python.ts';
import { tomlLockCataloger } from './toml-lock.ts';

const site = 'usr/local/lib/python3.13/site-packages';

describe('Python', () => {
  it.each([
    [
      `${site}/Flask_Login-0.6.3.dist-info/METADATA`,
      'Metadata-Version: 2.1\nName: Flask-Login\nVersion: 0.6.3\nLicense: MIT\n\nVersion: 9 in a description',
      { licences: ['MIT'], needs: [] },
    ],
    [`${site}/a.egg-info/PKG-INFO`, 'Name: Flask-Login\r\nVersion: 0.6.3\r\n\r\nLicense: none', {}],
    [`${site}/a-1.0-py3.13.egg-info`, 'Name: Flask-Login\nVersion: 0.6.3\nLicense: UNKNOWN\n', {}],
    [
      `${site}/a.egg/EGG-INFO/PKG-INFO`,
      `Name: Flask-Login\nVersion: 0.6.3\nLicense: ${'text '.repeat(80)}\n`,
      {},
    ],
  ])('%s proves a distribution', async (path, text, stated) => {
    const proof = await proofOf(pythonCataloger, path, text);
    expect(proof?.packages).toEqual([
      { ecosystem: 'pypi', name: 'Flask-Login', version: '0.6.3', ...stated },
    ]);
  });

  it.each([
    ['src/METADATA', 'Name: x\nVersion: 1\n'],
    [`${site}/x.dist-info/RECORD`, 'Name: x\nVersion: 1\n'],
  ])('%s does not', async (path, text) => {
    expect(await proofOf(pythonCataloger, path, text)).toBeUndefined();
  });

  it('without a name or version is a gap', async () => {
    expect((await proofOf(pythonCataloger, `${site}/x.dist-info/METADATA`, 'Name: x\n'))?.gaps).toHaveLength(
      1,
    );
  });

  it.each([
    ['License-Expression: MIT OR ISC\nLicense: BSD', ['MIT OR ISC']],
    ['Classifier: License :: OSI Approved\nClassifier: Topic :: x', undefined],
    [
      'License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\nClassifier: License :: Public Domain',
      ['MIT License', 'Public Domain'],
    ],
  ])('states its licences: %j', async (fields, licences) => {
    const text = `Name: a\nVersion: 1\n${fields}\n\nClassifier: License :: no`;
    const proof = await proofOf(pythonCataloger, `${site}/a.dist-info/METADATA`, text);
    expect(proof?.packages?.[0]?.licences).toEqual(licences);
  });

  it.each([
    ['Author: A\nAuthor-email: a@example.org', 'A <a@example.org>'],
    ['Author-email: A <a@example.org>', 'A <a@example.org>'],
    ['Author: A\nAuthor-email: A <a@example.org>', 'A'],
    ['Author: UNKNOWN\nMaintainer: B', 'B'],
    ['Summary: x', undefined],
  ])('states its author: %j', async (fields, supplier) => {
    const text = `Name: a\nVersion: 1\n${fields}\n`;
    const proof = await proofOf(pythonCataloger, `${site}/a.dist-info/METADATA`, text);
    expect(proof?.packages?.[0]?.supplier).toBe(supplier);
  });

  it('states its needs: always, on some systems, but not for an extra alone', async () => {
    const text = [
      'Name: requests',
      'Version: 2',
      'Requires-Dist: charset_normalizer<4,>=2',
      'Requires-Dist: urllib3[a,b] (>=1.21)',
      'Requires-Dist: PySocks!=1.5.7,>=1.5.6; extra == "socks"',
      'requires-dist: colorama ; sys_platform == "win32"',
      'Requires-Dist: x @ https://example.org/x.whl',
      'Requires-Dist: $nothing',
      '',
      'Requires-Dist: no',
    ].join('\n');
    const proof = await proofOf(pythonCataloger, `${site}/requests-2.dist-info/METADATA`, text);
    expect(proof?.packages?.[0]?.needs).toEqual(['charset_normalizer', 'urllib3', '?colorama', 'x']);
  });

  it('counts requirements that pin one version', async () => {
    const text = `# comment
flask==3.0.0
requests[socks] == 2.32.3 ; python_version > "3.8"
Django===4.2.1 --hash=sha256:abc
numpy==1.26.4 \\
    --hash=sha256:abc
pandas>=2.0
-r other.txt
urllib3 == 2.*
git+https://example.org/x.git@main
`;
    const proof = await proofOf(requirementsCataloger, 'app/requirements-prod.txt', text);
    expect(proof?.packages?.map(({ name, version }) => `${name} ${version}`)).toEqual([
      'flask 3.0.0',
      'requests 2.32.3',
      'Django 4.2.1',
      'numpy 1.26.4',
    ]);
    expect(proof?.wishedFor).toBe('');
    expect(await proofOf(requirementsCataloger, `${site}/x/requirements.txt`, text)).toBeUndefined();
  });
});

describe('Ruby', () => {
  it.each([
    ['# -*- encoding: utf-8 -*-\n# stub: rack 3.1.8 ruby lib\n\nGem::Specification.new', 'rack', '3.1.8', []],
    [
      '# stub: nokogiri 1.16.0 x86_64-linux lib\n  s.add_runtime_dependency(%q<racc>.freeze, ["~> 1.4".freeze])\n' +
        '  s.add_dependency(%q<a-b.c>.freeze, [])\n  s.add_development_dependency(%q<rake>.freeze, [])\n',
      'nokogiri',
      '1.16.0',
      ['racc', 'a-b.c'],
    ],
    [
      'Gem::Specification.new do |s|\n  s.name = \'old\'.freeze\n  s.version = Gem::Version.new("1.2")\nend\n',
      'old',
      '1.2',
      undefined,
    ],
  ])('%j proves a gem', async (text, name, version, needs) => {
    const proof = await proofOf(gemCataloger, 'usr/local/bundle/specifications/x.gemspec', text);
    expect(proof?.packages).toEqual([{ ecosystem: 'gem', name, version, needs }]);
  });

  it.each([
    ['s.licenses = ["MIT".freeze, "Ruby".freeze]', ['MIT', 'Ruby']],
    ["s.licenses = ['MIT']", ['MIT']],
    ['s.license = "ISC".freeze', ['ISC']],
    ['s.licenses = []', undefined],
  ])('states its licences: %s', async (line, licences) => {
    const proof = await proofOf(
      gemCataloger,
      'a/specifications/x.gemspec',
      `# stub: a 1 ruby lib\n  ${line}\n`,
    );
    expect(proof?.packages?.[0]?.licences).toEqual(licences);
  });

  it('states its author', async () => {
    const text = '# stub: a 1 ruby lib\n  s.authors = ["Ann O".freeze, "Bob".freeze]\n';
    const proof = await proofOf(gemCataloger, 'a/specifications/x.gemspec', text);
    expect(proof?.packages?.[0]?.supplier).toBe('Ann O');
  });

  it('without content is a gap, and a gem’s own specification is not read', async () => {
    expect((await proofOf(gemCataloger, 'a/specifications/x.gemspec', 'eval(x)'))?.gaps).toHaveLength(1);
    expect(await proofOf(gemCataloger, 'a/gems/x-1/x.gemspec', 's.name = "x"')).toBeUndefined();
  });
});

describe('Composer', () => {
  const packages = [
    {
      name: 'Symfony/Http-Kernel',
      version: 'v6.4.1',
      license: ['MIT', 'GPL-2.0-only'],
      require: { php: '>=8', 'ext-xml': '*', 'Psr/Log': '1' },
    },
    { name: 'x/y' },
    'z',
  ];
  it.each([
    ['2', JSON.stringify({ packages, dev: true })],
    ['1', JSON.stringify(packages)],
  ])('%s lists installed packages', async (_version, text) => {
    const proof = await proofOf(composerCataloger, 'app/vendor/composer/installed.json', text);
    expect(proof?.packages).toEqual([
      {
        ecosystem: 'composer',
        name: 'symfony/http-kernel',
        version: '6.4.1',
        licences: ['MIT or GPL-2.0-only'],
        needs: ['psr/log'],
      },
    ]);
    expect(proof?.gaps).toEqual(['it has a package without name or version']);
  });

  it('lists required packages in its lock', async () => {
    const lock = { packages: packages.slice(0, 1), 'packages-dev': [{ name: 'a/b', version: '1.0.0' }] };
    const proof = await proofOf(composerLockCataloger, 'app/composer.lock', JSON.stringify(lock));
    expect(proof).toMatchObject({
      packages: [{ name: 'symfony/http-kernel', version: '6.4.1' }],
      wishedFor: 'app/vendor/',
    });
    expect(await proofOf(composerLockCataloger, 'app/vendor/x/y/composer.lock', '{}')).toBeUndefined();
  });

  it('hides no package by half of a surrogate pair, which no URL can have', async () => {
    const text = String.raw`{ "packages": [{ "name": "x/y\ud800", "version": "1.0.\udc00" }] }`;
    const proof = await proofOf(composerCataloger, 'app/vendor/composer/installed.json', text);
    expect(proof?.packages?.map((found) => purlOf(found, undefined))).toEqual([
      'pkg:composer/x/y%EF%BF%BD@1.0.%EF%BF%BD',
    ]);
  });
});

describe('a lock file', () => {
  const cases: readonly [string, string, readonly string[]][] = [
    [
      'poetry.lock',
      '# made by Poetry\n\n[[package]]\nname = "requests"\nversion = "2.31.0"\ngroups = ["main", "dev"]\nfiles = [\n    {file = "x"},\n]\n\n' +
        '[package.dependencies]\nversion = ">=1"\n\n[[package]]\nname = "pytest"\nversion = "8.0"\ngroups = ["dev"]\n\n' +
        '[[package]]\nname = "black"\nversion = "22.1"\ncategory = "dev"\n\n[metadata]\nname = "no"\nversion = "1"\n',
      ['pypi requests 2.31.0'],
    ],
    [
      'uv.lock',
      'version = 1\n\n[[package]]\nname = "app"\nsource = { editable = "." }\n\n[[package]]\nname = "flask"\r\nversion = "3.0.0"\r\n' +
        'source = { registry = "https://pypi.org/simple" }\n',
      ['pypi flask 3.0.0'],
    ],
    ['pdm.lock', "[[package]]\nname = 'flask'\nversion = '3.0.0'\n", ['pypi flask 3.0.0']],
    [
      'Cargo.lock',
      'version = 4\n\n[[package]]\nname = "app"\nversion = "0.1.0"\ndependencies = [\n "time",\n]\n\n[[package]]\n' +
        'name = "time"\nversion = "0.1.44"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\n',
      ['cargo time 0.1.44'],
    ],
  ];
  it.each(cases)('%s lists required packages', async (base, text, expected) => {
    const proof = await proofOf(tomlLockCataloger, `app/${base}`, text);
    const found = proof?.packages?.map(({ ecosystem, name, version }) => `${ecosystem} ${name} ${version}`);
    expect([found, proof?.wishedFor, proof?.gaps]).toEqual([expected, '', []]);
  });

  it.each([
    [
      'Cargo.lock',
      'source = "x"\ndependencies = [\n "time",\n "libc 0.2.1",\n "cc 1.0.0 (registry+https://x)",\n]\n',
      ['time', 'libc 0.2.1', 'cc 1.0.0'],
    ],
    [
      'uv.lock',
      'dependencies = [\n    { name = "click" },\n    { name = "b", version = "2.0", marker = "x" },\n]\nsdist = { url = "x" }\n',
      ['click', '?b 2.0'],
    ],
    [
      'poetry.lock',
      'files = [\n    {file = "x"},\n]\n\n[package.dependencies]\nclick = ">=8"\ncolorama = {version = "*", markers = "x"}\n\n[package.extras]\nno = ["no"]\n',
      ['click', '?colorama'],
    ],
    ['pdm.lock', 'dependencies = [\n    "click>=8",\n    "b; sys_platform == \'x\'",\n]\n', ['click', '?b']],
  ])('%s lists needs', async (base, fields, needs) => {
    const text = `[[package]]\nname = "a"\nversion = "1.0"\n${fields}\n[[package]]\nname = "z"\nversion = "2.0"\nsource = "x"\n`;
    const proof = await proofOf(tomlLockCataloger, base, text);
    expect(proof?.packages?.map((each) => each.needs)).toEqual([needs, []]);
  });

  it('with a package without a version is a gap', async () => {
    const proof = await proofOf(tomlLockCataloger, 'poetry.lock', '[[package]]\nname = "a"\nversion = 3\n');
    expect(proof).toMatchObject({ packages: [], gaps: ['it has a package without name or version'] });
  });

  it('of Pipenv', async () => {
    const lock = {
      default: { django: { version: '==4.2.1' }, own: { path: '.' }, git: { ref: 'x' } },
      develop: { pytest: { version: '==8.0' } },
    };
    const proof = await proofOf(pipfileLockCataloger, 'app/Pipfile.lock', JSON.stringify(lock));
    expect(proof?.packages).toEqual([{ ecosystem: 'pypi', name: 'django', version: '4.2.1' }]);
  });
});

describe('conda', () => {
  it('lists installed packages', async () => {
    const path = 'opt/conda/conda-meta/openssl-3.0.1-h1.json';
    const text =
      '{"name":"openssl","version":"3.0.1","license":"Apache-2.0","depends":["ca-certificates","libgcc >=12","__glibc >=2"]}';
    const [found] = (await proofOf(condaCataloger, path, text))?.packages ?? [];
    expect(found).toMatchObject({
      ecosystem: 'conda',
      licences: ['Apache-2.0'],
      needs: ['ca-certificates', 'libgcc'],
    });
    expect(found && purlOf(found, undefined)).toBe('pkg:conda/openssl@3.0.1');
    expect((await proofOf(condaCataloger, path, '{"name":"openssl","version":3}'))?.gaps).toHaveLength(1);
  });
});
