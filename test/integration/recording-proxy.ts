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
  /** From now on so many bytes a second pass in each direction of each connection; null: as many as come. */
  drip(bytesPerSecond: number | null): void;
  /** Bytes that went to the server so far. */
  bytesUp(): number;
  close(): Promise<void>;
}

/** @param target port of the server on this machine, asked for at every connection */
export async function startRecordingProxy(target: () => number): Promise<RecordingProxy> {
  const sockets = new Set<Socket>();
  const streams: Buffer[][] = [];
  let isOpen = true;
  let rate: number | null = null;
  let up = 0;
  const follow = (from: Socket, to: Socket, isUp: boolean): void => {
    const stream: Buffer[] = [];
    streams.push(stream);
    sockets.add(from);
    from.on('data', (bytes) => {
      stream.push(bytes);
      if (isUp) up += bytes.length;
      if (rate === null) return;
      from.pause();
      setTimeout(() => from.resume(), (bytes.length / rate) * 1000);
    });
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
    follow(near, far, true);
    follow(far, near, false);
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
    drip: (bytesPerSecond) => {
      rate = bytesPerSecond;
    },
    bytesUp: () => up,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}
