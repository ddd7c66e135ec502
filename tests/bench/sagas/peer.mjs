// Quittance as one of the peers of the saga benchmark; `run` says where their harness is.
//   SHAPE=distributed  an API and a worker process on PostgreSQL and Redis (the default)
//   SHAPE=together     both in one process, on PostgreSQL and Redis
//   SHAPE=sqlite       one process, SQLite
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const peers = process.env.PEERS, binary = process.env.QUITTANCE, shape = process.env.SHAPE ?? 'distributed';
const { main, start, stop, ready } = await import(path.join(peers, 'lib/harness.mjs'));
const { postgres, redis } = await import(path.join(peers, 'lib/servers.mjs'));
const version = execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim();

main({
  name: shape === 'distributed' ? 'quittance' : `quittance-${shape}`,
  async start(ctx) {
    const port = await ctx.freePort(), sagas = path.join(ctx.dir, 'sagas'), url = ctx.participants;
    fs.mkdirSync(sagas);
    fs.copyFileSync(path.join(import.meta.dirname, 'purchase.yaml'), path.join(sagas, 'purchase.yaml'));
    const env = {
      PORT: port, LOG_LEVEL: 'warn', QUITTANCE_DATA_DIR: path.join(ctx.dir, 'data'), QUITTANCE_SAGAS_DIR: sagas,
      QUITTANCE_PROCESSING_LANES: 'sagas', QUEUE_CONCURRENCY: ctx.concurrency,
      QUITTANCE_SAGAS_PARTICIPANTS: JSON.stringify({ inventory: { url }, payment: { url }, sales: { url } }),
    };
    let pg, r;
    if (shape !== 'sqlite') {
      pg = await postgres(ctx); r = await redis(ctx, 'everysec');
      Object.assign(env, { DATABASE_URL: pg.url('postgres'), REDIS_URL: `redis://127.0.0.1:${r.port}` });
      execFileSync(binary, ['migrate'], { env: { ...process.env, ...env } });
    }
    const launch = role => start(ctx, role, binary, [role], { env, cwd: ctx.dir });
    let server = launch(shape === 'distributed' ? 'api' : 'serve'), worker = shape === 'distributed' ? launch('worker') : undefined;
    const base = `http://127.0.0.1:${port}`, up = async () => (await ctx.http('GET', `${base}/health`)).body.status === 'healthy';
    await ready(up, 'quittance');
    return {
      version: `${version}${pg ? `, PostgreSQL ${pg.version}, Redis ${r.version}` : ''}`,
      durability: pg ? 'creation, each intent, outcome and end: rows in PostgreSQL, fsync and synchronous_commit on, many runs in a transaction'
        : 'creation, each intent, outcome and end: rows in SQLite (WAL, synchronous=FULL), many runs in a transaction',
      submit: async (id, input) => {
        const answer = await ctx.http('POST', `${base}/api/v1/sagas`, { type: 'bench_purchase', data: input },
          { 'Idempotency-Key': id, Prefer: 'wait=30, return=minimal' });
        if (answer.status === 503) throw Object.assign(new Error('away'), { code: 503 });
        if (answer.status === 202) throw Object.assign(new Error('still running'), { code: 202 });
        if (answer.status !== 201) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
        // Refused at its first step that leaves anything: there was nothing to undo.
        return answer.body.saga.status === 'failed' ? 'compensated' : answer.body.saga.status;
      },
      crash: async () => {
        const victim = worker ?? server, gone = new Promise(done => victim.once('exit', done));
        victim.kill('SIGKILL'); await gone;
        if (worker) worker = launch('worker'); else server = launch('serve');
      },
      stop: async () => { await stop(worker); await stop(server); await r?.stop(); await pg?.stop(); },
    };
  },
});
