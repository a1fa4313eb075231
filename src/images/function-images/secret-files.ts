/**
 * Files that hold secrets by their names, and have no business in an image. A name says little, so they are left out
 * with a word about it and not refused; `!NAME` in the ignore file puts one in. What is in other files is the
 * scanner's to find.
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

/** `.env.local`, but not the one that shows what is to be filled in. */
const environment = /^\.env\.(?!example$|sample$|template$|dist$)/;
const keyStore = /\.(?:jks|kdbx|keystore|p12|pfx|ppk)$/i;
const keyFile = /\.(?:key|pem)$/i;
const privateKey = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/;

/** True of a folder that is left out as a whole. */
export function isSecretFolder(name: string): boolean {
  return folders.has(name);
}

/** `perhaps`: when it holds a private key, which certificates in files of that name do not. */
export function isSecretFile(name: string): boolean | 'perhaps' {
  if (names.has(name) || environment.test(name) || keyStore.test(name)) return true;
  return keyFile.test(name) ? 'perhaps' : false;
}

/** @param head the first bytes of a file */
export function holdsPrivateKey(head: Buffer): boolean {
  return privateKey.test(head.toString('latin1'));
}
