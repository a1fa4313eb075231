/** The differences between the architectures that Ward makes images for. */
import { imageFault } from '../faults.ts';

export interface Architecture {
  /** The name in Debian and OCI. */
  readonly name: string;
  /** The folder of its libraries below `usr/lib`. */
  readonly triple: string;
  /** The dynamic loader, in the merged-/usr tree. */
  readonly loader: string;
  /** Links of merged /usr in the root that exist only on this architecture. */
  readonly links: Readonly<Record<string, string>>;
}

const architectures: Readonly<Record<string, Architecture>> = {
  x64: {
    name: 'amd64',
    triple: 'x86_64-linux-gnu',
    loader: 'usr/lib64/ld-linux-x86-64.so.2',
    links: { lib64: 'usr/lib64' },
  },
  arm64: {
    name: 'arm64',
    triple: 'aarch64-linux-gnu',
    loader: 'usr/lib/ld-linux-aarch64.so.1',
    links: {},
  },
};

/** This machine's. @throws Fault IMAGE_BUILD_FAILED */
export function hostArchitecture(): Architecture {
  const found = architectures[process.arch];
  if (found !== undefined) return found;
  throw imageFault('IMAGE_BUILD_FAILED', `Ward makes no images for ${process.arch}`);
}
