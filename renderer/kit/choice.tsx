/** Controls that choose: switch, checkbox, radio cards, select. */
import type { ReactNode } from 'react';
import {
  Button as AriaButton,
  CheckboxButton,
  CheckboxField,
  ListBox,
  ListBoxItem,
  Popover,
  RadioButton,
  RadioField,
  RadioGroup,
  Select as AriaSelect,
  SelectValue,
  SwitchButton,
  SwitchField,
  Text,
} from 'react-aria-components';
import { Check, ChevronDown, Minus } from 'lucide-react';
import { FieldLabel, FieldNotes, type FieldText } from './field.tsx';

interface OnOffProps {
  readonly children: ReactNode;
  readonly about?: ReactNode;
  readonly isSelected: boolean;
  readonly onChange: (isSelected: boolean) => void;
  readonly isDisabled?: boolean;
}

function OnOffAbout({ about }: Pick<OnOffProps, 'about'>): ReactNode {
  if (about === undefined) return null;
  return (
    <Text slot="description" className="field-about on-off-about">
      {about}
    </Text>
  );
}

/** Takes effect at once. */
export function Switch({ children, about, ...rest }: OnOffProps): ReactNode {
  return (
    <SwitchField className="on-off" {...rest}>
      <SwitchButton className="switch">
        <span className="switch-track" aria-hidden="true">
          <span className="switch-thumb" />
        </span>
        <span>{children}</span>
      </SwitchButton>
      <OnOffAbout about={about} />
    </SwitchField>
  );
}

/** Part of a form, or of a list. */
export function Checkbox({
  children,
  about,
  ...rest
}: OnOffProps & { readonly isIndeterminate?: boolean; readonly slot?: string }): ReactNode {
  return (
    <CheckboxField className="on-off" {...rest}>
      <CheckboxButton className="checkbox">
        <span className="checkbox-box" aria-hidden="true">
          {rest.isIndeterminate === true ? (
            <Minus size={13} strokeWidth={3} />
          ) : (
            rest.isSelected && <Check size={13} strokeWidth={3} />
          )}
        </span>
        <span>{children}</span>
      </CheckboxButton>
      <OnOffAbout about={about} />
    </CheckboxField>
  );
}

export interface RadioCard<V extends string> {
  readonly value: V;
  readonly title: string;
  readonly about?: ReactNode;
  readonly isDisabled?: boolean;
}

export function RadioCards<V extends string>(
  props: FieldText & {
    readonly value: V;
    readonly onChange: (value: V) => void;
    readonly cards: readonly RadioCard<V>[];
    /** When a heading beside it already says the label. */
    readonly isLabelHidden?: boolean;
  },
): ReactNode {
  return (
    <RadioGroup
      className="field"
      value={props.value}
      onChange={(value) => props.onChange(value as V)}
      isInvalid={props.error !== undefined && props.error !== null}
      validationBehavior="aria"
      {...(props.isLabelHidden === true ? { 'aria-label': props.label } : {})}
    >
      {props.isLabelHidden !== true && <FieldLabel>{props.label}</FieldLabel>}
      <div className="radio-cards">
        {props.cards.map((card) => (
          <RadioField key={card.value} value={card.value} isDisabled={card.isDisabled ?? false}>
            <RadioButton className="radio-card">
              <span className="radio-dot" aria-hidden="true" />
              <span>
                <span className="radio-title">{card.title}</span>
                {card.about !== undefined && <span className="field-about only-block">{card.about}</span>}
              </span>
            </RadioButton>
          </RadioField>
        ))}
      </div>
      <FieldNotes about={props.about} error={props.error ?? null} />
    </RadioGroup>
  );
}

export interface SelectOption<V extends string> {
  readonly value: V;
  readonly label: string;
}

export function Select<V extends string>(
  props: FieldText & {
    readonly value: V;
    readonly onChange: (value: V) => void;
    readonly options: readonly SelectOption<V>[];
    readonly isDisabled?: boolean;
  },
): ReactNode {
  return (
    <AriaSelect
      className="field"
      value={props.value}
      onChange={(value) => props.onChange(value as V)}
      isDisabled={props.isDisabled ?? false}
    >
      <FieldLabel>{props.label}</FieldLabel>
      <AriaButton className="select-button">
        <SelectValue />
        <ChevronDown size={16} aria-hidden="true" />
      </AriaButton>
      <FieldNotes about={props.about} error={props.error ?? null} />
      <Popover className="popover">
        <ListBox items={props.options.map((option) => ({ ...option, id: option.value }))}>
          {(option) => (
            <ListBoxItem className="option" textValue={option.label}>
              {({ isSelected }) => (
                <>
                  <span className="option-check" aria-hidden="true">
                    {isSelected && <Check size={16} />}
                  </span>
                  {option.label}
                </>
              )}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}
