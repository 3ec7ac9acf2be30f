import { expect, it } from 'vitest';
import { difference, parseCounters, told } from './request-counters.ts';

const at = (commits: number): string => `# HELP coffre_requests_total x
coffre_requests_total{method="POST",route="/v1/vaults/:vault/commits",status="200"} ${commits}
coffre_requests_total{method="POST",route="/v1/vaults/:vault/commits",status="409"} 2
coffre_requests_total{method="GET",route="/metrics",status="200"} 9
coffre_requests_total{method="GET",route="/v1/account",status="200"} 1
coffre_pack_bytes_total{direction="in"} 4096
coffre_pack_bytes_total{direction="out"} 10
`;

it('adds up answers by route, and leaves out who asks for them', () => {
  const { routes, ...rest } = parseCounters(at(5));
  expect([...routes]).toEqual([
    ['POST /v1/vaults/:vault/commits', 7],
    ['GET /v1/account', 1],
  ]);
  expect(rest).toEqual({ requests: 8, packsIn: 4096, packsOut: 10 });
});

it('tells what came in between, for one of so many times', () => {
  const traffic = { up: 0, down: 0 };
  const spent = difference({ ...parseCounters(at(15)), ...traffic }, { ...parseCounters(at(5)), ...traffic });
  expect(spent).toMatchObject({ requests: 10, packsIn: 0 });
  expect(told(spent, 4)).toBe('2.5 POST commits');
});
