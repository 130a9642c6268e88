// The endpoint moves, or its shards do: MOVING, MIGRATING and FAILING_OVER.
import dnsPromises from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Arm } from './arm.js';
import { Simulator } from './simulator.js';
import { check, eventually, failed, note, play, replies } from './table.js';

// move plays an upgrade with two arms under load. during sees them while it
// plays, after sees them when it has been played.
const move = (scenario, { upgrade, set = [], flags = ['--every', '3s', '--once'], on, both = () => ({}), during, after }) => play(scenario, async running => {
  const settings = set.flatMap(s => ['--set', s]);
  const sim = await Simulator.start(['--upgrade', upgrade, '--speed', '5', ...flags, ...settings]);
  running.push(sim);
  const arms = [];
  for (const [name, options] of [['on', { maintNotifications: 'enabled', ...on }], ['off', { maintNotifications: 'disabled' }]]) {
    arms.push(await Arm.connect(name, sim, { ...both(sim), ...options }));
    running.push(arms.at(-1));
  }
  for (const arm of arms) arm.drive();
  await during?.(sim, ...arms);
  await after(sim, ...arms);
  for (const arm of arms) {
    replies(scenario, arm);
    check(scenario, `${arm.name}: works afterwards`, await arm.works());
  }
});

const places = arm => arm.live.map(s => s.remote).join(' ') || 'nowhere';

function movedWithoutLoss(scenario, sim, on, endpoints) {
  const target = sim.nodes[endpoints.length];
  const expected = endpoints.map((endpoint, i) => `MOVING ${i} 3 ${endpoint}`).join(', ');
  check(scenario, 'on: told once per move', on.notices.join(', ') === expected && on.strayNotices.length === 0, on.notices.join(', '));
  check(scenario, 'on: handoff done', on.handoffs === endpoints.length, `${on.handoffs} handoffs`);
  check(scenario, 'on: one socket, to the new node', on.live.length === 1 && on.live[0].remote === target, places(on));
  check(scenario, 'on: left before the close', on.sockets.length === endpoints.length + 1 && on.dropped === 0,
    `${on.sockets.length} sockets, ${on.dropped} dropped`);
  check(scenario, 'on: timeouts relaxed, then restored', on.relaxations > 0 && !on.relaxed, `${on.relaxations} relaxations`);
  check(scenario, 'on: no command failed', on.failures.length === 0 && on.reconnects === 0, failed(on));
}

function droppedAtClose(scenario, sim, off, moves = 1) {
  check(scenario, 'off: told nothing', off.notices.length === 0 && off.handoffs === 0);
  check(scenario, 'off: dropped at the close', off.dropped === moves && off.reconnects > 0, failed(off));
  check(scenario, 'off: reconnects to the new node', off.live.length === 1 && off.live[0].remote === sim.nodes[moves], places(off));
}

// rebind moves the endpoint. endpoint says what MOVING must name.
const rebind = (scenario, maintEndpointType, endpoint, more = {}) => move(scenario, {
  upgrade: 'endpoint-rebind', on: { maintEndpointType }, ...more,
  async after(sim, on, off) {
    await Promise.all([sim.mark('close'), sim.mark('dns')]);
    await eventually(() => off.reconnects > 0 && off.live.length === 1);
    movedWithoutLoss(scenario, sim, on, [endpoint(sim)]);
    droppedAtClose(scenario, sim, off);
  },
});

const address = sim => sim.nodes[1];
const hostName = sim => `${sim.name.replace(/^[^.]+/, 'node2')}:${sim.port}`;
const nothing = () => 'null';

await rebind('internal-ip', 'internal-ip', address);
await rebind('external-ip', 'external-ip', address);
await rebind('internal-fqdn', 'internal-fqdn', hostName);
await rebind('external-fqdn', 'external-fqdn', hostName);

// For "auto", node-redis asks the machine's resolver and not socket.lookup. It
// gets the answer that a machine would give whose resolver knows the name.
const machineLookup = dnsPromises.lookup;
dnsPromises.lookup = async () => ({ address: '127.0.0.2', family: 4 });
await rebind('auto', 'auto', address);
dnsPromises.lookup = machineLookup;

// Over TLS a node must show a certificate for the name that MOVING gives it,
// and with mTLS every replacement must show the client's.
const encrypted = sim => ({ socket: { tls: true, ca: readFileSync(sim.certificates.ca) } });
const mutual = ({ certificates: { ca, cert, key } }) =>
  ({ socket: { tls: true, ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) } });
const secured = flag => ['--every', '3s', '--once', flag];
await rebind('TLS, internal-fqdn', 'internal-fqdn', hostName, { flags: secured('--tls'), both: encrypted });
await rebind('mTLS, external-fqdn', 'external-fqdn', hostName, { flags: secured('--mtls'), both: mutual });

// Without an address a client reconnects by name at half time: it gets away if the record has moved by then.
await rebind('none, record in time', 'none', nothing, { set: ['dns_offset=4.4s'] });

// If the record moves late, whoever comes back in time comes back to the node that leaves and is told again.
await move('none, record late', {
  upgrade: 'endpoint-rebind', on: { maintEndpointType: 'none' },
  async after(sim, on, off) {
    const scenario = 'none, record late';
    await sim.mark('dns');
    const back = await eventually(() => on.live.some(s => s.remote === sim.nodes[1]) && off.live.length === 1);
    check(scenario, 'on: told without an address', on.notices.join() === 'MOVING 0 3 null', on.notices.join());
    check(scenario, 'on: told again where it returned', /^MOVING 0 [01] null$/.test(on.strayNotices[0]), on.strayNotices[0]);
    check(scenario, 'on: on the new node in the end', back, `${on.live.length} sockets`);
    droppedAtClose(scenario, sim, off);
    // Not asserted: this is node-redis's affair (see README.md), and a fixed one is welcome.
    await sleep(500);
    note(scenario, 'on: what that cost node-redis', `${failed(on)}, ${on.handoffs} handoffs, ${on.strayNotices.length} notices to replacements, ${on.dropped} sockets dropped, ${on.live.length} open`);
  },
});

// A database with a password: every replacement must authenticate too.
await move('two moves', {
  upgrade: 'endpoint-rebind', flags: ['--every', '1s', '--password', 'secret'], both: () => ({ password: 'secret' }),
  on: { maintEndpointType: 'internal-ip' },
  async after(sim, on, off) {
    await sim.mark('dns', 2);
    await eventually(() => off.live[0]?.remote === sim.nodes[2]);
    movedWithoutLoss('two moves', sim, on, [sim.nodes[1], sim.nodes[2]]);
    droppedAtClose('two moves', sim, off, 2);
  },
});

// window plays maintenance in which connections stay and commands queue for
// two seconds: longer than the socket timeout of both arms.
async function window(scenario, set, opener, completion, shards) {
  const socketTimeout = 1000;
  const over = `${completion} 1 ${shards}`;
  const timeouts = { maintEndpointType: 'internal-ip', socket: { socketTimeout } };
  const joiners = [];
  const join = async (name, sim) => {
    joiners.push(await Arm.connect(name, sim, { ...timeouts, maintNotifications: 'enabled' }));
    return joiners.at(-1);
  };
  await move(scenario, {
    upgrade: scenario, set, flags: ['--every', '3s', '--once', '--support', 'repeat-openers'], both: () => timeouts,
    async during(sim, on) {
      await sim.mark(opener);
      check(scenario, `on: timeouts relaxed at ${opener}`, await eventually(() => on.relaxed), `${on.live[0]?.socket.timeout} ms`);
      const joiner = await join('joiner', sim);
      check(scenario, 'joiner: told of the open window', joiner.notices.join().startsWith(`${opener} 0 `) && joiner.relaxed, joiner.notices.join());
    },
    async after(sim, on, off) {
      await sim.mark(completion);
      const [joiner] = joiners;
      const restored = await eventually(() => [on, joiner].every(arm => arm.live[0]?.socket.timeout === socketTimeout));
      check(scenario, `on, joiner: restored at ${completion}`, restored, `${on.live[0]?.socket.timeout} ms`);
      const [first, ...others] = on.notices;
      const both = first.startsWith(`${opener} 0 `) && first.endsWith(` ${shards}`) && others.join() === over;
      check(scenario, 'on: told of both ends', both, on.notices.join(', '));
      check(scenario, 'on: no command failed, same socket', on.failures.length === 0 && on.sockets.length === 1, failed(on));
      check(scenario, 'off: told nothing, times out', off.notices.length === 0 && off.failures.some(f => f.includes('SocketTimeoutError')), failed(off));
      const late = await join('late', sim);
      check(scenario, 'late: told of the completion, not relaxed', late.notices.join() === over && !late.relaxed, late.notices.join());
      for (const arm of joiners) check(scenario, `${arm.name}: works`, await arm.works());
    },
  });
  await Promise.all(joiners.map(arm => arm.stop()));
}

await window('shard-migration', ['demotion_stall=10s'], 'MIGRATING', 'MIGRATED', '["27"]');
await window('failover', ['failover_stall=10s', 'failover_duration=11s'], 'FAILING_OVER', 'FAILED_OVER', '["21"]');
