/**
 * What makes, opens or ends this device or one of its pairs comes one at a time, in the order asked: two programs
 * may ask for it at the same moment (the window and a terminal), and each looks first whether it may.
 */
import type { ControlMethod } from '../../protocol/control.ts';
import type { CallContext, ControlHandlers } from '../control/facade.ts';
import { Mutex } from '../engine/mutex.ts';

const IN_TURN = [
  'signup',
  'claim',
  'login',
  'recover',
  'unlock',
  'logout',
  'account.delete',
  'server.set',
  'pairs.add',
  'pairs.remove',
] as const satisfies readonly ControlMethod[];

/** Of any method: its request was checked against that method's schema before it is called. */
type AnyHandler = (request: unknown, context: CallContext) => Promise<unknown>;

export function inTurn(handlers: ControlHandlers): ControlHandlers {
  const turns = new Mutex();
  const all = { ...handlers } as Record<ControlMethod, AnyHandler>;
  for (const method of IN_TURN) {
    const handler = all[method];
    all[method] = (request, context) => turns.run(() => handler(request, context));
  }
  return all as ControlHandlers;
}
