/**
 * Recognises files that hold secrets by their names; they do not belong in an image. A name is weak evidence, so the
 * files are left out with a warning and not refused; `!NAME` in the ignore file includes one. The scanner looks for
 * secrets in other files.
 */

const folders = new Set([
  '.aws',
  '.azure',
  '.bzr',
  '.docker',
  '.git',
  '.gnupg',
  '.hg',
  '.kube',
  '.ssh',
  '.svn',
  '.terraform',
]);

const names = new Set([
  '.dockercfg',
  '.env',
  '.git-credentials',
  '.htpasswd',
  '.netrc',
  '.npmrc',
  '.pgpass',
  '.pypirc',
  '.wskprops',
  '_netrc',
  'id_dsa',
  'id_ecdsa',
  'id_ed25519',
  'id_rsa',
  'terraform.tfstate',
]);

/** Matches `.env.local`, but not examples of such files. */
const environment = /^\.env\.(?!example$|sample$|template$|dist$)/;
const keyStore = /\.(?:jks|kdbx|keystore|p12|pfx|ppk)$/i;
const keyFile = /\.(?:key|pem)$/i;
const privateKey = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/;

/** True for a folder that is left out as a whole. */
export function isSecretFolder(name: string): boolean {
  return folders.has(name);
}

/** `perhaps`: only if it holds a private key; certificates with such names do not. */
export function isSecretFile(name: string): boolean | 'perhaps' {
  if (names.has(name) || environment.test(name) || keyStore.test(name)) return true;
  return keyFile.test(name) ? 'perhaps' : false;
}

/** @param head the first bytes of a file */
export function holdsPrivateKey(head: Buffer): boolean {
  return privateKey.test(head.toString('latin1'));
}
