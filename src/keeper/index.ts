/** The keeper: the one process with privileges, and how the server asks it for sandboxes, mounts and folders. */
export { type KeptCode, openKeptCode } from './code-places.ts';
export { type Keeper, type KeeperOptions, keep } from './keeper.ts';
export { openKeptHost } from './kept-host.ts';
export { type KeptPlaces, openKeptMounter, openKeptPlaces } from './kept-places.ts';
export { type KeptProgram, startKeptScan } from './kept-streams.ts';
export { sayLine } from './lines.ts';
export { type KeeperLink, keeperDescriptor, linkOver, openLink } from './link.ts';
export {
  findWalls,
  isServer,
  type ServerProcessPlan,
  type ServerWalls,
  serverArgv,
  serverMark,
} from './server-process.ts';
export { openStreamDoor, type StreamDoor } from './stream-door.ts';
export {
  type Answers as TakenOverAnswers,
  makeTargets,
  type Targets,
  tryAsRoot,
  tryAsTakenOver,
  wasHeld,
} from './taken-over.ts';
export { givenLayer, type Hello } from './wire.ts';
