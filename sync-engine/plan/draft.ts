/** The plan being made: operations in the order they will have, and both trees as they will stand. */
import type { NodeId } from '../../protocol/ids.ts';
import { conflictName } from './conflict.ts';
import { fitting, type RemoteOperation } from './fitting.ts';
import type { Operation, Plan, PlanOptions } from './operation.ts';
import { Overlay } from './overlay.ts';
import type { NodeType } from './tree.ts';
import type { Judge } from './verdict.ts';

type RemoveOperation = Extract<Operation, { kind: 'remove' }>;
type TrashOperation = Extract<Operation, { kind: 'trash' }>;
type DiskOperation = Exclude<Operation, { kind: 'ingest' | 'put' | 'trash' | 'settle' | 'forget' }>;
type BookOperation = Extract<Operation, { kind: 'settle' | 'forget' }>;

export class Draft {
  readonly judge: Judge;
  readonly local: Overlay;
  readonly remote: Overlay;
  /** Nodes that take another id in this plan: until then nothing can be put into or under them. */
  readonly renamed = new Set<NodeId>();
  readonly #options: PlanOptions;
  readonly #ingests: Operation[] = [];
  readonly #puts: RemoteOperation[] = [];
  readonly #disk: DiskOperation[] = [];
  readonly #books: BookOperation[] = [];
  readonly #clean: NodeId[] = [];
  // What removes comes last, unless something needs the name: it is then hoisted before that.
  readonly #lateTrash = new Map<NodeId, TrashOperation>();
  readonly #lateRemove = new Map<NodeId, RemoveOperation>();

  constructor(judge: Judge, options: PlanOptions) {
    this.judge = judge;
    this.#options = options;
    this.local = new Overlay(judge.trees.local);
    this.remote = new Overlay(judge.trees.remote);
  }

  ingest(operation: Extract<Operation, { kind: 'ingest' }>): void {
    this.#ingests.push(operation);
  }

  put(operation: Extract<Operation, { kind: 'put' }>): void {
    this.remote.move(operation.id, operation.state);
    this.#puts.push(operation);
  }

  trash(operation: TrashOperation): void {
    this.remote.drop(operation.id);
    this.#lateTrash.set(operation.id, operation);
  }

  remove(operation: RemoveOperation): void {
    this.local.drop(operation.id);
    this.#lateRemove.set(operation.id, operation);
  }

  /** Operations that give a node a new place on the disk, or none; the caller has updated `local`. */
  disk(operation: DiskOperation): void {
    this.#disk.push(operation);
  }

  book(operation: BookOperation): void {
    this.#books.push(operation);
  }

  clean(id: NodeId): void {
    this.#clean.push(id);
  }

  /** Its name in the account is needed: trash it before what follows (in the same commit). */
  hoistTrash(id: NodeId): void {
    const operation = this.#lateTrash.get(id);
    if (operation === undefined) return;
    this.#lateTrash.delete(id);
    this.#puts.push(operation);
  }

  /** Its name on the disk is needed: remove it before what follows. */
  hoistRemove(id: NodeId): void {
    const operation = this.#lateRemove.get(id);
    if (operation === undefined) return;
    this.#lateRemove.delete(id);
    this.#disk.push(operation);
  }

  /** A conflict name free in that folder, on the disk and in the account, now and after this plan. */
  freeName(parent: NodeId, name: string, type: NodeType): string {
    const { local, remote } = this.judge.trees;
    return conflictName(name, type === 'folder', this.#options, (candidate) =>
      [
        this.local.child(parent, candidate),
        this.remote.child(parent, candidate),
        local.child(parent, candidate),
        remote.child(parent, candidate),
      ].some((holder) => holder !== undefined),
    );
  }

  finish(): Plan {
    const account = fitting(this.judge.trees, [...this.#puts, ...this.#lateTrash.values()]);
    return {
      operations: [...this.#ingests, ...account, ...this.#disk, ...this.#lateRemove.values(), ...this.#books],
      clean: this.#clean,
    };
  }
}
