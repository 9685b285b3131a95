// npm's oidc-provider, as an issuer of single sign-on: node issuer.mjs PORT REDIRECT_ADDRESS
//
// Whoever logs in with a name such as "expired" gets an ID token that is wrong in this way, signed
// with the issuer's own key. Everybody else gets the one that oidc-provider has made.
import { SignJWT, UnsecuredJWT, decodeJwt, exportJWK, generateKeyPair, importJWK } from 'jose';
import Provider from 'oidc-provider';

const [port, redirectAddress] = process.argv.slice(2);
const { privateKey } = await generateKeyPair('RS256', { extractable: true });
const jwk = { ...(await exportJWK(privateKey)), kid: 'first', alg: 'RS256', use: 'sig' };

const signed = async (claims) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'first' }).sign(await importJWK(jwk));
const wrong = {
  'other-issuer': (claims) => signed({ ...claims, iss: 'https://login.elsewhere.example' }),
  'other-audience': (claims) => signed({ ...claims, aud: 'another-client' }),
  expired: (claims) => signed({ ...claims, iat: claims.iat - 7200, exp: claims.iat - 3600 }),
  replayed: (claims) => signed({ ...claims, nonce: 'of another log-in' }),
  unsigned: (claims) => new UnsecuredJWT(claims).encode(),
};

const provider = new Provider(`http://localhost:${port}`, {
  clients: [
    { client_id: 'expenses', client_secret: 'secret', redirect_uris: [redirectAddress] },
  ],
  claims: { email: ['email', 'email_verified'], profile: ['name'] },
  cookies: { keys: ['for a test'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      name: id,
      email: `${id}@contoso.example`,
      email_verified: id !== 'unverified',
    }),
  }),
  jwks: { keys: [jwk] },
});
provider.use(async (context, next) => {
  await next();
  const tamper = wrong[context.oidc?.entities.Account?.accountId];
  if (tamper && context.body?.id_token) {
    context.body.id_token = await tamper(decodeJwt(context.body.id_token));
  }
});
provider.listen(port, '127.0.0.1');
