/** The pages of somebody who had an account at an older service: what proves it, and what does not come back. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { RadioCards } from '../../kit/choice.tsx';
import { Banner } from '../../kit/states.tsx';
import { PasswordField, TextField } from '../../kit/text-field.tsx';
import type { StepProps } from './steps.tsx';

export function FormerStep(props: StepProps & { readonly passwords: boolean }): ReactNode {
  const { draft, change, faults, passwords } = props;
  const { t } = useTranslation();
  return (
    <div className="stack">
      <TextField
        label={t('welcome.formerEmail')}
        type="email"
        autoComplete="email"
        value={draft.email}
        onChange={(email) => change({ email })}
        error={faults.email ?? null}
        maxLength={254}
      />
      {passwords && (
        <RadioCards
          label={t('welcome.proof')}
          isLabelHidden
          value={draft.proof}
          onChange={(proof) => change({ proof, oldPassword: '', code: '' })}
          cards={[
            { value: 'password', title: t('welcome.byPassword'), about: t('welcome.byPasswordText') },
            { value: 'code', title: t('welcome.byCode'), about: t('welcome.byCodeText') },
          ]}
        />
      )}
      {draft.proof === 'password' ? (
        <PasswordField
          label={t('welcome.oldPassword')}
          value={draft.oldPassword}
          onChange={(oldPassword) => change({ oldPassword })}
          error={faults.oldPassword ?? null}
        />
      ) : (
        <TextField
          label={t('welcome.code')}
          value={draft.code}
          onChange={(code) => change({ code })}
          about={t('welcome.codeAbout')}
          placeholder="7K3Q-…"
          error={faults.code ?? null}
          maxLength={100}
          isFixed
        />
      )}
    </div>
  );
}

export function LostStep({ service }: { readonly service: string }): ReactNode {
  const { t } = useTranslation();
  return (
    <div className="stack">
      <Banner kind="warning">{t('welcome.lostFiles', { service })}</Banner>
      <Banner kind="good">{t('welcome.lostKept')}</Banner>
      <Banner>{t('welcome.lostCopies')}</Banner>
    </div>
  );
}
