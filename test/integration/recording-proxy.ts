/**
 * A TCP proxy that keeps every byte that passes, as somebody on the wire would see it. Its address stays the
 * same whatever becomes of the server behind it.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface RecordingProxy {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Everything so far, each connection's two directions apart, one after another. */
  recorded(): Buffer;
  /** While false, connections are refused and those that stand are cut. */
  setOpen(open: boolean): void;
  close(): Promise<void>;
}

/** @param target port of the server on this machine, asked for at every connection */
export async function startRecordingProxy(target: () => number): Promise<RecordingProxy> {
  const sockets = new Set<Socket>();
  const streams: Buffer[][] = [];
  let isOpen = true;
  const follow = (from: Socket, to: Socket): void => {
    const stream: Buffer[] = [];
    streams.push(stream);
    sockets.add(from);
    from.on('data', (bytes) => stream.push(bytes));
    from.pipe(to);
    from.on('error', () => to.destroy()); // a killed process resets its connections
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const server = createServer((near) => {
    if (!isOpen) {
      near.destroy();
      return;
    }
    const far = connect(target(), '127.0.0.1');
    follow(near, far);
    follow(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    recorded: () => Buffer.concat(streams.flat()),
    setOpen: (open) => {
      isOpen = open;
      if (!open) cut();
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}
