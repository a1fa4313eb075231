/** The privileged parts of a platform: from a keeper, or created in this process if it has the rights. */
import { layersDirOf, openRootMounter, type RootMounter } from '../../images/index.ts';
import { type CodePlaces, openCodePlaces } from '../../invoker/index.ts';
import {
  type KeeperLink,
  openKeptHost,
  openKeptMounter,
  openKeptPlaces,
  startKeptScan,
} from '../../keeper/index.ts';
import type { Log } from '../../lib/index.ts';
import { operatorPolicy, type SandboxHost, takeOrders, type ViolationSink } from '../../sandbox/index.ts';
import type { StartProgram } from '../../scanner/index.ts';
import type { Config } from '../config/config.ts';
import { openGround } from '../instance/ground.ts';
import { openHiddenPlaces } from '../instance/hidden-places.ts';
import { dataPaths } from '../instance/instance.ts';

export interface PlatformGround extends AsyncDisposable {
  readonly host: SandboxHost;
  readonly mounter: RootMounter;
  readonly mountsDir: string;
  /** Starts a scan process; absent: the scanner starts it itself. */
  readonly startScan?: StartProgram;
  /** Folder for code; called once, when this Ward has locked the data folder. */
  codePlaces(): Promise<CodePlaces>;
  /** Reports violations of sandboxes to `sink` from now on. */
  tell(sink: ViolationSink): void;
}

/** Ends with its keeper. */
export function keptGround(link: KeeperLink, { sandbox }: Config): PlatformGround {
  return {
    host: openKeptHost(link, operatorPolicy(sandbox)),
    mounter: openKeptMounter(link),
    mountsDir: link.hello.mountsDir,
    startScan: () => startKeptScan(link),
    codePlaces: async () => openKeptPlaces(link),
    tell(sink) {
      link.onViolation = sink;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** For one process that is both keeper and server, which tests attack as a whole. */
export async function ownGround(config: Config, log: Log): Promise<PlatformGround> {
  await using stack = new AsyncDisposableStack();
  const operator = operatorPolicy(config.sandbox);
  let tell: ViolationSink = () => {};
  const onViolation: ViolationSink = (...violation) => tell(...violation);
  const { host, instance, dataDir } = stack.use(await openGround(config, { operator, onViolation, log }));
  const places = stack.use(await openHiddenPlaces(instance, dataPaths(dataDir).laidCode));
  const mountsDir = places.roots;
  const opened = stack.move();
  return {
    host: takeOrders(host, operator),
    mounter: openRootMounter({ layersDir: layersDirOf(config.imagesDir), mountsDir }),
    mountsDir,
    codePlaces: () => openCodePlaces(places.laidCode),
    tell(sink) {
      tell = sink;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
