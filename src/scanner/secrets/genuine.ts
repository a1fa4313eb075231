/** Tells genuine secrets from examples, placeholders, and references to secrets stored elsewhere. */
import { entropyOf } from '../patterns/entropy.ts';
import type { SecretRule, SecretRules } from './rules.ts';

export function isGenuine(secret: Buffer, rule: SecretRule, rules: SecretRules): boolean {
  const text = secret.toString('latin1');
  if (rules.allowedValues.has(text)) return false;
  const lower = text.toLowerCase();
  if (rules.words.some((word) => lower.includes(word))) return false;
  if (rule.words.some((word) => lower.includes(word))) return false;
  if (hasFewBytes(secret) || isCounting(lower)) return false;
  if (rule.minEntropy > 0 && entropyOf(secret) < rule.minEntropy) return false;
  const starts = { earliest: 0, latest: secret.length };
  return !rules.forms.some((form) => form.match(secret, starts, () => {}) !== undefined);
}

/** A URL whose host is reserved for documentation, so it never exists (RFC 2606, RFC 6761). */
const reservedHost =
  /^[^@]*:\/\/[^@]*@(?:[\w-]+\.)*(?:example\.(?:com|net|org)|example|invalid|test)(?:[.:]?$|:\d)/i;

/** @param text the whole match of a rule */
export function isOfNobody(text: string): boolean {
  return reservedHost.test(text);
}

/** `xxxxxxxx`, `********`, `ababab`. */
function hasFewBytes(secret: Buffer): boolean {
  return secret.length >= 6 && new Set(secret).size <= 2;
}

/** A run of eight successive characters marks an example: `12345678`, `abcdefgh`. */
function isCounting(text: string): boolean {
  let run = 1;
  for (let at = 1; at < text.length; at++) {
    run = text.charCodeAt(at) === text.charCodeAt(at - 1) + 1 ? run + 1 : 1;
    if (run >= 8) return true;
  }
  return false;
}
