/** Judges the configuration of an image: its user, variables, ports, labels, and how it was made. */
import { commandsOf, requireShort, variablesOf } from '../rules/image-config.ts';
import type { ConfigInspector, Misconfiguration, ScannedConfig } from '../types.ts';
import { type Check, findingOf, type MisconfigurationRule, type MisconfigurationRules } from './rules.ts';

/** The limit for findings of one rule. After fixing those, the author will see the others. */
const maxOfRule = 50;
const baseName = 'org.opencontainers.image.base.name';
const baseDigest = 'org.opencontainers.image.base.digest';

export function createImageFactInspector({ revision, rules }: MisconfigurationRules): ConfigInspector {
  return {
    name: 'image-facts',
    revision,
    inspect: (config) => {
      requireShort(config);
      return rules.flatMap((rule) =>
        placesOf(rule, config)
          .slice(0, maxOfRule)
          .map((path): Misconfiguration => findingOf(rule, path)),
      );
    },
  };
}

function placesOf(rule: MisconfigurationRule, config: ScannedConfig): readonly string[] {
  const { variable, history, text } = rule;
  if (variable !== undefined) {
    return variablesOf(config)
      .filter(
        ({ name, text: value }) =>
          variable.name(name) && variable.value?.(value) !== false && variable.exceptValue?.(value) !== true,
      )
      .map(({ path }) => path);
  }
  if (history !== undefined) {
    return commandsOf(config)
      .filter((command) => history(command.text))
      .map(({ path }) => path);
  }
  const place = text.check && placeOfCheck[text.check];
  return place !== undefined && isWrong(rule, config) ? [`image-config:${place}`] : [];
}

/** The places of checks that concern the image. */
const placeOfCheck: Readonly<Partial<Record<Check, string>>> = {
  'runs-as-root': 'user',
  'exposed-port': 'ports',
  'unpinned-base': `label/${baseName}`,
  'no-health-check': 'healthcheck',
  'missing-labels': 'labels',
};

function isWrong({ text }: MisconfigurationRule, config: ScannedConfig): boolean {
  switch (text.check) {
    case 'runs-as-root':
      return /^(?:|root|0+)(?::|$)/.test(config.user);
    case 'exposed-port':
      return config.exposedPorts.some((port) => text.ports?.includes(Number(port.split('/')[0])) === true);
    case 'unpinned-base':
      return isUnpinned(labelOf(config, baseName), labelOf(config, baseDigest));
    case 'no-health-check':
      return !config.healthcheck;
    case 'missing-labels':
      return text.labels?.some((label) => labelOf(config, label) === undefined) === true;
    default:
      return false;
  }
}

/** False when the image names no base. */
function isUnpinned(name: string | undefined, digest: string | undefined): boolean {
  return name !== undefined && digest === undefined && !/@sha256:[0-9a-f]{64}$/.test(name);
}

function labelOf({ labels }: ScannedConfig, name: string): string | undefined {
  return Object.hasOwn(labels, name) ? labels[name] : undefined;
}
