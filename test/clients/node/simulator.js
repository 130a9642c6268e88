// Starts `schload sim`, and reads from its output where it serves and what it does.
import { spawn } from 'node:child_process';
import { Resolver } from 'node:dns';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const markLine = /^\d\d:\d\d:\d\d\.\d{3} {2}(\S+) +([\d.]+:\d+)? *(.*)$/;

export class Simulator {
  #process;
  #waiting = [];
  name = '';
  port = 0;
  dns = '';
  certificates = {}; // paths: ca, cert and key of the client
  nodes = []; // address:port
  marks = []; // {name, node, detail}, as they happen

  // start returns once the simulator has announced all of its addresses.
  static async start(args, nodes = 3) {
    const sim = new Simulator();
    const flags = ['sim', '--port', '0', '--nodes', String(nodes), ...args];
    const [command, ...before] = process.env.SCHLOAD ? [process.env.SCHLOAD] : ['go', 'run', './cmd/schload'];
    // A process group of its own: a signal to `go run` alone leaves the program it started.
    sim.#process = spawn(command, [...before, ...flags], { cwd: repository, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
    process.on('exit', sim.#kill);
    sim.#process.once('error', error => sim.#fail(error));
    sim.#process.once('exit', code => sim.#fail(new Error(`${command} ended with code ${code}`)));
    createInterface({ input: sim.#process.stdout }).on('line', line => sim.#read(line));
    const secure = args.includes('--tls') || args.includes('--mtls');
    await sim.#until(() => sim.name && sim.dns && sim.nodes.length === nodes && Boolean(sim.certificates.key) === secure, 120_000, 'the announcement of addresses');
    return sim;
  }

  // mark waits until the simulator has done something, the nth time, and returns that.
  async mark(name, nth = 1) {
    await this.#until(() => this.named(name).length >= nth, 30_000, name);
    return this.named(name)[nth - 1];
  }

  named(name) { return this.marks.filter(m => m.name === name); }

  // lookup has the contract of dns.lookup. Each call asks the simulator's name
  // server: a resolver that lives longer may remember answers.
  lookup = (host, options, callback) => {
    const resolver = new Resolver({ timeout: 1000, tries: 2 });
    resolver.setServers([this.dns]);
    resolver.resolve4(host, (error, addresses) => {
      if (error) return callback(error);
      if (options.all) return callback(null, addresses.map(address => ({ address, family: 4 })));
      callback(null, addresses[0], 4);
    });
  };

  async stop() {
    this.#process.removeAllListeners('exit');
    const ended = this.#process.exitCode !== null ? null : once(this.#process, 'exit');
    this.#signal('SIGINT');
    const late = setTimeout(this.#kill, 5000);
    await ended;
    clearTimeout(late);
    this.#kill(); // whatever is left of the group
    process.off('exit', this.#kill);
  }

  #read(line) {
    const [kind, value, another] = line.split(/ +/);
    const mark = markLine.exec(line);
    if (mark) this.marks.push({ name: mark[1], node: mark[2], detail: mark[3] });
    else if (kind === 'database') ({ hostname: this.name, port: this.port } = new URL(value.replace(/^rediss?:/, 'http:')));
    else if (kind === 'DNS') this.dns = value;
    else if (kind === 'node') this.nodes.push(value);
    else if (kind === 'CA') this.certificates.ca = value;
    else if (kind === 'client') Object.assign(this.certificates, { cert: value, key: another });
    this.#waiting = this.#waiting.filter(w => !w());
  }

  #until(condition, timeout, what) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the simulator: no ${what} within ${timeout} ms`)), timeout);
      const look = () => {
        if (this.failure) reject(this.failure);
        else if (condition()) resolve();
        else return false;
        clearTimeout(timer);
        return true;
      };
      if (!look()) this.#waiting.push(look);
    });
  }

  #fail(error) {
    this.failure = error;
    this.#waiting = this.#waiting.filter(w => !w());
  }

  #kill = () => this.#signal('SIGKILL');

  #signal(signal) {
    try {
      process.kill(-this.#process.pid, signal);
    } catch {} // nobody there any more
  }
}
