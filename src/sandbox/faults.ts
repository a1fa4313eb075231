/** The faults of the sandbox room. */
import { faultTable } from '../lib/index.ts';

export const sandboxFaultTable = {
  /** The machine can't isolate Ward itself: not root, no `unshare`, no cgroup controllers. */
  HOST_UNFIT: 'host',
  RECORDING_FAILED: 'host',
  RUNTIME_MISSING: 'host',
  SANDBOX_START_FAILED: 'host',
  /** The sandbox has ended, so there is nothing to freeze. */
  SANDBOX_ENDED: 'conflict',
  /** There are as many sandboxes as this machine has uid ranges. */
  UID_RANGES_EXHAUSTED: 'busy',
  POLICY_INVALID: 'invalid',
  /** A policy asks for more than the operator allows. */
  POLICY_EXCEEDED: 'denied',
  /** The host lacks a mechanism that the policy requires. */
  POLICY_NOT_MET: 'denied',
  /** The request can't run safely: a mount target is a symbolic link, a path is relative. */
  REQUEST_UNSAFE: 'invalid',
  /** The host has no way to a port of a sandbox's loopback. */
  PORT_UNREACHABLE: 'host',
  /** Ward itself made a runtime configuration that breaks one of its own rules. */
  SPEC_UNSAFE: 'bug',
} as const;

export const sandboxFault = faultTable(sandboxFaultTable);
