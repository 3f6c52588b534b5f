// A certified OpenID provider (npm oidc-provider) on a free port. Prints its issuer, and ends with its stdin.
//
//   node oidc_provider.mjs FOLDER-OF-NODE_MODULES REDIRECT_URI CLIENT_SECRET
import { createServer } from 'node:http';
import { once } from 'node:events';

const [, , modules, redirectUri, secret] = process.argv;
const { default: Provider } = await import(`${modules}/node_modules/oidc-provider/lib/index.js`);

const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;

// Any name signs in; who is in which group is written here.
const groups = { alice: ['release-managers', 'staff'], robot: ['bots'] };
const provider = new Provider(issuer, {
  clients: [{
    client_id: 'gate',
    client_secret: secret,
    redirect_uris: [redirectUri],
    response_types: ['code'],
    grant_types: ['authorization_code'],
  }],
  pkce: { required: () => true },
  claims: { openid: ['sub'], profile: ['name', 'groups'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, name: `Name of ${id}`, groups: groups[id] ?? [] }),
  }),
  cookies: { keys: ['for tests only'] },
});
server.on('request', provider.callback());
console.log(issuer);
process.stdin.on('end', () => process.exit(0)).resume();
