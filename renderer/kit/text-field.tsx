import { useState, type ReactNode } from 'react';
import { Group, Input, TextArea, TextField as AriaTextField } from 'react-aria-components';
import { Eye, EyeOff } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from './button.tsx';
import { FieldLabel, FieldNotes, type FieldText } from './field.tsx';

export interface TextFieldProps extends FieldText {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly type?: 'text' | 'email' | 'url';
  readonly name?: string;
  readonly placeholder?: string;
  readonly autoComplete?: string;
  readonly isDisabled?: boolean;
  readonly isReadOnly?: boolean;
  readonly isRequired?: boolean;
  readonly autoFocus?: boolean;
  readonly maxLength?: number;
  /** Several lines. */
  readonly isLong?: boolean;
  /** Letters of one width, for what is compared letter by letter. */
  readonly isFixed?: boolean;
  /** Beside the input. */
  readonly action?: ReactNode;
}

export function TextField(props: TextFieldProps): ReactNode {
  const {
    label,
    about,
    error,
    placeholder,
    isLong = false,
    isFixed = false,
    action,
    isRequired,
    ...rest
  } = props;
  const shared = {
    className: 'input',
    spellCheck: false,
    ...(isFixed ? { 'data-fixed': '' } : {}),
    ...(placeholder === undefined ? {} : { placeholder }),
  };
  const isInvalid = error !== undefined && error !== null;
  const input = isLong ? <TextArea {...shared} /> : <Input {...shared} />;
  return (
    <AriaTextField
      className="field"
      isInvalid={isInvalid}
      validationBehavior="aria"
      {...rest}
      {...(isRequired === undefined ? {} : { isRequired })}
    >
      <FieldLabel>{label}</FieldLabel>
      {action === undefined ? (
        input
      ) : (
        <Group className="input-group" isInvalid={isInvalid}>
          {input}
          {action}
        </Group>
      )}
      <FieldNotes about={about} error={error ?? null} />
    </AriaTextField>
  );
}

export interface PasswordFieldProps extends FieldText {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly autoComplete?: 'current-password' | 'new-password';
  readonly isDisabled?: boolean;
  readonly autoFocus?: boolean;
  /** Shows it from the start, as for one that was just made up. */
  readonly isShown?: boolean;
}

export function PasswordField(props: PasswordFieldProps): ReactNode {
  const {
    label,
    about,
    error,
    isShown: isShownFirst = false,
    autoComplete = 'current-password',
    ...rest
  } = props;
  const { t } = useTranslation();
  const [isShown, setShown] = useState(isShownFirst);
  const isInvalid = error !== undefined && error !== null;
  return (
    <AriaTextField
      className="field"
      type={isShown ? 'text' : 'password'}
      autoComplete={autoComplete}
      isInvalid={isInvalid}
      validationBehavior="aria"
      {...rest}
    >
      <FieldLabel>{label}</FieldLabel>
      <Group className="input-group" isInvalid={isInvalid}>
        <Input className="input" spellCheck={false} maxLength={1024} />
        <IconButton
          slot={null}
          size="small"
          label={isShown ? t('kit.hidePassword') : t('kit.showPassword')}
          icon={isShown ? <EyeOff size={17} aria-hidden="true" /> : <Eye size={17} aria-hidden="true" />}
          onPress={() => setShown(!isShown)}
        />
      </Group>
      <FieldNotes about={about} error={error ?? null} />
    </AriaTextField>
  );
}
