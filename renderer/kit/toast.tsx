/** A word about what was just done. Never the only place where something is said. */
import { useEffect, useSyncExternalStore, type ReactNode } from 'react';
import { CircleAlert, CircleCheck, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from './button.tsx';
import './toast.css';

interface ToastItem {
  readonly id: number;
  readonly kind: 'good' | 'error';
  readonly text: string;
}

const SHOWN_MS = 6000;
const MAX_TOASTS = 3;
let toasts: readonly ToastItem[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function set(next: readonly ToastItem[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

export function toast(text: string, kind: ToastItem['kind'] = 'good'): void {
  set([...toasts, { id: nextId++, kind, text }].slice(-MAX_TOASTS));
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Once, in the shell. */
export function ToastRegion(): ReactNode {
  const { t } = useTranslation();
  const shown = useSyncExternalStore(listen, () => toasts);
  return (
    <div className="toasts" role="status" aria-label={t('kit.notices')}>
      {shown.map((item) => (
        <Toast key={item.id} item={item} />
      ))}
    </div>
  );
}

function Toast({ item }: { readonly item: ToastItem }): ReactNode {
  const { t } = useTranslation();
  const close = (): void => set(toasts.filter((one) => one.id !== item.id));
  useEffect(() => {
    const timer = window.setTimeout(() => set(toasts.filter((one) => one.id !== item.id)), SHOWN_MS);
    return () => window.clearTimeout(timer);
  }, [item.id]);
  return (
    <div className="toast" data-kind={item.kind}>
      {item.kind === 'good' ? (
        <CircleCheck size={18} aria-hidden="true" />
      ) : (
        <CircleAlert size={18} aria-hidden="true" />
      )}
      <span className="toast-text">{item.text}</span>
      <IconButton
        size="small"
        label={t('kit.close')}
        icon={<X size={16} aria-hidden="true" />}
        onPress={close}
      />
    </div>
  );
}
