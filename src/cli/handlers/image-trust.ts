/** `ward image keygen`, `sign`, `verify`. */
import type { Context, Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { localOptions, openServer } from '../local.ts';
import { readBounded } from '../read-source.ts';
import { registryAt } from '../settings.ts';

/** The policy is not met. */
const exitUnsigned = 3;
const longestKey = 64 * 1024;
const longestRoot = 128 * 1024;

export const keygen: Handler = async (input, { io, env }) => {
  const { makeKeyPair } = await openServer();
  const file = input.required(0);
  const { keyId } = await makeKeyPair(file, passphraseIn(env));
  io.ok(`wrote ${file} and ${file}.pub`);
  await io.record({
    fields: [
      ['key', keyId],
      ['private', file],
      ['public', `${file}.pub`],
    ],
    name: keyId,
    data: { key: keyId, private: file, public: `${file}.pub` },
  });
  return 0;
};

export const sign: Handler = async (input, context) => {
  const { signByHand } = await openServer();
  const path = input.text('key');
  if (path === undefined)
    throw cliFault('USAGE', '--key is missing', { hint: 'ward image keygen creates one' });
  const signed = await signByHand({
    ...requestOf(input, context),
    key: { path, passphrase: passphraseIn(context.env) },
  });
  const { io } = context;
  const { name, digest, keyId, isNew } = signed;
  io.ok(isNew ? `signed ${name}` : `${name} already has this signature`);
  await io.record({
    fields: [
      ['image', name],
      ['digest', digest],
      ['key', keyId],
    ],
    name: digest,
    data: signed,
  });
  return 0;
};

export const verify: Handler = async (input, context) => {
  const { verifyByHand } = await openServer();
  const files = input.texts('key');
  const identity = await identityIn(input);
  if (files.length === 0 && identity === undefined)
    throw cliFault('USAGE', '--key is missing', {
      hint: '--key cosign.pub, or --trusted-root, --issuer and --subject',
    });
  const keys: string[] = [];
  for (const file of files) keys.push((await readBounded(file, longestKey)).toString('utf8'));
  const checked = await verifyByHand({ ...requestOf(input, context), keys, identity });
  const { verified, rejected, name, digest } = checked;
  const rows = [
    ...verified.map(({ keyId = '', certified, reference, annotations }) => ({
      counts: true,
      signer: certified?.subject ?? keyId.slice(0, 16),
      keyId,
      reference,
      annotations,
      reason: '',
    })),
    ...rejected.map(({ reason }) => ({
      counts: false,
      signer: '',
      keyId: '',
      reference: '',
      annotations: {},
      reason,
    })),
  ];
  await context.io.list({
    items: rows,
    data: checked,
    columns: [
      { title: 'counts', cell: ({ counts }) => (counts ? 'yes' : 'no') },
      { title: 'signer', cell: ({ signer }) => signer },
      { title: 'signed as', cell: ({ reference }) => reference },
      {
        title: 'says',
        cell: ({ annotations }) =>
          Object.entries(annotations)
            .map(([key, value]) => `${key}=${value}`)
            .join(' '),
      },
      { title: 'why not', cell: ({ reason }) => reason },
    ],
    name: ({ keyId, signer }) => keyId || signer,
  });
  if (verified.length === 0) {
    context.io.note(`${name} (${digest}) has no valid signature`);
    return exitUnsigned;
  }
  context.io.ok(`${name} is signed`);
  return 0;
};

/** Undefined when none was asked for. */
async function identityIn(input: Input) {
  const [file, issuer, subject] = [input.text('trustedRoot'), input.text('issuer'), input.text('subject')];
  if (file === undefined && issuer === undefined && subject === undefined) return undefined;
  if (file === undefined || issuer === undefined || subject === undefined)
    throw cliFault('USAGE', '--trusted-root, --issuer and --subject belong together', {
      hint: 'name the signers to accept: --issuer URL --subject PATTERN',
    });
  return { trustedRoot: (await readBounded(file, longestRoot)).toString('utf8'), issuer, subject };
}

function requestOf(input: Input, context: Context) {
  return {
    ...localOptions(input),
    image: input.required(0),
    annotations: Object.fromEntries(input.pairs('annotation')),
    registry: async () => {
      const { apihost, auth, insecure } = context.settings();
      if (auth === undefined)
        throw cliFault('NO_KEY', `no key for ${apihost.value}`, { hint: 'ward property set --auth KEY' });
      return { url: registryAt(apihost.value), auth: auth.value, insecure };
    },
  };
}

/** Not an option: every user of the machine can see the command line. */
function passphraseIn(env: NodeJS.ProcessEnv): string {
  return env['WARD_KEY_PASSPHRASE'] ?? '';
}
