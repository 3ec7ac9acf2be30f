import type { ControlHandlers } from './facade.ts';
export function treeHandlers(_context: unknown): Pick<ControlHandlers, 'ls'> & ControlHandlers {
  return {} as ControlHandlers;
}
