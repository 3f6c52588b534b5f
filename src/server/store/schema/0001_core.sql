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
    terms TEXT,
    refusal TEXT,
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

CREATE TABLE approvals (
    id TEXT PRIMARY KEY,
    short TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL,
    subject TEXT NOT NULL,
    who TEXT NOT NULL,
    invocation TEXT NOT NULL,
    -- What it rests on: terms and needs as policy gave them. A changed policy asks anew.
    terms TEXT NOT NULL,
    needs TEXT NOT NULL,
    what TEXT NOT NULL,
    policies TEXT NOT NULL,
    command TEXT NOT NULL,
    cwd TEXT NOT NULL,
    operations TEXT NOT NULL,
    previews TEXT NOT NULL,
    asked BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    state TEXT NOT NULL,
    settled BIGINT,
    consumed TEXT
);
CREATE INDEX approvals_by_digest ON approvals (subject, digest, id);
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
