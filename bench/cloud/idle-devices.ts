/**
 * Many idle devices: each is enrolled with a key of its own and holds its event socket open, as an engine does that has
 * nothing to do. People come from networks of their own, for sign-ups are limited by network.
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { Person, type TestDevice } from '../../test/fakes/hand-made-client.ts';

/** The server lets an account have 64 sockets. */
const OF_A_PERSON = 50;
/** Opened at once: what waits to be accepted is bounded by the system. */
const AT_ONCE = 100;

/** Devices by person, enrolled and not connected yet. */
export async function enrolMany(address: string, count: number): Promise<TestDevice[][]> {
  const people = Array.from({ length: Math.ceil(count / OF_A_PERSON) }, (_none, index) => {
    const person = new Person(address);
    person.network = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
    return { person, devices: Math.min(OF_A_PERSON, count - index * OF_A_PERSON) };
  });
  const all: TestDevice[][] = [];
  const next = people.values();
  const enrolOne = async ({ person, devices: wanted }: (typeof people)[number]): Promise<void> => {
    const first = await person.signup();
    all.push([first, ...(await person.enrolAll(wanted - 1))]);
  };
  const work = async (): Promise<void> => {
    for (const one of next) await enrolOne(one);
  };
  await Promise.all([work(), work(), work(), work()]);
  return all;
}

export class IdleDevices {
  readonly sockets: WebSocket[] = [];
  /** Called for each event of a device. */
  heard: (device: TestDevice, event: Uint8Array) => void = () => undefined;
  /** Those that the server ended. */
  lost = 0;
  #ending = false;

  /** Opens a socket for each. @throws for the first one that is refused */
  async open(devices: readonly TestDevice[], address: string): Promise<void> {
    for (let from = 0; from < devices.length; from += AT_ONCE)
      await Promise.all(devices.slice(from, from + AT_ONCE).map((device) => this.#open(device, address)));
  }

  async #open(device: TestDevice, address: string): Promise<void> {
    const socket = new WebSocket(`${address.replace('http', 'ws')}/v1/events`, {
      perMessageDeflate: false,
      headers: { authorization: `Bearer ${device.session.accessToken}` },
    });
    socket.on('message', (data: Buffer) => {
      this.heard(device, data);
    });
    await once(socket, 'open');
    socket.on('close', () => {
      if (!this.#ending) this.lost += 1;
    });
    socket.on('error', () => undefined);
    this.sockets.push(socket);
  }

  async close(): Promise<void> {
    this.#ending = true;
    await Promise.all(
      this.sockets.splice(0).map((socket) => {
        const closed = once(socket, 'close');
        socket.terminate();
        return closed;
      }),
    );
  }
}
