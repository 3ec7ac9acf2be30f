import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  chainAppendSchema,
  chainLostSchema,
  claimFinishSchema,
  claimStartSchema,
  enrolSchema,
  loginFinishSchema,
  loginStartSchema,
  passwordFinishSchema,
  passwordStartSchema,
  phraseSchema,
  recoverFinishSchema,
  recoverStartSchema,
  signupFinishSchema,
  signupStartSchema,
  tokenSchema,
  type AccountAnswer,
} from '../../protocol/cloud.ts';
import type { AccountId } from '../../protocol/ids.ts';
import { normalEmail, type ChainAppended } from '../accounts/account-service.ts';
import { usedBytes } from '../quota/quota.ts';
import { callerOf, grantedAccountOf, readableAccountOf, sessionOf } from './authenticate.ts';
import type { CloudContext } from './context.ts';
import { unauthorized } from './errors.ts';
import { parseBody, queryNumber } from './parse.ts';

/** Chain entries in one answer. */
const MAX_CHAIN_PAGE = 1000;

export function accountRoutes(app: FastifyInstance, context: CloudContext): void {
  const { accounts, auth, claims, events, news, proofs, store, upkeep } = context;
  const byDevice = { onRequest: auth.device };
  const byGrant = { onRequest: auth.grant };

  app.post('/v1/signup/start', async (request) => {
    const body = parseBody(signupStartSchema, request);
    await proofs.take(request, body.email);
    const { email, registrationRequest, claim } = body;
    return { registrationResponse: accounts.startSignup(email, registrationRequest, claim !== undefined) };
  });
  app.post('/v1/signup/finish', async (request, reply) => {
    const body = parseBody(signupFinishSchema, request);
    await proofs.take(request, body.email);
    return reply.code(201).send(await accounts.finishSignup({ ...body, caller: callerOf(request) }));
  });
  app.post('/v1/claim/start', async (request) => {
    const body = parseBody(claimStartSchema, request);
    await proofs.take(request, body.email);
    return claims.start(normalEmail(body.email));
  });
  app.post('/v1/claim/finish', async (request) => {
    const { email, ...proof } = parseBody(claimFinishSchema, request);
    await proofs.take(request, email);
    return { claim: await claims.finish(normalEmail(email), proof, callerOf(request)) };
  });
  app.post('/v1/login/start', async (request) => {
    const body = parseBody(loginStartSchema, request);
    await proofs.take(request, body.email);
    return accounts.startLogin(body.email, body.startLoginRequest, callerOf(request));
  });
  app.post('/v1/login/finish', async (request) => {
    const body = parseBody(loginFinishSchema, request);
    await proofs.take(request, null);
    return accounts.finishLogin(body.login, body.finishLoginRequest, callerOf(request));
  });
  app.post('/v1/recover/start', async (request) => {
    const body = parseBody(recoverStartSchema, request);
    await proofs.take(request, body.email);
    return accounts.startRecovery(body.email);
  });
  app.post('/v1/recover/finish', async (request) => {
    const body = parseBody(recoverFinishSchema, request);
    await proofs.take(request, null);
    return accounts.finishRecovery(body.recovery, body.signature, callerOf(request));
  });
  app.post('/v1/token', async (request) => {
    const body = parseBody(tokenSchema, request);
    await proofs.take(request, null);
    return accounts.refresh(body.refreshToken, body.signature, callerOf(request));
  });
  const sessionsEnded = async (account: AccountId): Promise<void> => {
    news.tell({ kind: 'sessions', account });
    await events.endDead(account);
  };
  app.delete('/v1/session', byDevice, async (request, reply) => {
    const session = sessionOf(request);
    await store.sessions.end(session.session);
    await sessionsEnded(session.account);
    return reply.code(204).send();
  });

  const announce = ({ chain, body }: ChainAppended): void => {
    events.push(chain.account, { kind: 'chain', length: chain.length });
    news.tell({ kind: 'chain', account: chain.account });
    if (body.kind === 'revoke') events.end(chain.account, body.device);
    if (body.kind === 'void') {
      events.push(chain.account, {
        kind: 'head',
        vault: body.pin.vault,
        seq: body.pin.seq,
        hash: body.pin.hash,
      });
      news.tell({ kind: 'head', account: chain.account, vault: body.pin.vault, seq: body.pin.seq });
    }
  };

  app.post('/v1/devices', byGrant, async (request, reply) => {
    const body = parseBody(enrolSchema, request);
    const { session, appended } = await accounts.enrol(
      grantedAccountOf(request),
      Buffer.from(body.entry, 'base64'),
      callerOf(request),
    );
    if (appended !== null) announce(appended);
    return reply.code(201).send(session);
  });
  app.get('/v1/chain', { onRequest: auth.reader }, async (request) => {
    const account = readableAccountOf(request);
    const from = queryNumber(request, 'from', 0);
    const row = await store.accounts.byId(account);
    if (row === null) throw unauthorized();
    const entries = await store.accounts.chain(account, from);
    return {
      length: Math.max(row.chainLength, from + entries.length),
      entries: entries.slice(0, MAX_CHAIN_PAGE).map((entry) => Buffer.from(entry).toString('base64')),
    };
  });
  app.post('/v1/chain', byGrant, async (request) => {
    const body = parseBody(chainAppendSchema, request);
    const entry = Buffer.from(body.entry, 'base64');
    const appended = await accounts.appendChain(grantedAccountOf(request), entry, callerOf(request));
    announce(appended);
    return { length: appended.chain.length };
  });
  app.post('/v1/chain/lost', { onRequest: auth.reader }, async (request) => {
    const { entries } = parseBody(chainLostSchema, request);
    const account = readableAccountOf(request);
    const encoded = entries.map((entry) => Buffer.from(entry, 'base64'));
    return { length: await accounts.takeLostEntries(account, encoded, callerOf(request), announce) };
  });

  /** The device that asks may show its own access token beside the grant, and stays signed in. */
  const shownSession = async (request: FastifyRequest, account: AccountId): Promise<number | null> => {
    const shown = request.headers['coffre-session'];
    const own = typeof shown === 'string' ? await auth.session(`Bearer ${shown}`) : null;
    return own?.account === account ? own.session : null;
  };

  app.post('/v1/password/start', byGrant, async (request) => {
    const body = parseBody(passwordStartSchema, request);
    const response = await accounts.startPassword(grantedAccountOf(request), body.registrationRequest);
    return { registrationResponse: response };
  });
  app.post('/v1/password/finish', byGrant, async (request, reply) => {
    const body = parseBody(passwordFinishSchema, request);
    const account = grantedAccountOf(request);
    const keep = await shownSession(request, account);
    await accounts.finishPassword(account, body.registrationRecord, body.bundle, keep, callerOf(request));
    await sessionsEnded(account);
    return reply.code(204).send();
  });
  app.post('/v1/phrase', byGrant, async (request, reply) => {
    const body = parseBody(phraseSchema, request);
    await accounts.changePhrase(grantedAccountOf(request), body.bundle, callerOf(request));
    return reply.code(204).send();
  });
  app.delete('/v1/sessions', byGrant, async (request, reply) => {
    const account = grantedAccountOf(request);
    await accounts.signOut(account, await shownSession(request, account), callerOf(request));
    await sessionsEnded(account);
    return reply.code(204).send();
  });

  app.get('/v1/account', byDevice, async (request): Promise<AccountAnswer> => {
    const { account } = sessionOf(request);
    const row = await store.accounts.byId(account);
    if (row === null) throw unauthorized();
    const { limitBytes, liveBytes, uncommittedBytes, retainedBytes } = row.usage;
    const devices = await store.accounts.devices(account);
    return {
      account,
      quota: { limitBytes, usedBytes: usedBytes(row.usage), liveBytes, uncommittedBytes, retainedBytes },
      devices: devices.map((device) => ({ device: device.device, lastHeardMs: device.lastHeardMs })),
    };
  });
  app.delete('/v1/account', byGrant, async (request, reply) => {
    const account = grantedAccountOf(request);
    await accounts.deleteAccount(account, callerOf(request));
    events.end(account, null);
    news.tell({ kind: 'sessions', account });
    void upkeep.run();
    return reply.code(204).send();
  });
}
