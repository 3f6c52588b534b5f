-- Roles that exist, or may exist, in somebody's database: written before the role is, gone after it is. `due`: when it
-- must be gone; a command that ends brings it forward.
CREATE TABLE lent (
    credential TEXT NOT NULL,
    role TEXT NOT NULL,
    invocation TEXT NOT NULL,
    due BIGINT NOT NULL,
    PRIMARY KEY (credential, role)
);
CREATE INDEX lent_invocation ON lent (invocation);
CREATE INDEX lent_due ON lent (due);
