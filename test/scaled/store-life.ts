/** A random life of one account, told to several stores at once, whose answers must be the same. For tests. */
import { expect } from 'vitest';
import { decodeFrame } from '../../protocol/commit.ts';
import {
  decodeChainEntry,
  decodeSignedEntry,
  extendChain,
  replayChain,
  type ChainBody,
  type DeviceChain,
} from '../../protocol/device-chain.ts';
import { ZERO_HASH, type Hash, type NodeId } from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';
import {
  makeKey,
  packed,
  Person,
  TestDevice,
  type Change,
  type VaultView,
} from '../fakes/hand-made-client.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import type { NewAuditEntry } from '../../cloud/audit/entry.ts';
import type { AuditKind } from '../../cloud/audit/kinds.ts';
import { AuditRecorder } from '../../cloud/audit/recorder.ts';
import { placeBefore } from '../../cloud/store/audit-store.ts';
import type { AppendOutcome, MetadataStore } from '../../cloud/store/metadata-store.ts';

/** How long this life keeps entries of the audit log, and later than all of it. */
const AUDIT_MS = 5000;
const FAR_MS = 1e14;

type Packed = ReturnType<typeof packed> & { readonly bytes: Uint8Array };

/** A vault, and the packs and nodes that were ever named in it: what becomes of them the stores must know. */
interface Vault {
  view: VaultView;
  readonly packs: Packed[];
  readonly nodes: NodeId[];
  /** Heads the log has had, for going back to. */
  heads: {
    readonly head: VaultView['head'];
    readonly revisions: Map<NodeId, number>;
    readonly epoch: number;
  }[];
}

export class StoreLife {
  readonly #stores: readonly MetadataStore[];
  readonly #random: (size: number) => Uint8Array;
  readonly #person = new Person('http://nowhere.invalid');
  readonly #seen = new Set<string>();
  readonly #device: TestDevice;
  readonly #recorder = new AuditRecorder(() => this.#nowMs);
  readonly #second = makeKey();
  readonly #vaults: Vault[] = [];
  #chain: DeviceChain;
  #nowMs = 1_000_000;
  #revoked = false;

  constructor(seed: string, stores: readonly MetadataStore[]) {
    this.#stores = stores;
    this.#random = seededRandom(seed);
    const person = this.#person;
    const key = makeKey();
    person.take(person.entry({ kind: 'genesis', masterKey: person.master.publicKey }));
    person.take(person.entry(person.addBody(key)));
    person.take(person.entry(person.addBody(this.#second)));
    const result = replayChain(person.chain.map(decodeSignedEntry));
    if (!result.ok) throw new Error(result.fault);
    this.#chain = result.chain;
    this.#device = new TestDevice(person, key, {} as TestDevice['session']);
  }

  /** What has been answered so far. */
  kinds(): string[] {
    return [...this.#seen];
  }

  async begin(): Promise<void> {
    const { account, email, bundle, chain, chainHead } = this.#person;
    const device = this.#device.device;
    const audit = this.#entry('signed-up');
    const shared = { account, email, registration: 'r', bundle, chain, chainHead, device, nowMs: 0 };
    await this.#both((store) =>
      store.accounts.create({ ...shared, inviteHash: null, claimHash: null, audit }),
    );
    for (let count = 0; count < 2; count += 1) {
      const view = { vault: this.#id<VaultView['vault']>(16), head: { seq: 0, hash: ZERO_HASH }, epoch: 0 };
      this.#vaults.push({ view: { ...view, revisions: new Map() }, packs: [], nodes: [], heads: [] });
    }
  }

  async step(step: number): Promise<void> {
    const vault = this.#pick(this.#vaults)!;
    const dice = this.#number(100);
    if (vault.view.head.seq === 0 || dice < 50) await this.#commit(vault);
    else if (dice < 68) await this.#upload(vault);
    else if (dice < 80) await this.#age();
    else if (dice < 84) await this.#purge(vault);
    else if (dice < 86) await this.#strays(vault);
    else if (dice < 88) await this.#lease(vault);
    else if (dice < 92) await this.#void(vault);
    else if (dice < 95) await this.#revoke();
    else await this.#append({ kind: 'notice', event: 'recovered', atMs: this.#nowMs });
    if (step % 5 === 0) await this.#compare(vault);
  }

  async end(): Promise<void> {
    const { account } = this.#person;
    const [deleted, forgotten] = [this.#entry('account-deleted'), this.#entry('account-forgotten')];
    await this.#both((store) => store.accounts.markDeleted(account, deleted));
    await this.#both((store) => store.upkeep.doomedAccounts(this.#nowMs));
    for (const store of this.#stores) while (await store.upkeep.forgetAccount(account, 50, forgotten));
    await this.#compareAudit();
    await this.#both((store) => store.upkeep.stats());
  }

  async #commit(vault: Vault): Promise<void> {
    const { view } = vault;
    const states = new Map<Packed, string>();
    for (const pack of vault.packs) {
      const row = await this.#stores[0]!.packs.find(this.#person.account, view.vault, pack.pack.name);
      states.set(pack, row?.state ?? 'none');
    }
    const inState = (state: string): Packed[] => vault.packs.filter((pack) => states.get(pack) === state);
    const some = (packs: readonly Packed[], most: number): Packed[] =>
      packs.filter(() => this.#number(3) === 0).slice(0, most);
    const fresh = this.#number(4) === 0 ? [this.#newPack(vault, 900)] : [];
    // Now and then what no store may take.
    const added = this.#number(12) === 0 ? some(vault.packs, 1) : some(inState('uploaded'), 2);
    const dropped = some(inState('live'), 1);
    const revived = this.#number(12) === 0 ? some(vault.packs, 1) : some(inState('dropped'), 1);
    const change: Change = {
      nodes: this.#nodes(vault),
      added: [...added, ...fresh].map(({ pack, index }) => ({ pack, index })),
      dropped: dropped.filter((pack) => !added.includes(pack)).map(({ pack }) => pack),
      revived: revived
        .filter((pack) => !added.includes(pack) && !dropped.includes(pack))
        .map(({ pack }) => pack),
      inline: fresh.map(({ bytes }) => bytes),
      opensEpoch: view.head.seq === 0 || this.#number(15) === 0 || this.#revoked,
    };
    const stale = this.#number(15) === 0 && vault.heads.length > 1;
    const built = this.#device.build(stale ? { ...view, head: this.#pick(vault.heads)!.head } : view, change);
    const outcome = await this.#both((store) =>
      store.log.appendCommit({
        account: this.#person.account,
        chain: this.#chain,
        frame: decodeFrame(built.bytes),
        hash: built.hash,
        nowMs: this.#nowMs,
      }),
    );
    if (outcome.kind === 'committed') this.#advance(vault, outcome, built, change);
  }

  #advance(
    vault: Vault,
    outcome: Extract<AppendOutcome, { kind: 'committed' }>,
    built: ReturnType<TestDevice['build']>,
    change: Change,
  ): void {
    const { view } = vault;
    view.head = { seq: outcome.seq, hash: built.hash };
    view.epoch = built.header.epoch;
    if (this.#revoked && change.opensEpoch === true) this.#revoked = false;
    for (const [node, object] of change.nodes ?? []) {
      view.revisions.set(node, (view.revisions.get(node) ?? 0) + 1);
      if (object === null) vault.nodes.splice(vault.nodes.indexOf(node), 1);
    }
    vault.heads.push({ head: view.head, revisions: new Map(view.revisions), epoch: view.epoch });
  }

  #nodes(vault: Vault): (readonly [NodeId, Uint8Array | null])[] {
    const changed = vault.nodes.filter(() => this.#number(4) === 0).slice(0, 5);
    const nodes = changed.map(
      (node) => [node, this.#number(6) === 0 ? null : this.#random(20 + this.#number(200))] as const,
    );
    for (let count = this.#number(4); count > 0; count -= 1) {
      const node = this.#id<NodeId>(16);
      vault.nodes.push(node);
      nodes.push([node, this.#random(20 + this.#number(200))]);
    }
    // A node of a commit that was refused has no revision yet: it cannot be removed.
    return nodes.map(([node, object]) => [
      node,
      (vault.view.revisions.get(node) ?? 0) === 0 ? (object ?? this.#random(30)) : object,
    ]);
  }

  #newPack(vault: Vault, most: number): Packed {
    const bytes = this.#random(100 + this.#number(most));
    const pack = { ...packed(bytes), bytes };
    vault.packs.push(pack);
    return pack;
  }

  async #upload(vault: Vault): Promise<void> {
    const again = this.#number(3) === 0 ? this.#pick(vault.packs) : null;
    const { pack } = again ?? this.#newPack(vault, 9000);
    const end = this.#number(6);
    const resume = this.#number(2) === 0;
    const request = {
      account: this.#person.account,
      vault: vault.view.vault,
      name: pack.name,
      size: pack.size,
      device: this.#device.device,
      nowMs: this.#nowMs,
      resume,
    };
    await this.#both(async (store) => {
      const reserved = await store.packs.reserve(request);
      if (reserved?.kind !== 'reserved') return reserved;
      const { account, vault: id, name } = request;
      const found = await store.packs.findUpload(account, id, name, reserved.upload);
      if (found?.size !== pack.size) throw new Error('an upload that was begun is not found');
      if (end > 1) return store.packs.complete(reserved.upload, this.#nowMs);
      if (end === 0) return 'goes on';
      await store.packs.release(reserved.upload);
      return 'released';
    });
  }

  /** Some that are named, and one that is not. */
  async #strays(vault: Vault): Promise<void> {
    const known = vault.packs.filter(() => this.#number(3) === 0).map(({ pack }) => pack);
    const stray = { name: this.#newPack(vault, 100).pack.name, size: 100 };
    const blobs = [...known, stray].map(({ name, size }) => ({
      name: { account: this.#person.account, vault: vault.view.vault, pack: name },
      size,
    }));
    await this.#both((store) => store.upkeep.doomStrays(blobs, this.#nowMs));
  }

  async #age(): Promise<void> {
    this.#nowMs += this.#number(400);
    if (this.#number(2) === 0) {
      await this.#both((store) =>
        store.accounts.heard(this.#person.account, this.#device.device, this.#nowMs),
      );
    }
    await this.#both((store) => store.upkeep.forgetExpired(this.#nowMs));
    await this.#both((store) => store.upkeep.forgetRecords(this.#nowMs, 1000));
    const forgets = this.#number(3) > 0;
    await this.#both(async (store) => {
      const doomed = await store.upkeep.doomPacks(this.#nowMs, 1000);
      if (forgets) await store.upkeep.forgetPacks(doomed);
      return doomed.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    });
    const failed = this.#entry('sign-in-failed');
    await this.#both((store) => store.audit.record(failed));
    await this.#both((store) => store.audit.forget(this.#nowMs - AUDIT_MS, 3));
    // Whatever happened, what it is charged is what it has.
    const { account } = this.#person;
    const { mended } = await this.#both((store) => store.upkeep.auditUsage(this.#nowMs, 10, 0));
    expect(mended.filter((one) => one.account === account)).toEqual([]);
  }

  async #purge(vault: Vault): Promise<void> {
    const names = vault.packs.filter(() => this.#number(3) === 0).map(({ pack }) => pack.name);
    const { account } = this.#person;
    const entry = this.#entry('packs-purged');
    await this.#both((store) => store.packs.purge(account, vault.view.vault, names, entry));
  }

  async #lease(vault: Vault): Promise<void> {
    const device =
      this.#number(2) === 0
        ? this.#device.device
        : new TestDevice(this.#person, this.#second, {} as never).device;
    await this.#both((store) =>
      store.log.lease(this.#person.account, vault.view.vault, device, this.#nowMs, 300),
    );
  }

  async #void(vault: Vault): Promise<void> {
    const to = this.#pick(vault.heads);
    if (to === null) return;
    const outcome = await this.#append({ kind: 'void', pin: { vault: vault.view.vault, ...to.head } });
    if (outcome !== 'appended') return;
    this.#seen.add('rewound');
    vault.view = { ...vault.view, head: to.head, epoch: to.epoch, revisions: new Map(to.revisions) };
    vault.heads = vault.heads.filter(({ head }) => head.seq <= to.head.seq);
    const gone = vault.nodes.filter((node) => !to.revisions.has(node));
    for (const node of gone) vault.nodes.splice(vault.nodes.indexOf(node), 1);
  }

  /** Of a device that stays revoked; it can be only once, and afterwards pins that are wrong are refused. */
  async #revoke(): Promise<void> {
    const device = new TestDevice(this.#person, this.#second, {} as never).device;
    const pins = this.#vaults
      .filter(({ view }) => view.head.seq > 0)
      .map(({ view }) => ({ vault: view.vault, ...view.head }));
    const [first, ...others] = pins;
    const lying = this.#number(3) === 0 && first !== undefined;
    const body = {
      kind: 'revoke' as const,
      device,
      pins: lying ? [{ ...first, hash: this.#id<Hash>(32) }, ...others] : pins,
    };
    if ((await this.#append(body)) !== 'appended') return;
    this.#seen.add('revoked');
    this.#revoked = true;
  }

  async #append(body: ChainBody): Promise<string> {
    const encoded = this.#person.entry(body);
    const signed = decodeSignedEntry(encoded);
    const extended = extendChain(this.#chain, signed);
    if (!extended.ok) return extended.fault;
    const audit = body.kind === 'void' ? this.#entry('vault-rewound') : null;
    const outcome = await this.#both((store) =>
      store.accounts.appendChain({
        account: this.#person.account,
        chain: this.#chain,
        entry: decodeChainEntry(signed.bytes),
        encoded,
        wasLost: false,
        entryHash: hashOf(signed.bytes),
        nowMs: this.#nowMs,
        audit,
      }),
    );
    if (outcome !== 'appended') return outcome;
    this.#person.take(encoded);
    this.#chain = extended.chain;
    return outcome;
  }

  async #compare({ view, packs, nodes }: Vault): Promise<void> {
    const { account } = this.#person;
    const { vault } = view;
    await this.#both((store) => store.accounts.byId(account));
    await this.#both((store) => store.log.vaults(account));
    await this.#both((store) => store.log.epochs(account, vault));
    await this.#both((store) => store.log.headers(account, vault, 1, 1000));
    const then = this.#nowMs - this.#number(2000);
    await this.#both((store) => store.log.headAt(account, vault, then));
    await this.#both((store) => store.upkeep.stats());
    const node = this.#pick(nodes);
    if (node !== null) await this.#both((store) => store.log.history(account, vault, node, 1000));
    const pack = this.#pick(packs);
    if (pack !== null) await this.#both((store) => store.packs.find(account, vault, pack.pack.name));
    const at = this.#number(view.head.seq + 2);
    await this.#both((store) => allChanges(store, account, vault, at));
    await this.#both((store) => allState(store, account, vault, at));
    await this.#compareAudit();
  }

  #entry(kind: AuditKind): NewAuditEntry {
    const caller = { actor: 'account', network: '192.0.2.0/24' } as const;
    return this.#recorder.entry(kind, caller, this.#person);
  }

  /** Numbers may have gaps that another store has not; the order is one. */
  async #compareAudit(): Promise<void> {
    const account = { account: this.#person.account };
    for (const which of [
      {},
      account,
      { kind: 'sign-in-failed' as const },
      { ...account, kind: 'packs-purged' as const },
    ]) {
      await this.#both(async (store) => {
        const query = {
          account: null,
          kind: null,
          sinceMs: 0,
          before: placeBefore(FAR_MS),
          limit: 100,
          ...which,
        };
        const entries = (await store.audit.page(query)).filter((entry) => entry.account !== null);
        return entries.map((entry) => ({ ...entry, entry: 0 }));
      });
    }
  }

  /** The same is asked of every store; the answer that all give. */
  async #both<T>(ask: (store: MetadataStore) => Promise<T>): Promise<T> {
    const [first, ...others] = this.#stores;
    const answer = await ask(first!);
    for (const store of others) expect(await ask(store)).toEqual(answer);
    const kind = (answer as { kind?: string } | null)?.kind;
    if (kind !== undefined) this.#seen.add(kind);
    return answer;
  }

  #id<T extends string>(size: 16 | 32): Extract<T, string> {
    return Buffer.from(this.#random(size)).toString('hex') as Extract<T, string>;
  }

  #number(below: number): number {
    return Buffer.from(this.#random(4)).readUInt32BE(0) % below;
  }

  #pick<T>(from: readonly T[]): T | null {
    return from.length === 0 ? null : (from[this.#number(from.length)] ?? null);
  }
}

type Where = [store: MetadataStore, account: Person['account'], vault: VaultView['vault']];

/** Pages may end in other places; what they hold together may not. */
async function allChanges(...[store, account, vault, after]: [...Where, number]): Promise<unknown> {
  const commits: { receivedAtMs: number; frame: Buffer }[] = [];
  for (let from = after; ;) {
    const page = await store.log.changes(account, vault, from, 2000);
    if (page === null || page === 'gone') return page;
    if (page.commits.length === 0) return { head: page.head, commits };
    for (const { receivedAtMs, frame } of page.commits) {
      commits.push({ receivedAtMs, frame: Buffer.from(frame) });
      from = decodeFrame(frame).header.seq;
    }
  }
}

async function allState(...[store, account, vault, at]: [...Where, number]): Promise<unknown> {
  const pages: unknown[] = [];
  for (let cursor: string | null = null; ;) {
    const page = await store.log.state(account, vault, at, cursor, 1500);
    if (page === null || typeof page === 'string') return page;
    pages.push(page);
    cursor = page.nextCursor;
    if (cursor === null) return pages;
  }
}
