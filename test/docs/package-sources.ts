/** Stand-ins for npm's registry and PyPI, with the one package each that the pages install, without a network. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { ZipFile } from 'yazl';

export interface PackageSources extends AsyncDisposable {
  /** Environment in which npm and pip use only these. */
  readonly env: Readonly<Record<string, string>>;
}

/** `slugify` of npm and `python-slugify` of PyPI, as far as the pages use them. */
export async function startPackageSources(dir: string): Promise<PackageSources> {
  const wheels = join(dir, 'wheels');
  await mkdir(wheels);
  await writeFile(join(wheels, 'python_slugify-8.0.4-py3-none-any.whl'), await wheel());
  const tarball = await npmTarball();
  const server = createServer((request, response) => {
    const at = `http://${request.headers.host}`;
    if (request.url === '/slugify') response.end(JSON.stringify(packument(at, tarball)));
    else if (request.url === '/slugify.tgz') response.end(tarball);
    else response.writeHead(404).end('{}');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  return {
    env: {
      HOME: dir,
      npm_config_registry: `http://127.0.0.1:${port}/`,
      npm_config_cache: join(dir, 'npm-cache'),
      npm_config_update_notifier: 'false',
      PIP_NO_INDEX: '1',
      PIP_FIND_LINKS: wheels,
      PIP_NO_CACHE_DIR: '1',
      PIP_ROOT_USER_ACTION: 'ignore',
      PIP_DISABLE_PIP_VERSION_CHECK: '1',
    },
    [Symbol.asyncDispose]: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function packument(at: string, tarball: Buffer): object {
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  const version = { name: 'slugify', version: '1.6.6', dist: { tarball: `${at}/slugify.tgz`, integrity } };
  return { name: 'slugify', 'dist-tags': { latest: '1.6.6' }, versions: { '1.6.6': version } };
}

async function npmTarball(): Promise<Buffer> {
  const archive = pack();
  archive.entry(
    { name: 'package/package.json' },
    '{ "name": "slugify", "version": "1.6.6", "main": "slugify.js" }',
  );
  archive.entry(
    { name: 'package/slugify.js' },
    'module.exports = (text, { lower }) => (lower ? text.toLowerCase() : text).match(/\\w+/g).join("-");\n',
  );
  archive.finalize();
  return gzipSync(await buffer(archive));
}

/** Source: PyPA, "Binary distribution format". */
async function wheel(): Promise<Buffer> {
  const info = 'python_slugify-8.0.4.dist-info';
  const files = {
    'slugify/__init__.py':
      'import re\n\n\ndef slugify(text):\n    return "-".join(re.findall(r"\\w+", text.lower()))\n',
    [`${info}/METADATA`]: 'Metadata-Version: 2.1\nName: python-slugify\nVersion: 8.0.4\n',
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
  };
  const record = [...Object.keys(files), `${info}/RECORD`].map((name) => `${name},,\n`).join('');
  const zip = new ZipFile();
  for (const [name, text] of Object.entries({ ...files, [`${info}/RECORD`]: record }))
    zip.addBuffer(Buffer.from(text), name);
  zip.end();
  return buffer(zip.outputStream);
}
