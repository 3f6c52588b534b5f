-- Logins. Tokens, codes and cookies are kept as SHA-256 only (hexadecimal); subjects as JSON.

-- A device that waits for a person (RFC 8628). state: pending, approved, refused, used.
CREATE TABLE device_grants (
    device TEXT PRIMARY KEY,
    user_code TEXT NOT NULL UNIQUE,
    client TEXT NOT NULL,
    address TEXT NOT NULL,
    asked BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    pause BIGINT NOT NULL,
    polled BIGINT NOT NULL,
    state TEXT NOT NULL,
    who TEXT
);
CREATE INDEX device_grants_expires ON device_grants (expires);

-- One login: all tokens that came of it, ended together.
CREATE TABLE logins (
    id TEXT PRIMARY KEY,
    who TEXT NOT NULL,
    client TEXT NOT NULL,
    began BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    revoked BIGINT
);

-- kind: access, refresh. A refresh token is used once; seen again, it ends the login.
CREATE TABLE login_tokens (
    digest TEXT PRIMARY KEY,
    login TEXT NOT NULL,
    kind TEXT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT
);
CREATE INDEX login_tokens_login ON login_tokens (login);
CREATE INDEX login_tokens_expires ON login_tokens (expires);

CREATE TABLE web_sessions (
    cookie TEXT PRIMARY KEY,
    who TEXT NOT NULL,
    expires BIGINT NOT NULL
);

-- A person who was sent to the identity provider and is not back yet. `browser` ties the way back to the way there.
CREATE TABLE sign_ins (
    state TEXT PRIMARY KEY,
    browser TEXT NOT NULL,
    nonce TEXT NOT NULL,
    verifier TEXT NOT NULL,
    next TEXT NOT NULL,
    expires BIGINT NOT NULL
);

-- Counts against guessing, by whom and when (the number of the ten-minute period).
CREATE TABLE attempts (
    who TEXT NOT NULL,
    period BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (who, period)
);
