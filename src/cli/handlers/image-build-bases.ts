/** `ward base build`. */
import { formatSize } from '../../lib/index.ts';
import type { Handler } from '../command-spec.ts';
import { localOptions, openServer } from '../local.ts';
import { keyFileOf } from './image-build-key.ts';
import { exitInterrupted, interruptible } from './interruptible.ts';

export const build: Handler = async (input, context) => {
  const { io, env } = context;
  const { buildBases } = await openServer();
  const key = keyFileOf(input, env);
  const bases = await interruptible(async (signal) => {
    using progress = io.progress();
    const onProgress = (text: string) => progress.show(text);
    return await buildBases({ ...localOptions(input), key, onProgress, signal });
  });
  if (bases === undefined) return exitInterrupted;
  await io.list({
    items: bases,
    columns: [
      { title: 'image', cell: ({ name }) => name },
      { title: 'size', cell: ({ sizeBytes }) => formatSize(sizeBytes) },
      { title: 'digest', cell: ({ digest }) => digest },
      { title: 'signed by', cell: ({ signedBy }) => signedBy ?? '', isWide: true },
    ],
    name: ({ name }) => name,
  });
  return 0;
};
