/**
 * How near an address is. A server may send a device on to another place, and would have it knock at doors that only
 * the device can reach: so it may name none that is nearer to the device than the server itself.
 */
import { BlockList, isIPv6 } from 'node:net';

export type AddressSpace =
  | 'public'
  /** A private network: at home, in an office, a tunnel. */
  | 'private'
  /** This very machine. */
  | 'machine'
  /** Next to it on the wire, where routers and clouds keep their own services: no store is there. */
  | 'link';

const NEARNESS: Readonly<Record<AddressSpace, number>> = { public: 0, private: 1, machine: 2, link: 3 };

const SPACES: readonly (readonly [AddressSpace, readonly string[]])[] = [
  ['machine', ['127.0.0.0/8', '0.0.0.0/8', '::1/128', '::/128']],
  ['link', ['169.254.0.0/16', 'fe80::/10']],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7', '64:ff9b::/96']],
];
const LISTS = SPACES.map(([space, subnets]) => [space, listOf(subnets)] as const);

function listOf(subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [net = '', bits] = subnet.split('/');
    list.addSubnet(net, Number(bits), family(net));
  }
  return list;
}

function family(ip: string): 'ipv6' | 'ipv4' {
  return isIPv6(ip) ? 'ipv6' : 'ipv4';
}

/** @param ip as a socket says it, of either version */
export function spaceOf(ip: string): AddressSpace {
  const bare = ip.replace(/%.*$/, '');
  return LISTS.find(([, list]) => list.check(bare, family(bare)))?.[0] ?? 'public';
}

/** Whether somebody at one place may send us on to another. */
export function maySendTo(from: AddressSpace, to: AddressSpace): boolean {
  return to !== 'link' && NEARNESS[to] <= NEARNESS[from];
}
