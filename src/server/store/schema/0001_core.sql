-- One text for SQLite and PostgreSQL: TEXT and BIGINT only; times are microseconds since 1970, flags 0 or 1,
-- digests hexadecimal, structures JSON as text.

CREATE TABLE audit (
    seq BIGINT PRIMARY KEY,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    text TEXT NOT NULL
);

-- The end of the chain. Whoever writes takes this row first, so entries of several servers come one after another.
CREATE TABLE audit_head (
    one BIGINT PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO audit_head (one, seq, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- One call of one tool. Its answer is what POST /v1/invocations said, kept so that the same id gets the same answer.
CREATE TABLE invocations (
    id TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    who TEXT NOT NULL,
    tool TEXT NOT NULL,
    command TEXT NOT NULL,
    digest TEXT NOT NULL,
    began BIGINT NOT NULL,
    parent TEXT,
    decision TEXT NOT NULL,
    approval TEXT,
    reading TEXT NOT NULL,
    drawn BIGINT,
    ended BIGINT,
    exit TEXT,
    duration BIGINT,
    bytes BIGINT,
    masked TEXT,
    recorded BIGINT NOT NULL DEFAULT 0,
    sealed TEXT
);
CREATE INDEX invocations_of ON invocations (subject, id);
CREATE INDEX invocations_approval ON invocations (approval);

-- A question put to humans. `basis` is a digest of the terms and needs that policy gave: once policy gives others,
-- neither an open question nor an unused yes is taken up again.
CREATE TABLE approvals (
    id TEXT PRIMARY KEY,
    short TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    digest TEXT NOT NULL,
    basis TEXT NOT NULL,
    invocation TEXT NOT NULL,
    body TEXT NOT NULL,
    asked BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    state TEXT NOT NULL,
    settled BIGINT,
    consumed TEXT
);
CREATE INDEX approvals_by_digest ON approvals (subject, digest, asked);
CREATE INDEX approvals_by_state ON approvals (state, id);

CREATE TABLE approval_answers (
    approval TEXT NOT NULL,
    subject TEXT NOT NULL,
    who TEXT NOT NULL,
    approved BIGINT NOT NULL,
    reason TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (approval, subject)
);
