/** Splits an image's configuration into texts, each under a path that no file can have. */
import { scannerFault } from '../faults.ts';
import type { ScannedConfig } from '../types.ts';

export interface ConfigText {
  readonly path: string;
  readonly text: string;
}

/** Real configurations have a hundredth of this. */
const maxConfigLength = 512 * 1024;

/** Keeps inspections short, since they run in the serving thread. @throws Fault SCAN_TOO_COSTLY for a long configuration */
export function requireShort(config: ScannedConfig): void {
  const texts = [...commandsOf(config), ...variablesOf(config), ...labelsOf(config)];
  const length = texts.reduce((total, { path, text }) => total + path.length + text.length, 0);
  if (length > maxConfigLength) {
    throw scannerFault('SCAN_TOO_COSTLY', 'the configuration of the image is longer than 512 KiB');
  }
}

/** The commands that run when a container starts, and those that ran when the image was made. */
export function commandsOf(config: ScannedConfig): readonly ConfigText[] {
  return [
    { path: 'image-config:entrypoint', text: config.entrypoint.join(' ') },
    { path: 'image-config:cmd', text: config.cmd.join(' ') },
    ...(config.others ?? []).map(({ place, command }) => ({
      path: `image-config:${place}`,
      text: command.join(' '),
    })),
    ...config.history.map(({ createdBy }, index) => ({
      path: `image-config:history/${index + 1}`,
      text: createdBy,
    })),
  ].filter(({ text }) => text !== '');
}

export function variablesOf(config: ScannedConfig): readonly (ConfigText & { readonly name: string })[] {
  return config.env.map((line) => {
    const split = line.indexOf('=');
    const name = split < 0 ? line : line.slice(0, split);
    return { path: `image-config:env/${name}`, name, text: split < 0 ? '' : line.slice(split + 1) };
  });
}

export function labelsOf(config: ScannedConfig): readonly (ConfigText & { readonly name: string })[] {
  return Object.entries(config.labels).map(([name, text]) => ({
    path: `image-config:label/${name}`,
    name,
    text,
  }));
}
