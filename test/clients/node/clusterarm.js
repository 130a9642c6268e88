// A node-redis cluster client, under load over keys of all slots or listening
// to a sharded channel.
import { setTimeout as sleep } from 'node:timers/promises';
import { createCluster } from 'redis';
import { Arm, describe } from './arm.js';
import { slotCount, tagOf } from './slot.js';

// Workers' turns go through the slots in steps coprime to their number: each is
// met, and so are small ranges soon.
const stride = 6151;

export class ClusterArm extends Arm {
  heard = [];          // messages on the channel
  said = [];           // those that the server accepted
  unsaid = [];         // why others were not

  #channel;
  #speaker;
  #talk;
  #silent = false;

  create(address, { RESP, ...defaults }) {
    return createCluster({
      RESP, defaults, rootNodes: [{ socket: address }],
      topologyRefreshOnReconnectionAttemptStrategy: 1000, // ms: the default, 5 s, at the speed of the upgrade
    }).on('node-reconnecting', () => this.reconnects++);
  }

  key(worker, turn) {
    return this.keyIn((turn * stride + worker * slotCount / 4) % slotCount, worker);
  }

  keyIn(slot, worker = 0) { return `schload:node:${this.name}:${worker}:{${tagOf(slot)}}`; }

  // listen subscribes to a channel of a slot. Another arm talks there until
  // silence, so that no redirection tells this one that the slot went.
  async listen(slot, speaker) {
    this.#channel = this.keyIn(slot);
    this.#speaker = speaker;
    await this.run(() => this.redis.sSubscribe(this.#channel, message => this.heard.push(message)));
    this.#talk = this.#chat();
  }

  // say has the other arm publish a message on the channel.
  async say(message) {
    try {
      await this.#speaker.run(() => this.#speaker.redis.sPublish(this.#channel, message));
      this.said.push(message);
    } catch (error) {
      this.unsaid.push(describe(error));
    }
  }

  // silence ends the talk, and counts what was said and not heard or heard twice.
  async silence() {
    this.#silent = true;
    await this.#talk;
    await sleep(50);
    const heard = new Set(this.heard);
    return { lost: this.said.filter(message => !heard.has(message)).length, twice: this.heard.length - heard.size };
  }

  // attempt tells what becomes of a command.
  async attempt(slot) {
    try {
      return await this.works(this.keyIn(slot)) ? 'answered' : 'answered wrongly';
    } catch (error) {
      return describe(error);
    }
  }

  // sweep writes a key of every slot, and returns how many writes were right.
  sweep() {
    return this.run(async () => {
      let right = 0;
      for (let slot = 0; slot < slotCount; slot += 512) {
        const keys = Array.from({ length: 512 }, (_, i) => this.keyIn(slot + i, 'sweep'));
        const replies = await Promise.all(keys.map(key => this.redis.set(key, key)));
        right += replies.filter(reply => reply === 'OK').length;
      }
      return right;
    });
  }

  async stop() {
    await this.silence();
    await super.stop();
  }

  // connections are the clients of node-redis that are connected now.
  get connections() { return [...this.clients.values()].filter(client => client.open); }

  // pushes are what all of them were ever told.
  get pushes() { return [...this.clients.values()].flatMap(client => client.notices); }

  // summary says how many notices each connection was told, by node.
  get summary() { return this.connections.map(({ node, notices }) => `${node.split(':')[0]}: ${notices.length}`).join(', '); }

  // at are the addresses of the nodes that live sockets lead to, each once.
  get at() { return [...new Set(this.live.map(s => s.remote))].sort(); }

  // owners are the nodes that the client takes to serve the slots of a range.
  owners([from, to]) { return [...new Set(this.redis.slots.slice(from, to + 1).map(shard => shard.master.address))].join(' '); }

  async #chat() {
    for (let n = 0; !this.#silent; n++) {
      await this.say(String(n));
      await sleep(10);
    }
  }
}
