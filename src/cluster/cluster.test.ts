import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../lib/index.ts';
import { makeAuthority, openAuthority } from './authority.ts';
import { startCluster, type TestCluster } from './cluster.fixture.ts';
import { nodeFile } from './identity.ts';
import { type JoinOptions, joinCluster } from './join.ts';
import { parseToken } from './join-tokens.ts';
import { newNodeKey, newTokenKey, publicDer, signText, tokenKeyId } from './keys.ts';
import { type ClusterDoor, type JoinRequest, joinText, renewalText } from './messages.ts';
import { keepRenewed, renewIdentity } from './renewal.ts';

let cluster: TestCluster;
let other: TestCluster;
let count = 0;

beforeAll(async () => {
  [cluster, other] = await Promise.all([startCluster(), startCluster()]);
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

/** A node that has not joined yet; its name and folder are new. */
function newNode(more: Partial<JoinOptions> = {}): JoinOptions {
  const name = `node-${++count}`;
  return { door: cluster.service, folder: cluster.nodeFolder(name), role: 'invoker', name, ...more };
}

const fault = (code: string, hint: RegExp = /\w/) =>
  expect.objectContaining({ code, hint: expect.stringMatching(hint) });

describe('the authority', () => {
  test('is made once, in a file that only its owner can read', async () => {
    const { authority, isNew } = await makeAuthority(cluster.folder);
    expect(isNew).toBe(false);
    expect(authority.pin).toBe(cluster.authority.pin);
    expect(authority.cluster).toMatch(/^[0-9a-f]{16}$/);
    expect((await stat(join(cluster.folder, 'authority.pem'))).mode & 0o777).toBe(0o600);
    expect((await readdir(cluster.folder)).filter((name) => name.startsWith('.tmp'))).toEqual([]);
  });

  test.each<[string, (file: string) => Promise<unknown>, string]>([
    ['that others can read', (file) => chmod(file, 0o640), 'CLUSTER_FILE_INSECURE'],
    ['that is damaged', (file) => writeFile(file, 'x'), 'CLUSTER_FILE_INVALID'],
    [
      'with a key that is not of the certificate',
      async (file) => {
        const text = await readFile(file, 'utf8');
        const certificate = text.slice(text.indexOf('-----BEGIN CERT'));
        await writeFile(file, newNodeKey().export({ type: 'pkcs8', format: 'pem' }) + certificate);
      },
      'CLUSTER_FILE_INVALID',
    ],
    ['that is missing', (file) => rm(file), 'CLUSTER_MISSING'],
  ])('is refused from a file %s', async (_, damage, code) => {
    const folder = cluster.nodeFolder(`authority-${++count}`);
    await makeAuthority(folder);
    await damage(join(folder, 'authority.pem'));
    expect(() => openAuthority(folder)).toThrow(fault(code));
  });

  test('issues certificates that OpenSSL accepts, with the dates of the database', async ({ skip }) => {
    const openssl = await runCommand(['openssl', 'version']).catch(() => undefined);
    if (openssl?.code !== 0) skip('openssl is not installed');
    const node = newNode({ token: await cluster.token() });
    const { certificate, expiresAt } = await joinCluster(node);
    const now = await cluster.store.members.now();
    expect(expiresAt - now).toBeGreaterThan(24 * 3_600_000 - 30_000);
    const [authorityFile, file] = [join(cluster.folder, 'ca.pem'), join(cluster.folder, 'leaf.pem')];
    await writeFile(authorityFile, cluster.authority.certificate);
    await writeFile(file, certificate);
    const verify = (...words: string[]) =>
      runCommand(['openssl', 'verify', '-x509_strict', ...words, '-CAfile', authorityFile, file]);
    expect(await verify('-purpose', 'sslclient')).toMatchObject({ code: 0 });
    // The certificate of a node opens no port, and certifies nothing.
    expect(await verify('-purpose', 'sslserver')).toMatchObject({ code: 2 });
    expect(new X509Certificate(certificate)).toMatchObject({ ca: false, subjectAltName: undefined });
    const server = await cluster.authority.issue({
      ...{ subject: { commonName: 'nats', organization: 'bus' }, key: newNodeKey(), use: 'server' },
      ...{ from: now, until: now + 1000, hosts: ['nats.example.com', '10.0.0.1', '::1'] },
    });
    expect(new X509Certificate(server).subjectAltName).toBe(
      'DNS:nats.example.com, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
  });
});

describe('a node', () => {
  test('joins once, keeps its identity, and needs the token no more', async () => {
    const node = newNode();
    const token = await cluster.token();
    const identity = await joinCluster({ ...node, token });
    expect(identity).toMatchObject({
      ...{ cluster: cluster.authority.cluster, name: node.name, role: 'invoker' },
      ...{
        authority: cluster.authority.certificate,
        bus: { addresses: 'tls://nats.example.com', cluster: 'ward' },
      },
    });
    expect((await stat(nodeFile(node.folder))).mode & 0o777).toBe(0o600);
    const silent = refusing();
    for (const later of [{ ...node, token }, node, { ...node, name: 'new-host-name' }])
      expect((await joinCluster({ ...later, door: silent })).certificate).toBe(identity.certificate);
  });

  test.each([3_600_000, -3_600_000, 25 * 3_600_000])(
    'that keeps its identity does not start with a clock that is %i ms off',
    async (offMs) => {
      const node = newNode();
      await joinCluster({ ...node, token: await cluster.token() });
      const now = () => Date.now() + offMs;
      await expect(joinCluster({ ...node, now })).rejects.toEqual(fault('NODE_CLOCK_WRONG', /clock/));
    },
  );

  test('sends neither its key nor the token', async () => {
    const sent: JoinRequest[] = [];
    const door = watching((request) => sent.push(request));
    const token = await cluster.token();
    const { key } = await joinCluster(newNode({ door, token }));
    const secret = key.export({ format: 'jwk' }).d ?? 'none';
    const text = JSON.stringify(sent);
    expect(text).toContain(parseToken(token).id);
    for (const hidden of [secret, token.split('.')[5] ?? 'none']) expect(text).not.toContain(hidden);
  });

  test('that did not get the answer repeats its request with the same token', async () => {
    const token = await cluster.token();
    const node = newNode({ token });
    let isLost = true;
    const door: ClusterDoor = {
      ...cluster.service,
      join: async (request) => {
        const issued = await cluster.service.join(request);
        if (isLost) throw new Error('the connection broke');
        return issued;
      },
    };
    await expect(joinCluster({ ...node, door })).rejects.toThrow('the connection broke');
    await expect(joinCluster({ ...node, token: undefined })).rejects.toThrow(fault('IDENTITY_MISSING'));
    isLost = false;
    expect(await joinCluster({ ...node, door })).toMatchObject({ name: node.name });
  });

  test('whose certificate has expired joins again with its key and a new token', async () => {
    const door = cluster.serviceWith({ lifeMs: -1000 });
    const node = newNode();
    const first = await joinCluster({ ...node, door, token: await cluster.token() });
    await expect(joinCluster(node)).rejects.toThrow(fault('IDENTITY_EXPIRED', /new token/));
    const again = await joinCluster({ ...node, token: await cluster.token() });
    expect(again.expiresAt).toBeGreaterThan(Date.now());
    expect(publicDer(again.key)).toEqual(publicDer(first.key));
  });

  test('is refused when its folder has the identity of another node', async () => {
    const node = newNode();
    await joinCluster({ ...node, token: await cluster.token() });
    const foreign = fault('IDENTITY_FOREIGN', /another data folder/);
    await expect(joinCluster({ ...node, role: 'api' })).rejects.toThrow(foreign);
    await expect(joinCluster({ ...node, token: await other.token() })).rejects.toThrow(foreign);
  });

  test.each([
    ['that others can read', (file: string) => chmod(file, 0o604), 'CLUSTER_FILE_INSECURE'],
    ['that is damaged', (file: string) => writeFile(file, '{'), 'CLUSTER_FILE_INVALID'],
  ])('does not use an identity in a file %s', async (_, damage, code) => {
    const node = newNode({ token: await cluster.token() });
    await joinCluster(node);
    await damage(nodeFile(node.folder));
    await expect(joinCluster(node)).rejects.toThrow(fault(code));
  });
});

describe('a token', () => {
  test.each<[string, () => Promise<Partial<JoinOptions>>, string, RegExp]>([
    ['of anything else', async () => ({ token: 'ward-join.1.x' }), 'JOIN_TOKEN_INVALID', /whole line/],
    [
      'cut short',
      async () => ({ token: (await cluster.token()).slice(0, -1) }),
      'JOIN_TOKEN_INVALID',
      /whole line/,
    ],
    [
      'that is expired',
      async () => ({ token: await cluster.token('invoker', { lifeMs: -1 }) }),
      'JOIN_TOKEN_EXPIRED',
      /ward node token/,
    ],
    [
      'for another role',
      async () => ({ token: await cluster.token('api') }),
      'JOIN_TOKEN_BOUND',
      /--role invoker/,
    ],
    ['for another cluster', async () => ({ token: await other.token() }), 'CLUSTER_FOREIGN', /address/],
    [
      'with a name that can’t be one',
      async () => ({ token: await cluster.token(), name: 'a.b' }),
      'NODE_NAME_INVALID',
      /64/,
    ],
  ])('%s is refused by the node or the cluster, with a hint', async (_, given, code, hint) => {
    const node = newNode(await given());
    await expect(joinCluster(node)).rejects.toThrow(fault(code, hint));
    // The refused node can still join.
    const right = { ...node, name: `node-${++count}`, token: await cluster.token() };
    expect(await joinCluster(right)).toMatchObject({ role: 'invoker' });
  });

  test('that another node has used is refused, and the first node stays', async () => {
    const token = await cluster.token();
    const first = newNode({ token });
    await joinCluster(first);
    await expect(joinCluster(newNode({ token }))).rejects.toThrow(fault('JOIN_TOKEN_USED', /node remove/));
    expect(await cluster.store.members.get(first.name)).toMatchObject({ removedAt: null });
  });

  test('for one name lets no other join', async () => {
    const token = await cluster.token('invoker', { name: 'chosen' });
    expect(await joinCluster(newNode({ token }))).toMatchObject({ name: 'chosen' });
    const node = newNode();
    await joinCluster({ ...node, token: await cluster.token() });
    const now = () => Date.now() + 48 * 3_600_000;
    const describe = async () => ({ ...(await cluster.service.describe()), now: now() });
    const later = { ...node, now, door: { ...cluster.service, describe } };
    const wrong = await cluster.token('invoker', { name: 'else' });
    await expect(joinCluster({ ...later, token: wrong })).rejects.toThrow(
      fault('JOIN_TOKEN_BOUND', /--name/),
    );
  });

  test.each([1, -1])('is not used by a node whose clock is %i hour off', async (hours) => {
    const token = await cluster.token();
    const node = newNode({ token, now: () => Date.now() + hours * 3_600_000 });
    await expect(joinCluster(node)).rejects.toThrow(fault('NODE_CLOCK_WRONG', /set the clock/));
    expect(await joinCluster({ ...node, now: Date.now })).toMatchObject({ name: node.name });
  });

  test('for a name that another key has is refused and stays usable', async () => {
    const first = newNode();
    await joinCluster({ ...first, token: await cluster.token() });
    const token = await cluster.token();
    const second = { ...newNode({ token }), name: first.name };
    await expect(joinCluster(second)).rejects.toThrow(fault('NODE_NAME_TAKEN', /node remove/));
    expect(await joinCluster({ ...second, name: 'free' })).toMatchObject({ name: 'free' });
  });
});

describe('a man in the middle', () => {
  test('who answers with another authority gets nothing', async () => {
    const asked: JoinRequest[] = [];
    const door: ClusterDoor = {
      ...other.service,
      describe: async () => ({ ...(await other.service.describe()), cluster: cluster.authority.cluster }),
      join: async (request) => {
        asked.push(request);
        return other.service.join(request);
      },
    };
    const node = newNode({ door, token: await cluster.token() });
    await expect(joinCluster(node)).rejects.toThrow(fault('CLUSTER_FOREIGN'));
    expect(asked).toEqual([]);
  });

  test.each<[string, (sent: JoinRequest) => { readonly name: string; readonly role: string }, boolean]>([
    ['another node', ({ role }) => ({ name: 'another', role }), true],
    ['another role', ({ name }) => ({ name, role: 'api' }), true],
    ['another key', ({ name, role }) => ({ name, role }), false],
  ])('who answers with a certificate for %s is noticed', async (_, namesOf, isOwnKey) => {
    const door: ClusterDoor = {
      ...cluster.service,
      join: async (sent) => {
        const issued = await cluster.service.join(sent);
        const { name, role } = namesOf(sent);
        const certificate = await cluster.authority.issue({
          subject: { commonName: name, organization: role },
          key: isOwnKey ? new X509Certificate(issued.certificate).publicKey : newNodeKey(),
          ...{ from: Date.now(), until: issued.expiresAt, use: 'node' },
        });
        return { ...issued, certificate };
      },
    };
    const joined = joinCluster(newNode({ door, token: await cluster.token() }));
    await expect(joined).rejects.toThrow(fault('CLUSTER_ANSWER_INVALID'));
  });

  test.each<[string, (sent: JoinRequest) => Partial<JoinRequest>]>([
    ['key', () => ({ key: publicDer(newNodeKey()).toString('base64url') })],
    ['role', () => ({ role: 'api' })],
    ['name', () => ({ name: 'mine' })],
    ['token', () => ({ token: tokenKeyId(newTokenKey()) })],
    ['signature', ({ keyProof }) => ({ keyProof: [...keyProof].reverse().join('') })],
    ['signature of the token', ({ tokenProof }) => ({ tokenProof: [...tokenProof].reverse().join('') })],
  ])('who changes the %s of a request is refused', async (_, change) => {
    const sent = await request(await cluster.token());
    await expect(cluster.service.join({ ...sent, ...change(sent) })).rejects.toThrow(
      fault('NODE_REQUEST_INVALID'),
    );
    expect(await cluster.service.join(sent)).toMatchObject({
      bus: { addresses: 'tls://nats.example.com', cluster: 'ward' },
    });
  });

  test('who has a request but not its keys can’t put a key of his own into it', async () => {
    const sent = await request(await cluster.token());
    const mine = newNodeKey();
    const changed = { ...sent, key: publicDer(mine).toString('base64url') };
    const signed = { ...changed, keyProof: signText(joinText(changed), mine) };
    await expect(cluster.service.join(signed)).rejects.toThrow(/not signed with its token/);
  });
});

describe('a request', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey;
  test.each<[string, object]>([
    ['with an RSA key', { key: publicDer(rsa).toString('base64url') }],
    ['with a P-384 key', { key: publicDer(p384).toString('base64url') }],
    ['with a key of the right length that is none', { key: 'A'.repeat(122) }],
    ['with an Ed25519 key', { key: publicDer(newTokenKey()).toString('base64url') }],
    [
      'with bytes after the key',
      { key: Buffer.concat([publicDer(newNodeKey()), Buffer.of(0)]).toString('base64url') },
    ],
    ['with a name that has dots', { name: 'a.b' }],
    ['with a name that has a wildcard', { name: '*' }],
    ['with an unknown role', { role: 'admin' }],
    ['with more fields', { subject: 'CN=api' }],
    ['without a field', { key: undefined }],
  ])('%s is refused', async (_, change) => {
    const sent = { ...(await request(await cluster.token())), ...change };
    await expect(cluster.service.join(sent)).rejects.toThrow(fault('NODE_REQUEST_INVALID'));
  });

  test.each([undefined, null, [], 'x', {}])('%j is refused', async (given) => {
    await expect(cluster.service.join(given)).rejects.toThrow(fault('NODE_REQUEST_INVALID'));
    await expect(cluster.service.renew(given)).rejects.toThrow(fault('NODE_REQUEST_INVALID'));
  });

  test('with a token that the cluster does not know is refused', async () => {
    const sent = await request(
      `${(await other.token()).replace(other.authority.cluster, cluster.authority.cluster)}`,
    );
    await expect(cluster.service.join(sent)).rejects.toThrow(fault('JOIN_TOKEN_UNKNOWN'));
  });

  test('for another cluster is refused', async () => {
    const sent = await request(await other.token());
    await expect(cluster.service.join(sent)).rejects.toThrow(fault('JOIN_TOKEN_FOREIGN'));
  });
});

describe('a renewal', () => {
  test('gives the same key a later certificate, which is kept', async () => {
    const node = newNode({ door: cluster.serviceWith({ lifeMs: 60_000 }) });
    const first = await joinCluster({ ...node, token: await cluster.token() });
    const renewed = await renewIdentity(cluster.service, node.folder, first);
    expect(renewed.expiresAt).toBeGreaterThan(first.expiresAt + 3_600_000);
    expect(publicDer(renewed.key)).toEqual(publicDer(first.key));
    expect((await joinCluster({ ...node, door: refusing() })).certificate).toBe(renewed.certificate);
  });

  test.each<[string, (name: string) => Promise<unknown>, string]>([
    ['that was removed', (name) => cluster.store.members.remove(name), 'NODE_REMOVED'],
    [
      'whose name another node has got after a removal',
      async (name) => {
        await cluster.store.members.remove(name);
        await joinCluster({ ...newNode({ token: await cluster.token() }), name });
      },
      'NODE_REMOVED',
    ],
  ])('is refused to a node %s', async (_, happens, code) => {
    const token = await cluster.token();
    const node = newNode({ token });
    const identity = await joinCluster(node);
    await happens(node.name);
    await expect(renewIdentity(cluster.service, node.folder, identity)).rejects.toThrow(fault(code));
    // Nor can it join again with the token that it has used.
    const later = identity.expiresAt + 1;
    const describe = async () => ({ ...(await cluster.service.describe()), now: later });
    const again = joinCluster({ ...node, now: () => later, door: { ...cluster.service, describe } });
    await expect(again).rejects.toThrow(fault('JOIN_TOKEN_UNKNOWN'));
  });

  test('is refused with an expired certificate', async () => {
    const node = newNode({ door: cluster.serviceWith({ lifeMs: -1000 }) });
    const identity = await joinCluster({ ...node, token: await cluster.token() });
    await expect(renewIdentity(cluster.service, node.folder, identity)).rejects.toThrow(
      fault('IDENTITY_EXPIRED', /new token/),
    );
  });

  test('is refused with a certificate of another cluster, or of a server', async () => {
    const elsewhere = newNode({ door: other.service });
    const foreign = await joinCluster({ ...elsewhere, token: await other.token() });
    await expect(renewIdentity(cluster.service, elsewhere.folder, foreign)).rejects.toThrow(
      fault('CERTIFICATE_FOREIGN'),
    );
    const now = await cluster.store.members.now();
    const key = newNodeKey();
    const certificate = await cluster.authority.issue({
      ...{ subject: { commonName: 'nats', organization: 'bus' }, key, use: 'server' },
      ...{ from: now - 1000, until: now + 60_000, hosts: ['localhost'] },
    });
    const text = renewalText(cluster.authority.cluster, new X509Certificate(certificate).fingerprint256);
    const renewal = cluster.service.renew({ certificate, keyProof: signText(text, key) });
    await expect(renewal).rejects.toThrow(fault('CERTIFICATE_FOREIGN'));
  });

  test('is refused to a thief of the certificate alone', async () => {
    const { certificate } = await joinCluster(newNode({ token: await cluster.token() }));
    const text = renewalText(cluster.authority.cluster, new X509Certificate(certificate).fingerprint256);
    const renewal = cluster.service.renew({ certificate, keyProof: signText(text, newNodeKey()) });
    await expect(renewal).rejects.toThrow(/not signed with the key of its certificate/);
  });
});

describe('a node that runs', () => {
  /** So short that half of it is over at once: certificates begin minutes before they are issued. */
  const lifeMs = 60_000;

  test('renews its certificate at half of its life, and tries again after a failure', async () => {
    const short = cluster.serviceWith({ lifeMs });
    const node = newNode({ door: short, token: await cluster.token() });
    const identity = await joinCluster(node);
    let fails = 1;
    const door: ClusterDoor = {
      ...cluster.service,
      renew: async (asked) => {
        if (fails-- > 0) throw new Error('unreachable');
        return cluster.service.renew(asked);
      },
    };
    const troubles: unknown[] = [];
    const renewed = Promise.withResolvers<string>();
    using _ = keepRenewed({
      ...{ door, folder: node.folder, identity, retryMs: 1 },
      onRenewed: ({ certificate }) => renewed.resolve(certificate),
      onTrouble: (error) => troubles.push(error),
      onEnd: renewed.reject,
    });
    expect(await renewed.promise).not.toBe(identity.certificate);
    expect(troubles).toEqual([expect.objectContaining({ message: 'unreachable' })]);
  });

  test('waits while more than half of the life is left', async () => {
    const node = newNode({ token: await cluster.token() });
    const identity = await joinCluster(node);
    let asked = 0;
    const door = { ...cluster.service, renew: () => Promise.reject(new Error(`asked ${++asked}`)) };
    using _ = keepRenewed({
      ...{ door, folder: node.folder, identity },
      ...{ onRenewed: () => {}, onTrouble: () => {}, onEnd: () => {} },
    });
    await cluster.store.members.now();
    expect(asked).toBe(0);
  });

  test('hears that it was removed', async () => {
    const node = newNode({ door: cluster.serviceWith({ lifeMs }), token: await cluster.token() });
    const identity = await joinCluster(node);
    await cluster.store.members.remove(node.name);
    const ended = Promise.withResolvers<unknown>();
    using _ = keepRenewed({
      ...{ door: cluster.service, folder: node.folder, identity },
      ...{ onRenewed: ended.reject, onTrouble: ended.reject, onEnd: ended.resolve },
    });
    expect(await ended.promise).toMatchObject({ code: 'NODE_REMOVED' });
  });
});

/** A request of a new node with its own key. */
async function request(token: string): Promise<JoinRequest> {
  const { cluster: id, role, key: tokenKey, id: publicHalf } = parseToken(token);
  const key = newNodeKey();
  const statement = {
    ...{ cluster: id, role, name: `node-${++count}`, token: publicHalf },
    key: publicDer(key).toString('base64url'),
  };
  const text = joinText(statement);
  return { ...statement, keyProof: signText(text, key), tokenProof: signText(text, tokenKey) };
}

/** A door of the cluster that shows requests. */
function watching(onJoin: (request: JoinRequest) => void): ClusterDoor {
  return {
    ...cluster.service,
    join(sent) {
      onJoin(sent);
      return cluster.service.join(sent);
    },
  };
}

/** A door that must not be used. */
function refusing(): ClusterDoor {
  const refuse = () => Promise.reject(new Error('the node asked the cluster'));
  return { describe: refuse, join: refuse, renew: refuse };
}
