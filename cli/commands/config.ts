import { z } from 'zod';
import { configKeys, configKeySchema } from '../../protocol/control-engine.ts';
import { PersonError } from '../../protocol/errors.ts';
import { command } from '../command.ts';

const KEYS = Object.keys(configKeys).join(', ');
const key = z.string().pipe(configKeySchema);

export const configGet = command({
  name: 'config get',
  about: `shows settings: ${KEYS}`,
  arguments: '[key]',
  input: z.object({ key: key.optional() }),
  examples: ['coffre config get', 'coffre config get upload-limit'],
  run: async (context, input) => {
    const { values } = await context.call('config.get', { key: input.key ?? null });
    return { json: { values }, text: Object.entries(values).map(([name, value]) => `${name} ${value}`) };
  },
});

export const configSet = command({
  name: 'config set',
  about: 'changes a setting of this device',
  arguments: '<key> <value>',
  input: z.object({ key, value: z.string() }),
  examples: ['coffre config set upload-limit 2000000', 'coffre config set device-name "Ann\'s laptop"'],
  run: async (context, input) => {
    const { schema, about } = configKeys[input.key];
    const asNumber = schema.safeParse(Number(input.value));
    const value = asNumber.success ? asNumber : schema.safeParse(input.value);
    if (!value.success) {
      throw new PersonError(
        'bad-input',
        `${input.key} cannot be that: it is the ${about}`,
        'Give another value.',
      );
    }
    const { values } = await context.call('config.set', { key: input.key, value: value.data });
    return { json: { values }, text: Object.entries(values).map(([name, set]) => `${name} ${set}`) };
  },
});
