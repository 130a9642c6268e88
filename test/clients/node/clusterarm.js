// A node-redis cluster client under load over keys of all slots, and what it
// hears on a sharded channel.
import { createCluster } from 'redis';
import { Arm } from './arm.js';
import { slotCount, tagOf } from './slot.js';

const stride = 6151; // of workers' turns through the slots: coprime to their number, so that each is met, and even small ranges soon

export class ClusterArm extends Arm {
  visited = new Set(); // slots
  heard = [];          // messages on the channel

  create(address, { RESP, ...defaults }) {
    const rootNodes = [{ socket: { ...address, lookup: defaults.socket.lookup } }];
    return createCluster({ RESP, rootNodes, defaults }).on('node-reconnecting', () => this.reconnects++);
  }

  key(worker, turn) {
    const slot = (turn * stride + worker * slotCount / 4) % slotCount;
    this.visited.add(slot);
    return this.keyIn(slot, worker);
  }

  keyIn(slot, worker = 0) { return `schload:node:${this.name}:${worker}:{${tagOf(slot)}}`; }

  subscribe(slot) {
    return this.run(() => this.redis.sSubscribe(this.keyIn(slot), message => this.heard.push(message)));
  }

  // publish returns how many were said to have heard it.
  publish(slot, message) { return this.run(() => this.redis.sPublish(this.keyIn(slot), message)); }

  // connections are the clients of node-redis that are connected now.
  get connections() { return [...this.clients.values()].filter(client => client.open); }

  // at are the addresses of the nodes that live sockets lead to, each once.
  get at() { return [...new Set(this.live.map(s => s.remote))].sort(); }

  // owners are the nodes that the client takes to serve the slots of a range.
  owners(from, to) { return [...new Set(this.redis.slots.slice(from, to + 1).map(shard => shard.master.address))]; }
}
