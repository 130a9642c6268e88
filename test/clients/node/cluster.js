// Slots move between the nodes of an OSS cluster: SMIGRATING and SMIGRATED.
import { ClusterArm } from './clusterarm.js';
import { Simulator } from './simulator.js';
import { slotCount } from './slot.js';
import { check, eventually, failed, note, play, replies } from './table.js';

// move plays an upgrade before six clients, handoffs on and off: under load,
// idle, and listening to a channel of the lowest slot, which always moves. Each
// is told otherwise that slots went: the loaded ones meet MOVED, the listening
// ones are unsubscribed, the idle ones have the notice or nothing at all.
const move = (upgrade, { windows = 1, removes = false } = {}) => play(upgrade, async running => {
  const stage = await enter(upgrade, running);
  await opens(stage, windows === 1);
  await flips(stage, windows);
  await follow(stage);
  if (removes) await closes(stage);
  else check(upgrade, 'nobody is dropped', stage.arms().every(arm => arm.dropped === 0 && arm.reconnects === 0));
  await idlers(stage);
  await subscribers(stage);
  await workers(stage);
});

// enter starts the simulator and everyone before whom it plays.
async function enter(upgrade, running) {
  const sim = await Simulator.start(['--oss-cluster', '--upgrade', upgrade, '--speed', '5', '--every', '6s', '--once'], 4);
  running.push(sim);
  const join = (name, maintNotifications = 'enabled') => ClusterArm.connect(name, sim, { maintNotifications, maintEndpointType: 'internal-ip' });
  const pair = kind => [join(`${kind}on`), join(`${kind}off`, 'disabled')];
  const arms = await Promise.all(['', 'idle ', 'subscriber '].flatMap(pair));
  running.push(...arms);
  const [on, off, idleOn, idleOff, hearsOn, hearsOff] = arms;
  await Promise.all([hearsOn.listen(0, on), hearsOff.listen(0, off)]);
  for (const arm of [on, off]) arm.drive();
  if (sim.marks.length > 0) throw new Error('the upgrade began before its audience was there');

  const late = async name => { running.push(await join(name)); return running.at(-1); };
  return { upgrade, sim, late, arms: () => running.slice(1), on, off, idleOn, idleOff, hearsOn, hearsOff, told: [on, idleOn, hearsOn] };
}

// opens is about SMIGRATING. Where the window lasts, somebody comes meanwhile.
async function opens(stage, lasts) {
  const { upgrade, sim, on, told } = stage;
  stage.from = (await sim.mark('SMIGRATING')).node;
  stage.witnesses = told.flatMap(arm => arm.connections);
  if (!lasts) return;
  const joining = stage.late('joiner');
  check(upgrade, 'on: timeouts relaxed at SMIGRATING', await eventually(() => told.every(arm => arm.relaxed)), timeouts(on));
  const joiner = await joining;
  const open = sim.named('move').length === 0;
  check(upgrade, 'joiner: told of the open window', open && joiner.connections.every(c => /^SMIGRATING 0 /.test(c.notices)) && joiner.relaxed, joiner.summary);
  told.push(joiner);
  stage.witnesses.push(...joiner.connections);
}

const flipped = /; slots (\d+)-(\d+) to (\S+)$/;

// flips is about SMIGRATED, which comes soon after the slots went.
async function flips(stage, windows) {
  const { upgrade, sim, on, told, witnesses, from } = stage;
  await sim.mark('SMIGRATED', windows);
  const moves = sim.named('move').map(({ detail }) => flipped.exec(detail).slice(1));
  stage.to = moves[0][2];
  stage.range = [Number(moves[0][0]), Number(moves.at(-1)[1])];

  const all = moves.flatMap(([first, last, to], i) =>
    [`SMIGRATING ${2 * i} ${first}-${last}`, `SMIGRATED ${2 * i + 1} ${from},${to},${first}-${last}`]);
  const complete = await eventually(() => witnesses.every(({ open, notices }) => !open || notices.join() === all.join()));
  check(upgrade, 'on: every connection that stays is told all', complete && told.every(arm => arm.connections.some(c => witnesses.includes(c))), on.summary);
  const beside = () => told.flatMap(arm => arm.connections).map(c => c.notices).filter(notices => notices.join() !== all.slice(all.length - notices.length).join());
  check(upgrade, 'on: later connections are told what follows', await eventually(() => beside().length === 0), beside().join(' | '));
  check(upgrade, 'on: timeouts restored at SMIGRATED', await eventually(() => !told.some(arm => arm.relaxed)), timeouts(on));
}

// follow is about where commands go from now on.
async function follow({ upgrade, on, off, idleOn, idleOff, hearsOff, range, from, to }) {
  check(upgrade, 'idle off: stays where it is', idleOff.owners(range) === from && idleOff.at.includes(from), idleOff.owners(range));
  const follows = arm => arm.owners(range) === to && arm.at.includes(to);
  check(upgrade, 'on: follows the slots', await eventually(() => follows(on), 5000), on.owners(range));
  note(upgrade, 'on: redirected between flip and notice', `${on.moved} MOVED`);
  check(upgrade, 'idle on: follows them by the notice alone', await eventually(() => follows(idleOn)) && idleOn.moved === 0, idleOn.owners(range));
  check(upgrade, 'off: told nothing', [off, idleOff, hearsOff].every(arm => arm.pushes.length === 0));
  check(upgrade, 'off: follows redirections', await eventually(() => follows(off), 5000) && off.moved > 0, `${off.moved} MOVED`);
}

// closes is about the node that leaves: who is still there?
async function closes(stage) {
  const { upgrade, sim, idleOff, from } = stage;
  const gone = stage.arms().filter(arm => arm !== idleOff);
  check(upgrade, 'all but idle off: gone before the close', gone.every(arm => !arm.at.includes(from)) && sim.named('close').length === 0, gone[0].at.join(' '));
  await sim.mark('close');
  check(upgrade, 'idle off: dropped at the close', await eventually(() => idleOff.dropped === 1 && idleOff.reconnects > 0), failed(idleOff));
  check(upgrade, 'all but idle off: not dropped', gone.every(arm => arm.dropped === 0 && arm.reconnects === 0));
  const began = performance.now();
  const outcome = await idleOff.attempt(stage.range[0]);
  note(upgrade, 'idle off: first command after the close', `${outcome}, after ${Math.round(performance.now() - began)} ms`);
}

// idlers is about commands of those who had none before, and of somebody new.
async function idlers(stage) {
  const { upgrade, idleOn, idleOff, range, to } = stage;
  const works = async arm => await arm.works(arm.keyIn(range[0])) && await arm.works(arm.keyIn(range[1]));
  check(upgrade, 'idle on: works without a redirection', await works(idleOn) && idleOn.moved === 0);
  check(upgrade, 'idle off: works, and then knows', await works(idleOff) && idleOff.owners(range) === to, `${idleOff.moved} MOVED`);
  const late = await stage.late('late');
  check(upgrade, 'late: told nothing of what is over', late.connections.length > 1 && late.pushes.length === 0 && !late.relaxed, late.summary);
}

// subscribers is about a channel whose slot went.
async function subscribers({ upgrade, hearsOn, hearsOff, range, to }) {
  for (const arm of [hearsOn, hearsOff]) {
    const { lost, twice } = await arm.silence();
    await arm.say('at last');
    check(upgrade, `${arm.name}: hears what is said later`, await eventually(() => arm.heard.includes('at last')) && arm.at.includes(to), `${arm.heard.length} heard`);
    check(upgrade, `${arm.name}: followed without a redirection`, arm.moved === 0 && arm.owners([range[0], range[0]]) === to);
    check(upgrade, `${arm.name}: hears nothing twice`, twice === 0);
    note(upgrade, `${arm.name}: said while it was not subscribed`, `${lost} lost${arm.unsaid.length > 0 ? `, ${arm.unsaid.length} failed: ${arm.unsaid[0]}` : ''}`);
  }
}

// workers is about the load that went on all the time.
async function workers(stage) {
  const { upgrade, on, off } = stage;
  for (const arm of [on, off]) {
    const before = arm.moved;
    const right = await arm.sweep();
    check(upgrade, `${arm.name}: every slot answers, no redirection`, right === slotCount && arm.moved === before, right);
    replies(upgrade, arm);
    lossless(upgrade, arm);
  }
  const errors = stage.arms().filter(arm => arm !== stage.idleOff).flatMap(arm => arm.clientErrors);
  check(upgrade, 'no error outside commands', errors.length === 0, errors[0]);
}

// lossless judges that nothing failed, but for what node-redis itself breaks
// off (see README.md): commands under way on the connection to a node that a
// new slot map names no longer.
function lossless(scenario, arm) {
  const others = arm.failures.filter(failure => !failure.startsWith('DisconnectsClientError'));
  check(scenario, `${arm.name}: the server fails no command`, others.length === 0, others[0]);
  const broken = arm.failures.length - others.length;
  if (broken > 0) note(scenario, `${arm.name}: commands that node-redis broke off`, `${broken} of ${arm.ok + broken}`);
}

const timeouts = arm => `${arm.live.map(s => s.socket.timeout).join(' ')} ms`;

await move('oss-slot-remove-add', { removes: true });
await move('oss-slot-remove', { removes: true });
await move('oss-slot-add');
await move('oss-slot-shuffle');
await move('oss-reshard', { windows: 10 });
