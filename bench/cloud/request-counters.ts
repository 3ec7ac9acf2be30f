/** What a server has been asked so far, from its own metrics. */

export interface Counters {
  /** Answers by `METHOD ROUTE`; those that ask for metrics are left out. */
  readonly routes: ReadonlyMap<string, number>;
  readonly requests: number;
  /** Bytes of packs that came in, and that were read, wherever they lie. */
  readonly packsIn: number;
  readonly packsOut: number;
  /** Bytes between the devices and the server. */
  readonly up: number;
  readonly down: number;
}

export async function readCounters(address: string): Promise<Omit<Counters, 'up' | 'down'>> {
  return parseCounters(await (await fetch(`${address}/metrics`)).text());
}

/** @param text in Prometheus' format */
export function parseCounters(text: string): Omit<Counters, 'up' | 'down'> {
  const routes = new Map<string, number>();
  for (const [, labels = '', count] of text.matchAll(/^coffre_requests_total\{([^}]*)\} (\S+)$/gm)) {
    const label = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
    if (label('route') === '/metrics') continue;
    const name = `${label('method')} ${label('route')}`;
    routes.set(name, (routes.get(name) ?? 0) + Number(count));
  }
  const packs = (direction: string): number =>
    Number(
      new RegExp(`^coffre_pack_bytes_total\\{direction="${direction}"\\} (\\S+)$`, 'm').exec(text)?.[1] ?? 0,
    );
  const requests = [...routes.values()].reduce((sum, count) => sum + count, 0);
  return { routes, requests, packsIn: packs('in'), packsOut: packs('out') };
}

export function difference(after: Counters, before: Counters): Counters {
  return {
    routes: new Map(
      [...after.routes]
        .map(([name, count]) => [name, count - (before.routes.get(name) ?? 0)] as const)
        .filter(([, count]) => count > 0),
    ),
    requests: after.requests - before.requests,
    packsIn: after.packsIn - before.packsIn,
    packsOut: after.packsOut - before.packsOut,
    up: after.up - before.up,
    down: after.down - before.down,
  };
}

/** The routes, most asked first, each for one of so many times. */
export function told({ routes }: Counters, times: number): string {
  return [...routes]
    .sort((a, b) => b[1] - a[1])
    .map(
      ([name, count]) =>
        `${Number((count / times).toPrecision(3))} ${name.replace('/v1/vaults/:vault/', '')}`,
    )
    .join(', ');
}
