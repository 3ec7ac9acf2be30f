/** Whether what is stored can be brought back: the last time that was shown, and a button to show it again. */
import type { ReactNode } from 'react';
import { Shield, ShieldCheck } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { engine } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { Progress, progressPart } from '../../kit/progress.tsx';
import { ErrorNote } from '../../kit/states.tsx';
import { toast } from '../../kit/toast.tsx';
import { useFormat } from '../../language/format.ts';
import { useCall } from '../../store/use-call.ts';
import { useNow } from '../../store/use-now.ts';
import { useStore } from '../../store/use-store.ts';

export function ProofCard(): ReactNode {
  const { t } = useTranslation();
  const format = useFormat();
  const nowMs = useNow();
  const provenMs = useStore((state) => state.status?.lastProvenRestorableMs ?? null);
  const check = useCall(async (options) => {
    const found = await engine.call('check', {}, options);
    toast(t('proof.done', { count: found.files, bytes: format.bytes(found.bytes) }));
  });
  const { progress } = check;
  return (
    <section className="card stack-tight" aria-labelledby="proof-title">
      <h2 id="proof-title">{t('proof.title')}</h2>
      <p className="proof-when">
        {provenMs === null ? (
          <Shield size={18} aria-hidden="true" />
        ) : (
          <ShieldCheck size={18} aria-hidden="true" />
        )}
        {provenMs === null ? (
          t('proof.never')
        ) : (
          <time dateTime={new Date(provenMs).toISOString()} title={format.dateTime(provenMs)}>
            {format.relative(provenMs, nowMs)}
          </time>
        )}
      </p>
      <p className="soft small">{t('proof.about')}</p>
      {check.isRunning ? (
        <>
          <Progress
            label={t('proof.running')}
            part={progressPart(progress)}
            {...(progress === null ? {} : { detail: format.bytes(progress.done) })}
          />
          <div className="row">
            <Button size="small" onPress={check.cancel}>
              {t('kit.cancel')}
            </Button>
          </div>
        </>
      ) : (
        <div className="row">
          <Button size="small" onPress={() => void check.run()}>
            {t('proof.check')}
          </Button>
        </div>
      )}
      {check.error !== null && <ErrorNote error={check.error} />}
    </section>
  );
}
