/** Debian's rsyslog, which takes messages over TLS and writes them to a file. It is private to its test. */
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand, startCommand } from '../lib/index.ts';
import { makeAuthority } from '../lib/key-pairs.fixture.ts';

/** What rsyslog understood of a message. */
export interface SyslogRecord {
  readonly pri: string;
  readonly time: string;
  readonly app: string;
  readonly id: string;
  /** The structured data, as it came. */
  readonly data: string;
  readonly text: string;
}

export interface Rsyslog extends AsyncDisposable {
  readonly port: number;
  /** Vouches for the address, 127.0.0.1 and localhost; each user can read the file. */
  readonly ca: { readonly file: string; readonly pem: string };
  received(): Promise<readonly SyslogRecord[]>;
}

/** Why it can't run here, or undefined. */
export async function missingForRsyslog(): Promise<string | undefined> {
  const version = await runCommand(['rsyslogd', '-v']).catch(() => undefined);
  const speaksTls = globSync('/usr/lib/*/rsyslog/lmnsd_gtls.so').length > 0;
  return version?.code === 0 && speaksTls ? undefined : 'needs rsyslog and rsyslog-gnutls';
}

/** @param address where it listens */
export async function startRsyslog(address = '127.0.0.1'): Promise<Rsyslog> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'ward-rsyslog-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755);
  const file = (name: string) => join(folder, name);
  await using authority = await makeAuthority();
  const { cert, key } = await authority.issue([address]);
  await writeFile(file('ca.crt'), authority.cert);
  await writeFile(file('server.crt'), cert);
  await writeFile(file('server.key'), key, { mode: 0o600 });
  await writeFile(file('rsyslog.conf'), configuration(address, file));
  const child = startCommand(['rsyslogd', '-n', '-iNONE', '-f', file('rsyslog.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  stack.defer(async () => {
    child.kill();
    await ended;
  });
  const said = child.stderr && text(child.stderr);
  let port = '';
  while (port === '') {
    if (child.exitCode !== null) throw new Error(`rsyslogd ended: ${await said}`);
    await sleep(10);
    port = await readFile(file('port'), 'utf8').catch(() => '');
  }
  const open = {
    port: Number(port),
    ca: { file: file('ca.crt'), pem: authority.cert },
    async received() {
      const lines = await readFile(file('received'), 'utf8').catch(() => '');
      return lines.split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line)));
    },
  };
  const owned = stack.move();
  return { ...open, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** As an administrator would write it. By default, rsyslog cuts messages at 8 KiB. */
function configuration(address: string, file: (name: string) => string): string {
  const fields = { pri: 'pri', app: 'app-name', id: 'msgid', data: 'structured-data', text: 'msg' };
  const properties = Object.entries(fields).map(
    ([field, property]) => `property(outname="${field}" name="${property}" format="jsonf")`,
  );
  return `
global(
  maxMessageSize="128k"
  defaultNetstreamDriver="gtls"
  defaultNetstreamDriverCAFile="${file('ca.crt')}"
  defaultNetstreamDriverCertFile="${file('server.crt')}"
  defaultNetstreamDriverKeyFile="${file('server.key')}"
)
module(load="imtcp" streamDriver.mode="1" streamDriver.authMode="anon")
template(name="json" type="list" option.jsonf="on") {
  property(outname="time" name="timestamp" dateFormat="rfc3339" format="jsonf")
  ${properties.join('\n  ')}
}
ruleset(name="all") {
  action(type="omfile" file="${file('received')}" template="json")
}
input(type="imtcp" address="${address}" port="0" listenPortFileName="${file('port')}" ruleset="all")
`;
}
