// One node-redis client under load, with what it was told, what it did, and
// every socket it had. Two arms differ in maintNotifications alone.
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';

// Events of Node and of node-redis find their arm by the asynchronous context
// they happen in, which a client's own reconnects and replacements inherit.
const context = new AsyncLocalStorage();
const onEvent = (channel, take) => subscribe(channel, event => {
  const arm = context.getStore();
  if (arm) take(arm, event);
});
process.env.REDIS_EMIT_DIAGNOSTICS = '1'; // node-redis publishes notices as they came
// An arm's first client is the one it made. The maintenance event says who is told, the one behind it what.
const meet = (arm, clientId) => { arm.clientId ||= clientId; };
onEvent('node-redis:connection:ready', (arm, { clientId }) => meet(arm, clientId));
onEvent('node-redis:maintenance', (arm, { clientId }) => { meet(arm, clientId); arm.told = clientId; });
onEvent('redis.maintenance', (arm, { data }) => (arm.told === arm.clientId ? arm.notices : arm.strayNotices).push(data.push.join(' ')));
onEvent('node-redis:connection:handoff', arm => arm.handoffs++);
onEvent('node-redis:connection:relaxed-timeout', (arm, { value }) => value > 0 && arm.relaxations++);
onEvent('net.client.socket', (arm, { socket }) => arm.watch(socket));

const relaxedTimeout = 10_000; // ms, the default of node-redis

export class Arm {
  clientId = '';
  notices = [];      // pushes to the client, their elements as text
  strayNotices = []; // pushes to clients that node-redis made to replace its socket
  handoffs = 0;      // that node-redis reported as done
  relaxations = 0;   // of timeouts, that node-redis reported
  sockets = [];      // {socket, remote, open, dropped}
  reconnects = 0;    // attempts
  clientErrors = [];
  ok = 0;
  failures = []; // messages of failed commands
  wrong = [];    // replies that no order of events explains

  #client;
  #load;
  #stop = false;

  // connect returns when the client is ready; options are of createClient.
  static connect(name, simulator, options) {
    const arm = new Arm();
    arm.name = name;
    return context.run(arm, async () => {
      const { socket, ...others } = options;
      arm.#client = createClient({
        RESP: 3,
        socket: {
          host: simulator.name, port: Number(simulator.port), lookup: simulator.lookup,
          reconnectStrategy: () => arm.#stop ? false : 50, ...socket,
        },
        maintRelaxedSocketTimeout: relaxedTimeout,
        ...others,
      });
      arm.#client.on('error', error => arm.clientErrors.push(describe(error)));
      arm.#client.on('reconnecting', () => arm.reconnects++);
      await arm.#client.connect();
      return arm;
    });
  }

  // drive has workers write and read until stop.
  drive(workers = 4) {
    this.#load = context.run(this, () => Promise.all(Array.from({ length: workers }, (_, i) => this.#work(i))));
  }

  async stop() {
    this.#stop = true;
    await this.#load;
    this.#client.destroy();
    for (const { socket } of this.live) socket.destroy(); // of replacements that node-redis left behind
  }

  // live are the sockets that are connected now; dropped were ended by the server or an error.
  get live() { return this.sockets.filter(s => s.open); }
  get dropped() { return this.sockets.filter(s => s.dropped).length; }

  // relaxed tells whether the live socket's timeout is that of maintenance.
  get relaxed() { return this.live.length === 1 && this.live[0].socket.timeout === relaxedTimeout; }

  // works does one round trip.
  async works() {
    const key = `schload:node:${this.name}`;
    const value = `${this.name}-${performance.now()}`;
    return await this.#client.set(key, value) === 'OK' && await this.#client.get(key) === value;
  }

  watch(socket) {
    const seen = { socket, remote: '', open: false, dropped: false };
    this.sockets.push(seen);
    socket.once('connect', () => Object.assign(seen, { open: true, remote: `${socket.remoteAddress}:${socket.remotePort}` }));
    for (const event of ['end', 'error']) socket.once(event, () => { seen.dropped = seen.remote !== ''; });
    socket.once('close', () => { seen.open = false; });
  }

  // A worker has keys of its own, so it knows what each may hold: the last
  // value that was acknowledged, or one whose write failed since.
  async #work(worker) {
    const possible = new Map();
    for (let n = 0; !this.#stop; n++) {
      const key = `schload:node:${this.name}:${worker}:${n % 16}`;
      const value = `${this.name}-${worker}-${n}`;
      const before = possible.get(key) ?? [null];
      possible.set(key, [...before, value]);
      if (await this.#try(() => this.#client.set(key, value), reply => reply === 'OK', `SET ${key}`)) possible.set(key, [value]);
      await this.#try(() => this.#client.get(key), reply => possible.get(key).includes(reply), `GET ${key}`);
      await sleep(1);
    }
  }

  async #try(command, right, what) {
    let reply;
    try {
      reply = await command();
    } catch (error) {
      this.failures.push(describe(error));
      return false;
    }
    this.ok++;
    if (!right(reply)) this.wrong.push(`${what} = ${reply}`);
    return true;
  }
}

const describe = error => error.code ?? `${error.constructor.name}: ${error.message}`;
