// A node-redis client under load, with what it was told, what it did, and
// every socket it had. Two arms differ in maintNotifications alone.
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { createClient } from 'redis';

// Events of Node and of node-redis find their arm by the asynchronous context
// they happen in, which a client's own reconnects and replacements inherit.
const context = new AsyncLocalStorage();
const onEvent = (channel, take) => subscribe(channel, event => {
  const arm = context.getStore();
  if (arm) take(arm, event);
});
process.env.REDIS_EMIT_DIAGNOSTICS = '1'; // node-redis publishes notices as they came
onEvent('node-redis:connection:ready', (arm, { clientId, serverAddress, serverPort }) =>
  Object.assign(arm.client(clientId), { open: true, node: `${serverAddress}:${serverPort}` }));
onEvent('node-redis:connection:closed', (arm, { clientId }) => { arm.client(clientId).open = false; });
// The maintenance event says who is told, the one behind it what.
onEvent('node-redis:maintenance', (arm, { clientId }) => { arm.told = arm.client(clientId); });
onEvent('redis.maintenance', (arm, { data }) => arm.told.notices.push(data.push.join(' ')));
onEvent('node-redis:connection:handoff', arm => arm.handoffs++);
onEvent('node-redis:connection:relaxed-timeout', (arm, { value }) => value > 0 && arm.relaxations++);
onEvent('node-redis:error', (arm, { origin, error }) => origin === 'cluster' && error.message.startsWith('MOVED') && arm.moved++);
onEvent('net.client.socket', (arm, { socket }) => arm.watch(socket));

// Node announces no TLS sockets there.
const connectTLS = tls.connect;
tls.connect = (...args) => {
  const socket = connectTLS(...args);
  context.getStore()?.watch(socket);
  return socket;
};

const relaxedTimeout = 10_000; // ms, the default of node-redis

export class Arm {
  clients = new Map(); // of node-redis, by its id: {open, node, notices}; the first is the one that the arm made
  handoffs = 0;        // that node-redis reported as done
  relaxations = 0;     // of timeouts, that node-redis reported
  moved = 0;           // redirections that a cluster's client followed
  sockets = [];        // {socket, remote, open, dropped}
  reconnects = 0;      // attempts
  clientErrors = [];
  ok = 0;
  failures = []; // messages of failed commands
  wrong = [];    // replies that no order of events explains

  #load;
  #stop = false;

  // connect returns when the client is ready; options are of create.
  static connect(name, simulator, options) {
    const arm = new this();
    arm.name = name;
    return context.run(arm, async () => {
      const { socket, ...others } = options;
      const address = { host: simulator.name, port: Number(simulator.port) };
      arm.redis = arm.create(address, {
        RESP: 3,
        socket: { lookup: simulator.lookup, reconnectStrategy: () => arm.#stop ? false : 50, ...socket },
        maintRelaxedSocketTimeout: relaxedTimeout,
        ...others,
      });
      arm.redis.on('error', error => arm.clientErrors.push(describe(error)));
      await arm.redis.connect().catch(error => {
        throw new Error(`${name} does not connect: ${[error, ...arm.clientErrors].map(describe).join(', ')}`);
      });
      return arm;
    });
  }

  create(address, { socket, ...options }) {
    return createClient({ ...options, socket: { ...address, ...socket } }).on('reconnecting', () => this.reconnects++);
  }

  // run does something in the arm's context.
  run(what) { return context.run(this, what); }

  // drive has workers write and read until stop.
  drive(workers = 4) {
    this.#load = this.run(() => Promise.all(Array.from({ length: workers }, (_, i) => this.#work(i))));
  }

  async stop() {
    this.#stop = true;
    await this.#load;
    this.redis.destroy();
    for (const { socket } of this.live) socket.destroy(); // of replacements that node-redis left behind
  }

  client(id) {
    if (!this.clients.has(id)) this.clients.set(id, { open: false, node: '', notices: [] });
    return this.clients.get(id);
  }

  // notices are pushes to the client that the arm made, their elements as text;
  // strayNotices went to clients that node-redis made to replace its socket.
  get notices() { return this.#pushes[0] ?? []; }
  get strayNotices() { return this.#pushes.slice(1).flat(); }
  get #pushes() { return [...this.clients.values()].map(client => client.notices); }

  // live are the sockets that are connected now; dropped were ended by the server or an error.
  get live() { return this.sockets.filter(s => s.open); }
  get dropped() { return this.sockets.filter(s => s.dropped).length; }

  // relaxed tells whether the timeouts of all live sockets are those of maintenance.
  get relaxed() { return this.live.length > 0 && this.live.every(s => s.socket.timeout === relaxedTimeout); }

  // works does one round trip.
  works(key = `schload:node:${this.name}`) {
    const value = `${this.name}-${performance.now()}`;
    return this.run(async () => await this.redis.set(key, value) === 'OK' && await this.redis.get(key) === value);
  }

  watch(socket) {
    const seen = { socket, remote: '', open: false, dropped: false };
    this.sockets.push(seen);
    socket.once('connect', () => Object.assign(seen, { open: true, remote: `${socket.remoteAddress}:${socket.remotePort}` }));
    for (const event of ['end', 'error']) socket.once(event, () => { seen.dropped = seen.remote !== ''; });
    socket.once('close', () => { seen.open = false; });
  }

  // key is what a worker writes and reads in a turn.
  key(worker, turn) { return `schload:node:${this.name}:${worker}:${turn % 16}`; }

  // A worker has keys of its own, so it knows what each may hold: the last
  // value that was acknowledged, or one whose write failed since.
  async #work(worker) {
    const possible = new Map();
    for (let n = 0; !this.#stop; n++) {
      const key = this.key(worker, n);
      const value = `${this.name}-${worker}-${n}`;
      const before = possible.get(key) ?? [null];
      possible.set(key, [...before, value]);
      if (await this.#try(() => this.redis.set(key, value), reply => reply === 'OK', `SET ${key}`)) possible.set(key, [value]);
      await this.#try(() => this.redis.get(key), reply => possible.get(key).includes(reply), `GET ${key}`);
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

export const describe = error => error instanceof Error ? error.code ?? `${error.constructor.name}: ${error.message}` : error;
