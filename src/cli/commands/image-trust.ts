/** `ward image keygen`, `sign`, `verify`: keys and signatures, in cosign's format. */
import type { CommandSpec } from '../command-spec.ts';

const imageArgument = {
  name: '<image>',
  summary: 'oci:DIR[:TAG], NAMESPACE/NAME[:TAG|@DIGEST] in the registry, or NAME:TAG in Ward’s store',
};

export const keygenCommand: CommandSpec = {
  name: 'keygen',
  summary: 'create a key pair for signing; WARD_KEY_PASSPHRASE encrypts the private key',
  works: 'alone',
  args: [
    {
      name: '<file>',
      summary: 'file for the private key; ward writes the public key next to it, as FILE.pub',
    },
  ],
  options: [],
  examples: [{ command: 'ward image keygen release.key', does: 'writes release.key and release.key.pub' }],
  handler: async () => (await import('../handlers/image-trust.ts')).keygen,
};

export const signCommand: CommandSpec = {
  name: 'sign',
  summary: 'sign an image and keep its other signatures; `cosign verify` accepts the signature',
  works: 'remote',
  args: [imageArgument],
  options: [
    { flags: '--key <FILE>', summary: 'the private key; WARD_KEY_PASSPHRASE opens it' },
    {
      flags: '-a, --annotation <KEY VALUE>',
      summary: 'a statement about the image in the signature',
      takes: 'pair',
    },
  ],
  examples: [
    { command: 'ward image sign guest/app:1 --key release.key', does: 'signs in the registry of the server' },
    {
      command: 'ward image sign oci:./image:v1 --key release.key -a stage production',
      does: 'signs in a folder',
    },
  ],
  handler: async () => (await import('../handlers/image-trust.ts')).sign,
};

export const verifyCommand: CommandSpec = {
  name: 'verify',
  summary: 'check that an image is signed with one of these keys, or by this identity',
  works: 'remote',
  args: [imageArgument],
  options: [
    { flags: '--key <FILE>', summary: 'a public key, such as cosign.pub', takes: 'many' },
    {
      flags: '--trusted-root <FILE>',
      summary: 'the trusted_root.json of the authority that certifies signers without a key',
    },
    { flags: '--issuer <URL>', summary: 'the identity provider that identified the signer to the authority' },
    { flags: '--subject <PATTERN>', summary: 'the identity in the certificate (* matches any characters)' },
    {
      flags: '-a, --annotation <KEY VALUE>',
      summary: 'a statement about the image that the signature must have',
      takes: 'pair',
    },
  ],
  examples: [
    {
      command: 'ward image verify guest/app:1 --key release.key.pub',
      does: 'exits with 3 if it is not signed',
    },
    {
      command:
        'ward image verify guest/app:1 --trusted-root trusted_root.json --issuer https://accounts.google.com --subject ada@example.org',
      does: 'signed by her, without a key',
    },
    {
      command: 'ward image verify oci:./image:v1 --key cosign.pub -o json',
      does: 'each signature, and why it counts or not',
    },
  ],
  handler: async () => (await import('../handlers/image-trust.ts')).verify,
};
