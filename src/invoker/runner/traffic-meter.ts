/** Divides what a sandbox has sent and received among its activations: each byte counts for one of them. */
import { type Connection, mostConnections, mostTrafficBytes, type Traffic } from '../../egress/index.ts';

const nothing: Traffic = { sentBytes: 0, receivedBytes: 0 };

/**
 * An activation gets what the sandbox has sent and received since the end of the one before it. So in a sandbox that
 * runs several at once, the first to end gets the bytes of all.
 */
export class TrafficMeter {
  #total = nothing;
  #taken = nothing;
  #connections: readonly Connection[] = [];

  /** @param total since the sandbox began, with the connections since the last call; undefined: it has no network */
  read(total: Traffic | undefined): void {
    this.#total = total ?? this.#total;
    const { connections } = total ?? nothing;
    if (connections) this.#connections = [...this.#connections, ...connections].slice(0, mostConnections);
  }

  /** Returns what has not been taken yet; undefined if there is nothing. */
  take(): Traffic | undefined {
    const [total, taken] = [this.#total, this.#taken];
    if (total === taken) return undefined;
    this.#taken = total;
    const since = (name: 'sentBytes' | 'receivedBytes') =>
      Math.min(mostTrafficBytes, Math.max(0, total[name] - taken[name]));
    const traffic = { sentBytes: since('sentBytes'), receivedBytes: since('receivedBytes') };
    const connections = this.#connections;
    this.#connections = [];
    if (connections.length > 0) return { ...traffic, connections };
    return traffic.sentBytes + traffic.receivedBytes === 0 ? undefined : traffic;
  }
}
