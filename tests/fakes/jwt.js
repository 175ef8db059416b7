// The two credentials of a GitHub App: the JWT it signs, and the tokens it is given for it.

import crypto from 'node:crypto';

const MAX_LIFE_S = 600;

function decode_part(part)
{
	if (!/^[A-Za-z0-9_-]+$/.test(part))
		return null;
	try {
		const value = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
		return value && typeof value === 'object' ? value : null;
	} catch {
		return null;
	}
}

// Returns { app } or { error }, with GitHub's own words where they are known. `apps` is iterated,
// `now_s` is the time in seconds. The signature is checked with the App's public key.
export function verify_jwt(jwt, apps, now_s)
{
	const undecodable = { error: 'A JSON web token could not be decoded' };
	const parts = jwt.split('.');
	if (parts.length !== 3)
		return undecodable;
	const [header, claims] = [decode_part(parts[0]), decode_part(parts[1])];
	if (!header || !claims || header.alg !== 'RS256')
		return undecodable;
	if (!Number.isInteger(claims.iat) || claims.iat > now_s)
		return { error: "'Issued at' claim ('iat') must be an Integer representing the time that the "
			+ 'assertion was issued' };
	if (!Number.isInteger(claims.exp) || claims.exp <= now_s)
		return { error: "'Expiration time' claim ('exp') must be a numeric value representing the "
			+ 'future time at which the assertion expires' };
	if (claims.exp > now_s + MAX_LIFE_S)
		return { error: "'Expiration time' claim ('exp') is too far in the future" };
	const iss = String(claims.iss);
	const app = [...apps].find(a => String(a.id) === iss || a.client_id === iss);
	if (!app)
		return { error: 'Integration not found', status: 404 };
	const good = crypto.verify('RSA-SHA256', Buffer.from(`${parts[0]}.${parts[1]}`), app.public_key,
		Buffer.from(parts[2], 'base64url'));
	return good ? { app } : undecodable;
}

// Tokens have the form in use since 2026: ghs_APPID_ and three dotted parts, about 520 characters
// of no fixed length.
export function new_token(app_id)
{
	const part = n => crypto.randomBytes(n).toString('base64url');
	return `ghs_${app_id}_${part(27)}.${part(222 + crypto.randomInt(24))}.${part(128)}`;
}
