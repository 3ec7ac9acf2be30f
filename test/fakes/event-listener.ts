import { once } from 'node:events';
import { WebSocket } from 'ws';
import { decodeEvent, type CloudEvent } from '../../protocol/pages.ts';
import type { TestDevice } from './hand-made-client.ts';

/** An open socket to the server its person speaks to, and the events it gets, one by one. */
export async function listen(
  who: TestDevice,
): Promise<{ socket: WebSocket; next: () => Promise<CloudEvent> }> {
  const socket = new WebSocket(`${who.person.url.replace('http', 'ws')}/v1/events`, {
    headers: { authorization: `Bearer ${who.session.accessToken}` },
  });
  const events: CloudEvent[] = [];
  const waiting: ((event: CloudEvent) => void)[] = [];
  socket.on('message', (data: Buffer) => {
    const event = decodeEvent(data);
    const waiter = waiting.shift();
    if (waiter === undefined) events.push(event);
    else waiter(event);
  });
  await once(socket, 'open');
  const next = (): Promise<CloudEvent> => {
    const event = events.shift();
    return event === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(event);
  };
  return { socket, next };
}
