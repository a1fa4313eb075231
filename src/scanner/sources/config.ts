/** Selects the parts of an image's configuration that a scan reads. Sources: OCI image-spec v1.1, config.md; Docker. */
import { z } from 'zod';
import type { Config } from '../../images/index.ts';
import type { ScannedConfig } from '../types.ts';

/** Ignores values of another form, which engines can't read either, so that the rest is still scanned. */
const strings = z.array(z.string()).nullish().catch(undefined);
const rest = z.object({
  config: z
    .object({
      ExposedPorts: z.record(z.string(), z.unknown()).nullish().catch(undefined),
      Healthcheck: z.object({ Test: strings }).nullish().catch(undefined),
      OnBuild: strings,
      Shell: strings,
    })
    .nullish()
    .catch(undefined),
  history: z
    .array(z.object({ created_by: z.string().nullish(), empty_layer: z.boolean().nullish() }))
    .max(10_000)
    .nullish()
    .catch(undefined),
});

export function scannedConfig(config: Config): ScannedConfig {
  const parsed = rest.safeParse(config).data;
  const test = parsed?.config?.Healthcheck?.Test ?? [];
  return {
    env: config.config?.Env ?? [],
    entrypoint: config.config?.Entrypoint ?? [],
    cmd: config.config?.Cmd ?? [],
    user: config.config?.User ?? '',
    exposedPorts: Object.keys(parsed?.config?.ExposedPorts ?? {}),
    labels: config.config?.Labels ?? {},
    healthcheck: test.length > 0 && test[0] !== 'NONE',
    others: [
      { place: 'healthcheck', command: test },
      ...(parsed?.config?.OnBuild ?? []).map((line, at) => ({ place: `onbuild/${at + 1}`, command: [line] })),
      { place: 'shell', command: parsed?.config?.Shell ?? [] },
    ].filter(({ command }) => command.length > 0),
    history: (parsed?.history ?? []).map((line) => ({
      createdBy: line.created_by ?? '',
      emptyLayer: line.empty_layer ?? false,
    })),
  };
}
