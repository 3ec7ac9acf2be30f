/** A password to be: meter, and one made up on request. */
import { useState, type ReactNode } from 'react';
import { Copy, Dices } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../kit/button.tsx';
import { PasswordField } from '../../kit/text-field.tsx';
import { toast } from '../../kit/toast.tsx';
import { copyText } from '../../kit/copy-text.ts';
import { drawFromSystem, makePassphrase, type Passphrase } from './passphrase.ts';
import { PasswordMeter } from './password-meter.tsx';

export function NewPassword(props: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly error: string | null;
}): ReactNode {
  const { t, i18n } = useTranslation();
  const [made, setMade] = useState<Passphrase | null>(null);
  const isMade = made !== null && made.text === props.value;
  const make = async (): Promise<void> => {
    const { wordlist } = await (i18n.language === 'fr'
      ? import('@scure/bip39/wordlists/french.js')
      : import('@scure/bip39/wordlists/english.js'));
    const passphrase = makePassphrase(wordlist, drawFromSystem);
    setMade(passphrase);
    props.onChange(passphrase.text);
  };
  const copy = async (): Promise<void> => {
    if (await copyText(props.value)) toast(t('kit.copied'));
  };
  return (
    <div className="stack-tight">
      <PasswordField
        // A made one must be seen to be kept.
        key={isMade ? 'made' : 'own'}
        isShown={isMade}
        autoComplete="new-password"
        label={props.label}
        value={props.value}
        onChange={props.onChange}
        error={props.error}
      />
      {isMade ? (
        <p className="small soft">{t('welcome.madeText', { bits: made.bits })}</p>
      ) : (
        <PasswordMeter password={props.value} />
      )}
      <div className="row">
        <Button kind="quiet" size="small" onPress={() => void make()}>
          <Dices size={16} aria-hidden="true" />
          {isMade ? t('welcome.makeAnother') : t('welcome.makeOne')}
        </Button>
        {isMade && (
          <Button kind="quiet" size="small" onPress={() => void copy()}>
            <Copy size={16} aria-hidden="true" />
            {t('kit.copy')}
          </Button>
        )}
      </div>
    </div>
  );
}
